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
        var cases = new (string Name, RealmConfigurationBase Config)[]
        {
            ("CancelAsyncOperationsOnNonFatalErrors",
                new PartitionSyncConfiguration("p", user, Place) { CancelAsyncOperationsOnNonFatalErrors = true }),
        };
        foreach (var (name, config) in cases)
        {
            Check.Throws<NotSupportedException>(() => Realm.GetInstance(config).Dispose(), $"not supported yet: {name}");
        }
    }

    [Test]
    public void SettingsOfAppsAreRefusedByName()
    {
        AppConfiguration With(SyncTimeoutOptions options)
            => new("not-yet") { BaseFilePath = _folder, UseAppCache = false, SyncTimeoutOptions = options };
        Check.Throws<NotSupportedException>(
            () => App.Create(With(new SyncTimeoutOptions { ConnectionLingerTime = TimeSpan.Zero })), "not supported yet: ConnectionLingerTime");
        Check.Throws<NotSupportedException>(
            () => App.Create(With(new SyncTimeoutOptions { FastReconnectLimit = TimeSpan.Zero })), "not supported yet: FastReconnectLimit");
    }
}
