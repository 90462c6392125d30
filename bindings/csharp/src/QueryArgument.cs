using MongoDB.Bson;

namespace Realms;

/// <summary>A value that a query text names as $0, $1, ...</summary>
public readonly struct QueryArgument
{
    internal QueryArgument(RealmValue value) => Value = value;

    internal RealmValue Value { get; }

    public static implicit operator QueryArgument(byte value) => new(value);

    public static implicit operator QueryArgument(byte? value) => new(value);

    public static implicit operator QueryArgument(short value) => new(value);

    public static implicit operator QueryArgument(short? value) => new(value);

    public static implicit operator QueryArgument(int value) => new(value);

    public static implicit operator QueryArgument(int? value) => new(value);

    public static implicit operator QueryArgument(long value) => new(value);

    public static implicit operator QueryArgument(long? value) => new(value);

    public static implicit operator QueryArgument(char value) => new(value);

    public static implicit operator QueryArgument(char? value) => new(value);

    public static implicit operator QueryArgument(double value) => new(value);

    public static implicit operator QueryArgument(double? value) => new(value);

    public static implicit operator QueryArgument(float value) => new(value);

    public static implicit operator QueryArgument(float? value) => new(value);

    public static implicit operator QueryArgument(decimal value) => new(value);

    public static implicit operator QueryArgument(decimal? value) => new(value);

    public static implicit operator QueryArgument(Decimal128 value) => new(value);

    public static implicit operator QueryArgument(Decimal128? value) => new(value);

    public static implicit operator QueryArgument(RealmInteger<byte> value) => new(value);

    public static implicit operator QueryArgument(RealmInteger<short> value) => new(value);

    public static implicit operator QueryArgument(RealmInteger<int> value) => new(value);

    public static implicit operator QueryArgument(RealmInteger<long> value) => new(value);

    public static implicit operator QueryArgument(RealmInteger<byte>? value) => new(value);

    public static implicit operator QueryArgument(RealmInteger<short>? value) => new(value);

    public static implicit operator QueryArgument(RealmInteger<int>? value) => new(value);

    public static implicit operator QueryArgument(RealmInteger<long>? value) => new(value);

    public static implicit operator QueryArgument(bool value) => new(value);

    public static implicit operator QueryArgument(bool? value) => new(value);

    public static implicit operator QueryArgument(DateTimeOffset value) => new(value);

    public static implicit operator QueryArgument(DateTimeOffset? value) => new(value);

    public static implicit operator QueryArgument(ObjectId value) => new(value);

    public static implicit operator QueryArgument(ObjectId? value) => new(value);

    public static implicit operator QueryArgument(Guid value) => new(value);

    public static implicit operator QueryArgument(Guid? value) => new(value);

    public static implicit operator QueryArgument(string? value) => new(value);

    public static implicit operator QueryArgument(byte[]? value) => new(value);

    public static implicit operator QueryArgument(RealmObjectBase? value) => new(value);

    public static implicit operator QueryArgument(RealmValue value) => new(value);

    public static implicit operator QueryArgument(GeoShapeBase? shape) => new(shape?.ToString());
}
