using Realms.Sync;

namespace Realms;

/// <summary>
/// Opens a realm on a thread of its own: a local one is migrated and compacted there, a synced one makes its first
/// subscriptions and waits until everything is down. The realm stays open there until this is disposed, so that its session
/// lives on while the caller opens the realm.
/// </summary>
internal sealed class BackgroundOpening : IDisposable
{
    private readonly RealmConfigurationBase _config;
    private readonly ManualResetEventSlim _release = new();
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public BackgroundOpening(RealmConfigurationBase config) => _config = config;

    public Task RunAsync(CancellationToken cancellationToken)
    {
        new Thread(() => Run(cancellationToken)) { IsBackground = true, Name = "Atoll opening" }.Start();
        return _done.Task;
    }

    public void Dispose() => _release.Set();

    private void Run(CancellationToken cancellationToken)
    {
        try
        {
            using var realm = Realm.Open(_config);
            if (_config is SyncConfigurationBase)
            {
                Download(realm, cancellationToken);
            }

            _done.SetResult();
            _release.Wait();
        }
        catch (OperationCanceledException)
        {
            _done.TrySetCanceled(cancellationToken);
        }
        catch (Exception error)
        {
            _done.TrySetException(error);
        }
    }

    private void Download(Realm realm, CancellationToken cancellationToken)
    {
        if (_config is FlexibleSyncConfiguration flexible && flexible.PopulateOnce(realm))
        {
            realm.Subscriptions.WaitForSynchronizationAsync(cancellationToken).GetAwaiter().GetResult();
        }

        using var progress = (_config as PartitionSyncConfiguration)?.ReportProgress(realm.SyncSession);
        realm.SyncSession.WaitForDownloadAsync(cancellationToken).GetAwaiter().GetResult();
    }
}
