using MongoDB.Bson;
using Realms.Exceptions;
using Realms.Schema;
using Realms.Sync;
using Realms.Weaving;

namespace Realms;

/// <summary>
/// An open realm. It belongs to the thread that opened it, as do the objects, lists and results that come from it.
/// </summary>
public partial class Realm : IDisposable
{
    private readonly RealmInstance _instance;
    private RealmChangedEventHandler? _realmChanged;
    private EventHandler<ErrorEventArgs>? _error;
    private Session? _session;
    private SubscriptionSet? _subscriptions;
    private IDisposable? _errorReporting;
    private bool _disposed;

    internal Realm(RealmInstance instance, RealmConfigurationBase config)
    {
        _instance = instance;
        Config = config;
        if (config is SyncConfigurationBase sync && !instance.IsFrozen)
        {
            _errorReporting = SyncSession.ReportErrors(sync);
        }
    }

    public delegate void RealmChangedEventHandler(Realm sender, EventArgs e);

    /// <summary>Raised after this realm has moved to another version.</summary>
    public event RealmChangedEventHandler? RealmChanged
    {
        add
        {
            ThrowIfDisposed();
            ThrowIfFrozen();
            if (_realmChanged is null)
            {
                _instance.Changed += RaiseChanged;
            }

            _realmChanged += value;
            _instance.WatchChanges();
        }

        remove
        {
            _realmChanged -= value;
            if (_realmChanged is null)
            {
                _instance.Changed -= RaiseChanged;
            }
        }
    }

    /// <summary>Raised when a notification callback throws.</summary>
    public event EventHandler<ErrorEventArgs>? Error
    {
        add
        {
            if (_error is null)
            {
                _instance.Failed += RaiseError;
            }

            _error += value;
        }

        remove
        {
            _error -= value;
            if (_error is null)
            {
                _instance.Failed -= RaiseError;
            }
        }
    }

    public RealmConfigurationBase Config { get; }

    public RealmSchema Schema => _instance.Schema;

    /// <summary>Whether the realm stands at one version for ever: readable on any thread, neither written nor observed.</summary>
    public bool IsFrozen => _instance.IsFrozen;

    public bool IsClosed => _disposed || _instance.IsClosed;

    public bool IsInTransaction
    {
        get
        {
            ThrowIfDisposed();
            return NativeMethods.atoll_realm_is_in_transaction(NativeRealm);
        }
    }

    /// <summary>The sync session of the realm.</summary>
    public Session SyncSession
    {
        get
        {
            ThrowIfDisposed();
            if (Config is not SyncConfigurationBase config)
            {
                throw new NotSupportedException("A local realm has no sync session.");
            }

            return _session ??= Session.Of(config, NativeMethods.atoll_realm_session(NativeRealm));
        }
    }

    /// <summary>What the realm syncs.</summary>
    public SubscriptionSet Subscriptions
    {
        get
        {
            ThrowIfDisposed();
            if (Config is not FlexibleSyncConfiguration)
            {
                throw new NotSupportedException("Only a realm opened with a FlexibleSyncConfiguration has subscriptions.");
            }

            _subscriptions ??= new SubscriptionSet(this);
            _subscriptions.Reload();
            return _subscriptions;
        }
    }

    internal RealmInstance Instance => _instance;

    internal IntPtr NativeRealm => _instance.Native;

    public static Realm GetInstance(string databasePath)
        => GetInstance(databasePath is null ? null : RealmConfiguration.DefaultConfiguration is RealmConfiguration defaults
            ? defaults.ConfigWithPath(databasePath)
            : new RealmConfiguration(databasePath));

    /// <summary>Opens a realm with what is on the device, without waiting for any network.</summary>
    public static Realm GetInstance(RealmConfigurationBase? config = null)
    {
        var realm = Open(config ?? RealmConfiguration.DefaultConfiguration);
        (realm.Config as FlexibleSyncConfiguration)?.PopulateOnce(realm);
        return realm;
    }

    /// <summary>Opens a realm; a synced one has everything from the server when the task ends.</summary>
    public static async Task<Realm> GetInstanceAsync(RealmConfigurationBase? config = null, CancellationToken cancellationToken = default)
    {
        config ??= RealmConfiguration.DefaultConfiguration;
        cancellationToken.ThrowIfCancellationRequested();
        if (config is not SyncConfigurationBase && SynchronizationContext.Current is null)
        {
            // Nothing brings the caller's thread back: a realm opened elsewhere would be another thread's.
            return GetInstance(config);
        }

        // A thread of its own holds the realm open, with its session, until the caller's thread has opened it too.
        using var opening = new BackgroundOpening(config);
        await opening.RunAsync(cancellationToken);
        return Open(config);
    }

    /// <summary>Deletes the files of a realm that is open nowhere.</summary>
    public static void DeleteRealm(RealmConfigurationBase configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        using var native = configuration.CreateNative(configuration.SchemaToOpen());
        NativeMethods.atoll_realm_delete_files(native.Value);
    }

    /// <summary>Gives back the space of what was deleted or replaced. False, and nothing done, while the realm is open.
    /// Errors: RealmFileNotFoundException, RealmInvalidDatabaseException, RealmFileAccessErrorException.</summary>
    public static bool Compact(RealmConfigurationBase? config = null)
    {
        config ??= RealmConfiguration.DefaultConfiguration;
        using var native = config.CreateNative(config.SchemaToOpen());
        return NativeMethods.atoll_realm_compact(native.Value);
    }

    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _subscriptions?.Close();
            _errorReporting?.Dispose();
            _instance.Changed -= RaiseChanged;
            _instance.Failed -= RaiseError;
            _instance.Release();
        }

        GC.SuppressFinalize(this);
    }

    public bool IsSameInstance(Realm other) => other is not null && other._instance == _instance;

    public override bool Equals(object? obj) => obj is Realm other && IsSameInstance(other);

    public override int GetHashCode() => _instance.GetHashCode();

    /// <summary>Moves to the newest version; true if there was a newer one.</summary>
    public bool Refresh()
    {
        ThrowIfDisposed();
        return !IsFrozen && !IsInTransaction && _instance.Refresh();
    }

    public async Task<bool> RefreshAsync()
    {
        await Task.Yield();
        return Refresh();
    }

    public void Write(Action action)
    {
        ArgumentNullException.ThrowIfNull(action);
        Write(() =>
        {
            action();
            return true;
        });
    }

    /// <summary>Runs a function in a transaction; if it throws, nothing of it remains.</summary>
    public T Write<T>(Func<T> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        using var transaction = BeginWrite();
        var result = function();
        transaction.Commit();
        return result;
    }

    public Task WriteAsync(Action action, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(action);
        return WriteAsync(
            () =>
            {
                action();
                return true;
            },
            cancellationToken);
    }

    /// <summary>
    /// As Write. On a thread with a synchronization context neither the wait for other writers nor that for the disk holds
    /// up the thread; the function itself runs on it. Without one it is a plain write.
    /// Errors: OperationCanceledException when it is cancelled before the function has run.
    /// </summary>
    public async Task<T> WriteAsync<T>(Func<T> function, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(function);
        using var transaction = await BeginWriteAsync(cancellationToken);
        var result = function();
        await transaction.CommitAsync(CancellationToken.None);
        return result;
    }

    /// <summary>Writes on another thread, to an instance of its own, and refreshes this one.</summary>
    [Obsolete("Use WriteAsync with an action that has no parameter.")]
    public async Task WriteAsync(Action<Realm> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        ThrowIfDisposed();
        await Task.Run(() =>
        {
            using var realm = Open(Config);
            realm.Write(() => action(realm));
        });
        if (!IsClosed && _instance.IsOwnThread)
        {
            Refresh();
        }
    }

    public Transaction BeginWrite()
    {
        ThrowIfDisposed();
        return new Transaction(this);
    }

    /// <summary>As BeginWrite; with a synchronization context other writers are waited for elsewhere.
    /// Errors: OperationCanceledException, and the wait is given up.</summary>
    public async Task<Transaction> BeginWriteAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        cancellationToken.ThrowIfCancellationRequested();
        if (SynchronizationContext.Current is not null && !IsInTransaction)
        {
            var turn = EventPump.Request(
                queue => NativeMethods.atoll_realm_begin_async(NativeRealm, queue), NativeLibraryInfo.FromEvent, out var registration);
            try
            {
                await turn.WaitAsync(cancellationToken);
            }
            catch (OperationCanceledException) when (!IsClosed)
            {
                EventPump.Forget(registration);
                NativeMethods.atoll_realm_cancel_begin(NativeRealm, registration);
                throw;
            }
        }

        return BeginWrite();
    }

    /// <summary>
    /// The realm as it is now, for ever, readable on any thread while this one is open. It keeps its version: dispose it
    /// when it is not needed. A frozen realm gives itself.
    /// </summary>
    public Realm Freeze()
    {
        ThrowIfDisposed();
        return IsFrozen ? this : new Realm(_instance.Freeze(), Config);
    }

    /// <summary>The object that a reference was made of, in this realm; null if it was deleted. Once only.</summary>
    public T? ResolveReference<T>(ThreadSafeReference.Object<T> reference)
        where T : IRealmObjectBase
    {
        ThrowIfDisposed();
        ArgumentNullException.ThrowIfNull(reference);
        var found = NativeMethods.atoll_reference_resolve_object(reference.Take(), NativeRealm);
        return found == IntPtr.Zero ? default : (T)Materialize(typeof(T), found);
    }

    /// <summary>The list that a reference was made of, in this realm; null if its object was deleted. Once only.</summary>
    public IList<T>? ResolveReference<T>(ThreadSafeReference.List<T> reference)
    {
        ThrowIfDisposed();
        ArgumentNullException.ThrowIfNull(reference);
        var found = NativeMethods.atoll_reference_resolve_list(reference.Take(), NativeRealm);
        return found == IntPtr.Zero ? null : new RealmList<T>(new NativeList(this, reference.Property, found));
    }

    /// <summary>The set that a reference was made of, in this realm; null if its object was deleted. Once only.</summary>
    public ISet<T>? ResolveReference<T>(ThreadSafeReference.Set<T> reference)
    {
        ArgumentNullException.ThrowIfNull(reference);
        return ResolveOwner(reference, reference.ClassName) is { } owner ? new RealmSet<T>(owner.OpenSet(reference.Property.Index)) : null;
    }

    /// <summary>The dictionary that a reference was made of, likewise. Once only.</summary>
    public IDictionary<string, TValue>? ResolveReference<TValue>(ThreadSafeReference.Dictionary<TValue> reference)
    {
        ArgumentNullException.ThrowIfNull(reference);
        return ResolveOwner(reference, reference.ClassName) is { } owner
            ? new RealmDictionary<TValue>(owner.OpenDictionary(reference.Property.Index))
            : null;
    }

    /// <summary>The query that a reference was made of, in this realm. Once only.</summary>
    public IQueryable<T> ResolveReference<T>(ThreadSafeReference.Query<T> reference)
        where T : IRealmObjectBase
    {
        ThrowIfDisposed();
        ArgumentNullException.ThrowIfNull(reference);
        return RealmResults<T>.Of(this, new NativeHandle(
            NativeMethods.atoll_reference_resolve_results(reference.Take(), NativeRealm), NativeMethods.atoll_results_free));
    }

    private ManagedAccessor? ResolveOwner(ThreadSafeReference reference, string className)
    {
        ThrowIfDisposed();
        var binding = _instance.Bind(className);
        var found = NativeMethods.atoll_reference_resolve_object(reference.Take(), NativeRealm);
        return found == IntPtr.Zero ? null : new ManagedAccessor(this, binding, found);
    }

    /// <summary>
    /// Writes a compacted copy to the place of a configuration, encrypted with its key if it has one. The copy is of the
    /// same kind, or local, or of partition sync where this one is local; a synced realm must have uploaded everything.
    /// Errors: RealmFileExistsException, RealmInvalidTransactionException inside of a transaction, RealmException for what
    /// is not uploaded yet, ArgumentException for other kinds.
    /// </summary>
    public void WriteCopy(RealmConfigurationBase config)
    {
        ThrowIfDisposed();
        ArgumentNullException.ThrowIfNull(config);
        using var native = config.CreateNative(Schema);
        NativeMethods.atoll_realm_write_copy(NativeRealm, native.Value);
    }

    internal static Realm Open(RealmConfigurationBase config)
    {
        try
        {
            return new Realm(RealmInstance.Open(config, config.SchemaToOpen()), config);
        }
        catch (RealmInUseException error)
        {
            throw new RealmFileAccessErrorException(error.Message, error);
        }
    }

    internal void Begin()
    {
        ThrowIfDisposed();
        NativeMethods.atoll_realm_begin(NativeRealm);
        try
        {
            _instance.Drain();
        }
        catch
        {
            NativeMethods.atoll_realm_rollback(NativeRealm);
            throw;
        }
    }

    internal void Commit()
    {
        ThrowIfDisposed();
        NativeMethods.atoll_realm_commit(NativeRealm);
        _instance.AfterCommit();
    }

    /// <summary>Commits; the task ends when the disk has it.</summary>
    internal Task CommitAsync()
    {
        ThrowIfDisposed();
        var done = EventPump.Request(queue => NativeMethods.atoll_realm_commit_async(NativeRealm, queue), NativeLibraryInfo.FromEvent);
        _instance.AfterCommit();
        return done;
    }

    internal void Rollback()
    {
        // A realm that was disposed inside its transaction has been rolled back by closing.
        if (!IsClosed && NativeMethods.atoll_realm_is_in_transaction(NativeRealm))
        {
            NativeMethods.atoll_realm_rollback(NativeRealm);
        }
    }

    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed || _instance.IsClosed, this);

    internal void ThrowIfFrozen()
    {
        if (IsFrozen)
        {
            throw new RealmFrozenException("A frozen realm never changes: use the one that it was frozen from.");
        }
    }

    private void RaiseChanged() => _realmChanged?.Invoke(this, EventArgs.Empty);

    private void RaiseError(Exception error) => _error?.Invoke(this, new ErrorEventArgs(error));
}

/// <summary>What a callback threw.</summary>
public class ErrorEventArgs : EventArgs
{
    internal ErrorEventArgs(Exception exception) => Exception = exception;

    public Exception Exception { get; }
}
