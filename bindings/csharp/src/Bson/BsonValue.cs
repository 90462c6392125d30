using System.Globalization;

namespace MongoDB.Bson;

public enum BsonType
{
    EndOfDocument = 0,
    Double = 1,
    String = 2,
    Document = 3,
    Array = 4,
    Binary = 5,
    ObjectId = 7,
    Boolean = 8,
    DateTime = 9,
    Null = 10,
    Int32 = 16,
    Int64 = 18,
    Decimal128 = 19,
}

/// <summary>The name of a member in a document.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field)]
public sealed class BsonElementAttribute : Attribute
{
    public BsonElementAttribute(string elementName) => ElementName = elementName;

    public string ElementName { get; }
}

/// <summary>A value of a document: a document, an array, or a plain one.</summary>
public class BsonValue : IEquatable<BsonValue>
{
    private readonly object? _plain;

    internal BsonValue(BsonType type, object? plain)
    {
        BsonType = type;
        _plain = plain;
    }

    public BsonType BsonType { get; }

    public bool IsBsonNull => BsonType == BsonType.Null;

    public bool IsString => BsonType == BsonType.String;

    public bool IsBsonDocument => BsonType == BsonType.Document;

    public bool IsBsonArray => BsonType == BsonType.Array;

    public string AsString => As<string>(BsonType.String);

    public bool AsBoolean => As<bool>(BsonType.Boolean);

    public int AsInt32 => As<int>(BsonType.Int32);

    public long AsInt64 => As<long>(BsonType.Int64);

    public double AsDouble => As<double>(BsonType.Double);

    public ObjectId AsObjectId => As<ObjectId>(BsonType.ObjectId);

    public BsonDocument AsBsonDocument => this as BsonDocument ?? throw Wrong(BsonType.Document);

    public BsonArray AsBsonArray => this as BsonArray ?? throw Wrong(BsonType.Array);

    internal object? Plain => _plain;

    public virtual BsonValue this[string name]
    {
        get => throw Wrong(BsonType.Document);
        set => throw Wrong(BsonType.Document);
    }

    public virtual BsonValue this[int index]
    {
        get => throw Wrong(BsonType.Array);
        set => throw Wrong(BsonType.Array);
    }

    public int ToInt32() => Convert.ToInt32(_plain, CultureInfo.InvariantCulture);

    public long ToInt64() => Convert.ToInt64(_plain, CultureInfo.InvariantCulture);

    public double ToDouble() => Convert.ToDouble(_plain, CultureInfo.InvariantCulture);

    public virtual bool Equals(BsonValue? other) => other is not null && BsonType == other.BsonType && Equals(_plain, other._plain);

    public override bool Equals(object? obj) => Equals(obj as BsonValue);

    public override int GetHashCode() => HashCode.Combine(BsonType, _plain);

    public override string ToString() => BsonType == BsonType.Null ? "BsonNull" : Convert.ToString(_plain, CultureInfo.InvariantCulture) ?? "";

    public static bool operator ==(BsonValue? first, BsonValue? second) => Equals(first, second);

    public static bool operator !=(BsonValue? first, BsonValue? second) => !Equals(first, second);

    public static implicit operator BsonValue(string? value) => value is null ? BsonNull.Value : new BsonValue(BsonType.String, value);

    public static implicit operator BsonValue(bool value) => new(BsonType.Boolean, value);

    public static implicit operator BsonValue(int value) => new(BsonType.Int32, value);

    public static implicit operator BsonValue(long value) => new(BsonType.Int64, value);

    public static implicit operator BsonValue(double value) => new(BsonType.Double, value);

    public static implicit operator BsonValue(ObjectId value) => new(BsonType.ObjectId, value);

    private T As<T>(BsonType wanted) => BsonType == wanted ? (T)_plain! : throw Wrong(wanted);

    private InvalidCastException Wrong(BsonType wanted) => new($"The value is {BsonType}, not {wanted}.");
}

/// <summary>Nothing.</summary>
public sealed class BsonNull : BsonValue
{
    private BsonNull()
        : base(BsonType.Null, null)
    {
    }

    public static BsonNull Value { get; } = new();
}

/// <summary>Values in their order.</summary>
public sealed class BsonArray : BsonValue, IEnumerable<BsonValue>
{
    private readonly List<BsonValue> _items = [];

    public BsonArray()
        : base(BsonType.Array, null)
    {
    }

    public BsonArray(IEnumerable<BsonValue> values)
        : this()
        => _items.AddRange(values);

    public int Count => _items.Count;

    public override BsonValue this[int index]
    {
        get => _items[index];
        set => _items[index] = value ?? BsonNull.Value;
    }

    public BsonArray Add(BsonValue value)
    {
        _items.Add(value ?? BsonNull.Value);
        return this;
    }

    public IEnumerator<BsonValue> GetEnumerator() => _items.GetEnumerator();

    System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();

    public override bool Equals(BsonValue? other) => other is BsonArray array && _items.SequenceEqual(array._items);

    public override bool Equals(object? obj) => Equals(obj as BsonValue);

    public override int GetHashCode() => _items.Count;

    public override string ToString() => $"[{string.Join(", ", _items)}]";
}
