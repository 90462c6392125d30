namespace Realms;

/// <summary>A set property of a stored object, in the order of its values. Writing needs a transaction.</summary>
public class RealmSet<T> : RealmCollectionBase<T>, ISet<T>, IReadOnlySet<T>, INativeCollection
{
    private readonly NativeSet _set;

    internal RealmSet(NativeSet set)
        : base(set.Realm)
        => _set = set;

    NativeCollection INativeCollection.NativeBase => _set;

    public override int Count => _set.Count;

    public override bool IsValid => _set.IsValid;

    public override bool IsReadOnly => false;

    public override Schema.ObjectSchema? ObjectSchema => _set.TargetSchema;

    internal NativeSet Native => _set;

    /// <summary>Puts a value in; an object that is not stored yet is added to the realm first.</summary>
    public bool Add(T item) => _set.Add(item);

    void ICollection<T>.Add(T item) => _set.Add(item);

    public override int Add(object? value)
    {
        Add((T)value!);
        return IndexOf(value);
    }

    public bool Remove(T item) => Contains(item) && _set.Remove(item);

    public override void Remove(object? value)
    {
        if (value is T item)
        {
            Remove(item);
        }
    }

    public bool Contains(T item) => item is not IRealmObjectBase { IsManaged: false } && _set.Contains(item);

    public override bool Contains(object? item) => item is T typed ? Contains(typed) : item is null && default(T) is null && Contains(default!);

    public override void Clear() => _set.Clear();

    public override int IndexOf(object? item)
    {
        var count = Count;
        for (var i = 0; i < count; i++)
        {
            if (AreEqual(GetValueAtIndex(i), item))
            {
                return i;
            }
        }

        return -1;
    }

    public override IEnumerator<T> GetEnumerator()
    {
        for (var i = 0; i < Count; i++)
        {
            yield return GetValueAtIndex(i);
        }
    }

    public void UnionWith(IEnumerable<T> other)
    {
        foreach (var item in ToSet(other))
        {
            Add(item);
        }
    }

    public void IntersectWith(IEnumerable<T> other)
    {
        var wanted = ToSet(other);
        foreach (var item in this.Where(item => !wanted.Contains(item)).ToArray())
        {
            Remove(item);
        }
    }

    public void ExceptWith(IEnumerable<T> other)
    {
        foreach (var item in ToSet(other))
        {
            Remove(item);
        }
    }

    public void SymmetricExceptWith(IEnumerable<T> other)
    {
        foreach (var item in ToSet(other))
        {
            if (!Remove(item))
            {
                Add(item);
            }
        }
    }

    public bool IsSubsetOf(IEnumerable<T> other) => ToSet(this).IsSubsetOf(other);

    public bool IsSupersetOf(IEnumerable<T> other) => ToSet(this).IsSupersetOf(other);

    public bool IsProperSubsetOf(IEnumerable<T> other) => ToSet(this).IsProperSubsetOf(other);

    public bool IsProperSupersetOf(IEnumerable<T> other) => ToSet(this).IsProperSupersetOf(other);

    public bool Overlaps(IEnumerable<T> other) => ToSet(this).Overlaps(other);

    public bool SetEquals(IEnumerable<T> other) => ToSet(this).SetEquals(other);

    internal override RealmCollectionBase<T> In(Realm realm) => new RealmSet<T>(_set.In(realm));

    internal override ulong Observe(Action<EventData> handler, IntPtr keyPaths) => _set.Observe(handler, keyPaths);

    private protected override T GetValueAtIndex(int index) => Elements.As<T>(_set.Read(index));

    private static HashSet<T> ToSet(IEnumerable<T> items) => new(items, ElementComparer<T>.Default);
}

/// <summary>What a native collection gives, as its .NET type.</summary>
internal static class Elements
{
    public static T As<T>(object? value) => value switch
    {
        null => default!,
        T same => same,
        _ => RealmValue.From(value).As<T>(),
    };
}
