using MongoDB.Bson;
using Realms.Exceptions;

namespace Realms.Tests;

/// <summary>Decimals without a realm.</summary>
public class Decimal128Tests
{
    [Test]
    public void TextsComeBackAsTheyWere()
    {
        foreach (var text in new[]
        {
            "0", "-0", "1", "-12.50", "0.001", "1.5E+20", "1E-7", "9.999999999999999999999999999999999E+6144",
            "1E-6176", "Infinity", "-Infinity", "NaN", "1234567890123456789012345678901234", "0E+3",
        })
        {
            Check.Equal(text, Decimal128.Parse(text).ToString(), text);
        }

        foreach (var text in new[] { "", "x", "1.2.3", "--1", "1E", "12345678901234567890123456789012345", "1E+6145", "1E-6177" })
        {
            Check.Throws<FormatException>(() => Decimal128.Parse(text), text);
        }
    }

    [Test]
    public void EqualNumbersAreEqualWhateverTheirZeros()
    {
        var (one, other) = (Decimal128.Parse("1.10"), Decimal128.Parse("1.1"));
        Check.True(one == other && one.GetHashCode() == other.GetHashCode() && one.ToString() != other.ToString(), "1.10 and 1.1");
        Check.True(Decimal128.Parse("-2") < Decimal128.Parse("-1.9") && Decimal128.MaxValue < Decimal128.PositiveInfinity, "order");
        Check.True(Decimal128.IsNaN(Decimal128.QNaN) && Decimal128.Parse("0E+5") == Decimal128.Zero, "special");
    }

    [Test]
    public void DecimalsConvertExactly()
    {
        foreach (var value in new[] { 0m, 1.10m, -0.0000000000000000000000000001m, decimal.MaxValue, decimal.MinValue })
        {
            Check.Equal(value, (decimal)new Decimal128(value));
            Check.Equal(value.ToString(System.Globalization.CultureInfo.InvariantCulture), ((decimal)(Decimal128)value).ToString(System.Globalization.CultureInfo.InvariantCulture));
        }

        Check.Throws<OverflowException>(() => _ = (decimal)Decimal128.MaxValue);
        Check.Equal(0.1, (double)Decimal128.Parse("0.1"));
        Check.Equal(-7L, (long)Decimal128.Parse("-7.9"));
    }
}

/// <summary>Properties of the types beyond the plain ones, in both model styles.</summary>
[Native]
public class TypeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("atoll-types-").FullName;

    private RealmConfiguration Config => new(Path.Combine(_folder, "a.realm"))
    {
        Schema = new[] { typeof(Rich), typeof(RichPartial), typeof(Address) },
    };

    public void Dispose() => Directory.Delete(_folder, true);

    [Test]
    public void FloatsAndDecimalsComeBack()
    {
        using (var realm = Realm.GetInstance(Config))
        {
            realm.Write(() => realm.Add(new Rich
            {
                Id = 1, Ratio = 0.1f, MaybePrice = 12.50m, Exact = Decimal128.Parse("1E+30"), Ratios = { 1.5f, -2f }, Prices = { 0.10m, null },
            }));
        }

        using var again = Realm.GetInstance(Config);
        var found = again.Find<Rich>(1)!;
        Check.Equal(0.1f, found.Ratio);
        Check.Equal(null, found.MaybeRatio);
        Check.Equal(1.10m, found.Price);
        Check.Equal("12.50", found.MaybePrice!.Value.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Check.Equal("1E+30", found.Exact.ToString());
        Check.Equal(null, found.MaybeExact);
        Check.Sequence([1.5f, -2f], found.Ratios);
        Check.Sequence([0.10m, null], found.Prices);
        again.Write(() =>
        {
            found.MaybeRatio = float.MaxValue;
            found.MaybePrice = null;
            found.MaybeExact = 7;
        });
        Check.Equal(float.MaxValue, found.MaybeRatio);
        Check.Equal(null, found.MaybePrice);
        Check.Equal((Decimal128)7, found.MaybeExact);
        Check.Equal(1, again.All<Rich>().Where(item => item.Ratio == 0.1f && item.Price < 1.2m && item.Exact > 5).Count());
        Check.Equal(0, again.All<Rich>().Where(item => item.Price != 1.1m).Count());
    }

    [Test]
    public void ValuesOfAnyTypeAreWhatTheyWereSetTo()
    {
        using var realm = Realm.GetInstance(Config);
        var (one, other) = realm.Write(() => (realm.Add(new Rich { Id = 1 }), realm.Add(new Rich { Id = 2 })));
        Check.Equal(RealmValue.Null, one.Any);
        Check.Equal("preset", one.Preset.AsString());
        RealmValue[] values =
        [
            1, true, "text", 0.5f, 2.5, 1.10m, Guid.NewGuid(), ObjectId.GenerateNewId(), DateTimeOffset.UnixEpoch, new byte[] { 1, 2 }, other, RealmValue.Null,
        ];
        foreach (var value in values)
        {
            realm.Write(() => one.Any = value);
            Check.Equal(value.Type, one.Any.Type);
            Check.Equal(value, one.Any);
        }

        realm.Write(() => one.Any = new Rich { Id = 3 });
        Check.Equal(3, one.Any.AsRealmObject<Rich>().Id);
        Check.Equal(3, realm.All<Rich>().Count(), "an object in a value is stored with it");
        Check.Throws<NotSupportedException>(() => realm.Write(() => one.Any = new Address()), "embedded");
        realm.Write(() => realm.Remove(realm.Find<Rich>(3)!));
        Check.Equal(RealmValue.Null, one.Any, "its target is gone");
    }

    [Test]
    public void ListsAndDictionariesNestInValues()
    {
        using (var realm = Realm.GetInstance(Config))
        {
            realm.Write(() => realm.Add(new Rich
            {
                Id = 1,
                Any = new RealmValue[] { 7, new Dictionary<string, RealmValue> { ["names"] = new List<RealmValue> { "x", RealmValue.Null } } },
                Anys = { 1, new List<RealmValue> { 2, 3 } },
                Extras = { ["deep"] = new Dictionary<string, RealmValue> { ["n"] = 1.5m }, ["flat"] = true },
            }));
        }

        using var again = Realm.GetInstance(Config);
        var found = again.Find<Rich>(1)!;
        var list = found.Any.AsList();
        Check.Equal(7, list[0].AsInt32());
        Check.Sequence<RealmValue>(["x", RealmValue.Null], list[1].AsDictionary()["names"].AsList());
        Check.Sequence<RealmValue>([2, 3], found.Anys[1].AsList());
        Check.Equal(1.5m, found.Extras["deep"].AsDictionary()["n"].AsDecimal());
        again.Write(() =>
        {
            list.Add("new");
            list[1].AsDictionary()["names"].AsList().RemoveAt(1);
            list[0] = RealmValue.List([4]);
        });
        Check.Equal("new", found.Any.AsList()[2].AsString());
        Check.Sequence<RealmValue>(["x"], found.Any.AsList()[1].AsDictionary()["names"].AsList());
        Check.Equal(4, found.Any.AsList()[0].AsList()[0].AsInt32());
        again.Write(() => found.Any = 1);
        Check.Equal(1, found.Any.AsInt32());
    }

    [Test]
    public void CountersAreChangedByAdding()
    {
        using var realm = Realm.GetInstance(Config);
        var free = new Rich { Id = 1, Hits = 5 };
        free.Hits++;
        Check.Equal(6, (int)free.Hits);
        Check.Throws<NotSupportedException>(() => free.Hits.Increment(), "add the object first");
        realm.Write(() =>
        {
            realm.Add(free);
            Check.Equal(16, (int)free.Hits.Increment(10));
            free.Hits.Decrement();
            free.Hits++;
            free.Hits++;
            Check.Equal(17, (int)free.Hits);
            free.Hits = 40;
        });
        Check.Equal(40, (int)free.Hits);
        Check.Equal(null, free.MaybeHits);
        realm.Write(() => free.MaybeHits = 1);
        realm.Write(() => free.MaybeHits!.Value.Increment(2));
        Check.True(free.MaybeHits == 3 && free.MaybeHits > 2, $"{free.MaybeHits}");
        Check.Equal(1, realm.All<Rich>().Where(item => item.Hits == 40).Count());
        Check.Throws<RealmInvalidTransactionException>(() => free.Hits.Increment());
    }

    [Test]
    public void SetsHoldEachValueOnce()
    {
        using var realm = Realm.GetInstance(Config);
        var free = new Rich { Id = 1, Tags = { "b", "a", "a" }, Blobs = { new byte[] { 1 }, new byte[] { 1 } } };
        Check.Equal(1, free.Blobs.Count, "bytes are compared by what they hold");
        realm.Write(() =>
        {
            realm.Add(free);
            free.Friends.Add(new Rich { Id = 2 });
            free.Friends.Add(free);
        });
        Check.Sequence(["a", "b"], free.Tags);
        Check.True(free.Tags.Contains("a") && !free.Tags.Contains("c") && !free.Friends.Contains(new Rich()), "Contains");
        Check.True(free.Blobs.Contains([1]) && free.Friends.Contains(free), "Contains bytes and objects");
        realm.Write(() =>
        {
            Check.True(free.Tags.Add("c") && !free.Tags.Add("c") && free.Tags.Remove("a") && !free.Tags.Remove("a"), "Add, Remove");
            free.Codes.UnionWith([3, 1, 2, 3]);
            free.Codes.ExceptWith([1]);
            free.Codes.SymmetricExceptWith([2, 9]);
        });
        Check.Sequence(["b", "c"], free.Tags);
        Check.True(free.Codes.SetEquals([3, 9]) && free.Codes.IsSubsetOf([3, 9, 10]) && free.Codes.Overlaps([9]), "algebra");
        realm.Write(() => free.Codes.IntersectWith([9]));
        Check.Sequence([9], free.Codes);
        var other = realm.Find<Rich>(2)!;
        Check.Equal(1, other.InFriendsOf.Count());
        realm.Write(() => realm.Remove(other));
        Check.Equal(1, free.Friends.Count, "what is deleted leaves the set");
        realm.Write(() => free.Tags.Clear());
        Check.Equal(0, free.Tags.Count);
    }

    [Test]
    public void DictionariesMapKeysToValues()
    {
        using var realm = Realm.GetInstance(Config);
        var item = realm.Write(() => realm.Add(new Rich
        {
            Id = 1, Scores = { ["b"] = 2, ["a"] = 1 }, Costs = { ["x"] = 0.10m }, Roles = { ["boss"] = new Rich { Id = 2 }, ["none"] = null },
            Places = { ["home"] = new Address(), ["away"] = null },
        }));
        Check.Sequence(["a", "b"], item.Scores.Keys);
        Check.Sequence([1, 2], item.Scores.Values);
        Check.Equal(0.10m, item.Costs["x"]);
        Check.Equal(2, item.Roles["boss"]!.Id);
        Check.True(item.Roles["none"] is null && item.Places["home"] is not null && item.Places["away"] is null, "null values");
        Check.True(item.Scores.TryGetValue("a", out var one) && one == 1 && !item.Scores.TryGetValue("z", out _), "TryGetValue");
        Check.Throws<KeyNotFoundException>(() => _ = item.Scores["z"]);
        realm.Write(() =>
        {
            item.Scores["a"] = 10;
            item.Scores.Add("c", 3);
            Check.Throws<ArgumentException>(() => item.Scores.Add("c", 4), "already");
            Check.Throws<NotSupportedException>(() => item.Scores["a.b"] = 1);
            Check.Throws<NotSupportedException>(() => item.Scores["$a"] = 1);
            Check.True(item.Scores.Remove("b") && !item.Scores.Remove("b"), "Remove");
        });
        Check.True(item.Scores.Contains(new("a", 10)) && !item.Scores.Contains(new("a", 1)) && item.Scores.ContainsKey("c"), "Contains");
        Check.Sequence(["a=10", "c=3"], item.Scores.Select(pair => $"{pair.Key}={pair.Value}"));
        realm.Write(() => realm.Remove(item.Roles["boss"]!));
        Check.True(item.Roles.ContainsKey("boss") && item.Roles["boss"] is null, "a link to a deleted object reads null");
        realm.Write(() => item.Scores.Clear());
        Check.Equal(0, item.Scores.Count);
    }

    [Test]
    public void BacklinksFollowLinksBackwards()
    {
        using var realm = Realm.GetInstance(Config);
        var target = new Rich { Id = 1 };
        Check.Throws<NotSupportedException>(() => _ = target.FriendOf);
        realm.Write(() =>
        {
            realm.Add(target);
            realm.Add(new Rich { Id = 2, Friend = target });
            realm.Add(new Rich { Id = 3, Friend = target, Friends = { target } });
        });
        Check.Sequence([2, 3], target.FriendOf.ToArray().Select(item => item.Id));
        Check.Sequence([3], target.FriendOf.Where(item => item.Id > 2).ToArray().Select(item => item.Id));
        Check.Equal(3, target.BacklinksCount);
        Check.Equal(2, target.DynamicApi.GetBacklinks("FriendOf").Count());
        Check.Equal(1, target.DynamicApi.GetBacklinksFromType("Rich", "Friends").Count());
        realm.Write(() => realm.Find<Rich>(2)!.Friend = null);
        Check.Sequence([3], target.FriendOf.ToArray().Select(item => item.Id));
    }

    [Test]
    public void KeyPathsLeadAlongBacklinks()
    {
        using var realm = Realm.GetInstance(Config);
        var target = realm.Write(() => realm.Add(new Rich { Id = 1 }));
        var other = realm.Write(() => realm.Add(new Rich { Id = 2, Friend = target }));
        var told = 0;
        using var token = realm.All<Rich>().Where(item => item.Id == 1).SubscribeForNotifications(
            (_, changes) => told += changes is null ? 0 : 1, new[] { "FriendOf.Ratio" });
        realm.Refresh();
        void Expect(int times, Action write)
        {
            told = 0;
            realm.Write(write);
            realm.Refresh();
            Check.Equal(times, told);
        }

        Expect(1, () => other.Ratio = 9);
        Expect(0, () => other.Price = 9);
        Expect(0, () => target.Ratio = 9);
        Expect(1, () => other.Friend = null);
        Expect(0, () => other.Ratio = 8);
    }

    [Test]
    public void ModelsInInterfaceStyleHaveTheSameTypes()
    {
        using var realm = Realm.GetInstance(Config);
        var free = RichPartial.New(1);
        free.Tags.Add(null);
        free.Names["a"] = null;
        free.Hits++;
        Check.Equal(0, free.ManagedSeen);
        realm.Write(() =>
        {
            realm.Add(free);
            free.Ratio = 2;
            free.Price = 3;
            free.Any = free;
            var owned = realm.Add(RichPartial.New(2));
            owned.Owner = free;
            owned.Roles["boss"] = free;
        });
        Check.Equal(1, free.ManagedSeen, "OnManaged");
        Check.Equal((short)4, (short)free.Hits);
        Check.Equal("1.50", free.Exact.ToString());
        Check.Sequence([null], free.Tags);
        Check.True(free.Names["a"] is null && free.Any.AsRealmObject<RichPartial>().Equals(free) && free.Ratio == 2 && free.Price == 3, "values");
        Check.Equal(2, free.Owned.Single().Id);
        Check.Equal(2, free.RoleIn.Single().Id);
        Check.Equal(3, free.BacklinksCount, "two links of the other object, one of its own");
        Check.Equal(1, realm.Find<RichPartial>(1)!.ManagedSeen, "OnManaged of what is found");
    }

    [Test]
    public void SetsAndDictionariesFreezeAndCrossThreads()
    {
        using var realm = Realm.GetInstance(Config);
        var item = realm.Write(() => realm.Add(new Rich { Id = 1, Tags = { "a" }, Scores = { ["a"] = 1 } }));
        var (tags, scores) = (item.Tags.Freeze(), item.Scores.Freeze());
        var (tagsReference, scoresReference) = (ThreadSafeReference.Create(item.Tags), ThreadSafeReference.Create(item.Scores));
        realm.Write(() =>
        {
            item.Tags.Add("b");
            item.Scores["a"] = 2;
        });
        var worker = Task.Run(() =>
        {
            using var own = Realm.GetInstance(Config);
            Check.Sequence(["a", "b"], own.ResolveReference(tagsReference)!);
            Check.Equal(2, own.ResolveReference(scoresReference)!["a"]);
            Check.Sequence(["a"], tags);
            Check.Equal(1, scores["a"]);
        });
        worker.GetAwaiter().GetResult();
        Check.Throws<ArgumentException>(() => new HashSet<int>().Freeze());
        Check.Throws<ArgumentException>(() => ThreadSafeReference.Create((IDictionary<string, int>)new Dictionary<string, int>()));
    }

    [Test]
    public void CollectionsOfObjectsAreQueries()
    {
        using var realm = Realm.GetInstance(Config);
        var item = realm.Write(() => realm.Add(new Rich
        {
            Id = 1, Friends = { new Rich { Id = 2 }, new Rich { Id = 3 } }, Roles = { ["a"] = new Rich { Id = 4 }, ["b"] = new Rich { Id = 5 } },
        }));
        Check.Sequence([3], item.Friends.Filter("_id > $0", 2).ToArray().Select(friend => friend.Id));
        Check.Sequence([4], item.Roles.Filter("_id < 5").ToArray().Select(role => role.Id));
        Check.Equal(1, item.Friends.AsRealmQueryable().Where(friend => friend.Id == 2).Count());
        Check.Throws<ArgumentException>(() => new HashSet<Rich>().AsRealmQueryable());
    }

    [Test]
    public void SetsAndDictionariesTellTheirChanges()
    {
        using var realm = Realm.GetInstance(Config);
        var item = realm.Write(() => realm.Add(new Rich { Id = 1, Tags = { "b" }, Scores = { ["a"] = 1, ["b"] = 2 } }));
        var sets = new List<string>();
        var keys = new List<string>();
        using var one = item.Tags.SubscribeForNotifications((_, changes) => sets.Add(
            changes is null ? "first" : $"+{string.Join(',', changes.InsertedIndices)} -{string.Join(',', changes.DeletedIndices)}"));
        using var two = item.Scores.SubscribeForKeyNotifications((_, changes) => keys.Add(
            changes is null ? "first" : $"+{string.Join(',', changes.InsertedKeys)} -{string.Join(',', changes.DeletedKeys)} *{string.Join(',', changes.ModifiedKeys)}"));
        realm.Refresh();
        realm.Write(() =>
        {
            item.Tags.Add("a");
            item.Scores.Remove("a");
            item.Scores["b"] = 3;
            item.Scores["c"] = 4;
        });
        realm.Refresh();
        Check.Sequence(["first", "+0 -"], sets);
        Check.Sequence(["first", "+c -a *b"], keys);
    }
}
