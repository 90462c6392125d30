namespace Realms;

/// <summary>A copy of a native event, taken when it leaves its queue.</summary>
internal sealed class EventData
{
    private readonly long[][] _changes = new long[7][];
    private readonly string[][] _keys = new string[7][];

    private EventData(IntPtr native)
    {
        Type = NativeMethods.atoll_event_type(native);
        Registration = NativeMethods.atoll_event_registration(native);
        switch (Type)
        {
            case NativeConstants.EventResultsChanged:
            case NativeConstants.EventListChanged:
            case NativeConstants.EventObjectChanged:
                IsInitial = NativeMethods.atoll_event_is_initial(native);
                IsDeleted = NativeMethods.atoll_event_is_deleted(native);
                IsCleared = NativeMethods.atoll_event_is_cleared(native);
                for (var kind = 0; kind < _changes.Length; kind++)
                {
                    _changes[kind] = ReadChanges(native, kind);
                    _keys[kind] = Type == NativeConstants.EventListChanged ? ReadKeys(native, kind, _changes[kind].Length) : [];
                }

                break;
            case NativeConstants.EventRequestDone:
                User = NativeMethods.atoll_event_user(native);
                Values = Realms.Sync.User.Texts(NativeMethods.atoll_event_values(native));
                break;
            case NativeConstants.EventConnectionChanged:
            case NativeConstants.EventClientReset:
                First = NativeMethods.atoll_event_number(native, 0);
                Second = NativeMethods.atoll_event_number(native, 1);
                break;
            case NativeConstants.EventProgress:
                Fraction = NativeMethods.atoll_event_fraction(native);
                First = NativeMethods.atoll_event_number(native, 0);
                Second = NativeMethods.atoll_event_number(native, 1);
                Third = NativeMethods.atoll_event_number(native, 2);
                break;
            case NativeConstants.EventLog:
                First = NativeMethods.atoll_event_number(native, 0);
                Category = NativeMethods.atoll_event_text(native, 0) ?? "";
                Text = NativeMethods.atoll_event_text(native, 1) ?? "";
                break;
        }

        Status = NativeMethods.atoll_event_status(native);
        Message = Status == 0 ? "" : NativeMethods.atoll_event_message(native) ?? "";
        if (Status == NativeStatus.CompensatingWrite)
        {
            RefusedWrites = ReadRefusedWrites(native);
        }
    }

    private static Sync.Exceptions.CompensatingWriteInfo[] ReadRefusedWrites(IntPtr native)
    {
        using var values = new NativeValues(NativeMethods.atoll_event_refused_writes(native));
        var writes = new Sync.Exceptions.CompensatingWriteInfo[NativeMethods.atoll_values_count(values.Handle) / 3];
        for (var i = 0; i < writes.Length; i++)
        {
            writes[i] = new(values.Read(3 * i).AsString(), values.Read((3 * i) + 1), values.Read((3 * i) + 2).AsString());
        }

        return writes;
    }

    public int Type { get; }

    public ulong Registration { get; }

    public bool IsInitial { get; }

    public bool IsDeleted { get; }

    public bool IsCleared { get; }

    public int Status { get; }

    public string Message { get; }

    /// <summary>What the server took back, of an error that says so.</summary>
    public Sync.Exceptions.CompensatingWriteInfo[] RefusedWrites { get; } = [];

    /// <summary>The user of a log-in, a handle that the receiver owns; else zero.</summary>
    public IntPtr User { get; }

    /// <summary>The texts that answer a request for API keys; null among them: none there.</summary>
    public string[] Values { get; } = [];

    public double Fraction { get; }

    public long First { get; }

    public long Second { get; }

    public long Third { get; }

    public string Category { get; } = "";

    public string Text { get; } = "";

    /// <summary>Takes the next event of a queue, or null when time has run out.</summary>
    public static EventData? Next(IntPtr queue, long timeoutMilliseconds)
    {
        var native = NativeMethods.atoll_queue_next(queue, timeoutMilliseconds);
        if (native == IntPtr.Zero)
        {
            return null;
        }

        try
        {
            return new EventData(native);
        }
        finally
        {
            NativeMethods.atoll_event_free(native);
        }
    }

    public ReadOnlySpan<long> Changes(int kind) => _changes[kind] ?? [];

    public int[] Indices(int kind) => Array.ConvertAll(_changes[kind] ?? [], checked(index => (int)index));

    /// <summary>Of a dictionary: the keys that go with the indexes.</summary>
    public string[] Keys(int kind) => _keys[kind] ?? [];

    private static string[] ReadKeys(IntPtr native, int kind, int count)
        => count == 0 || NativeMethods.atoll_event_change_key(native, kind, 0) is null
            ? []
            : [.. Enumerable.Range(0, count).Select(position => NativeMethods.atoll_event_change_key(native, kind, position)!)];

    private static long[] ReadChanges(IntPtr native, int kind)
    {
        var count = NativeMethods.atoll_event_change_count(native, kind);
        var changes = count == 0 ? [] : new long[count];
        for (long i = 0; i < count; i++)
        {
            changes[i] = NativeMethods.atoll_event_change(native, kind, i);
        }

        return changes;
    }
}
