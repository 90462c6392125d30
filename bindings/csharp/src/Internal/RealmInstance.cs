using Realms.Logging;
using Realms.Schema;

namespace Realms;

/// <summary>
/// The open native realm behind the Realm objects of one thread and path: they share its version and transaction. It
/// owns the queue of its notifications, which is emptied on the realm's own thread only: after a refresh or a commit,
/// and when the process-wide pump has posted to the synchronization context that a newer version exists.
/// </summary>
internal sealed class RealmInstance
{
    [ThreadStatic]
    private static Dictionary<string, WeakReference<RealmInstance>>? _ofThread;

    private readonly string _key;
    private readonly SynchronizationContext? _context = SynchronizationContext.Current;
    private readonly Dictionary<ulong, Action<EventData>> _handlers = [];
    private readonly Dictionary<string, ClassBinding> _bindings = new(StringComparer.Ordinal);
    private readonly Dictionary<uint, ClassBinding> _bindingsByKey = [];
    private readonly NativeHandle _realm;
    private NativeHandle? _queue;
    private ulong _pendingRegistration;
    private ulong _changedRegistration;
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private readonly Lock _binding = new();
    private int _references;
    private int _posted;

    private readonly bool _isBorrowed;

    private RealmInstance(string key, RealmSchema? schema, IntPtr native, bool isBorrowed = false)
    {
        _key = key;
        _isBorrowed = isBorrowed;
        Schema = schema ?? NativeSchema.Read(native);
        _realm = new NativeHandle(native, NativeMethods.atoll_realm_free);
        IsFrozen = NativeMethods.atoll_realm_is_frozen(native);
        if (IsFrozen || isBorrowed)
        {
            _context = null;
            _references = 1;
        }
        else if (_context is not null)
        {
            Watch();
        }
    }

    ~RealmInstance()
    {
        if (_pendingRegistration != 0)
        {
            EventPump.Forget(_pendingRegistration);
        }
    }

    /// <summary>Raised on the realm's thread when this instance stands at another version.</summary>
    public event Action? Changed;

    public event Action<Exception>? Failed;

    public RealmSchema Schema { get; }

    public IntPtr Native => _realm.Value;

    public bool IsClosed => _realm.IsClosed;

    /// <summary>Stands at one version for ever, and belongs to no thread.</summary>
    public bool IsFrozen { get; }

    public bool IsOwnThread => IsFrozen || _thread == Environment.CurrentManagedThreadId;

    public static RealmInstance Open(RealmConfigurationBase config, RealmSchema schema)
    {
        using var native = config.CreateNative(schema);
        var path = NativeMethods.atoll_config_path(native.Value) ?? "";
        var key = $"{path}\n{config.ModeText}\n{(config.ReadsSchema ? "dynamic" : schema.Fingerprint())}";
        _ofThread ??= new(StringComparer.Ordinal);
        if (!_ofThread.TryGetValue(key, out var weak) || !weak.TryGetTarget(out var instance) || instance.IsClosed
            || instance._context != SynchronizationContext.Current)
        {
            config.BeforeOpen(native, schema);
            instance = new RealmInstance(key, config.ReadsSchema ? null : schema, NativeMethods.atoll_realm_open(native.Value));
            _ofThread[key] = new WeakReference<RealmInstance>(instance);
        }

        instance._references++;
        return instance;
    }

    /// <summary>A realm of a migration, which ends it: it is not closed here.</summary>
    public static RealmInstance Of(IntPtr native, RealmSchema? schema) => new("", schema, native, true);

    public RealmInstance Freeze() => new("", Schema, NativeMethods.atoll_realm_freeze(Native));

    /// <summary>Gives up one use; the last one closes the native realm.</summary>
    public void Release()
    {
        if (--_references > 0 || _realm.IsClosed)
        {
            return;
        }

        if (_ofThread?.TryGetValue(_key, out var weak) == true && weak.TryGetTarget(out var known) && known == this)
        {
            _ofThread.Remove(_key);
        }

        if (_pendingRegistration != 0)
        {
            EventPump.Forget(_pendingRegistration);
            NativeMethods.atoll_realm_unobserve(Native, _pendingRegistration);
        }

        _handlers.Clear();
        if (!_isBorrowed)
        {
            NativeMethods.atoll_realm_close(Native);
        }

        _queue?.Dispose();
        _realm.Dispose();
    }

    /// <summary>Errors: ArgumentException for a class that the realm lacks.</summary>
    public ClassBinding Bind(Type type)
    {
        var metadata = TypeMetadata.Of(type);
        var binding = Bind(metadata.Name);
        return binding.Metadata.Type == type
            ? binding
            : throw new ArgumentException($"The class {type.Name} is not in the limited set of classes of this realm. "
                + "Add it to the Schema of the configuration.");
    }

    /// <summary>Errors: ArgumentException for a class that the realm lacks.</summary>
    public ClassBinding Bind(string className)
    {
        if (!IsFrozen)
        {
            return BindOnce(className);
        }

        lock (_binding)
        {
            return BindOnce(className);
        }
    }

    /// <summary>The class of a native object.</summary>
    public ClassBinding BindObject(IntPtr handle)
    {
        var key = NativeMethods.atoll_object_class(handle);
        lock (_binding)
        {
            if (!_bindingsByKey.TryGetValue(key, out var binding))
            {
                binding = Schema.Select(item => Bind(item.Name)).First(item => item.ClassKey == key);
                _bindingsByKey.Add(key, binding);
            }

            return binding;
        }
    }

    private ClassBinding BindOnce(string className)
    {
        if (!_bindings.TryGetValue(className, out var binding))
        {
            if (!Schema.TryFindObjectSchema(className, out var schema))
            {
                throw new ArgumentException($"The class {className} is not in the limited set of classes of this realm. "
                    + "Add it to the Schema of the configuration.");
            }

            var metadata = schema.Metadata!;
            var classKey = NativeMethods.atoll_realm_class(Native, metadata.Name);
            binding = new ClassBinding(metadata, classKey, Array.ConvertAll(
                metadata.Properties,
                property => property.Collection == CollectionKind.Backlinks
                    ? uint.MaxValue
                    : NativeMethods.atoll_realm_property(Native, classKey, property.Name)));
            _bindings.Add(className, binding);
        }

        return binding;
    }

    public bool Refresh()
    {
        var advanced = NativeMethods.atoll_realm_refresh(Native);
        Drain();
        return advanced;
    }

    /// <summary>Hands notifications of a commit of this thread over: at once, or by the context if there is one.</summary>
    public void AfterCommit()
    {
        if (_context is null)
        {
            Drain();
        }
        else
        {
            Post(static instance => instance.Drain());
        }
    }

    public ulong Observe(Func<IntPtr, ulong> start, Action<EventData> handler)
    {
        var registration = start(LocalQueue());
        _handlers[registration] = handler;
        if (_context is not null)
        {
            // The first notification is in the queue already; it comes without waiting for a change.
            Post(static instance => instance.Drain());
        }

        return registration;
    }

    public void Unobserve(ulong registration)
    {
        if (_handlers.Remove(registration) && !IsClosed)
        {
            NativeMethods.atoll_realm_unobserve(Native, registration);
        }
    }

    /// <summary>Begins to raise <see cref="Changed"/>.</summary>
    public void WatchChanges()
    {
        if (_changedRegistration == 0)
        {
            _changedRegistration = Observe(
                queue => NativeMethods.atoll_realm_observe(Native, queue),
                data =>
                {
                    if (data.Type == NativeConstants.EventRealmChanged)
                    {
                        Changed?.Invoke();
                    }
                });
        }
    }

    public void Drain()
    {
        while (_queue is { IsClosed: false } queue && EventData.Next(queue.Value, 0) is { } data)
        {
            if (!_handlers.TryGetValue(data.Registration, out var handler))
            {
                continue;
            }

            try
            {
                handler(data);
            }
            catch (Exception error)
            {
                Report(error);
            }
        }
    }

    private void Report(Exception error)
    {
        if (Failed is { } failed)
        {
            failed(error);
        }
        else
        {
            RealmLogger.Report(LogLevel.Error, LogCategory.Realm.SDK, $"A notification callback failed: {error}");
        }
    }

    private IntPtr LocalQueue() => (_queue ??= new NativeHandle(NativeMethods.atoll_queue_new(), NativeMethods.atoll_queue_free)).Value;

    /// <summary>Lets the pump tell this thread, through its context, that another thread or the server has written.</summary>
    private void Watch()
    {
        var weak = new WeakReference<RealmInstance>(this);
        _pendingRegistration = EventPump.Observe(
            queue => NativeMethods.atoll_realm_observe(Native, queue),
            data =>
            {
                if (data.Type == NativeConstants.EventRealmPending && weak.TryGetTarget(out var instance)
                    && Interlocked.Exchange(ref instance._posted, 1) == 0)
                {
                    instance.Post(static target =>
                    {
                        Interlocked.Exchange(ref target._posted, 0);
                        if (!NativeMethods.atoll_realm_is_in_transaction(target.Native))
                        {
                            target.Refresh();
                        }
                    });
                }
            });
    }

    private void Post(Action<RealmInstance> action) => _context!.Post(
        _ =>
        {
            if (!IsClosed)
            {
                action(this);
            }
        },
        null);
}
