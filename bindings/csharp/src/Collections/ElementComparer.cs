using System.Diagnostics.CodeAnalysis;

namespace Realms;

/// <summary>Compares elements as the core does: byte arrays by what they hold, all else as .NET does.</summary>
internal sealed class ElementComparer<T> : IEqualityComparer<T>
{
    public static ElementComparer<T> Default { get; } = new();

    public bool Equals(T? x, T? y)
        => x is byte[] bytes && y is byte[] other ? bytes.AsSpan().SequenceEqual(other) : EqualityComparer<T>.Default.Equals(x, y);

    public int GetHashCode([DisallowNull] T obj)
    {
        if (obj is not byte[] bytes)
        {
            return EqualityComparer<T>.Default.GetHashCode(obj);
        }

        var hash = default(HashCode);
        hash.AddBytes(bytes);
        return hash.ToHashCode();
    }
}
