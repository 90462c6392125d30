using System.Globalization;
using System.Numerics;
using System.Text;

namespace MongoDB.Bson;

/// <summary>
/// An IEEE 754 decimal of 34 digits. Values that are equal may differ in their trailing zeros, which are kept: 1.0 and
/// 1.00 compare as equal and print as they were given.
/// </summary>
public readonly struct Decimal128 : IEquatable<Decimal128>, IComparable<Decimal128>, IComparable, IFormattable
{
    private const int Bias = 6176;
    private const int LargestExponent = 6111;

    // The greatest coefficient is 10^34 - 1.
    private static readonly BigInteger Limit = BigInteger.Pow(10, 34);
    private static readonly UInt128 CoefficientMask = (UInt128.One << 113) - 1;

    private readonly UInt128 _bits;

    private Decimal128(UInt128 bits) => _bits = bits;

    public Decimal128(decimal value) => this = From(value);

    public Decimal128(double value) => this = From(value);

    public Decimal128(float value) => this = From(value);

    public Decimal128(int value) => this = From(value);

    public Decimal128(long value) => this = From(value);

    public static Decimal128 Zero => Make(false, 0, 0);

    public static Decimal128 One => Make(false, 1, 0);

    public static Decimal128 MaxValue => Make(false, Limit - 1, LargestExponent);

    public static Decimal128 MinValue => Make(true, Limit - 1, LargestExponent);

    public static Decimal128 PositiveInfinity => new((UInt128)0x78 << 120);

    public static Decimal128 NegativeInfinity => new((UInt128)0xf8 << 120);

    public static Decimal128 QNaN => new((UInt128)0x7c << 120);

    private bool IsNegativeBit => _bits >> 127 != 0;

    private int Special => (int)(_bits >> 122) & 31;

    public static bool IsNaN(Decimal128 value) => value.Special == 31;

    public static bool IsInfinity(Decimal128 value) => value.Special == 30;

    public static bool IsPositiveInfinity(Decimal128 value) => IsInfinity(value) && !value.IsNegativeBit;

    public static bool IsNegativeInfinity(Decimal128 value) => IsInfinity(value) && value.IsNegativeBit;

    public static bool IsNegative(Decimal128 value) => value.IsNegativeBit;

    public static bool IsZero(Decimal128 value) => value.Special < 30 && value.Coefficient == 0;

    /// <summary>Reads text like -12.50, 1.5E+20, Infinity or NaN.
    /// Errors: FormatException for other text and for more than 34 digits.</summary>
    public static Decimal128 Parse(string s)
        => TryParse(s, out var result) ? result : throw new FormatException($"'{s}' is no decimal of up to 34 digits.");

    public static bool TryParse(string? s, out Decimal128 result)
    {
        result = default;
        var text = (s ?? "").Trim();
        var negative = text.StartsWith('-');
        var rest = text.TrimStart('-', '+');
        if (text.Length - rest.Length > 1 || rest.Length == 0)
        {
            return false;
        }

        if (rest.Equals("NaN", StringComparison.OrdinalIgnoreCase))
        {
            result = QNaN;
            return true;
        }

        if (rest.Equals("Infinity", StringComparison.OrdinalIgnoreCase) || rest.Equals("Inf", StringComparison.OrdinalIgnoreCase))
        {
            result = negative ? NegativeInfinity : PositiveInfinity;
            return true;
        }

        return TryParseNumber(rest, negative, out result);
    }

    /// <summary>The 16 bytes of the wire: binary integer form, the least byte first.</summary>
    internal static Decimal128 FromBytes(ReadOnlySpan<byte> bytes)
        => new(System.Buffers.Binary.BinaryPrimitives.ReadUInt128LittleEndian(bytes));

    internal void CopyTo(Span<byte> bytes) => System.Buffers.Binary.BinaryPrimitives.WriteUInt128LittleEndian(bytes, _bits);

    /// <summary>Errors: OverflowException outside of what a decimal can hold; digits that it cannot hold are rounded.</summary>
    public static decimal ToDecimal(Decimal128 value)
        => value.Special >= 30
            ? throw new OverflowException($"{value} is no decimal.")
            : decimal.Parse(value.ToString(), NumberStyles.Float, CultureInfo.InvariantCulture);

    public static double ToDouble(Decimal128 value)
        => IsNaN(value) ? double.NaN
            : IsInfinity(value) ? (value.IsNegativeBit ? double.NegativeInfinity : double.PositiveInfinity)
            : double.Parse(value.ToString(), NumberStyles.Float, CultureInfo.InvariantCulture);

    /// <summary>Errors: OverflowException outside of what a long can hold; a fraction is cut off.</summary>
    public static long ToInt64(Decimal128 value) => (long)decimal.Truncate(ToDecimal(value));

    public static int ToInt32(Decimal128 value) => checked((int)ToInt64(value));

    public static int Compare(Decimal128 x, Decimal128 y) => x.CompareTo(y);

    public static bool Equals(Decimal128 x, Decimal128 y) => x.Equals(y);

    /// <summary>In the order of their numbers; NaN is before all, and equal to itself.</summary>
    public int CompareTo(Decimal128 other)
    {
        var (left, right) = (Rank(), other.Rank());
        if (left != right || left is 0 or 1 or 3)
        {
            return left.CompareTo(right);
        }

        var lowest = Math.Min(Exponent, other.Exponent);
        return Scaled(lowest).CompareTo(other.Scaled(lowest));
    }

    public int CompareTo(object? obj) => obj is null ? 1 : CompareTo((Decimal128)obj);

    public bool Equals(Decimal128 other) => CompareTo(other) == 0;

    public override bool Equals(object? obj) => obj is Decimal128 other && Equals(other);

    public override int GetHashCode()
    {
        if (Special >= 30 || Coefficient == 0)
        {
            return Special >= 30 ? Rank() : 17;
        }

        var (coefficient, exponent) = (Coefficient, Exponent);
        while (coefficient % 10 == 0)
        {
            coefficient /= 10;
            exponent++;
        }

        return HashCode.Combine(IsNegativeBit, coefficient, exponent);
    }

    public override string ToString()
    {
        if (Special >= 30)
        {
            return Special == 31 ? "NaN" : IsNegativeBit ? "-Infinity" : "Infinity";
        }

        var digits = Coefficient.ToString(CultureInfo.InvariantCulture);
        var adjusted = Exponent + digits.Length - 1;
        var text = new StringBuilder(IsNegativeBit ? "-" : "");
        if (Exponent > 0 || adjusted < -6)
        {
            text.Append(digits[0]);
            if (digits.Length > 1)
            {
                text.Append('.').Append(digits, 1, digits.Length - 1);
            }

            return text.Append('E').Append(adjusted < 0 ? '-' : '+').Append(Math.Abs(adjusted)).ToString();
        }

        if (Exponent == 0)
        {
            return text.Append(digits).ToString();
        }

        var whole = digits.Length + Exponent;
        return whole > 0
            ? text.Append(digits, 0, whole).Append('.').Append(digits, whole, digits.Length - whole).ToString()
            : text.Append("0.").Append('0', -whole).Append(digits).ToString();
    }

    public string ToString(string? format, IFormatProvider? formatProvider) => ToString();

    public static bool operator ==(Decimal128 left, Decimal128 right) => left.Equals(right);

    public static bool operator !=(Decimal128 left, Decimal128 right) => !left.Equals(right);

    public static bool operator <(Decimal128 left, Decimal128 right) => left.CompareTo(right) < 0;

    public static bool operator <=(Decimal128 left, Decimal128 right) => left.CompareTo(right) <= 0;

    public static bool operator >(Decimal128 left, Decimal128 right) => left.CompareTo(right) > 0;

    public static bool operator >=(Decimal128 left, Decimal128 right) => left.CompareTo(right) >= 0;

    public static implicit operator Decimal128(byte value) => From(value);

    public static implicit operator Decimal128(short value) => From(value);

    public static implicit operator Decimal128(int value) => From(value);

    public static implicit operator Decimal128(long value) => From(value);

    public static implicit operator Decimal128(decimal value) => From(value);

    public static explicit operator Decimal128(double value) => From(value);

    public static explicit operator Decimal128(float value) => From(value);

    public static explicit operator decimal(Decimal128 value) => ToDecimal(value);

    public static explicit operator double(Decimal128 value) => ToDouble(value);

    public static explicit operator float(Decimal128 value) => (float)ToDouble(value);

    public static explicit operator long(Decimal128 value) => ToInt64(value);

    public static explicit operator int(Decimal128 value) => ToInt32(value);

    public static explicit operator short(Decimal128 value) => checked((short)ToInt64(value));

    public static explicit operator byte(Decimal128 value) => checked((byte)ToInt64(value));

    // A number whose second and third bit are both set would be larger than 34 digits: by the standard it is zero.
    private bool IsLarge => ((int)(_bits >> 125) & 3) == 3;

    private BigInteger Coefficient
    {
        get
        {
            var coefficient = (BigInteger)(_bits & CoefficientMask);
            return IsLarge || coefficient >= Limit ? 0 : coefficient;
        }
    }

    private int Exponent => ((int)(_bits >> (IsLarge ? 111 : 113)) & 0x3fff) - Bias;

    private static Decimal128 From(long value) => Make(value < 0, BigInteger.Abs(value), 0);

    private static Decimal128 From(decimal value)
    {
        Span<int> parts = stackalloc int[4];
        decimal.GetBits(value, parts);
        var coefficient = ((BigInteger)(uint)parts[2] << 64) | ((BigInteger)(uint)parts[1] << 32) | (uint)parts[0];
        return Make(parts[3] < 0, coefficient, -((parts[3] >> 16) & 0xff));
    }

    private static Decimal128 From(double value)
        => double.IsNaN(value) ? QNaN
            : double.IsInfinity(value) ? (value < 0 ? NegativeInfinity : PositiveInfinity)
            : Parse(value.ToString("R", CultureInfo.InvariantCulture));

    private static Decimal128 From(float value)
        => float.IsFinite(value) ? Parse(value.ToString("R", CultureInfo.InvariantCulture)) : From((double)value);

    private static Decimal128 Make(bool negative, BigInteger coefficient, int exponent)
        => new(((UInt128)(negative ? 1u : 0) << 127) | ((UInt128)(uint)(exponent + Bias) << 113) | (UInt128)coefficient);

    private static bool TryParseNumber(string text, bool negative, out Decimal128 result)
    {
        result = default;
        var at = text.IndexOfAny(['e', 'E']);
        var exponent = 0;
        if (at >= 0 && !int.TryParse(text[(at + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent))
        {
            return false;
        }

        var mantissa = at < 0 ? text : text[..at];
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        var digits = point < 0 ? mantissa : mantissa.Remove(point, 1);
        if (digits.Length == 0 || !digits.All(char.IsAsciiDigit) || Math.Abs((long)exponent) > 100_000)
        {
            return false;
        }

        exponent -= point < 0 ? 0 : mantissa.Length - point - 1;
        var coefficient = BigInteger.Parse(digits, CultureInfo.InvariantCulture);
        while ((coefficient >= Limit || exponent < -Bias) && coefficient % 10 == 0 && exponent < LargestExponent)
        {
            coefficient /= 10;
            exponent++;
            if (coefficient == 0 && exponent < -Bias)
            {
                exponent = -Bias;
            }
        }

        while (exponent > LargestExponent && coefficient * 10 < Limit && coefficient != 0)
        {
            coefficient *= 10;
            exponent--;
        }

        if (coefficient == 0)
        {
            exponent = Math.Clamp(exponent, -Bias, LargestExponent);
        }

        if (coefficient >= Limit || exponent < -Bias || exponent > LargestExponent)
        {
            return false;
        }

        result = Make(negative, coefficient, exponent);
        return true;
    }

    /// <summary>NaN, negative infinity, numbers, positive infinity.</summary>
    private int Rank() => Special == 31 ? 0 : Special == 30 ? (IsNegativeBit ? 1 : 3) : 2;

    private BigInteger Scaled(int exponent)
    {
        var scaled = Coefficient.IsZero ? BigInteger.Zero : Coefficient * BigInteger.Pow(10, Exponent - exponent);
        return IsNegativeBit ? -scaled : scaled;
    }
}
