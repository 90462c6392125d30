using System.Runtime.CompilerServices;
using Realms.Sync;

namespace Realms.Tests;

/// <summary>A setting that does nothing yet is refused by name, never ignored.</summary>
[Native]
public class NotYetTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("atoll-not-yet-").FullName;

    private string Place => Path.Combine(_folder, "a.realm");

    public void Dispose() => Directory.Delete(_folder, true);

    [Test]
    public void LocalSettingsAreRefusedByName()
    {
        Check.Throws<FormatException>(() => _ = new RealmConfiguration(Place) { EncryptionKey = new byte[32] }, "64 bytes");
    }

    [Test]
    public void FallbackPipePathIsTakenAndNotNeeded()
    {
        using var realm = Realm.GetInstance(new RealmConfiguration(Place) { FallbackPipePath = _folder });
    }

    /// <summary>The settings are checked before the user is looked at, so that one who never logged in will do.</summary>
    [Test]
    public void SettingsOfSyncedRealmsAreRefusedByName()
    {
        var user = (User)RuntimeHelpers.GetUninitializedObject(typeof(User));
        var config = new PartitionSyncConfiguration("p", user, Place) { SchemaVersion = 1 };
        Check.Throws<NotSupportedException>(() => Realm.GetInstance(config).Dispose(), "no schema version");
    }

    [Test]
    public void SettingsOfAppsAreRefusedByName()
    {
        var config = new AppConfiguration("not-yet")
        {
            BaseFilePath = _folder,
            UseAppCache = false,
            SyncTimeoutOptions = new() { ConnectionLingerTime = TimeSpan.Zero, FastReconnectLimit = TimeSpan.Zero },
        };
        Check.Equal("not-yet", App.Create(config).Id);
        config.MetadataPersistenceMode = MetadataPersistenceMode.Disabled;
        Check.Throws<NotSupportedException>(() => App.Create(config), "not supported yet: MetadataPersistenceMode.Disabled");
    }
}
