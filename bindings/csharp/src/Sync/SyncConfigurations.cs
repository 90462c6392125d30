using MongoDB.Bson;
using Realms.Schema;
using Realms.Sync.ErrorHandling;
using Realms.Sync.Exceptions;

namespace Realms.Sync;

/// <summary>Settings that all synced realms have.</summary>
public abstract class SyncConfigurationBase : RealmConfigurationBase
{
    private readonly RecoverOrDiscardUnsyncedChangesHandler _defaultReset = new();

    private byte[]? _encryptionKey;
    private ClientResetHandlerBase? _clientResetHandler;

    private protected SyncConfigurationBase(User user, string? optionalPath)
    {
        User = user ?? throw new ArgumentNullException(nameof(user));
        DatabasePath = optionalPath ?? "";
    }

    public delegate void SessionErrorCallback(Session session, SessionException error);

    public User User { get; }

    /// <summary>
    /// What happens when the server cannot go on with the realm; if nothing is set, what was not sent is recovered, or
    /// discarded where that cannot be.
    /// </summary>
    public virtual ClientResetHandlerBase ClientResetHandler
    {
        get => _clientResetHandler ?? _defaultReset;
        set => _clientResetHandler = value ?? throw new ArgumentNullException(nameof(value));
    }

    /// <summary>Called, on a thread of the pool, when the session of the realm fails.</summary>
    public SessionErrorCallback? OnSessionError { get; set; }

    /// <summary>Whether waits for uploads and downloads fail when the connection does, instead of going on with the next one.</summary>
    public bool CancelAsyncOperationsOnNonFatalErrors { get; set; }

    /// <summary>64 random bytes that the program keeps.</summary>
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
        NativeMethods.atoll_config_set_client_reset_mode(config, ClientResetHandler.Mode);
        NativeMethods.atoll_config_set_ask_client_resets(config, ClientResetHandler.Asks);
        NativeMethods.atoll_config_set_cancel_waits_on_errors(config, CancelAsyncOperationsOnNonFatalErrors);
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
    }

    /// <summary>Moves the folder of the realm, now (true) or before it is opened the next time.</summary>
    internal bool SetAside(string path)
    {
        using var native = new NativeHandle(NativeMethods.atoll_config_new(), NativeMethods.atoll_config_free);
        NativeMethods.atoll_config_set_path(native.Value, DatabasePath);
        Configure(native.Value);
        return NativeMethods.atoll_realm_set_aside(native.Value, path);
    }

    /// <summary>Asks the core for the path: one that is missing or relative depends on app, user and partition.</summary>
    private protected void DerivePath()
    {
        if (!Path.IsPathRooted(DatabasePath))
        {
            using var native = new NativeHandle(NativeMethods.atoll_config_new(), NativeMethods.atoll_config_free);
            if (DatabasePath.Length > 0)
            {
                NativeMethods.atoll_config_set_path(native.Value, DatabasePath);
            }

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
