using System.ComponentModel;
using System.Runtime.CompilerServices;
using Realms.Exceptions;
using Realms.Logging;
using Realms.Sync.Exceptions;

namespace Realms.Sync;

public enum SessionState : byte
{
    Active = 0,
    Inactive,
}

public enum ConnectionState : byte
{
    Disconnected = 0,
    Connecting = 1,
    Connected = 2,
}

public enum ProgressDirection : byte
{
    Upload = 0,
    Download = 1,
}

public enum ProgressMode
{
    ReportIndefinitely,
    ForCurrentlyOutstandingWork,
}

/// <summary>How far an upload or a download is.</summary>
public readonly struct SyncProgress
{
    internal SyncProgress(double estimate, ulong transferred, ulong transferable)
    {
        ProgressEstimate = estimate;
#pragma warning disable CS0618 // They are set for those who read them still.
        TransferredBytes = transferred;
        TransferableBytes = transferable;
#pragma warning restore CS0618
    }

    /// <summary>0 to 1.</summary>
    public double ProgressEstimate { get; }

    [Obsolete("Use ProgressEstimate.")]
    public ulong TransferredBytes { get; }

    [Obsolete("Use ProgressEstimate.")]
    public ulong TransferableBytes { get; }
}

/// <summary>Names that code from before version 11 uses.</summary>
public static class SessionExtensions
{
    [Obsolete("Use Realm.SyncSession.")]
    public static Session GetSession(this Realm realm)
        => (realm ?? throw new ArgumentNullException(nameof(realm))).SyncSession;

    [Obsolete("Use Realms.Sync.Testing.")]
    public static void SimulateClientReset(this Session session, string message)
        => (session ?? throw new ArgumentNullException(nameof(session))).Simulate(NativeStatus.ClientReset, message, true);
}

/// <summary>The sync of one realm. It may be used from any thread.</summary>
public class Session : INotifyPropertyChanged
{
    private static readonly Lock Gate = new();
    private static EventHandler<ErrorEventArgs>? _error;

    private readonly NativeHandle _native;
    private PropertyChangedEventHandler? _propertyChanged;
    private ulong _connectionRegistration;

    private Session(User user, NativeHandle native)
    {
        User = user;
        _native = native;
    }

    /// <summary>Raised, on a thread of the pool, when ConnectionState has changed.</summary>
    public event PropertyChangedEventHandler? PropertyChanged
    {
        add
        {
            lock (Gate)
            {
                _propertyChanged += value;
                if (_connectionRegistration == 0)
                {
                    _connectionRegistration = EventPump.Observe(
                        queue => NativeMethods.atoll_session_observe_connection(_native.Value, queue),
                        _ => RaiseConnectionChanged());
                }
            }
        }

        remove
        {
            lock (Gate)
            {
                _propertyChanged -= value;
                if (_propertyChanged is null && _connectionRegistration != 0)
                {
                    EventPump.Forget(_connectionRegistration);
                    NativeMethods.atoll_session_unobserve(_native.Value, _connectionRegistration);
                    _connectionRegistration = 0;
                }
            }
        }
    }

    /// <summary>Errors of all sessions whose configuration has no handler of its own.</summary>
    [Obsolete("Use SyncConfigurationBase.OnSessionError.")]
    public static event EventHandler<ErrorEventArgs>? Error
    {
        add => _error += value;
        remove => _error -= value;
    }

    public SessionState State => NativeMethods.atoll_session_state(_native.Value) switch
    {
        NativeConstants.SessionActive or NativeConstants.SessionWaitingForAccessToken => SessionState.Active,
        _ => SessionState.Inactive,
    };

    public ConnectionState ConnectionState => (ConnectionState)NativeMethods.atoll_session_connection_state(_native.Value);

    public User User { get; }

    public string Path => NativeMethods.atoll_session_path(_native.Value) ?? "";

    /// <summary>Pauses both directions of this realm's sync; other sessions go on.</summary>
    public void Stop() => Call(NativeMethods.atoll_session_stop);

    /// <summary>Resumes, and connects at once whatever the backoff.</summary>
    public void Start() => Call(NativeMethods.atoll_session_start);

    /// <summary>Ends when the server has acknowledged all changes made so far.</summary>
    public Task WaitForUploadAsync(CancellationToken? cancellationToken = null)
        => Wait(NativeMethods.atoll_session_wait_for_upload, cancellationToken);

    /// <summary>Ends when all that the server has now is here; refresh the realm to see it.</summary>
    public Task WaitForDownloadAsync(CancellationToken? cancellationToken = null)
        => Wait(NativeMethods.atoll_session_wait_for_download, cancellationToken);

    public IObservable<SyncProgress> GetProgressObservable(ProgressDirection direction, ProgressMode mode)
        => new ProgressObservable(_native, direction, mode);

    public override bool Equals(object? obj)
        => obj is Session other && NativeMethods.atoll_session_equals(_native.Value, other._native.Value);

    public override int GetHashCode() => Path.GetHashCode(StringComparison.Ordinal);

    /// <summary>Wraps the native session of a realm; its errors go to the handlers of the configuration.</summary>
    internal static Session Of(SyncConfigurationBase config, IntPtr native)
    {
        if (native == IntPtr.Zero)
        {
            throw new NotSupportedException("The realm has no sync session.");
        }

        return new Session(config.User, new NativeHandle(native, NativeMethods.atoll_session_free));
    }

    /// <summary>
    /// Lets errors reach the handlers of the configuration, until the result is disposed. A session that several realms
    /// of the process share reports to the first of their configurations, once.
    /// </summary>
    internal IDisposable ReportErrors(SyncConfigurationBase config) => ErrorReporting.Begin(this, config);

    private void Report(SyncConfigurationBase config, EventData data)
    {
        try
        {
            var error = SessionException.From(data);
            if (error is ClientResetException reset && config.ClientResetHandler.Fallback is { } fallback)
            {
                fallback(reset.Of(config));
            }
            else if (config.OnSessionError is { } handler)
            {
                handler(this, error);
            }
            else if (_error is { } older)
            {
                older(this, new ErrorEventArgs(error));
            }
            else
            {
                RealmLogger.Report(LogLevel.Error, LogCategory.Realm.Sync.Client.Session, $"{error.ErrorCode}: {error.Message}");
            }
        }
        catch (Exception failure)
        {
            RealmLogger.Report(LogLevel.Error, LogCategory.Realm.SDK, $"A session error handler failed: {failure}");
        }
    }

    /// <summary>As if the server had sent the error.</summary>
    internal void Simulate(int status, string message, bool isFatal)
        => NativeMethods.atoll_testing_simulate_error(_native.Value, status, message, isFatal);

    private void Call(Action<IntPtr> call)
    {
        try
        {
            call(_native.Value);
        }
        catch (RealmClosedException error)
        {
            throw new ObjectDisposedException(error.Message, error);
        }
    }

    private async Task Wait(Func<IntPtr, IntPtr, ulong> start, CancellationToken? cancellationToken)
    {
        var token = cancellationToken ?? CancellationToken.None;
        token.ThrowIfCancellationRequested();
        Task<EventData>? done = null;
        Call(native => done = EventPump.Request(queue => start(native, queue), ToException));
        await (token.CanBeCanceled ? done!.WaitAsync(token) : done!).ConfigureAwait(false);
        GC.KeepAlive(this);
    }

    private static Exception ToException(EventData data)
        => data.Status == NativeStatus.Cancelled
            ? new TaskCanceledException(data.Message)
            : new RealmException(data.Message, SessionException.From(data));

    private void RaiseConnectionChanged() => ThreadPool.QueueUserWorkItem(
        _ =>
        {
            try
            {
                _propertyChanged?.Invoke(this, new PropertyChangedEventArgs(nameof(ConnectionState)));
            }
            catch (Exception error)
            {
                RealmLogger.Report(LogLevel.Error, LogCategory.Realm.SDK, $"A PropertyChanged handler failed: {error}");
            }
        });

    /// <summary>Each subscriber gets a native observation of its own.</summary>
    private sealed class ProgressObservable(NativeHandle session, ProgressDirection direction, ProgressMode mode)
        : IObservable<SyncProgress>
    {
        public IDisposable Subscribe(IObserver<SyncProgress> observer)
        {
            ArgumentNullException.ThrowIfNull(observer);
            var ending = new StrongBox<bool>();
            var registration = EventPump.Observe(
                queue => NativeMethods.atoll_session_observe_progress(session.Value, (int)direction, (int)mode, queue),
                data => Deliver(observer, data, ending));
            return new Ending(session, registration, ending);
        }

        private static void Deliver(IObserver<SyncProgress> observer, EventData data, StrongBox<bool> ended)
        {
            if (ended.Value)
            {
                return;
            }

            observer.OnNext(new SyncProgress(data.Fraction, (ulong)data.First, (ulong)data.Second));
            if (data.Third != 0)
            {
                ended.Value = true;
                observer.OnCompleted();
            }
        }
    }

    /// <summary>The one observation of errors of a path, counted by the realms that are open there.</summary>
    private sealed class ErrorReporting : IDisposable
    {
        private static readonly Dictionary<string, ErrorReporting> Active = new(StringComparer.Ordinal);

        private readonly Session _session;
        private readonly string _path;
        private readonly ulong _registration;
        private readonly ResetAnswering? _resets;
        private int _uses;

        private ErrorReporting(Session session, SyncConfigurationBase config)
        {
            _session = session;
            _path = session.Path;
            _registration = EventPump.Observe(
                queue => NativeMethods.atoll_session_observe_errors(session._native.Value, queue),
                data => ThreadPool.QueueUserWorkItem(_ => session.Report(config, data)));
            if (config.ClientResetHandler.Asks)
            {
                _resets = new ResetAnswering(session, config);
            }
        }

        public static IDisposable Begin(Session session, SyncConfigurationBase config)
        {
            lock (Gate)
            {
                if (!Active.TryGetValue(session.Path, out var reporting))
                {
                    reporting = new ErrorReporting(session, config);
                    Active[session.Path] = reporting;
                }

                reporting._uses++;
                return reporting;
            }
        }

        public void Dispose()
        {
            lock (Gate)
            {
                if (--_uses == 0)
                {
                    _resets?.Dispose();
                    Active.Remove(_path);
                    EventPump.Forget(_registration);
                    NativeMethods.atoll_session_unobserve(_session._native.Value, _registration);
                }
            }
        }
    }

    /// <summary>Calls the handler of client resets, all of them on one thread, which owns the realms that it opens.</summary>
    private sealed class ResetAnswering : IDisposable
    {
        private readonly System.Collections.Concurrent.BlockingCollection<EventData> _events = [];
        private readonly Session _session;
        private readonly SyncConfigurationBase _config;
        private readonly ulong _registration;
        private Realm? _opened;
        private Realm? _before;

        public ResetAnswering(Session session, SyncConfigurationBase config)
        {
            _session = session;
            _config = config;
            _registration = EventPump.Observe(
                queue => NativeMethods.atoll_session_observe_resets(session._native.Value, queue), Take);
        }

        public void Dispose()
        {
            EventPump.Forget(_registration);
            NativeMethods.atoll_session_unobserve(_session._native.Value, _registration);
            _events.CompleteAdding();
        }

        /// <summary>The thread is there from the first event to the end of its reset.</summary>
        private void Take(EventData data)
        {
            _events.Add(data);
            if (data.First == NativeConstants.ResetStepBefore)
            {
                new Thread(Run) { IsBackground = true, Name = "atoll client reset" }.Start();
            }
        }

        private void Run()
        {
            try
            {
                foreach (var data in _events.GetConsumingEnumerable())
                {
                    if (Answer(data) || data.First == NativeConstants.ResetStepAfter)
                    {
                        return;
                    }
                }
            }
            finally
            {
                _before?.Dispose();
                _opened?.Dispose();
                _before = _opened = null;
            }
        }

        /// <summary>True: the handler threw, and the reset has ended.</summary>
        private bool Answer(EventData data)
        {
            var (status, message) = (0, "");
            try
            {
                CallHandler(data.First == NativeConstants.ResetStepBefore, data.Second == 0);
            }
            catch (Exception error)
            {
                (status, message) = (NativeStatus.Internal, $"the handler of a client reset threw {error.GetType().Name}: {error.Message}");
                RealmLogger.Report(LogLevel.Error, LogCategory.Realm.Sync.Client.Reset, error.ToString());
            }

            NativeMethods.atoll_session_continue_reset(_session._native.Value, status, message);
            return status != 0;
        }

        private void CallHandler(bool isBefore, bool recovered)
        {
            var handler = _config.ClientResetHandler;
            if (isBefore)
            {
                _opened = Realm.GetInstance(_config); // What is frozen from it lives as long as it is open.
                _before = _opened.Freeze();
                handler.Before?.Invoke(_before);
                return;
            }

            using var after = Realm.GetInstance(_config);
            handler.After(recovered)?.Invoke(_before ?? after.Freeze(), after);
        }
    }

    private sealed class Ending(NativeHandle session, ulong registration, StrongBox<bool> ended) : IDisposable
    {
        public void Dispose()
        {
            ended.Value = true;
            EventPump.Forget(registration);
            NativeMethods.atoll_session_unobserve(session.Value, registration);
        }
    }
}
