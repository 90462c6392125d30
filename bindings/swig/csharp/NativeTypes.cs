// What crosses between C# and the core by value.
#nullable enable
using System;
using System.Runtime.InteropServices;
using System.Text;

namespace Atoll.Native
{
    /// <summary>A borrowed view of bytes or UTF-8; null data is the null value. It is copied at once.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal readonly unsafe struct AtollBytes
    {
        private readonly byte* data;
        private readonly nuint size;

        public AtollBytes(byte* data, nuint size)
        {
            this.data = data;
            this.size = size;
        }

        public bool IsNull => data == null;

        public ReadOnlySpan<byte> AsSpan() => new ReadOnlySpan<byte>(data, checked((int)size));

        public string? TakeText() => data == null ? null : Encoding.UTF8.GetString(data, checked((int)size));

        public byte[]? TakeBytes() => data == null ? null : AsSpan().ToArray();
    }

    /// <summary>Seconds since 1970-01-01T00:00:00Z, and the nanoseconds (0 to 999,999,999) after them.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal readonly struct AtollTimestamp
    {
        public readonly long Seconds;
        public readonly int Nanoseconds;
        private readonly int zero;

        public AtollTimestamp(long seconds, int nanoseconds)
        {
            Seconds = seconds;
            Nanoseconds = nanoseconds;
            zero = 0;
        }
    }

    /// <summary>A string as UTF-8 for the time of one call: on the caller's stack if it is short.</summary>
    internal readonly unsafe ref struct Utf8Text
    {
        public const int StackSize = 192;
        private readonly byte* heap;

        public AtollBytes Bytes { get; }

        public Utf8Text(string? text, byte* stack)
        {
            heap = null;
            if (text == null)
            {
                Bytes = default;
                return;
            }
            int capacity = checked(text.Length * 3);
            byte* place = stack;
            if (capacity > StackSize)
            {
                capacity = Encoding.UTF8.GetByteCount(text);
                place = heap = (byte*)NativeMemory.Alloc((nuint)capacity);
            }
            fixed (char* characters = text)
            {
                int size = text.Length == 0 ? 0 : Encoding.UTF8.GetBytes(characters, text.Length, place, capacity);
                Bytes = new AtollBytes(place, (nuint)size);
            }
        }

        public void Dispose() => NativeMemory.Free(heap);
    }
}
