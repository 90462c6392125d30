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
/// One value of any type that can be stored, also a list or a dictionary of such values.
/// </summary>
[DebuggerDisplay("Type = {Type}, Value = {ToString(),nq}")]
public readonly partial struct RealmValue : IEquatable<RealmValue>
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

    public float AsFloat()
    {
        Check(RealmValueType.Float);
        return BitConverter.Int32BitsToSingle((int)_number);
    }

    public Decimal128 AsDecimal128()
    {
        Check(RealmValueType.Decimal128);
        return (Decimal128)_reference!;
    }

    public decimal AsDecimal() => Decimal128.ToDecimal(AsDecimal128());

    /// <summary>The list; that of a stored property is live, and changes to it are stored.</summary>
    public IList<RealmValue> AsList()
    {
        Check(RealmValueType.List);
        return (IList<RealmValue>)_reference!;
    }

    /// <summary>The dictionary, live like a list.</summary>
    public IDictionary<string, RealmValue> AsDictionary()
    {
        Check(RealmValueType.Dictionary);
        return (IDictionary<string, RealmValue>)_reference!;
    }

    public RealmInteger<byte> AsByteRealmInteger() => AsByte();

    public RealmInteger<short> AsInt16RealmInteger() => AsInt16();

    public RealmInteger<int> AsInt32RealmInteger() => AsInt32();

    public RealmInteger<long> AsInt64RealmInteger() => AsInt64();

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

    public float? AsNullableFloat() => Type == RealmValueType.Null ? null : AsFloat();

    public decimal? AsNullableDecimal() => Type == RealmValueType.Null ? null : AsDecimal();

    public Decimal128? AsNullableDecimal128() => Type == RealmValueType.Null ? null : AsDecimal128();

    public RealmInteger<byte>? AsNullableByteRealmInteger() => Type == RealmValueType.Null ? null : AsByteRealmInteger();

    public RealmInteger<short>? AsNullableInt16RealmInteger() => Type == RealmValueType.Null ? null : AsInt16RealmInteger();

    public RealmInteger<int>? AsNullableInt32RealmInteger() => Type == RealmValueType.Null ? null : AsInt32RealmInteger();

    public RealmInteger<long>? AsNullableInt64RealmInteger() => Type == RealmValueType.Null ? null : AsInt64RealmInteger();

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
        RealmValueType.Float => AsFloat(),
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

        if (typeof(T) == typeof(RealmValue))
        {
            return (T)(object)this;
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

        if (any is Decimal128 exactly && target == typeof(decimal))
        {
            return (T)(object)Decimal128.ToDecimal(exactly);
        }

        if (any is long count && target.IsGenericType && target.GetGenericTypeDefinition() == typeof(RealmInteger<>))
        {
            return (T)WrapInteger(count, target.GetGenericArguments()[0]);
        }

        throw new InvalidCastException($"A value of type {Type} is no {typeof(T).Name}.");
    }

    /// <summary>Numbers are equal across their types; lists and dictionaries are when they are the same one.</summary>
    public bool Equals(RealmValue other)
    {
        if (Type == other.Type)
        {
            return Type switch
            {
                RealmValueType.Data => AsData().AsSpan().SequenceEqual(other.AsData()),
                RealmValueType.Double => AsDouble().Equals(other.AsDouble()),
                RealmValueType.Float => AsFloat().Equals(other.AsFloat()),
                _ => _number == other._number && Equals(_reference, other._reference),
            };
        }

        if (!IsNumber || !other.IsNumber)
        {
            return false;
        }

        return Type == RealmValueType.Decimal128 || other.Type == RealmValueType.Decimal128
            ? ToDecimal128().Equals(other.ToDecimal128())
            : ToDouble().Equals(other.ToDouble());
    }

    public override bool Equals(object? obj) => obj is RealmValue other && Equals(other);

    public override int GetHashCode() => Type switch
    {
        RealmValueType.Int or RealmValueType.Double or RealmValueType.Float => ToDouble().GetHashCode(),
        RealmValueType.Decimal128 => Decimal128.ToDouble(AsDecimal128()).GetHashCode(),
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
        float number => number,
        decimal number => number,
        Decimal128 number => number,
        IRealmInteger integer => integer.Number,
        IList<RealmValue> list => List(list),
        IDictionary<string, RealmValue> dictionary => Dictionary(dictionary),
        _ => throw new NotSupportedException($"A value of type {value.GetType().Name} cannot be stored."),
    };

    internal static RealmValue Object(IRealmObjectBase? value) => value switch
    {
        null => Null,
        IAsymmetricObject => throw new NotSupportedException("A value cannot hold an asymmetric object."),
        _ => new RealmValue(RealmValueType.Object, 0, value),
    };

    private bool IsNumber
        => Type is RealmValueType.Int or RealmValueType.Double or RealmValueType.Float or RealmValueType.Decimal128;

    private double ToDouble() => Type switch
    {
        RealmValueType.Int => _number,
        RealmValueType.Float => AsFloat(),
        _ => AsDouble(),
    };

    private Decimal128 ToDecimal128() => Type switch
    {
        RealmValueType.Int => _number,
        RealmValueType.Float => (Decimal128)AsFloat(),
        RealmValueType.Double => (Decimal128)AsDouble(),
        _ => AsDecimal128(),
    };

    private static object WrapInteger(long value, Type type) => Convert.ChangeType(value, type, System.Globalization.CultureInfo.InvariantCulture) switch
    {
        byte number => (RealmInteger<byte>)number,
        short number => (RealmInteger<short>)number,
        int number => (RealmInteger<int>)number,
        long number => (RealmInteger<long>)number,
        var other => throw new InvalidCastException($"There are no counters of type {other.GetType().Name}."),
    };

    private void Check(RealmValueType type)
    {
        if (Type != type)
        {
            throw new InvalidCastException($"The value is a {Type}, not a {type}.");
        }
    }
}
