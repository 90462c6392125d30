using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace MongoDB.Bson;

/// <summary>A 12-byte identifier: seconds since 1970, five random bytes of the process, a counter.</summary>
public readonly struct ObjectId : IComparable<ObjectId>, IEquatable<ObjectId>, IComparable
{
    private static readonly byte[] ProcessBytes = RandomNumberGenerator.GetBytes(5);
    private static int _counter = RandomNumberGenerator.GetInt32(0x1000000);

    private readonly uint _first;
    private readonly ulong _rest;

    public ObjectId(byte[] bytes)
        : this((ReadOnlySpan<byte>)(bytes ?? throw new ArgumentNullException(nameof(bytes))))
    {
    }

    public ObjectId(string value)
        : this(Convert.FromHexString(CheckText(value)))
    {
    }

    internal ObjectId(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != 12)
        {
            throw new ArgumentException($"An ObjectId has 12 bytes, not {bytes.Length}.", nameof(bytes));
        }

        _first = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        _rest = BinaryPrimitives.ReadUInt64BigEndian(bytes[4..]);
    }

    public static ObjectId Empty => default;

    public int Timestamp => (int)_first;

    public DateTime CreationTime => DateTime.UnixEpoch.AddSeconds(_first);

    public static ObjectId GenerateNewId() => GenerateNewId(DateTime.UtcNow);

    public static ObjectId GenerateNewId(DateTime timestamp)
        => GenerateNewId((int)(uint)(long)Math.Floor((timestamp.ToUniversalTime() - DateTime.UnixEpoch).TotalSeconds));

    public static ObjectId GenerateNewId(int timestamp)
    {
        Span<byte> bytes = stackalloc byte[12];
        BinaryPrimitives.WriteInt32BigEndian(bytes, timestamp);
        ProcessBytes.CopyTo(bytes[4..]);
        var count = Interlocked.Increment(ref _counter) & 0xFFFFFF;
        bytes[9] = (byte)(count >> 16);
        bytes[10] = (byte)(count >> 8);
        bytes[11] = (byte)count;
        return new ObjectId((ReadOnlySpan<byte>)bytes);
    }

    public static ObjectId Parse(string s)
        => TryParse(s ?? throw new ArgumentNullException(nameof(s)), out var id)
            ? id
            : throw new FormatException($"'{s}' is not a valid 24 digit hex string.");

    public static bool TryParse(string? s, out ObjectId objectId)
    {
        objectId = default;
        Span<byte> bytes = stackalloc byte[12];
        if (s?.Length != 24)
        {
            return false;
        }

        for (var i = 0; i < 12; i++)
        {
            if (!byte.TryParse(s.AsSpan(i * 2, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out bytes[i]))
            {
                return false;
            }
        }

        objectId = new ObjectId((ReadOnlySpan<byte>)bytes);
        return true;
    }

    public byte[] ToByteArray()
    {
        var bytes = new byte[12];
        CopyTo(bytes);
        return bytes;
    }

    public int CompareTo(ObjectId other)
    {
        var first = _first.CompareTo(other._first);
        return first != 0 ? first : _rest.CompareTo(other._rest);
    }

    public int CompareTo(object? obj) => obj is ObjectId other ? CompareTo(other) : 1;

    public bool Equals(ObjectId other) => _first == other._first && _rest == other._rest;

    public override bool Equals(object? obj) => obj is ObjectId other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(_first, _rest);

    public override string ToString() => Convert.ToHexString(ToByteArray()).ToLowerInvariant();

    public static bool operator ==(ObjectId left, ObjectId right) => left.Equals(right);

    public static bool operator !=(ObjectId left, ObjectId right) => !left.Equals(right);

    public static bool operator <(ObjectId left, ObjectId right) => left.CompareTo(right) < 0;

    public static bool operator <=(ObjectId left, ObjectId right) => left.CompareTo(right) <= 0;

    public static bool operator >(ObjectId left, ObjectId right) => left.CompareTo(right) > 0;

    public static bool operator >=(ObjectId left, ObjectId right) => left.CompareTo(right) >= 0;

    internal void CopyTo(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt32BigEndian(bytes, _first);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[4..], _rest);
    }

    private static string CheckText(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return value.Length == 24 ? value : throw new FormatException($"'{value}' is not a valid 24 digit hex string.");
    }
}
