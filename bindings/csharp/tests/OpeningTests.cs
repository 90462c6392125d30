using Realms.Exceptions;

namespace Realms.Tests;

/// <summary>The ways to open a local realm.</summary>
[Native]
internal sealed class OpeningTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("atoll-opening-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    [Test]
    public void ARealmInMemoryIsSharedByItsIdentifierAndGoneAtTheLastDispose()
    {
        var config = new InMemoryConfiguration("opening-tests") { Schema = new[] { typeof(Person), typeof(Place) } };
        using (var first = Realm.GetInstance(config))
        {
            first.Write(() => first.Add(new Person { Name = "Ada" }));
            Task.Run(() =>
            {
                using var other = Realm.GetInstance(config);
                Check.Equal(1, other.All<Person>().Count());
            }).Wait();
        }

        using var again = Realm.GetInstance(config);
        Check.Equal(0, again.All<Person>().Count(), "gone");
        Check.True(!Directory.EnumerateFileSystemEntries(_folder).Any(), "nothing is on the disk");
    }

    [Test]
    public void TheDefaultRealmLiesInTheDefaultFolder()
    {
        var (folder, before) = (InteropConfig.GetDefaultStorageFolder(), RealmConfigurationBase.GetPathToRealm());
        Check.Equal(Path.Combine(folder, "default.realm"), before);
        try
        {
            InteropConfig.SetDefaultStorageFolder(_folder);
            using (var realm = Realm.GetInstance())
            {
                Check.Equal(Path.Combine(_folder, "default.realm"), realm.Config.DatabasePath);
                realm.Write(() => realm.Add(new Person { Name = "Ada" }));
            }

            using (var realm = Realm.GetInstance("below/other.realm"))
            {
                Check.Equal(Path.Combine(_folder, "below", "other.realm"), realm.Config.DatabasePath);
                Check.Equal(0, realm.All<Person>().Count());
            }

            Check.True(Directory.Exists(Path.Combine(_folder, "default.realm")), "it is there");
            Check.Throws<ArgumentNullException>(() => InteropConfig.SetDefaultStorageFolder(null!));
        }
        finally
        {
            InteropConfig.SetDefaultStorageFolder(folder);
        }
    }

    [Test]
    public void AReadOnlyRealmIsNotWritten()
    {
        var path = Path.Combine(_folder, "read.realm");
        Check.Throws<RealmFileNotFoundException>(() => Realm.GetInstance(Local(path, config => config.IsReadOnly = true)));
        using (var realm = Realm.GetInstance(Local(path)))
        {
            realm.Write(() => realm.Add(new Person { Name = "Ada" }));
        }

        using var reading = Realm.GetInstance(Local(path, config => config.IsReadOnly = true));
        Check.Equal("Ada", reading.All<Person>().First().Name);
        Check.Throws<RealmException>(() => reading.Write(() => { }), "read");
    }

    [Test]
    public void AnEncryptedRealmNeedsItsKey()
    {
        var path = Path.Combine(_folder, "sealed.realm");
        var key = Enumerable.Range(0, 64).Select(i => (byte)i).ToArray();
        using (var realm = Realm.GetInstance(Local(path, config => config.EncryptionKey = key)))
        {
            realm.Write(() => realm.Add(new Person { Name = "Hidden" }));
        }

        Check.Throws<FormatException>(() => Local(path, config => config.EncryptionKey = new byte[32]), "64");
        Check.Throws<RealmInvalidDatabaseException>(() => Realm.GetInstance(Local(path, config => config.EncryptionKey = new byte[64])));
        Check.Throws<RealmInvalidDatabaseException>(() => Realm.GetInstance(Local(path)));
        using var again = Realm.GetInstance(Local(path, config => config.EncryptionKey = key));
        Check.Equal("Hidden", again.All<Person>().First().Name);
        again.Dispose();
        var clear = Directory.GetFiles(path).Any(file => !file.EndsWith(".lock", StringComparison.Ordinal)
            && File.Exists(file) && File.ReadAllText(file, System.Text.Encoding.Latin1).Contains("Hidden"));
        Check.True(!clear, "the name is in clear in a file");
    }

    [Test]
    public void ASchemaVersionMayNotFall()
    {
        var path = Path.Combine(_folder, "version.realm");
        Realm.GetInstance(Local(path, config => config.SchemaVersion = 3)).Dispose();
        Check.Throws<RealmException>(() => Realm.GetInstance(Local(path, config => config.SchemaVersion = 2)), "2");
        Realm.GetInstance(Local(path, config => config.SchemaVersion = 4)).Dispose();
    }

    [Test]
    public void TooManyVersionsInUseFailTheWrite()
    {
        using var realm = Realm.GetInstance(Local(Path.Combine(_folder, "many.realm"), config => config.MaxNumberOfActiveVersions = 3));
        var frozen = new List<Realm>();
        Check.Throws<RealmException>(() =>
        {
            for (var i = 0; i < 10; i++)
            {
                realm.Write(() => realm.Add(new Person { Name = $"{i}" }));
                frozen.Add(realm.Freeze());
            }
        });
        frozen.ForEach(item => item.Dispose());
        realm.Write(() => realm.Add(new Person { Name = "after" }));
    }

    private static RealmConfiguration Local(string path, Action<RealmConfiguration>? set = null)
    {
        var config = new RealmConfiguration(path) { Schema = new[] { typeof(Person), typeof(Place) } };
        set?.Invoke(config);
        return config;
    }
}
