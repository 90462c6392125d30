using System.Globalization;

namespace Realms;

/// <summary>
/// An integer property that is changed by adding to it: increments that several devices make at once add up, where of
/// several assignments the last one wins. It converts from and to its plain number by itself.
/// </summary>
public readonly struct RealmInteger<T> : IEquatable<T>, IEquatable<RealmInteger<T>>, IComparable<RealmInteger<T>>,
    IComparable<T>, IConvertible, IFormattable, IRealmInteger
    where T : struct, IComparable<T>, IFormattable, IConvertible, IEquatable<T>
{
    private readonly T _value;
    private readonly ManagedAccessor? _accessor;
    private readonly int _index;

    internal RealmInteger(T value, ManagedAccessor? accessor = null, int index = 0)
    {
        _value = value;
        _accessor = accessor;
        _index = index;
    }

    long IRealmInteger.Number => ToLong(_value);

    /// <summary>Adds one. Errors: NotSupportedException unless it was read from a stored object.</summary>
    public RealmInteger<T> Increment() => Add(1);

    /// <summary>Takes one away. Errors: like Increment.</summary>
    public RealmInteger<T> Decrement() => Add(-1);

    /// <summary>Adds a number, which may be negative. Errors: like Increment.</summary>
    public RealmInteger<T> Increment(T value) => Add(ToLong(value));

    public bool Equals(T other) => _value.Equals(other);

    public bool Equals(RealmInteger<T> other) => _value.Equals(other._value);

    public override bool Equals(object? obj) => obj switch
    {
        RealmInteger<T> other => Equals(other),
        T other => Equals(other),
        _ => false,
    };

    public override int GetHashCode() => _value.GetHashCode();

    public override string ToString() => _value.ToString()!;

    public string ToString(string? format, IFormatProvider? formatProvider) => _value.ToString(format, formatProvider);

    public int CompareTo(RealmInteger<T> other) => _value.CompareTo(other._value);

    public int CompareTo(T other) => _value.CompareTo(other);

    public static implicit operator T(RealmInteger<T> i) => i._value;

    public static implicit operator RealmInteger<T>(T i) => new(i);

    /// <summary>On a stored object the same as Increment; otherwise plain arithmetic.</summary>
    public static RealmInteger<T> operator ++(RealmInteger<T> source) => source.Step(1);

    public static RealmInteger<T> operator --(RealmInteger<T> source) => source.Step(-1);

    public static bool operator ==(RealmInteger<T> first, RealmInteger<T> second) => first.Equals(second);

    public static bool operator !=(RealmInteger<T> first, RealmInteger<T> second) => !first.Equals(second);

    public static bool operator <(RealmInteger<T> first, RealmInteger<T> second) => first.CompareTo(second) < 0;

    public static bool operator >(RealmInteger<T> first, RealmInteger<T> second) => first.CompareTo(second) > 0;

    public static bool operator <=(RealmInteger<T> first, RealmInteger<T> second) => first.CompareTo(second) <= 0;

    public static bool operator >=(RealmInteger<T> first, RealmInteger<T> second) => first.CompareTo(second) >= 0;

    TypeCode IConvertible.GetTypeCode() => _value.GetTypeCode();

    bool IConvertible.ToBoolean(IFormatProvider? provider) => _value.ToBoolean(provider);

    byte IConvertible.ToByte(IFormatProvider? provider) => _value.ToByte(provider);

    char IConvertible.ToChar(IFormatProvider? provider) => _value.ToChar(provider);

    DateTime IConvertible.ToDateTime(IFormatProvider? provider) => _value.ToDateTime(provider);

    decimal IConvertible.ToDecimal(IFormatProvider? provider) => _value.ToDecimal(provider);

    double IConvertible.ToDouble(IFormatProvider? provider) => _value.ToDouble(provider);

    short IConvertible.ToInt16(IFormatProvider? provider) => _value.ToInt16(provider);

    int IConvertible.ToInt32(IFormatProvider? provider) => _value.ToInt32(provider);

    long IConvertible.ToInt64(IFormatProvider? provider) => _value.ToInt64(provider);

    sbyte IConvertible.ToSByte(IFormatProvider? provider) => _value.ToSByte(provider);

    float IConvertible.ToSingle(IFormatProvider? provider) => _value.ToSingle(provider);

    string IConvertible.ToString(IFormatProvider? provider) => _value.ToString(provider);

    object IConvertible.ToType(Type conversionType, IFormatProvider? provider) => _value.ToType(conversionType, provider);

    ushort IConvertible.ToUInt16(IFormatProvider? provider) => _value.ToUInt16(provider);

    uint IConvertible.ToUInt32(IFormatProvider? provider) => _value.ToUInt32(provider);

    ulong IConvertible.ToUInt64(IFormatProvider? provider) => _value.ToUInt64(provider);

    /// <summary>True for the number that a property holds already: to assign it again would undo other devices' steps.</summary>
    internal bool IsOf(ManagedAccessor accessor, int index)
        => _accessor == accessor && _index == index && accessor.GetInt64(index) == ToLong(_value);

    internal static T FromLong(long value) => (T)Convert.ChangeType(value, typeof(T), CultureInfo.InvariantCulture);

    private static long ToLong(T value) => value.ToInt64(CultureInfo.InvariantCulture);

    private RealmInteger<T> Step(long by) => _accessor is null ? FromLong(checked(ToLong(_value) + by)) : Add(by);

    private RealmInteger<T> Add(long delta)
    {
        if (_accessor is null)
        {
            throw new NotSupportedException("Increment works on properties of stored objects only: add the object first.");
        }

        _accessor.Increment(_index, delta);
        return new RealmInteger<T>(FromLong(_accessor.GetInt64(_index)), _accessor, _index);
    }
}

/// <summary>A counter without its width.</summary>
internal interface IRealmInteger
{
    long Number { get; }
}
