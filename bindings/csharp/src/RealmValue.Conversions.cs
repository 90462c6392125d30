using MongoDB.Bson;

namespace Realms;

/// <content>Conversions: to a value by themselves, from one where they may fail.</content>
public readonly partial struct RealmValue
{
    /// <summary>A value that holds a list. One that is assigned to a property is copied there.</summary>
    public static RealmValue List(IList<RealmValue> value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return new(RealmValueType.List, 0, value);
    }

    /// <summary>A value that holds a dictionary, likewise.</summary>
    public static RealmValue Dictionary(IDictionary<string, RealmValue> value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return new(RealmValueType.Dictionary, 0, value);
    }

    public static implicit operator RealmValue(byte value) => new(RealmValueType.Int, value);

    public static implicit operator RealmValue(short value) => new(RealmValueType.Int, value);

    public static implicit operator RealmValue(int value) => new(RealmValueType.Int, value);

    public static implicit operator RealmValue(long value) => new(RealmValueType.Int, value);

    public static implicit operator RealmValue(char value) => new(RealmValueType.Int, value);

    public static implicit operator RealmValue(double value)
        => new(RealmValueType.Double, BitConverter.DoubleToInt64Bits(value));

    public static implicit operator RealmValue(float value) => new(RealmValueType.Float, BitConverter.SingleToInt32Bits(value));

    public static implicit operator RealmValue(decimal value) => new(RealmValueType.Decimal128, 0, new Decimal128(value));

    public static implicit operator RealmValue(Decimal128 value) => new(RealmValueType.Decimal128, 0, value);

    public static implicit operator RealmValue(RealmInteger<byte> value) => (byte)value;

    public static implicit operator RealmValue(RealmInteger<short> value) => (short)value;

    public static implicit operator RealmValue(RealmInteger<int> value) => (int)value;

    public static implicit operator RealmValue(RealmInteger<long> value) => (long)value;

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

    public static implicit operator RealmValue(float? value) => value is { } some ? some : Null;

    public static implicit operator RealmValue(decimal? value) => value is { } some ? some : Null;

    public static implicit operator RealmValue(Decimal128? value) => value is { } some ? some : Null;

    public static implicit operator RealmValue(RealmInteger<byte>? value) => value is { } some ? some : Null;

    public static implicit operator RealmValue(RealmInteger<short>? value) => value is { } some ? some : Null;

    public static implicit operator RealmValue(RealmInteger<int>? value) => value is { } some ? some : Null;

    public static implicit operator RealmValue(RealmInteger<long>? value) => value is { } some ? some : Null;

    public static implicit operator RealmValue(RealmValue[]? value) => value is null ? Null : List(value);

    public static implicit operator RealmValue(List<RealmValue>? value) => value is null ? Null : List(value);

    public static implicit operator RealmValue(Dictionary<string, RealmValue>? value)
        => value is null ? Null : Dictionary(value);

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

    public static explicit operator float(RealmValue value) => value.AsFloat();

    public static explicit operator float?(RealmValue value) => value.AsNullableFloat();

    public static explicit operator decimal(RealmValue value) => value.AsDecimal();

    public static explicit operator decimal?(RealmValue value) => value.AsNullableDecimal();

    public static explicit operator Decimal128(RealmValue value) => value.AsDecimal128();

    public static explicit operator Decimal128?(RealmValue value) => value.AsNullableDecimal128();

    public static explicit operator RealmInteger<byte>(RealmValue value) => value.AsByteRealmInteger();

    public static explicit operator RealmInteger<byte>?(RealmValue value) => value.AsNullableByteRealmInteger();

    public static explicit operator RealmInteger<short>(RealmValue value) => value.AsInt16RealmInteger();

    public static explicit operator RealmInteger<short>?(RealmValue value) => value.AsNullableInt16RealmInteger();

    public static explicit operator RealmInteger<int>(RealmValue value) => value.AsInt32RealmInteger();

    public static explicit operator RealmInteger<int>?(RealmValue value) => value.AsNullableInt32RealmInteger();

    public static explicit operator RealmInteger<long>(RealmValue value) => value.AsInt64RealmInteger();

    public static explicit operator RealmInteger<long>?(RealmValue value) => value.AsNullableInt64RealmInteger();

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
