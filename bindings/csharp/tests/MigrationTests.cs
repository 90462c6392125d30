using Realms.Exceptions;

namespace Realms.Tests;

/// <summary>Version 1 of a class.</summary>
[MapTo("Pet"), Explicit]
public class PetV1 : RealmObject
{
    [PrimaryKey]
    public int Id { get; set; }

    public string? Title { get; set; }

    public string? Age { get; set; }

    public IList<string> Tags { get; } = null!;
}

/// <summary>A class that version 2 has no more.</summary>
[MapTo("Toy"), Explicit]
public class ToyV1 : RealmObject
{
    public string? Name { get; set; }
}

/// <summary>Version 2: Title is Name, Age is a number.</summary>
[MapTo("Pet"), Explicit]
public class PetV2 : RealmObject
{
    [PrimaryKey]
    public int Id { get; set; }

    public string? Name { get; set; }

    public int Age { get; set; }

    public IList<string> Tags { get; } = null!;
}

/// <summary>Version 2, with a key that objects can share.</summary>
[MapTo("Pet"), Explicit]
public class PetByName : RealmObject
{
    public int Id { get; set; }

    [PrimaryKey]
    public string? Title { get; set; }

    public string? Age { get; set; }

    public IList<string> Tags { get; } = null!;
}

/// <summary>Migrations, copies, compaction and realms without models.</summary>
[Native]
public class MigrationTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("atoll-migration-").FullName;

    private string Place => Path.Combine(_folder, "a.realm");

    public void Dispose() => Directory.Delete(_folder, true);

    [Test]
    public void AMigrationReadsTheOldRealmAndWritesTheNewOne()
    {
        Fill();
        var config = Second((migration, version) =>
        {
            Check.Equal(1ul, version);
            migration.RenameProperty("Pet", "Title", "Name");
            var old = migration.OldRealm.DynamicApi.All("Pet");
            var now = migration.NewRealm.All<PetV2>();
            for (var i = 0; i < now.Count(); i++)
            {
                now.ElementAt(i).Age = int.Parse(old.ElementAt(i).DynamicApi.Get<string>("Age"), System.Globalization.CultureInfo.InvariantCulture);
            }

            foreach (var pet in old)
            {
                var same = migration.FindInNewRealm<PetV2>(pet)!;
                Check.Equal(pet.DynamicApi.Get<int>("Id"), same.Id);
                same.Tags.Add($"was {((dynamic)pet).Title}");
            }

            Check.True(migration.RemoveType("Toy") && !migration.RemoveType("Nothing"), "RemoveType");
        });
        using (var realm = Realm.GetInstance(config))
        {
            Check.Sequence(["1 a 10 x,was a", "2 b 20 was b"], realm.All<PetV2>().ToArray().Select(pet => $"{pet.Id} {pet.Name} {pet.Age} {string.Join(',', pet.Tags)}"));
        }

        using var again = Realm.GetInstance(Second((_, _) => Check.True(false, "a second time")));
        Check.Equal(2, again.All<PetV2>().Count());
    }

    [Test]
    public void AMigrationThatThrowsChangesNothing()
    {
        Fill();
        Check.Throws<RealmMigrationNeededException>(() => Realm.GetInstance(new RealmConfiguration(Place) { SchemaVersion = 1, Schema = new[] { typeof(PetV2) } }));
        var error = Check.Throws<AggregateException>(() => Realm.GetInstance(Second((migration, _) =>
        {
            migration.NewRealm.RemoveAll<PetV2>();
            throw new InvalidOperationException("mine");
        })));
        Check.Equal("mine", error.InnerException?.Message);
        using (var first = Realm.GetInstance(First))
        {
            Check.Sequence(["a", "b"], first.All<PetV1>().ToArray().Select(pet => pet.Title));
            first.Write(() => first.Find<PetV1>(2)!.Title = "a");
        }

        Check.Throws<RealmMigrationException>(() => Realm.GetInstance(new RealmConfiguration(Place)
        {
            SchemaVersion = 2, Schema = new[] { typeof(PetByName) }, MigrationCallback = (_, _) => { },
        }));
        using var still = Realm.GetInstance(First);
        Check.Equal(2, still.All<PetV1>().Count());
    }

    [Test]
    public void RealmsCanBeUsedWithoutModels()
    {
        Fill();
        var config = new RealmConfiguration(Place) { SchemaVersion = 1, IsDynamic = true };
        using var realm = Realm.GetInstance(config);
        Check.Sequence(["Pet", "Toy"], realm.Schema.Select(item => item.Name).Order());
        var pets = realm.DynamicApi.All("Pet");
        Check.Equal(2, pets.Count());
        dynamic first = pets.Filter("Id == $0", 1).Single();
        Check.Equal("a", (string)first.Title);
        realm.Write(() =>
        {
            first.Title = "c";
            var made = realm.DynamicApi.CreateObject("Pet", 3);
            made.DynamicApi.Set("Title", "d");
            made.DynamicApi.GetList<string>("Tags").Add("t");
            realm.DynamicApi.RemoveAll("Toy");
        });
        var found = realm.DynamicApi.Find("Pet", 3)!;
        Check.Equal("d", found.DynamicApi.Get<string>("Title"));
        Check.Sequence(["t"], found.DynamicApi.GetList<string>("Tags"));
        Check.Equal(0, realm.DynamicApi.All("Toy").Count());
        Check.True(realm.DynamicApi.Find("Pet", 9) is null && realm.DynamicApi.Find("Pet", 1)!.Equals((object)first), "Find");
        Check.Throws<MissingMemberException>(() => found.DynamicApi.Get<int>("Nothing"));
        Check.Throws<ArgumentException>(() => realm.DynamicApi.All("Nothing"));
        Check.Throws<RealmClassLacksPrimaryKeyException>(() => realm.DynamicApi.Find("Toy", 1));
        Check.Throws<RealmInvalidTransactionException>(() => realm.DynamicApi.CreateObject("Pet", 4));
        Check.Throws<RealmDuplicatePrimaryKeyValueException>(() => realm.Write(() => realm.DynamicApi.CreateObject("Pet", 1)));
    }

    [Test]
    public void CopiesAreWrittenAndSpaceIsGivenBack()
    {
        Fill();
        var copy = new RealmConfiguration(Place + ".copy") { SchemaVersion = 1, Schema = First.Schema, EncryptionKey = new byte[64] };
        using (var realm = Realm.GetInstance(First))
        {
            realm.WriteCopy(copy);
            Check.Throws<RealmFileExistsException>(() => realm.WriteCopy(copy));
            Check.Throws<RealmInvalidTransactionException>(() => realm.Write(() => realm.WriteCopy(new RealmConfiguration(Place + "2"))));
            Check.True(!Realm.Compact(First), "an open realm is not compacted");
        }

        using (var copied = Realm.GetInstance(copy))
        {
            Check.Equal(2, copied.All<PetV1>().Count());
        }

        Check.True(Realm.Compact(First), "compacted");
        var asked = 0;
        var config = First;
        config.ShouldCompactOnLaunch = (total, used) =>
        {
            asked++;
            return total > 0 && used <= total;
        };
        using (var one = Realm.GetInstance(config))
        using (var two = Realm.GetInstance(config))
        {
            Check.Equal(2, one.All<PetV1>().Count());
        }

        Check.Equal(1, asked, "asked when the first one opens");
        config.ShouldCompactOnLaunch = (_, _) => throw new InvalidOperationException("mine");
        Check.Throws<AggregateException>(() => Realm.GetInstance(config));
    }

    private RealmConfiguration First => new(Place) { SchemaVersion = 1, Schema = new[] { typeof(PetV1), typeof(ToyV1) } };

    private RealmConfiguration Second(RealmConfiguration.MigrationCallbackDelegate callback)
        => new(Place) { SchemaVersion = 2, Schema = new[] { typeof(PetV2) }, MigrationCallback = callback };

    private void Fill()
    {
        using var realm = Realm.GetInstance(First);
        realm.Write(() =>
        {
            realm.Add(new PetV1 { Id = 1, Title = "a", Age = "10", Tags = { "x" } });
            realm.Add(new PetV1 { Id = 2, Title = "b", Age = "20" });
            realm.Add(new ToyV1 { Name = "ball" });
        });
    }
}
