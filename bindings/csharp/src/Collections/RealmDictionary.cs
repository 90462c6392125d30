using System.Diagnostics.CodeAnalysis;
using Realms.Schema;

namespace Realms;

/// <summary>
/// A dictionary property of a stored object, in the byte order of its keys. Keys hold no dot and do not begin with $.
/// Writing needs a transaction.
/// </summary>
public class RealmDictionary<TValue> : RealmCollectionBase<KeyValuePair<string, TValue>>, IDictionary<string, TValue>, INativeCollection
{
    private readonly NativeDictionary _dictionary;

    internal RealmDictionary(NativeDictionary dictionary)
        : base(dictionary.Realm)
        => _dictionary = dictionary;

    NativeCollection INativeCollection.NativeBase => _dictionary;

    public override int Count => _dictionary.Count;

    public override bool IsValid => _dictionary.IsValid;

    public override bool IsReadOnly => false;

    public override ObjectSchema? ObjectSchema => _dictionary.TargetSchema;

    public ICollection<string> Keys => [.. this.Select(pair => pair.Key)];

    public ICollection<TValue> Values => [.. this.Select(pair => pair.Value)];

    internal NativeDictionary Native => _dictionary;

    /// <summary>Errors: KeyNotFoundException when a key that is read is not there; ArgumentNullException;
    /// NotSupportedException for a key with a dot or a leading $.</summary>
    public TValue this[string key]
    {
        get => TryGetValue(key, out var value) ? value : throw new KeyNotFoundException($"The key '{key}' is not in the dictionary.");
        set
        {
            ArgumentNullException.ThrowIfNull(key);
            _dictionary.Put(key, value);
        }
    }

    /// <summary>Errors: ArgumentException when the key is there already.</summary>
    public void Add(string key, TValue value)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (_dictionary.ContainsKey(key))
        {
            throw new ArgumentException($"The key '{key}' is in the dictionary already.", nameof(key));
        }

        _dictionary.Put(key, value);
    }

    public void Add(KeyValuePair<string, TValue> item) => Add(item.Key, item.Value);

    public override int Add(object? value)
    {
        var pair = (KeyValuePair<string, TValue>)value!;
        Add(pair);
        return IndexOf(pair);
    }

    public bool ContainsKey(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return _dictionary.ContainsKey(key);
    }

    public bool Contains(KeyValuePair<string, TValue> item)
        => TryGetValue(item.Key, out var value) && ElementComparer<TValue>.Default.Equals(value, item.Value);

    public bool Remove(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return _dictionary.Remove(key);
    }

    public bool Remove(KeyValuePair<string, TValue> item) => Contains(item) && Remove(item.Key);

    public override void Remove(object? value)
    {
        if (value is KeyValuePair<string, TValue> item)
        {
            Remove(item);
        }
    }

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out TValue value)
    {
        ArgumentNullException.ThrowIfNull(key);
        var found = _dictionary.TryRead(key, out var element);
        value = found ? Elements.As<TValue>(element) : default;
        return found;
    }

    public override void Clear() => _dictionary.Clear();

    public int IndexOf(KeyValuePair<string, TValue> value)
    {
        var count = Count;
        for (var i = 0; i < count; i++)
        {
            if (_dictionary.KeyAt(i) == value.Key)
            {
                return ElementComparer<TValue>.Default.Equals(GetValueAtIndex(i).Value, value.Value) ? i : -1;
            }
        }

        return -1;
    }

    public override int IndexOf(object? item) => item is KeyValuePair<string, TValue> pair ? IndexOf(pair) : -1;

    public override IEnumerator<KeyValuePair<string, TValue>> GetEnumerator()
    {
        for (var i = 0; i < Count; i++)
        {
            yield return GetValueAtIndex(i);
        }
    }

    /// <summary>Calls with the keys that changed: with null at first, then after each change.</summary>
    public IDisposable SubscribeForKeyNotifications(DictionaryNotificationCallbackDelegate<TValue> callback)
    {
        ArgumentNullException.ThrowIfNull(callback);

        return Subscribe(data => callback(this, data.IsInitial ? null : new DictionaryChangeSet(data)), null);
    }

    internal override RealmCollectionBase<KeyValuePair<string, TValue>> In(Realm realm)
        => new RealmDictionary<TValue>(_dictionary.In(realm));

    internal override ulong Observe(Action<EventData> handler, IntPtr keyPaths) => _dictionary.Observe(handler, keyPaths);

    private protected override KeyValuePair<string, TValue> GetValueAtIndex(int index)
        => new(_dictionary.KeyAt(index), Elements.As<TValue>(_dictionary.ReadAt(index)));
}
