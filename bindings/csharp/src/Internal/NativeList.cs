using Realms.Exceptions;
using Realms.Schema;

namespace Realms;

/// <summary>A stored list, one element at a time, without its element type.</summary>
internal sealed class NativeList : NativeCollection
{
    public NativeList(Realm realm, PropertyMetadata property, IntPtr handle)
        : base(realm, property, new NativeHandle(handle, NativeMethods.atoll_list_free))
    {
    }

    public override bool IsValid => !Realm.IsClosed && NativeMethods.atoll_list_is_valid(Handle.Value);

    public override int Count => checked((int)NativeMethods.atoll_list_count(Handle.Value));

    public object? Read(int index)
        => HoldsObjects
            ? Materialize(NativeMethods.atoll_list_get_object(Handle.Value, index))
            : Take(NativeMethods.atoll_list_get_value(Handle.Value, index), () => ListAt(index), () => DictionaryAt(index));

    public void Insert(int index, object? value, bool update = false)
    {
        if (Property.Kind == ValueKind.Embedded)
        {
            var model = CheckEmbedded(value);
            Models.AttachEmbedded(Realm, model, NativeMethods.atoll_list_insert_embedded(Handle.Value, index), update);
            return;
        }

        using var values = Wrap(value, update, out var elements);
        NativeMethods.atoll_list_insert_value(Handle.Value, index, values.Handle);
        Fill(index, elements, update);
    }

    public void Set(int index, object? value)
    {
        if (Property.Kind == ValueKind.Embedded)
        {
            var model = CheckEmbedded(value);
            Models.AttachEmbedded(Realm, model, NativeMethods.atoll_list_set_embedded(Handle.Value, index), false);
            return;
        }

        using var values = Wrap(value, false, out var elements);
        NativeMethods.atoll_list_set_value(Handle.Value, index, values.Handle);
        Fill(index, elements, false);
    }

    public void AddAll(IEnumerable<RealmValue> values, bool update)
    {
        foreach (var value in values)
        {
            Insert(Count, value, update);
        }
    }

    public IRealmObjectBase InsertEmbedded(int index)
        => Realm.MaterializeAny(NativeMethods.atoll_list_insert_embedded(Handle.Value, index));

    public IRealmObjectBase SetEmbedded(int index)
        => Realm.MaterializeAny(NativeMethods.atoll_list_set_embedded(Handle.Value, index));

    public void RemoveAt(int index) => NativeMethods.atoll_list_erase(Handle.Value, index);

    public void Move(int from, int to) => NativeMethods.atoll_list_move(Handle.Value, from, to);

    /// <summary>The list in another instance of the realm.</summary>
    public NativeList In(Realm realm)
    {
        var list = NativeMethods.atoll_list_resolve_in(Handle.Value, realm.NativeRealm);
        GC.KeepAlive(Handle);
        return list == IntPtr.Zero
            ? throw new RealmInvalidObjectException("The object of the list was deleted.")
            : new NativeList(realm, Property, list);
    }

    public IntPtr CreateReference() => NativeMethods.atoll_reference_of_list(Handle.Value);

    public override void Clear() => NativeMethods.atoll_list_clear(Handle.Value);

    public override ulong Observe(Action<EventData> handler, IntPtr keyPaths)
        => Realm.Instance.Observe(queue => NativeMethods.atoll_list_observe_key_paths(Handle.Value, keyPaths, queue), handler);

    public override IntPtr AsResults() => NativeMethods.atoll_list_as_results(Handle.Value);

    private NativeList ListAt(int index)
        => new(Realm, PropertyMetadata.AnyValue(CollectionKind.List), NativeMethods.atoll_list_get_list(Handle.Value, index));

    private NativeDictionary DictionaryAt(int index)
        => new(
            Realm,
            null,
            PropertyMetadata.AnyValue(CollectionKind.Dictionary),
            NativeMethods.atoll_list_get_dictionary(Handle.Value, index));

    private void Fill(int index, object? elements, bool update)
    {
        if (elements is IList<RealmValue> list)
        {
            using var stored = ListAt(index);
            stored.AddAll(list, update);
        }
        else if (elements is IDictionary<string, RealmValue> dictionary)
        {
            using var stored = DictionaryAt(index);
            stored.AddAll(dictionary, update);
        }
    }
}
