using Realms.Exceptions;
using Realms.Schema;

namespace Realms;

/// <summary>A stored list, one element at a time, without its element type.</summary>
internal sealed class NativeList : IDisposable
{
    private readonly PropertyMetadata _property;
    private readonly NativeHandle _handle;

    public NativeList(Realm realm, PropertyMetadata property, IntPtr handle)
    {
        Realm = realm;
        _property = property;
        _handle = new NativeHandle(handle, NativeMethods.atoll_list_free);
    }

    public Realm Realm { get; }

    public bool IsValid => !Realm.IsClosed && NativeMethods.atoll_list_is_valid(_handle.Value);

    public int Count => checked((int)NativeMethods.atoll_list_count(_handle.Value));

    public Type ElementType => _property.ElementType;

    public bool HoldsObjects => _property.Kind is ValueKind.Link or ValueKind.Embedded;

    public object? Read(int index)
    {
        if (HoldsObjects)
        {
            var target = NativeMethods.atoll_list_get_object(_handle.Value, index);
            return target == IntPtr.Zero ? null : Realm.Materialize(_property.ElementType, target);
        }

        using var values = new NativeValues(NativeMethods.atoll_list_get_value(_handle.Value, index));
        return values.Read(0).AsAny();
    }

    public void Insert(int index, object? value, bool update = false)
    {
        if (_property.Kind == ValueKind.Embedded)
        {
            var model = CheckEmbedded(value);
            Models.AttachEmbedded(Realm, model, NativeMethods.atoll_list_insert_embedded(_handle.Value, index), update);
            return;
        }

        using var values = Wrap(value, update);
        NativeMethods.atoll_list_insert_value(_handle.Value, index, values.Handle);
    }

    public void Set(int index, object? value)
    {
        if (_property.Kind == ValueKind.Embedded)
        {
            var model = CheckEmbedded(value);
            Models.AttachEmbedded(Realm, model, NativeMethods.atoll_list_set_embedded(_handle.Value, index), false);
            return;
        }

        using var values = Wrap(value, false);
        NativeMethods.atoll_list_set_value(_handle.Value, index, values.Handle);
    }

    public void RemoveAt(int index) => NativeMethods.atoll_list_erase(_handle.Value, index);

    public void Move(int from, int to) => NativeMethods.atoll_list_move(_handle.Value, from, to);

    public PropertyMetadata Property => _property;

    /// <summary>The list in another instance of the realm.</summary>
    public NativeList In(Realm realm)
    {
        var list = NativeMethods.atoll_list_resolve_in(_handle.Value, realm.NativeRealm);
        GC.KeepAlive(_handle);
        return list == IntPtr.Zero
            ? throw new RealmInvalidObjectException("The object of the list was deleted.")
            : new NativeList(realm, _property, list);
    }

    public IntPtr CreateReference() => NativeMethods.atoll_reference_of_list(_handle.Value);

    public void Clear() => NativeMethods.atoll_list_clear(_handle.Value);

    public ulong Observe(Action<EventData> handler)
        => Realm.Instance.Observe(queue => NativeMethods.atoll_list_observe(_handle.Value, queue), handler);

    public void Dispose() => _handle.Dispose();

    private static IRealmObjectBase CheckEmbedded(object? value)
    {
        var model = (IRealmObjectBase?)value ?? throw new ArgumentNullException(nameof(value), "A list of objects holds no null.");
        Models.CheckNewEmbedded(model);
        return model;
    }

    private NativeValues Wrap(object? value, bool update)
    {
        if (_property.Kind == ValueKind.Link)
        {
            var model = (IRealmObjectBase?)value
                ?? throw new ArgumentNullException(nameof(value), "A list of objects holds no null.");
            _ = Models.Store(Realm, model, update);
            return NativeValues.Of(RealmValue.Object(model));
        }

        return NativeValues.Of(RealmValue.From(value));
    }
}
