using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Realms.Schema;

/// <summary>Named items in the order in which they were added. For the builders of classes and schemas.</summary>
public abstract class SchemaBuilderBase<T> : IEnumerable<T>
    where T : notnull
{
    private readonly List<T> _items = [];

    private protected SchemaBuilderBase()
    {
    }

    public int Count => _items.Count;

    /// <summary>Errors: ArgumentNullException; KeyNotFoundException when read; ArgumentException for an item of another
    /// name.</summary>
    public T this[string name]
    {
        get => TryFind(name, out var index) ? _items[index] : throw new KeyNotFoundException($"There is no '{name}' in the builder.");
        set
        {
            if (NameOf(value) != name)
            {
                throw new ArgumentException($"An item named '{NameOf(value)}' cannot stand for '{name}'.", nameof(value));
            }

            if (TryFind(name, out var index))
            {
                _items[index] = value;
            }
            else
            {
                _items.Add(value);
            }
        }
    }

    public bool Remove(T item) => Contains(item) && Remove(NameOf(item));

    public bool Remove(string name)
    {
        if (!TryFind(name, out var index))
        {
            return false;
        }

        _items.RemoveAt(index);
        return true;
    }

    public bool Contains(T item) => TryFind(NameOf(item), out var index) && EqualityComparer<T>.Default.Equals(_items[index], item);

    public bool Contains(string name) => TryFind(name, out _);

    public IEnumerator<T> GetEnumerator() => _items.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Errors: ArgumentException when there is one of that name.</summary>
    protected void Add(T item)
    {
        if (Contains(NameOf(item)))
        {
            throw new ArgumentException($"There is a '{NameOf(item)}' in the builder already.", nameof(item));
        }

        _items.Add(item);
    }

    private protected abstract string NameOf([DisallowNull] T item);

    private bool TryFind(string name, out int index)
    {
        ArgumentNullException.ThrowIfNull(name);
        index = _items.FindIndex(item => NameOf(item) == name);
        return index >= 0;
    }
}
