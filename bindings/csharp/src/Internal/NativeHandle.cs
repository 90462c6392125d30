namespace Realms;

/// <summary>A native handle that is freed once, by Dispose or by the garbage collector; any thread may free.</summary>
internal sealed class NativeHandle : IDisposable
{
    private readonly Action<IntPtr> _free;
    private IntPtr _value;

    public NativeHandle(IntPtr value, Action<IntPtr> free)
    {
        _value = value;
        _free = free;
    }

    ~NativeHandle() => Free();

    public bool IsClosed => _value == IntPtr.Zero;

    /// <summary>The number; keep this object alive (GC.KeepAlive) until the call that uses it has returned.</summary>
    public IntPtr Value => _value;

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        var value = Interlocked.Exchange(ref _value, IntPtr.Zero);
        if (value != IntPtr.Zero)
        {
            _free(value);
        }
    }
}
