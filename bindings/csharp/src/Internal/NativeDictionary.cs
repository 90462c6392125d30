using Realms.Exceptions;
using Realms.Schema;

namespace Realms;

/// <summary>A stored dictionary without its element type; one inside of a value has no owner.</summary>
internal sealed class NativeDictionary : NativeCollection
{
    public NativeDictionary(Realm realm, ManagedAccessor? owner, PropertyMetadata property, IntPtr handle)
        : base(realm, property, new NativeHandle(handle, NativeMethods.atoll_dictionary_free))
        => Owner = owner;

    public ManagedAccessor? Owner { get; }

    public override bool IsValid => !Realm.IsClosed && NativeMethods.atoll_dictionary_is_valid(Handle.Value);

    public override int Count => checked((int)NativeMethods.atoll_dictionary_count(Handle.Value));

    public bool ContainsKey(string key) => NativeMethods.atoll_dictionary_contains(Handle.Value, key);

    public string KeyAt(int index) => NativeMethods.atoll_dictionary_key_at(Handle.Value, index)!;

    public object? ReadAt(int index)
    {
        if (HoldsObjects)
        {
            return Materialize(NativeMethods.atoll_dictionary_object_at(Handle.Value, index));
        }

        var value = NativeMethods.atoll_dictionary_value_at(Handle.Value, index);
        return Take(value, () => ListOf(KeyAt(index)), () => DictionaryOf(KeyAt(index)));
    }

    public bool TryRead(string key, out object? value)
    {
        value = null;
        if (!ContainsKey(key))
        {
            return false;
        }

        value = HoldsObjects
            ? Materialize(NativeMethods.atoll_dictionary_get_object(Handle.Value, key))
            : Take(NativeMethods.atoll_dictionary_get_value(Handle.Value, key), () => ListOf(key), () => DictionaryOf(key));
        return true;
    }

    /// <summary>Errors: NotSupportedException for a key that begins with $ or contains a dot.</summary>
    public void Put(string key, object? value, bool update = false)
    {
        if (Property.Kind == ValueKind.Embedded && value is not null)
        {
            var model = CheckEmbedded(value);
            Models.AttachEmbedded(Realm, model, NativeMethods.atoll_dictionary_put_embedded(Handle.Value, key), update);
            return;
        }

        using var values = Wrap(value, update, out var elements);
        NativeMethods.atoll_dictionary_put_value(Handle.Value, key, values.Handle);
        if (elements is IList<RealmValue> list)
        {
            using var stored = ListOf(key);
            stored.AddAll(list, update);
        }
        else if (elements is IDictionary<string, RealmValue> dictionary)
        {
            using var stored = DictionaryOf(key);
            stored.AddAll(dictionary, update);
        }
    }

    public IRealmObjectBase PutEmbedded(string key)
        => Realm.MaterializeAny(NativeMethods.atoll_dictionary_put_embedded(Handle.Value, key));

    public void AddAll(IEnumerable<KeyValuePair<string, RealmValue>> values, bool update)
    {
        foreach (var (key, value) in values)
        {
            Put(key, value, update);
        }
    }

    public bool Remove(string key) => NativeMethods.atoll_dictionary_erase(Handle.Value, key);

    public override void Clear() => NativeMethods.atoll_dictionary_clear(Handle.Value);

    public override ulong Observe(Action<EventData> handler, IntPtr keyPaths)
        => Realm.Instance.Observe(queue => NativeMethods.atoll_dictionary_observe_key_paths(Handle.Value, keyPaths, queue), handler);

    public override IntPtr AsResults() => NativeMethods.atoll_dictionary_as_results(Handle.Value);

    public NativeDictionary In(Realm realm) => RequireOwner().In(realm).OpenDictionary(Property.Index);

    public ManagedAccessor RequireOwner() => Owner
        ?? throw new RealmException("A dictionary inside of a value goes to another realm with its object: freeze that.");

    private NativeList ListOf(string key)
        => new(Realm, PropertyMetadata.AnyValue(CollectionKind.List), NativeMethods.atoll_dictionary_get_list(Handle.Value, key));

    private NativeDictionary DictionaryOf(string key)
        => new(
            Realm,
            null,
            PropertyMetadata.AnyValue(CollectionKind.Dictionary),
            NativeMethods.atoll_dictionary_get_dictionary(Handle.Value, key));
}
