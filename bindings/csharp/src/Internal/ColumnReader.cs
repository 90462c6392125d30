using MongoDB.Bson;
using System.Linq.Expressions;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Realms;

/// <summary>One property of all objects of results at once: packed by the library where its values have a fixed size.</summary>
internal static class ColumnReader
{
    private delegate T ReadValue<out T>(ReadOnlySpan<byte> bytes);

    public static TValue[] Read<T, TValue>(RealmResults<T> results, Expression<Func<T, TValue>> property)
    {
        var packed = results is IResults { Binding: var binding } && property.Body is MemberExpression
        {
            Member: PropertyInfo member, Expression: ParameterExpression,
        } && binding.Metadata.Properties.FirstOrDefault(item => item.ManagedName == member.Name) is { IsCollection: false } found
            ? Packed(results.Native, binding.PropertyKeys[found.Index], typeof(TValue))
            : null;
        GC.KeepAlive(results);
        return (TValue[]?)packed ?? OneByOne(results, property.Compile());
    }

    private static TValue[] OneByOne<T, TValue>(RealmResults<T> results, Func<T, TValue> property)
    {
        var values = new TValue[results.Count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = property(results[i]);
        }

        return values;
    }

    /// <summary>An array of the type; null where its values are not packed.</summary>
    private static Array? Packed(NativeHandle results, uint key, Type type)
    {
        var column = new Source(results, key, Nullable.GetUnderlyingType(type) is not null);
        return Type.GetTypeCode(Nullable.GetUnderlyingType(type) ?? type) switch
        {
            _ when type.IsEnum => null,
            TypeCode.Int64 => column.Take(8, bytes => MemoryMarshal.Read<long>(bytes)),
            TypeCode.Int32 => column.Take(8, bytes => (int)MemoryMarshal.Read<long>(bytes)),
            TypeCode.Int16 => column.Take(8, bytes => (short)MemoryMarshal.Read<long>(bytes)),
            TypeCode.Byte => column.Take(8, bytes => (byte)MemoryMarshal.Read<long>(bytes)),
            TypeCode.Char => column.Take(8, bytes => (char)MemoryMarshal.Read<long>(bytes)),
            TypeCode.Double => column.Take(8, bytes => MemoryMarshal.Read<double>(bytes)),
            TypeCode.Single => column.Take(4, bytes => MemoryMarshal.Read<float>(bytes)),
            TypeCode.Boolean => column.Take(1, bytes => bytes[0] != 0),
            TypeCode.Object when Is<DateTimeOffset>(type) => column.Take(16, Timestamp),
            TypeCode.Object when Is<ObjectId>(type) => column.Take(12, bytes => new ObjectId(bytes)),
            TypeCode.Object when Is<Decimal128>(type) => column.Take(16, Decimal128.FromBytes),
            TypeCode.Object when Is<Guid>(type) => column.Take(16, Conversions.ToGuid),
            _ => null,
        };
    }

    private static bool Is<T>(Type type) => (Nullable.GetUnderlyingType(type) ?? type) == typeof(T);

    private static DateTimeOffset Timestamp(ReadOnlySpan<byte> bytes)
        => Conversions.FromTimestamp(
            new AtollTimestamp(MemoryMarshal.Read<long>(bytes), (int)MemoryMarshal.Read<long>(bytes[8..])));

    private readonly struct Source
    {
        private readonly NativeHandle _results;
        private readonly uint _key;
        private readonly bool _isNullable;

        public Source(NativeHandle results, uint key, bool isNullable)
        {
            _results = results;
            _key = key;
            _isNullable = isNullable;
        }

        public Array Take<T>(int width, ReadValue<T> read)
            where T : struct
        {
            var bytes = NativeMethods.atoll_results_column(_results.Value, _key) ?? [];
            if (!_isNullable && (typeof(T) == typeof(long) || typeof(T) == typeof(double) || typeof(T) == typeof(float)))
            {
                return MemoryMarshal.Cast<byte, T>(bytes).ToArray();
            }

            var nulls = _isNullable ? NativeMethods.atoll_results_column_nulls(_results.Value, _key) ?? [] : [];
            return _isNullable ? WithNulls(bytes, nulls, width, read) : Values(bytes, width, read);
        }

        private static T[] Values<T>(byte[] bytes, int width, ReadValue<T> read)
        {
            var values = new T[bytes.Length / width];
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = read(bytes.AsSpan(i * width, width));
            }

            return values;
        }

        private static T?[] WithNulls<T>(byte[] bytes, byte[] nulls, int width, ReadValue<T> read)
            where T : struct
        {
            var values = new T?[nulls.Length];
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = nulls[i] != 0 ? null : read(bytes.AsSpan(i * width, width));
            }

            return values;
        }
    }
}
