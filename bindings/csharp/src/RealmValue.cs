using MongoDB.Bson;
using System.Diagnostics;

namespace Realms;

/// <summary>What a <see cref="RealmValue"/> holds.</summary>
public enum RealmValueType : byte
{
    Null,
    Int,
    Bool,
    String,
    Data,
    Date,
    Float,
    Double,
    Decimal128,
    ObjectId,
    Object,
    Guid,
    List,
    Set,
    Dictionary,
}

/// <summary>
/// One value of any type that a key, a partition or a query argument can have. Properties of this type, float, decimal
/// and collections inside a value are not supported yet.
/// </summary>
[DebuggerDisplay("Type = {Type}, Value = {ToString(),nq}")]
public readonly struct RealmValue : IEquatable<RealmValue>
{
    private readonly long _number;
    private readonly object? _reference;

    private RealmValue(RealmValueType type, long number, object? reference = null)
    {
        Type = type;
        _number = number;
        _reference = reference;
    }

    public static RealmValue Null => default;

    public RealmValueType Type { get; }

    /// <summary>The class of the object that the value holds, if it holds one.</summary>
    public string? ObjectType
        => Type == RealmValueType.Object ? ((IRealmObjectBase)_reference!).ObjectSchema?.Name : null;

    public byte AsByte() => checked((byte)AsInt64());

    public short AsInt16() => checked((short)AsInt64());

    public int AsInt32() => checked((int)AsInt64());

    public char AsChar() => checked((char)AsInt64());

    public long AsInt64()
    {
        Check(RealmValueType.Int);
        return _number;
    }

    public double AsDouble()
    {
        Check(RealmValueType.Double);
        return BitConverter.Int64BitsToDouble(_number);
    }

    public bool AsBool()
    {
        Check(RealmValueType.Bool);
        return _number != 0;
    }

    public DateTimeOffset AsDate()
    {
        Check(RealmValueType.Date);
        return new DateTimeOffset(_number, TimeSpan.Zero);
    }

    public ObjectId AsObjectId()
    {
        Check(RealmValueType.ObjectId);
        return (ObjectId)_reference!;
    }

    public Guid AsGuid()
    {
        Check(RealmValueType.Guid);
        return (Guid)_reference!;
    }

    public string AsString()
    {
        Check(RealmValueType.String);
        return (string)_reference!;
    }

    public byte[] AsData()
    {
        Check(RealmValueType.Data);
        return (byte[])_reference!;
    }

    public IRealmObjectBase AsIRealmObject()
    {
        Check(RealmValueType.Object);
        return (IRealmObjectBase)_reference!;
    }

    public RealmObjectBase AsRealmObject() => (RealmObjectBase)AsIRealmObject();

    public T AsRealmObject<T>()
        where T : IRealmObjectBase
        => (T)AsIRealmObject();

    public byte? AsNullableByte() => Type == RealmValueType.Null ? null : AsByte();

    public short? AsNullableInt16() => Type == RealmValueType.Null ? null : AsInt16();

    public int? AsNullableInt32() => Type == RealmValueType.Null ? null : AsInt32();

    public long? AsNullableInt64() => Type == RealmValueType.Null ? null : AsInt64();

    public char? AsNullableChar() => Type == RealmValueType.Null ? null : AsChar();

    public double? AsNullableDouble() => Type == RealmValueType.Null ? null : AsDouble();

    public bool? AsNullableBool() => Type == RealmValueType.Null ? null : AsBool();

    public DateTimeOffset? AsNullableDate() => Type == RealmValueType.Null ? null : AsDate();

    public ObjectId? AsNullableObjectId() => Type == RealmValueType.Null ? null : AsObjectId();

    public Guid? AsNullableGuid() => Type == RealmValueType.Null ? null : AsGuid();

    public string? AsNullableString() => Type == RealmValueType.Null ? null : AsString();

    public byte[]? AsNullableData() => Type == RealmValueType.Null ? null : AsData();

    public IRealmObjectBase? AsNullableIRealmObject() => Type == RealmValueType.Null ? null : AsIRealmObject();

    public RealmObjectBase? AsNullableRealmObject() => Type == RealmValueType.Null ? null : AsRealmObject();

    public T? AsNullableRealmObject<T>()
        where T : class, IRealmObjectBase
        => Type == RealmValueType.Null ? null : AsRealmObject<T>();

    public object? AsAny() => Type switch
    {
        RealmValueType.Null => null,
        RealmValueType.Int => _number,
        RealmValueType.Bool => _number != 0,
        RealmValueType.Double => AsDouble(),
        RealmValueType.Date => AsDate(),
        _ => _reference,
    };

    /// <summary>The value as <typeparamref name="T"/>; integers convert to every width that they fit in.</summary>
    public T As<T>()
    {
        var any = AsAny();
        if (any is T exact)
        {
            return exact;
        }

        var target = Nullable.GetUnderlyingType(typeof(T)) ?? typeof(T);
        if (any is null)
        {
            return default(T) is null ? default! : throw new InvalidCastException($"A null value is no {typeof(T).Name}.");
        }

        if (any is long number && target.IsPrimitive && target != typeof(bool) && target != typeof(double) && target != typeof(float))
        {
            return (T)Convert.ChangeType(number, target, System.Globalization.CultureInfo.InvariantCulture);
        }

        if (typeof(T) == typeof(RealmValue))
        {
            return (T)(object)this;
        }

        throw new InvalidCastException($"A value of type {Type} is no {typeof(T).Name}.");
    }

    public bool Equals(RealmValue other)
    {
        if (Type == other.Type)
        {
            return Type switch
            {
                RealmValueType.Data => AsData().AsSpan().SequenceEqual(other.AsData()),
                RealmValueType.Double => AsDouble().Equals(other.AsDouble()),
                _ => _number == other._number && Equals(_reference, other._reference),
            };
        }

        return (Type, other.Type) switch
        {
            (RealmValueType.Int, RealmValueType.Double) => _number == other.AsDouble(),
            (RealmValueType.Double, RealmValueType.Int) => AsDouble() == other._number,
            _ => false,
        };
    }

    public override bool Equals(object? obj) => obj is RealmValue other && Equals(other);

    public override int GetHashCode() => Type switch
    {
        RealmValueType.Int => ((double)_number).GetHashCode(),
        RealmValueType.Double => AsDouble().GetHashCode(),
        RealmValueType.Data => AsData().Length,
        _ => HashCode.Combine(Type, _number, _reference),
    };

    public override string ToString() => AsAny()?.ToString() ?? "<null>";

    public static bool operator ==(RealmValue left, RealmValue right) => left.Equals(right);

    public static bool operator !=(RealmValue left, RealmValue right) => !left.Equals(right);

    /// <summary>Boxes any supported value; a null reference is a null value.</summary>
    internal static RealmValue From(object? value) => value switch
    {
        null => Null,
        RealmValue same => same,
        byte number => number,
        short number => number,
        int number => number,
        long number => number,
        char number => number,
        double number => number,
        bool flag => flag,
        string text => text,
        byte[] data => data,
        DateTimeOffset date => date,
        ObjectId id => id,
        Guid guid => guid,
        IRealmObjectBase model => Object(model),
        float => throw new NotSupportedException("not supported yet: float"),
        decimal => throw new NotSupportedException("not supported yet: decimal"),
        _ => throw new NotSupportedException($"A value of type {value.GetType().Name} cannot be stored."),
    };

    internal static RealmValue Object(IRealmObjectBase? value) => value switch
    {
        null => Null,
        IAsymmetricObject => throw new NotSupportedException("A value cannot hold an asymmetric object."),
        _ => new RealmValue(RealmValueType.Object, 0, value),
    };

    private void Check(RealmValueType type)
    {
        if (Type != type)
        {
            throw new InvalidCastException($"The value is a {Type}, not a {type}.");
        }
    }

    public static implicit operator RealmValue(byte value) => new(RealmValueType.Int, value);

    public static implicit operator RealmValue(short value) => new(RealmValueType.Int, value);

    public static implicit operator RealmValue(int value) => new(RealmValueType.Int, value);

    public static implicit operator RealmValue(long value) => new(RealmValueType.Int, value);

    public static implicit operator RealmValue(char value) => new(RealmValueType.Int, value);

    public static implicit operator RealmValue(double value)
        => new(RealmValueType.Double, BitConverter.DoubleToInt64Bits(value));

    public static implicit operator RealmValue(bool value) => new(RealmValueType.Bool, value ? 1 : 0);

    public static implicit operator RealmValue(DateTimeOffset value) => new(RealmValueType.Date, value.UtcTicks);

    public static implicit operator RealmValue(ObjectId value) => new(RealmValueType.ObjectId, 0, value);

    public static implicit operator RealmValue(Guid value) => new(RealmValueType.Guid, 0, value);

    public static implicit operator RealmValue(string? value)
        => value is null ? Null : new(RealmValueType.String, 0, value);

    public static implicit operator RealmValue(byte[]? value)
        => value is null ? Null : new(RealmValueType.Data, 0, value);

    public static implicit operator RealmValue(RealmObjectBase? value) => Object(value);

    public static implicit operator RealmValue(byte? value) => value is { } some ? some : Null;

    public static implicit operator RealmValue(short? value) => value is { } some ? some : Null;

    public static implicit operator RealmValue(int? value) => value is { } some ? some : Null;

    public static implicit operator RealmValue(long? value) => value is { } some ? some : Null;

    public static implicit operator RealmValue(char? value) => value is { } some ? some : Null;

    public static implicit operator RealmValue(double? value) => value is { } some ? some : Null;

    public static implicit operator RealmValue(bool? value) => value is { } some ? some : Null;

    public static implicit operator RealmValue(DateTimeOffset? value) => value is { } some ? some : Null;

    public static implicit operator RealmValue(ObjectId? value) => value is { } some ? some : Null;

    public static implicit operator RealmValue(Guid? value) => value is { } some ? some : Null;

    public static explicit operator byte(RealmValue value) => value.AsByte();

    public static explicit operator byte?(RealmValue value) => value.AsNullableByte();

    public static explicit operator short(RealmValue value) => value.AsInt16();

    public static explicit operator short?(RealmValue value) => value.AsNullableInt16();

    public static explicit operator int(RealmValue value) => value.AsInt32();

    public static explicit operator int?(RealmValue value) => value.AsNullableInt32();

    public static explicit operator long(RealmValue value) => value.AsInt64();

    public static explicit operator long?(RealmValue value) => value.AsNullableInt64();

    public static explicit operator char(RealmValue value) => value.AsChar();

    public static explicit operator char?(RealmValue value) => value.AsNullableChar();

    public static explicit operator double(RealmValue value) => value.AsDouble();

    public static explicit operator double?(RealmValue value) => value.AsNullableDouble();

    public static explicit operator bool(RealmValue value) => value.AsBool();

    public static explicit operator bool?(RealmValue value) => value.AsNullableBool();

    public static explicit operator DateTimeOffset(RealmValue value) => value.AsDate();

    public static explicit operator DateTimeOffset?(RealmValue value) => value.AsNullableDate();

    public static explicit operator ObjectId(RealmValue value) => value.AsObjectId();

    public static explicit operator ObjectId?(RealmValue value) => value.AsNullableObjectId();

    public static explicit operator Guid(RealmValue value) => value.AsGuid();

    public static explicit operator Guid?(RealmValue value) => value.AsNullableGuid();

    public static explicit operator string?(RealmValue value) => value.AsNullableString();

    public static explicit operator byte[]?(RealmValue value) => value.AsNullableData();

    public static explicit operator RealmObjectBase?(RealmValue value) => value.AsNullableRealmObject();
}
