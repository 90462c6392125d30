using MongoDB.Bson;
using Realms.Schema;
using Realms.Sync.ErrorHandling;
using Realms.Sync.Exceptions;

namespace Realms.Sync;

/// <summary>Settings that all synced realms have.</summary>
public abstract class SyncConfigurationBase : RealmConfigurationBase
{
    private readonly RecoverOrDiscardUnsyncedChangesHandler _noReset = new();

    private byte[]? _encryptionKey;
    private ClientResetHandlerBase? _clientResetHandler;

    private protected SyncConfigurationBase(User user, string? optionalPath)
    {
        User = user ?? throw new ArgumentNullException(nameof(user));
        DatabasePath = optionalPath is null ? ""
            : Path.IsPathRooted(optionalPath) ? optionalPath : Path.Combine(user.App.BaseFilePath, optionalPath);
    }

    public delegate void SessionErrorCallback(Session session, SessionException error);

    public User User { get; }

    /// <summary>
    /// What happens when the realm cannot go on syncing. A <see cref="ManualRecoveryHandler"/> is called with the error.
    /// Not supported yet: resets themselves, so opening with a handler of another kind throws NotSupportedException.
    /// Without one the error goes to <see cref="OnSessionError"/>, and the realm keeps all that it has.
    /// </summary>
    public virtual ClientResetHandlerBase ClientResetHandler
    {
        get => _clientResetHandler ?? _noReset;
        set => _clientResetHandler = value ?? throw new ArgumentNullException(nameof(value));
    }

    /// <summary>Called, on a thread of the pool, when the session of the realm fails.</summary>
    public SessionErrorCallback? OnSessionError { get; set; }

    /// <summary>Not supported yet: opening with true throws NotSupportedException.</summary>
    public bool CancelAsyncOperationsOnNonFatalErrors { get; set; }

    /// <summary>64 bytes. Not supported yet: opening with a key throws NotSupportedException.</summary>
    public byte[]? EncryptionKey
    {
        get => _encryptionKey;
        set
        {
            CheckKey(value);
            _encryptionKey = value;
        }
    }

    private protected override void Configure(IntPtr config)
    {
        if (_encryptionKey is { } key)
        {
            NativeMethods.atoll_config_set_encryption_key(config, key);
        }
    }

    internal override void CheckSupported()
    {
        base.CheckSupported();
        if (SchemaVersion != 0)
        {
            throw new NotSupportedException("A synced realm has no schema version: classes and properties are only added.");
        }

        if (CancelAsyncOperationsOnNonFatalErrors)
        {
            throw new NotSupportedException("not supported yet: CancelAsyncOperationsOnNonFatalErrors");
        }

        if (ClientResetHandler is not ManualRecoveryHandler && (_clientResetHandler is not null || _noReset.HasCallbacks))
        {
            throw new NotSupportedException($"not supported yet: {ClientResetHandler.GetType().Name}. Use a ManualRecoveryHandler "
                + "to be told, or none: the realm then keeps all that it has and reports the error.");
        }
    }

    /// <summary>Asks the core for the path that it derives from the user and the partition.</summary>
    private protected void DerivePath()
    {
        if (DatabasePath.Length == 0)
        {
            using var native = new NativeHandle(NativeMethods.atoll_config_new(), NativeMethods.atoll_config_free);
            Configure(native.Value);
            DatabasePath = NativeMethods.atoll_config_path(native.Value) ?? "";
        }
    }
}

/// <summary>A realm that holds what its subscriptions name.</summary>
public class FlexibleSyncConfiguration : SyncConfigurationBase
{
    public FlexibleSyncConfiguration(User user, string? optionalPath = null)
        : base(user, optionalPath)
        => DerivePath();

    public delegate void InitialSubscriptionsDelegate(Realm realm);

    /// <summary>Runs inside an update of the subscriptions, once, when the realm has none yet.</summary>
    public InitialSubscriptionsDelegate? PopulateInitialSubscriptions { get; set; }

    internal override string ModeText => $"flexible {User.Id}";

    internal override RealmSchema SchemaToOpen() => Schema;

    /// <summary>Makes the initial subscriptions if there are none; true if it did.</summary>
    internal bool PopulateOnce(Realm realm)
    {
        if (PopulateInitialSubscriptions is not { } populate)
        {
            return false;
        }

        var subscriptions = realm.Subscriptions;
        if (subscriptions.Count > 0 || subscriptions.Version > 0)
        {
            return false;
        }

        try
        {
            subscriptions.Update(() => populate(realm));
        }
        catch (Exception error)
        {
            realm.Dispose();
            throw new AggregateException("PopulateInitialSubscriptions failed.", error);
        }

        return true;
    }

    private protected override void Configure(IntPtr config)
    {
        base.Configure(config);
        NativeMethods.atoll_config_set_flexible(config, User.Native.Value);
    }
}

/// <summary>A realm that holds the objects of one partition.</summary>
public class PartitionSyncConfiguration : SyncConfigurationBase
{
    public PartitionSyncConfiguration(string? partition, User user, string? optionalPath = null)
        : this((RealmValue)partition, user, optionalPath)
    {
    }

    public PartitionSyncConfiguration(long? partition, User user, string? optionalPath = null)
        : this((RealmValue)partition, user, optionalPath)
    {
    }

    public PartitionSyncConfiguration(ObjectId? partition, User user, string? optionalPath = null)
        : this((RealmValue)partition, user, optionalPath)
    {
    }

    public PartitionSyncConfiguration(Guid? partition, User user, string? optionalPath = null)
        : this((RealmValue)partition, user, optionalPath)
    {
    }

    private PartitionSyncConfiguration(RealmValue partition, User user, string? optionalPath)
        : base(user, optionalPath)
    {
        Partition = partition;
        DerivePath();
    }

    /// <summary>Called while GetInstanceAsync downloads.</summary>
    public Action<SyncProgress>? OnProgress { get; set; }

    public RealmValue Partition { get; }

    internal override string ModeText => $"partition {User.Id} {Partition.Type} {Partition}";

    internal IDisposable? ReportProgress(Session session)
        => OnProgress is { } report
            ? session.GetProgressObservable(ProgressDirection.Download, ProgressMode.ForCurrentlyOutstandingWork)
                .Subscribe(new ActionObserver<SyncProgress>(report))
            : null;

    private protected override void Configure(IntPtr config)
    {
        base.Configure(config);
        using var partition = NativeValues.Of(Partition);
        NativeMethods.atoll_config_set_partition(config, User.Native.Value, partition.Handle);
    }
}

/// <summary>The older name of <see cref="PartitionSyncConfiguration"/>.</summary>
[Obsolete("Use PartitionSyncConfiguration.")]
public class SyncConfiguration : PartitionSyncConfiguration
{
    public SyncConfiguration(string? partition, User user, string? optionalPath = null)
        : base(partition, user, optionalPath)
    {
    }

    public SyncConfiguration(long? partition, User user, string? optionalPath = null)
        : base(partition, user, optionalPath)
    {
    }

    public SyncConfiguration(ObjectId? partition, User user, string? optionalPath = null)
        : base(partition, user, optionalPath)
    {
    }

    public SyncConfiguration(Guid? partition, User user, string? optionalPath = null)
        : base(partition, user, optionalPath)
    {
    }
}

internal sealed class ActionObserver<T>(Action<T> next) : IObserver<T>
{
    public void OnCompleted()
    {
    }

    public void OnError(Exception error)
    {
    }

    public void OnNext(T value) => next(value);
}
