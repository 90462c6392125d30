using Realms.Logging;

namespace Realms;

/// <summary>
/// One thread for the whole process waits on one native queue: answers to requests, events of sessions, "there is a
/// newer version" of realms that have a synchronization context, and log lines. Handlers run on that thread, so they
/// only complete tasks or post work elsewhere.
/// </summary>
internal static class EventPump
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<ulong, (Action<EventData> Handler, bool Once)> Handlers = [];
    private static readonly IntPtr Queue = Start();

    /// <summary>Makes a native call whose events come to the handler, which is known before the first one is taken.</summary>
    public static ulong Observe(Func<IntPtr, ulong> start, Action<EventData> handler) => Register(start, handler, false);

    public static void Forget(ulong registration)
    {
        lock (Gate)
        {
            Handlers.Remove(registration);
        }
    }

    /// <summary>Makes a native request; the task ends with its event, or with the exception made from its error.</summary>
    public static Task<EventData> Request(Func<IntPtr, ulong> start, Func<EventData, Exception> onError)
        => Request(start, onError, out _);

    public static Task<EventData> Request(Func<IntPtr, ulong> start, Func<EventData, Exception> onError, out ulong registration)
    {
        var done = new TaskCompletionSource<EventData>(TaskCreationOptions.RunContinuationsAsynchronously);
        registration = Register(
            start,
            data =>
            {
                if (data.Status == 0)
                {
                    done.TrySetResult(data);
                }
                else
                {
                    done.TrySetException(onError(data));
                }
            },
            true);
        return done.Task;
    }

    private static ulong Register(Func<IntPtr, ulong> start, Action<EventData> handler, bool once)
    {
        lock (Gate)
        {
            var registration = start(Queue);
            Handlers[registration] = (handler, once);
            return registration;
        }
    }

    private static IntPtr Start()
    {
        NativeLibraryInfo.Initialize();
        var queue = NativeMethods.atoll_queue_new();
        NativeMethods.atoll_log_set_queue(queue);
        new Thread(() => Run(queue)) { IsBackground = true, Name = "Atoll events" }.Start();
        return queue;
    }

    private static void Run(IntPtr queue)
    {
        while (true)
        {
            try
            {
                if (EventData.Next(queue, -1) is { } data)
                {
                    Deliver(data);
                }
            }
            catch (Exception error)
            {
                // A handler that throws must not end the thread that all tasks of the process wait for.
                RealmLogger.Report(LogLevel.Error, LogCategory.Realm.SDK, $"An event handler failed: {error}");
            }
        }
    }

    private static void Deliver(EventData data)
    {
        if (data.Type == NativeConstants.EventLog)
        {
            RealmLogger.Report((LogLevel)data.First, LogCategory.FromNative(data.Category), data.Text);
            return;
        }

        Action<EventData> handler;
        lock (Gate)
        {
            if (!Handlers.TryGetValue(data.Registration, out var entry))
            {
                return;
            }

            handler = entry.Handler;
            if (entry.Once)
            {
                Handlers.Remove(data.Registration);
            }
        }

        handler(data);
    }
}
