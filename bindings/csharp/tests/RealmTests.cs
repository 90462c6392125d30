using MongoDB.Bson;
using Realms.Exceptions;

namespace Realms.Tests;

/// <summary>A realm of its own in a fresh folder.</summary>
internal sealed class TempRealm : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("atoll-csharp-").FullName;

    public TempRealm(params Type[] types)
    {
        Config = new RealmConfiguration(Path.Combine(_folder, "test.realm"));
        if (types.Length > 0)
        {
            Config.Schema = types;
        }

        Realm = Realm.GetInstance(Config);
    }

    public RealmConfiguration Config { get; }

    public Realm Realm { get; private set; }

    public void Reopen()
    {
        Realm.Dispose();
        Realm = Realm.GetInstance(Config);
    }

    public void Dispose()
    {
        Realm.Dispose();
        Directory.Delete(_folder, true);
    }
}

[Native]
internal sealed class RealmTests : IDisposable
{
    private readonly TempRealm _temp = new();

    private Realm Realm => _temp.Realm;

    public void Dispose() => _temp.Dispose();

    [Test]
    public void ObjectsAreAddedFoundChangedAndRemoved()
    {
        var person = new Person { Name = "Ada", Age = 36 };
        var id = person.Id;
        var added = Realm.Write(() => Realm.Add(person));
        Check.True(ReferenceEquals(person, added) && person.IsManaged && person.IsValid, "the same object is stored now");
        Check.Equal(1, person.ManagedCalls);
        Check.Equal("Ada", person.Name);
        Check.Equal(1.5, person.Score, "initialiser");
        Check.Equal(id, person.Id, "key");

        _temp.Reopen();
        Check.True(!person.IsValid, "objects of a closed realm are not valid");
        var found = Realm.Find<Person>(id)!;
        Check.Equal("Ada", found.Name);
        Check.Equal(36, found.Age);
        Realm.Write(() => found.Age = 37);
        Check.Equal(37, Realm.Find<Person>(id)!.Age);
        Check.True(found.Equals(Realm.Find<Person>(id)) && found.GetHashCode() == Realm.Find<Person>(id)!.GetHashCode(), "equal");
        Realm.Write(() => Realm.Remove(found));
        Check.True(!found.IsValid, "removed");
        Check.Throws<RealmInvalidObjectException>(() => _ = found.Age);
        Check.True(Realm.Find<Person>(id) is null, "not found any more");
    }

    [Test]
    public void AColumnIsWhatTheObjectsSay()
    {
        var realm = Realm;
        realm.Write(() =>
        {
            for (var i = 0; i < 3000; i++)
            {
                realm.Add(new Everything
                {
                    Int = i, Long = i * 5_000_000_000L, Short = (short)-i, Byte = (byte)i, Char = (char)('a' + (i % 20)), Bool = i % 3 == 0, Double = i / 8.0,
                    Text = i % 4 == 0 ? null : $"text {i}", RequiredText = "", Data = [1], Guid = new Guid(i, 1, 2, new byte[8]),
                    Date = DateTimeOffset.UnixEpoch.AddTicks(i * 123_456_789L - 987_654_321_000L), OtherId = new ObjectId($"{i:x24}"),
                    MaybeInt = i % 5 == 0 ? null : i, MaybeDouble = i % 7 == 0 ? null : i, MaybeGuid = i % 2 == 0 ? null : Guid.Empty,
                    MaybeDate = i % 6 == 0 ? null : DateTimeOffset.UnixEpoch.AddDays(i),
                });
            }
        });
        var all = realm.All<Everything>().Where(item => item.Int > 10).OrderByDescending(item => item.Int);
        void Same<T>(System.Linq.Expressions.Expression<Func<Everything, T>> property)
        {
            var read = property.Compile();
            Check.Sequence(all.ToArray().Select(item => read(item)), all.ToColumn(property));
        }

        Same(item => item.Int);
        Same(item => item.Long);
        Same(item => item.Short);
        Same(item => item.Byte);
        Same(item => item.Char);
        Same(item => item.Bool);
        Same(item => item.Double);
        Same(item => item.Text);
        Same(item => item.Date);
        Same(item => item.Guid);
        Same(item => item.OtherId);
        Same(item => item.MaybeInt);
        Same(item => item.MaybeDouble);
        Same(item => item.MaybeGuid);
        Same(item => item.MaybeDate);
        Same(item => (double)item.Int);
        Same(item => item.Text == null ? 0 : item.Text.Length);
        Check.Equal(0, realm.All<Everything>().Where(item => item.Int < 0).ToColumn(item => item.Long).Length);
    }

    [Test]
    public void EveryTypeKeepsItsValue()
    {
        var other = new Everything { Int = 2 };
        var source = new Everything
        {
            Bool = true, Byte = 200, Short = -3, Int = 4, Long = long.MinValue, Char = 'ö', Double = -0.5,
            Text = "palm 🌴\0end", RequiredText = "", Data = [0, 1, 255], Date = DateTimeOffset.Parse("1969-12-31T23:59:59.1234567Z", null),
            Guid = Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"), OtherId = new ObjectId("5f63e882536de46d71877979"),
            MaybeBool = false, MaybeInt = 0, MaybeDouble = double.NaN, MaybeDate = DateTimeOffset.MinValue, MaybeGuid = Guid.Empty,
            MaybeId = ObjectId.Empty, Next = other, Address = new Address { Street = "Main", Number = 5 },
        };
        source.Numbers.Add(1);
        source.Numbers.Add(2);
        source.Texts.Add("one");
        source.Friends.Add(other);
        source.Addresses.Add(new Address { Number = 1 });
        var id = source.Id;
        Realm.Write(() => Realm.Add(source));
        _temp.Reopen();
        var read = Realm.Find<Everything>(id)!;
        Check.True(read.Bool && read.Byte == 200 && read.Short == -3 && read.Int == 4 && read.Long == long.MinValue, "integers");
        Check.Equal('ö', read.Char);
        Check.Equal(-0.5, read.Double);
        Check.Equal("palm 🌴\0end", read.Text);
        Check.Equal("", read.RequiredText);
        Check.Sequence([0, 1, 255], read.Data!.Select(item => (int)item));
        Check.Equal(DateTimeOffset.Parse("1969-12-31T23:59:59.1234567Z", null), read.Date);
        Check.Equal(Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"), read.Guid);
        Check.Equal(new ObjectId("5f63e882536de46d71877979"), read.OtherId);
        Check.True(read.MaybeBool == false && read.MaybeInt == 0 && double.IsNaN(read.MaybeDouble!.Value), "optional values");
        Check.True(read.MaybeDate == DateTimeOffset.MinValue && read.MaybeGuid == Guid.Empty && read.MaybeId == ObjectId.Empty, "optional ids");
        Check.Equal(2, read.Next!.Int);
        Check.Equal("Main", read.Address!.Street);
        Check.Equal(read, (Everything)read.Address.Parent!);
        Check.Sequence([1, 2], read.Numbers);
        Check.Sequence(["one"], read.Texts);
        Check.Equal(read.Next, read.Friends[0]);
        Check.Equal(1, read.Addresses[0].Number);
        Realm.Write(() =>
        {
            read.MaybeBool = null;
            read.MaybeInt = null;
            read.MaybeDouble = null;
            read.MaybeDate = null;
            read.MaybeGuid = null;
            read.MaybeId = null;
            read.Text = null;
            read.Data = null;
            read.Next = null;
            read.Address = null;
        });
        Check.True(
            read is { MaybeBool: null, MaybeInt: null, MaybeDouble: null, MaybeDate: null, MaybeGuid: null, MaybeId: null, Text: null,
                Data: null, Next: null, Address: null },
            "all null");
        Check.Throws<ArgumentException>(() => Realm.Write(() => read.RequiredText = null!));
    }

    [Test]
    public void UntouchedValuesOfANewObjectHaveTheirDefaults()
    {
        var everything = Realm.Write(() => Realm.Add(new Everything()));
        Check.True(everything is { Bool: false, Byte: 0, Int: 7, Long: 0, Double: 0, Text: null, RequiredText: "", MaybeInt: null }, "defaults");
        Check.Equal(default, everything.Date);
        Check.Equal(Guid.Empty, everything.Guid);
        Check.Equal(ObjectId.Empty, everything.OtherId);
        Check.Equal(0, everything.Numbers.Count);
    }

    [Test]
    public void DuplicateKeysFailAndUpdatesReplace()
    {
        var first = Realm.Write(() => Realm.Add(new Everything { Int = 1, Text = "a" }));
        Check.Throws<RealmDuplicatePrimaryKeyValueException>(() => Realm.Write(() => Realm.Add(new Everything { Id = first.Id })));
        Realm.Write(() => Realm.Add(new Everything { Id = first.Id, Int = 2 }, update: true));
        Check.Equal(2, first.Int);
        Check.True(first.Text is null, "an update writes nulls");
        Check.Equal(1, Realm.All<Everything>().Count());
        Check.Throws<InvalidOperationException>(() => Realm.Write(() => first.Id = ObjectId.GenerateNewId()));
    }

    [Test]
    public void TransactionsAreAllOrNothing()
    {
        Check.Throws<RealmInvalidTransactionException>(() => Realm.Add(new Person()));
        Check.Throws<FormatException>(() => Realm.Write(() =>
        {
            Realm.Add(new Person());
            throw new FormatException("stop");
        }));
        Check.Equal(0, Realm.All<Person>().Count());
        Check.Throws<RealmInvalidTransactionException>(() => Realm.Write(() => Realm.Write(() => { })));
        Check.True(!Realm.IsInTransaction, "no transaction is left");
        using (var transaction = Realm.BeginWrite())
        {
            Realm.Add(new Person());
            Check.Equal(1, Realm.All<Person>().Count());
            transaction.Rollback();
            Check.Equal(TransactionState.RolledBack, transaction.State);
            Check.Throws<InvalidOperationException>(transaction.Commit);
        }

        Check.Equal(0, Realm.All<Person>().Count());
        using (var transaction = Realm.BeginWrite())
        {
            Realm.Add([new Person(), new Person()]);
            transaction.Commit();
        }

        Check.Equal(2, Realm.All<Person>().Count());
        Realm.Write(() => Realm.RemoveAll<Person>());
        Check.Equal(0, Realm.All<Person>().Count());
        Realm.WriteAsync(() => Realm.Add(new Note { Text = "x" })).GetAwaiter().GetResult();
        Realm.Write(Realm.RemoveAll);
        Check.Equal(0, Realm.All<Note>().Count());
    }

    [Test]
    public void QueriesFindAndSort()
    {
        Realm.Write(() =>
        {
            foreach (var (name, age) in new[] { ("Ada", 36), ("Bob", 17), ("Cy", 50), ("adam", 20) })
            {
                Realm.Add(new Person { Name = name, Age = age, IsMember = age > 18, Nickname = age > 18 ? null : "kid" });
            }
        });
        var people = Realm.All<Person>();
        Check.Sequence(["Ada", "Cy"], people.Where(p => p.Age > 20).OrderBy(p => p.Name).AsEnumerable().Select(p => p.Name));
        Check.Equal(2, people.Count(p => p.Name.StartsWith("ad", StringComparison.OrdinalIgnoreCase)));
        Check.Equal("Cy", people.OrderByDescending(p => p.Age).First().Name);
        Check.Equal("Bob", people.Single(p => !p.IsMember).Name);
        Check.Equal("Bob", people.First(p => p.Nickname != null).Name);
        Check.True(people.FirstOrDefault(p => p.Age > 100) is null, "none");
        Check.True(people.Any(p => p.Name == "Cy") && !people.Any(p => p.Name == "Di"), "any");
        Check.Sequence(["adam", "Ada"], people.Filter("age > $0 AND age < $1".Replace("age", "Age"), 18, 40).OrderBy(p => p.Age)
            .AsEnumerable().Select(p => p.Name));
        Check.Equal(3, people.Where(p => p.Age > 18).Where(p => p.IsMember).Count());
        Check.Equal("Cy", people.OrderBy(p => p.Age).ElementAt(3).Name);
        Check.Equal(4, people.ToArray().Length);
        Check.Throws<ArgumentException>(() => people.Filter("Age >"));
        Check.Throws<InvalidOperationException>(() => people.First(p => p.Age > 100));
        var live = people.Where(p => p.Age > 18);
        Realm.Write(() => Realm.RemoveRange(people.Where(p => p.Name == "Cy")));
        Check.Equal(2, live.Count());
        Realm.Write(() =>
        {
            foreach (var person in live)
            {
                Realm.Remove(person);
            }
        });
        Check.Equal(1, people.Count());
    }

    [Test]
    public void ListsChangeInPlace()
    {
        var person = Realm.Write(() => Realm.Add(new Person()));
        Realm.Write(() =>
        {
            person.Tags.Add("a");
            person.Tags.Add("c");
            person.Tags.Insert(1, "b");
            person.Tags[0] = "A";
            person.Tags.Move(2, 0);
            person.Friends.Add(new Person { Name = "new" });
        });
        Check.Sequence(["c", "A", "b"], person.Tags);
        Check.Equal(1, person.Tags.IndexOf("A"));
        Check.True(person.Friends[0].IsManaged && person.Friends[0].Name == "new", "unmanaged friends are added");
        Realm.Write(() =>
        {
            person.Tags.Remove("A");
            person.Tags.RemoveAt(0);
        });
        Check.Sequence(["b"], person.Tags);
        Realm.Write(person.Tags.Clear);
        Check.Equal(0, person.Tags.Count);
        Check.Throws<ArgumentOutOfRangeException>(() => _ = person.Tags[0]);
        Check.Throws<RealmInvalidTransactionException>(() => person.Tags.Add("x"));
    }

    [Test]
    public void WhatACallbackThrowsIsTold()
    {
        var told = new List<Exception>();
        var calls = 0;
        Realm.Error += (_, e) => told.Add(e.Exception);
        using var failing = Realm.All<Person>().SubscribeForNotifications((_, _) => throw new FormatException("no"));
        using var other = Realm.All<Person>().SubscribeForNotifications((_, _) => calls++);
        Realm.Refresh();
        Realm.Write(() => Realm.Add(new Person { Age = 2 }));
        Check.Equal(2, told.Count);
        Check.True(told.All(error => error is FormatException { Message: "no" }), "the exception itself");
        Check.Equal(2, calls, "the others are called");
    }

    [Test]
    public void NotificationsComeAtRefreshAndWrite()
    {
        var seen = new List<string>();
        var names = new List<string>();
        var changed = 0;
        Realm.RealmChanged += (_, _) => changed++;
        var token = Realm.All<Person>().OrderBy(p => p.Age).SubscribeForNotifications((people, changes) => seen.Add(changes is null
            ? $"first {people.Count}"
            : $"+{string.Join(',', changes.InsertedIndices)} -{string.Join(',', changes.DeletedIndices)} *{string.Join(',', changes.ModifiedIndices)}"));
        Realm.Refresh();
        Check.Sequence(["first 0"], seen);
        var person = Realm.Write(() => Realm.Add(new Person { Age = 2 }));
        person.PropertyChanged += (_, e) => names.Add(e.PropertyName!);
        Realm.Write(() => person.Name = "x");
        Realm.Write(() => Realm.Add(new Person { Age = 1 }));
        Realm.Refresh();
        Check.Sequence(["first 0", "+0 - *", "+ - *0", "+0 - *"], seen);
        Check.Sequence(["Name"], names);
        Check.Equal(3, changed);
        token.Dispose();
        Realm.Write(() => Realm.Remove(person));
        Realm.Refresh();
        Check.Equal(4, seen.Count);
        Check.Sequence(["Name", "IsValid"], names);
    }

    [Test]
    public void ListNotificationsCarryIndices()
    {
        var person = Realm.Write(() => Realm.Add(new Person()));
        var seen = new List<string>();
        using var token = person.Tags.SubscribeForNotifications((list, changes) => seen.Add(changes is null
            ? $"first {list.Count}" : $"+{string.Join(',', changes.InsertedIndices)} -{string.Join(',', changes.DeletedIndices)}"));
        Realm.Write(() => person.Tags.Add("a"));
        Realm.Write(() => person.Tags.Insert(0, "b"));
        Realm.Write(() => person.Tags.RemoveAt(1));
        Realm.Refresh();
        Check.Sequence(["first 0", "+0 -", "+0 -", "+ -1"], seen.ToArray().Select(text => text.Replace("first 1", "first 0")));
    }

    [Test]
    public void AnotherThreadsWritesShowAfterRefresh()
    {
        var people = Realm.All<Person>();
        Check.Equal(0, people.Count());
        var thread = new Thread(() =>
        {
            using var other = Realm.GetInstance(_temp.Config);
            other.Write(() => other.Add(new Person()));
        });
        thread.Start();
        thread.Join();
        Check.True(Realm.Refresh(), "there is a newer version");
        Check.Equal(1, people.Count());
        Exception? wrong = null;
        thread = new Thread(() =>
        {
            try
            {
                _ = people.Count();
            }
            catch (RealmException error)
            {
                wrong = error;
            }
        });
        thread.Start();
        thread.Join();
        Check.True(wrong is not null, "a realm cannot be used by another thread");
    }

    [Test]
    public void ASynchronizationContextDeliversByItself()
    {
        var context = new PumpContext();
        var seen = new List<string>();
        context.Run(() =>
        {
            var realm = Realm.GetInstance(_temp.Config);
            var token = realm.All<Person>().SubscribeForNotifications((people, changes) =>
            {
                seen.Add(changes is null ? "first" : $"+{changes.InsertedIndices.Length}");
                if (changes is not null)
                {
                    realm.Dispose();
                    context.Stop();
                }
            });
            GC.KeepAlive(token);
            new Thread(() =>
            {
                using var other = Realm.GetInstance(_temp.Config);
                other.Write(() => other.Add(new Person()));
            }).Start();
        });
        Check.Sequence(["first", "+1"], seen);
    }

    [Test]
    public void AnAsynchronousOpeningMigratesOnAnotherThread()
    {
        var place = _temp.Config.DatabasePath + ".pets";
        Realm.GetInstance(new RealmConfiguration(place) { Schema = new[] { typeof(PetV1) } }).Dispose();
        var migrated = 0;
        var config = new RealmConfiguration(place)
        {
            Schema = new[] { typeof(PetV2) },
            SchemaVersion = 1,
            MigrationCallback = (_, _) => migrated = Environment.CurrentManagedThreadId,
        };
        var opened = -1;
        var context = new PumpContext();
        context.Run(async () =>
        {
            try
            {
                using var realm = await Realm.GetInstanceAsync(config);
                opened = realm.All<PetV2>().Count();
            }
            finally
            {
                context.Stop();
            }
        });
        Check.Equal(0, opened);
        Check.True(migrated != 0 && migrated != Environment.CurrentManagedThreadId, "the migration ran elsewhere");
    }

    [Test]
    public void RealmsOfOneThreadAndPathShareTheirTransaction()
    {
        using var second = Realm.GetInstance(_temp.Config);
        Check.True(second.IsSameInstance(Realm), "the same instance");
        Realm.Write(() => second.Add(new Person()));
        second.Dispose();
        Check.Throws<ObjectDisposedException>(() => second.All<Person>());
        Check.Equal(1, Realm.All<Person>().Count());
    }

#pragma warning disable CS0618 // The older forms are what is tried.
    [Test]
    public void OlderFormsWorkStill()
    {
        var seen = 0;
        using var token = Realm.All<Note>().SubscribeForNotifications((_, _, error) => seen += error is null ? 1 : 100);
        var context = new PumpContext();
        context.Run(() => Realm.WriteAsync(other =>
        {
            Check.True(!other.IsSameInstance(Realm), "an instance of its own");
            other.Add(new Note { Text = "there" });
        }).ContinueWith(_ => context.Stop()));
        Realm.Refresh();
        Check.Equal("there", Realm.All<Note>().Single().Text);
        Check.Equal(2, seen);
        Check.Sequence([typeof(Note)], new RealmConfiguration { ObjectClasses = [typeof(Note)] }.ObjectClasses!);
    }
#pragma warning restore CS0618

    [Test]
    public void WrongUseIsNamed()
    {
        using var small = new TempRealm(typeof(Note));
        Check.Throws<ArgumentException>(() => small.Realm.All<Person>(), "Person");
        Check.Throws<RealmClassLacksPrimaryKeyException>(() => small.Realm.Find<Note>(1));
        var person = Realm.Write(() => Realm.Add(new Person()));
        using var other = new TempRealm();
        Check.Throws<RealmObjectManagedByAnotherRealmException>(() => other.Realm.Write(() => other.Realm.Add(person)));
        Check.Throws<NotSupportedException>(() => _ = Realm.SyncSession);
        Check.Throws<NotSupportedException>(() => _ = Realm.Subscriptions);
        Check.Throws<RealmFileExistsException>(() => Realm.WriteCopy(_temp.Config));
        Check.Throws<FormatException>(() => _ = new RealmConfiguration { EncryptionKey = new byte[3] });
        Check.Throws<RealmSchemaValidationException>(() => Realm.GetInstance(
            new RealmConfiguration(_temp.Config.DatabasePath + "2") { Schema = new[] { typeof(Station), typeof(Place) } }));
        Check.Throws<RealmInUseException>(() => Realm.DeleteRealm(_temp.Config));
        Realm.Dispose();
        Check.Throws<ObjectDisposedException>(() => Realm.Write(() => { }));
        Realm.DeleteRealm(_temp.Config);
        Check.True(!Directory.Exists(_temp.Config.DatabasePath), "deleted");
    }

    [Test]
    public void AFolderThatIsNoRealmIsRefused()
    {
        var path = Path.Combine(Path.GetDirectoryName(_temp.Config.DatabasePath)!, "file.realm");
        File.WriteAllText(path, "no realm");
        Check.Throws<RealmFileAccessErrorException>(() => Realm.GetInstance(path));
    }

    /// <summary>A loop on one thread, like that of a user interface.</summary>
    private sealed class PumpContext : SynchronizationContext
    {
        private readonly System.Collections.Concurrent.BlockingCollection<(SendOrPostCallback, object?)> _work = [];

        public override void Post(SendOrPostCallback d, object? state) => _work.Add((d, state));

        public void Stop() => _work.CompleteAdding();

        public void Run(Action first)
        {
            var previous = Current;
            SetSynchronizationContext(this);
            try
            {
                first();
                using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
                foreach (var (callback, state) in _work.GetConsumingEnumerable(limit.Token))
                {
                    callback(state);
                }
            }
            finally
            {
                SetSynchronizationContext(previous);
            }
        }
    }
}
