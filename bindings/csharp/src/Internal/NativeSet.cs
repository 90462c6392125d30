using Realms.Schema;

namespace Realms;

/// <summary>A stored set without its element type. Indexes are for iteration: another element may shift them.</summary>
internal sealed class NativeSet : NativeCollection
{
    public NativeSet(ManagedAccessor owner, PropertyMetadata property, IntPtr handle)
        : base(owner.Realm, property, new NativeHandle(handle, NativeMethods.atoll_set_free))
        => Owner = owner;

    public ManagedAccessor Owner { get; }

    public override bool IsValid => !Realm.IsClosed && NativeMethods.atoll_set_is_valid(Handle.Value);

    public override int Count => checked((int)NativeMethods.atoll_set_count(Handle.Value));

    public object? Read(int index)
        => HoldsObjects
            ? Materialize(NativeMethods.atoll_set_get_object(Handle.Value, index))
            : Take(NativeMethods.atoll_set_get_value(Handle.Value, index), NoCollection<NativeList>, NoCollection<NativeDictionary>);

    public bool Add(object? value, bool update = false)
    {
        using var values = WrapScalar(value, update);
        return NativeMethods.atoll_set_add(Handle.Value, values.Handle);
    }

    public bool Remove(object? value)
    {
        using var values = NativeValues.Of(RealmValue.From(value));
        return NativeMethods.atoll_set_remove(Handle.Value, values.Handle);
    }

    public bool Contains(object? value)
    {
        if (value is null && !Property.IsNullable && Property.Kind != ValueKind.Mixed)
        {
            return false;
        }

        using var values = NativeValues.Of(RealmValue.From(value));
        return NativeMethods.atoll_set_contains(Handle.Value, values.Handle);
    }

    public override void Clear() => NativeMethods.atoll_set_clear(Handle.Value);

    public override ulong Observe(Action<EventData> handler, IntPtr keyPaths)
        => Realm.Instance.Observe(queue => NativeMethods.atoll_set_observe_key_paths(Handle.Value, keyPaths, queue), handler);

    public override IntPtr AsResults() => NativeMethods.atoll_set_as_results(Handle.Value);

    public NativeSet In(Realm realm) => Owner.In(realm).OpenSet(Property.Index);

    private static T NoCollection<T>() => throw new NotSupportedException("A set cannot hold a collection.");

    private NativeValues WrapScalar(object? value, bool update)
    {
        var values = Wrap(value, update, out var elements);
        if (elements is not null)
        {
            values.Dispose();
            NoCollection<int>();
        }

        return values;
    }
}
