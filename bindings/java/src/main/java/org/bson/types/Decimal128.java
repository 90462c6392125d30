package org.bson.types;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A decimal number of 34 digits, exact where a double is not: IEEE 754 decimal128. */
public final class Decimal128 extends Number implements Comparable<Decimal128> {
    private static final long serialVersionUID = 1L;
    private static final int BIAS = 6176;
    private static final long INFINITE = 0x7800000000000000L;
    private static final long NOT_A_NUMBER = 0x7C00000000000000L;
    private static final long SIGN = 0x8000000000000000L;
    private static final MathContext DIGITS = new MathContext(34, RoundingMode.HALF_EVEN);

    public static final Decimal128 POSITIVE_INFINITY = new Decimal128(INFINITE, 0);
    public static final Decimal128 NEGATIVE_INFINITY = new Decimal128(INFINITE | SIGN, 0);
    public static final Decimal128 NaN = new Decimal128(NOT_A_NUMBER, 0);
    public static final Decimal128 POSITIVE_ZERO = fromIEEE754BIDEncoding((long) BIAS << 49, 0);

    private final long high;
    private final long low;

    private Decimal128(long high, long low) {
        this.high = high;
        this.low = low;
    }

    public Decimal128(long value) {
        this(new BigDecimal(value), value < 0);
    }

    /** More than 34 digits are rounded to even. */
    public Decimal128(BigDecimal value) {
        this(value, value.signum() < 0);
    }

    private Decimal128(BigDecimal given, boolean negative) {
        BigDecimal value = given.round(DIGITS);
        if (-value.scale() > 6111) {
            value = value.setScale(-6111);
        } else if (value.scale() > BIAS) {
            value = value.setScale(BIAS, RoundingMode.HALF_EVEN);
        }
        BigInteger digits = value.unscaledValue().abs();
        if (digits.bitLength() > 113 || value.precision() > 34) {
            throw new NumberFormatException(given + " does not fit a Decimal128");
        }
        low = digits.longValue();
        high = digits.shiftRight(64).longValue() | (long) (BIAS - value.scale()) << 49 | (negative ? SIGN : 0);
    }

    public static Decimal128 parse(String text) {
        String word = text.toLowerCase(java.util.Locale.ROOT).replaceFirst("^[+-]", "");
        boolean negative = text.startsWith("-");
        if (word.equals("nan")) {
            return NaN;
        } else if (word.equals("inf") || word.equals("infinity")) {
            return negative ? NEGATIVE_INFINITY : POSITIVE_INFINITY;
        }
        return new Decimal128(new BigDecimal(text), negative);
    }

    public static Decimal128 fromIEEE754BIDEncoding(long high, long low) {
        return new Decimal128(high, low);
    }

    /** From 16 bytes, little-endian, as BSON has them. */
    public static Decimal128 fromBytes(byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        long low = buffer.getLong();
        return new Decimal128(buffer.getLong(), low);
    }

    public byte[] toBytes() {
        return ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).putLong(low).putLong(high).array();
    }

    public long getHigh() {
        return high;
    }

    public long getLow() {
        return low;
    }

    public boolean isNegative() {
        return (high & SIGN) != 0;
    }

    public boolean isInfinite() {
        return (high & NOT_A_NUMBER) == INFINITE;
    }

    public boolean isFinite() {
        return !isInfinite() && !isNaN();
    }

    public boolean isNaN() {
        return (high & NOT_A_NUMBER) == NOT_A_NUMBER;
    }

    /** ArithmeticException for what is no finite number; a negative zero becomes zero. */
    public BigDecimal bigDecimalValue() {
        if (!isFinite()) {
            throw new ArithmeticException(this + " can not be converted to a BigDecimal");
        }
        // A coefficient that would need the long exponent form has more than 34 digits, and so counts as zero.
        boolean wide = (high & 0x6000000000000000L) == 0x6000000000000000L;
        int exponent = (int) (high >>> (wide ? 47 : 49) & 0x3FFF) - BIAS;
        ByteBuffer digits = ByteBuffer.allocate(17).put((byte) 0).putLong(wide ? 0 : high & 0x1FFFFFFFFFFFFL).putLong(wide ? 0 : low);
        BigInteger coefficient = new BigInteger(digits.array());
        return new BigDecimal(isNegative() ? coefficient.negate() : coefficient, -exponent);
    }

    @Override
    public int intValue() {
        return (int) doubleValue();
    }

    @Override
    public long longValue() {
        return isFinite() ? bigDecimalValue().longValue() : (long) doubleValue();
    }

    @Override
    public float floatValue() {
        return (float) doubleValue();
    }

    @Override
    public double doubleValue() {
        if (isNaN()) {
            return Double.NaN;
        } else if (isInfinite()) {
            return isNegative() ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
        }
        return bigDecimalValue().doubleValue();
    }

    /** By value; NaN is above all. */
    @Override
    public int compareTo(Decimal128 other) {
        if (isFinite() && other.isFinite()) {
            return bigDecimalValue().compareTo(other.bigDecimalValue());
        }
        return Double.compare(doubleValue(), other.doubleValue());
    }

    /** As BSON has it: 1.10 is not 1.1; use compareTo to compare values. */
    @Override
    public boolean equals(Object other) {
        return other instanceof Decimal128 && high == ((Decimal128) other).high && low == ((Decimal128) other).low;
    }

    @Override
    public int hashCode() {
        return Long.hashCode(high) * 31 + Long.hashCode(low);
    }

    @Override
    public String toString() {
        if (isNaN()) {
            return "NaN";
        } else if (isInfinite()) {
            return isNegative() ? "-Infinity" : "Infinity";
        }
        BigDecimal value = bigDecimalValue();
        return isNegative() && value.signum() == 0 ? "-" + value : value.toString();
    }
}
