namespace Realms;

/// <summary>A list property of a stored object.</summary>
public class RealmList<T> : RealmCollectionBase<T>, IList<T>, INativeCollection
{
    private readonly NativeList _list;

    internal RealmList(NativeList list)
        : base(list.Realm)
        => _list = list;

    NativeCollection INativeCollection.NativeBase => _list;

    public override int Count => _list.Count;

    public override bool IsValid => _list.IsValid;

    public override bool IsReadOnly => false;

    public override Schema.ObjectSchema? ObjectSchema => _list.TargetSchema;

    public new T this[int index]
    {
        get => base[index];
        set
        {
            Check(index, Count - 1);
            _list.Set(index, value);
        }
    }

    public void Add(T item) => _list.Insert(Count, item);

    public void Insert(int index, T item)
    {
        Check(index, Count);
        _list.Insert(index, item);
    }

    public bool Remove(T item)
    {
        var index = IndexOf(item);
        if (index >= 0)
        {
            _list.RemoveAt(index);
        }

        return index >= 0;
    }

    public override void RemoveAt(int index)
    {
        Check(index, Count - 1);
        _list.RemoveAt(index);
    }

    public override void Clear() => _list.Clear();

    public int IndexOf(T item)
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

    public override int IndexOf(object? item) => item is T typed ? IndexOf(typed) : item is null && default(T) is null ? IndexOf(default(T)!) : -1;

    public bool Contains(T item) => IndexOf(item) >= 0;

    public void Move(int sourceIndex, int targetIndex)
    {
        Check(sourceIndex, Count - 1);
        Check(targetIndex, Count - 1);
        _list.Move(sourceIndex, targetIndex);
    }

    public override int Add(object? value)
    {
        Add((T)value!);
        return Count - 1;
    }

    public override void Insert(int index, object? value) => Insert(index, (T)value!);

    public override void Remove(object? value)
    {
        if (value is T item)
        {
            Remove(item);
        }
    }

    public override IEnumerator<T> GetEnumerator()
    {
        for (var i = 0; i < Count; i++)
        {
            yield return GetValueAtIndex(i);
        }
    }

    internal override RealmCollectionBase<T> In(Realm realm) => new RealmList<T>(_list.In(realm));

    internal NativeList Native => _list;

    internal override ulong Observe(Action<EventData> handler, IntPtr keyPaths) => _list.Observe(handler, keyPaths);

    private protected override T GetValueAtIndex(int index) => Elements.As<T>(_list.Read(index));

    private protected override void SetObject(int index, object? value) => this[index] = (T)value!;

    private static void Check(int index, int last)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(index, last);
    }
}
