using System.Collections;
using System.Collections.Specialized;
using System.ComponentModel;
using Realms.Exceptions;
using Realms.Schema;
using Realms.Weaving;

namespace Realms;

/// <summary>What results and lists share: reading by index, notifications, data binding.</summary>
public abstract class RealmCollectionBase<T> : IRealmCollection<T>, IList
{
    private NotifyCollectionChangedEventHandler? _collectionChanged;
    private PropertyChangedEventHandler? _propertyChanged;
    private IDisposable? _binding;

    internal RealmCollectionBase(Realm realm) => Realm = realm;

    public event NotifyCollectionChangedEventHandler? CollectionChanged
    {
        add
        {
            _collectionChanged += value;
            UpdateBinding();
        }

        remove
        {
            _collectionChanged -= value;
            UpdateBinding();
        }
    }

    public event PropertyChangedEventHandler? PropertyChanged
    {
        add
        {
            _propertyChanged += value;
            UpdateBinding();
        }

        remove
        {
            _propertyChanged -= value;
            UpdateBinding();
        }
    }

    public abstract int Count { get; }

    public abstract bool IsValid { get; }

    public bool IsManaged => true;

    public bool IsFrozen => Realm.IsFrozen;

    public Realm Realm { get; }

    public virtual bool IsReadOnly => true;

    public bool IsFixedSize => false;

    public bool IsSynchronized => false;

    public object SyncRoot => this;

    public virtual ObjectSchema? ObjectSchema
        => typeof(IRealmObjectBase).IsAssignableFrom(typeof(T)) ? TypeMetadata.Of(typeof(T)).Schema : null;

    public T this[int index] => GetChecked(index);

    object? IList.this[int index]
    {
        get => GetChecked(index);
        set => SetObject(index, value);
    }

    /// <summary>The collection as it is now, for ever, readable on any thread while the realm is open.</summary>
    public IRealmCollection<T> Freeze() => IsFrozen ? this : In(Realm.Freeze());

    /// <summary>Calls with null changes at first, then after each change; with key paths, of these properties only.
    /// Errors: RealmFrozenException; ArgumentException for a path that there is not; InvalidOperationException for paths where
    /// the elements are no objects.</summary>
    public IDisposable SubscribeForNotifications(NotificationCallbackDelegate<T> callback, KeyPathsCollection? keyPathCollection = null)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return Subscribe(data => callback(this, data.IsInitial ? null : new ChangeSet(data)), keyPathCollection);
    }

    public abstract int IndexOf(object? item);

    public virtual bool Contains(object? item) => IndexOf(item) >= 0;

    public void CopyTo(T[] array, int arrayIndex)
    {
        ArgumentNullException.ThrowIfNull(array);
        foreach (var item in this)
        {
            array[arrayIndex++] = item;
        }
    }

    public void CopyTo(Array array, int index)
    {
        ArgumentNullException.ThrowIfNull(array);
        foreach (var item in this)
        {
            array.SetValue(item, index++);
        }
    }

    public abstract IEnumerator<T> GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public virtual int Add(object? value) => throw ReadOnly();

    public virtual void Clear() => throw ReadOnly();

    public virtual void Insert(int index, object? value) => throw ReadOnly();

    public virtual void Remove(object? value) => throw ReadOnly();

    public virtual void RemoveAt(int index) => throw ReadOnly();

    /// <summary>The same collection of another instance of the realm.</summary>
    internal abstract RealmCollectionBase<T> In(Realm realm);

    internal abstract ulong Observe(Action<EventData> handler, IntPtr keyPaths);

    internal IDisposable Subscribe(Action<EventData> handler, KeyPathsCollection? keyPaths)
    {
        Realm.ThrowIfDisposed();
        if (IsFrozen)
        {
            throw new RealmFrozenException("A frozen collection never changes: subscribe to a live one.");
        }

        using var paths = keyPaths?.ToNative(Realm, ObjectSchema);
        return new Subscription(Realm.Instance, Observe(handler, paths?.Handle ?? IntPtr.Zero));
    }

    private protected abstract T GetValueAtIndex(int index);

    private protected virtual void SetObject(int index, object? value) => throw ReadOnly();

    private protected static bool AreEqual(T left, object? right)
        => left is byte[] bytes && right is byte[] other ? bytes.AsSpan().SequenceEqual(other) : Equals(left, right);

    private static NotSupportedException ReadOnly() => new("Results are read-only: add to and remove from the realm.");

    private T GetChecked(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        return GetValueAtIndex(index);
    }

    private void UpdateBinding()
    {
        if (_collectionChanged is null && _propertyChanged is null)
        {
            _binding?.Dispose();
            _binding = null;
        }
        else
        {
            _binding ??= SubscribeForNotifications((_, changes) => RaiseBinding(changes));
        }
    }

    private void RaiseBinding(ChangeSet? changes)
    {
        if (changes is null)
        {
            return;
        }

        if (changes.InsertedIndices.Length + changes.DeletedIndices.Length > 0)
        {
            _propertyChanged?.Invoke(this, new PropertyChangedEventArgs("Count"));
            _propertyChanged?.Invoke(this, new PropertyChangedEventArgs("Item[]"));
        }

        _collectionChanged?.Invoke(this, Describe(changes));
    }

    /// <summary>One run of elements that came, went, moved or changed is told as that; all else as a reset.</summary>
    private NotifyCollectionChangedEventArgs Describe(ChangeSet changes)
    {
        var (inserted, deleted, changed) = (changes.InsertedIndices, changes.DeletedIndices, changes.NewModifiedIndices);
        var reset = new NotifyCollectionChangedEventArgs(NotifyCollectionChangedAction.Reset);
        if (changes.Moves.Length > 0)
        {
            var moves = changes.Moves.OrderBy(move => move.From).ToArray();
            return moves.Length == inserted.Length && moves.Length == deleted.Length && changed.Length == 0
                && IsRun([.. moves.Select(move => move.From)]) && IsRun([.. moves.Select(move => move.To)])
                ? new NotifyCollectionChangedEventArgs(
                    NotifyCollectionChangedAction.Move, ItemsAt([.. moves.Select(move => move.To)]), moves[0].To, moves[0].From)
                : reset;
        }

        if (changes.IsCleared || !IsRun([.. inserted, .. deleted, .. changed])
            || new[] { inserted, deleted, changed }.Count(indices => indices.Length > 0) != 1)
        {
            return reset;
        }

        return inserted.Length > 0
            ? new NotifyCollectionChangedEventArgs(NotifyCollectionChangedAction.Add, ItemsAt(inserted), inserted[0])
            : deleted.Length > 0
            ? new NotifyCollectionChangedEventArgs(
                NotifyCollectionChangedAction.Remove, Array.ConvertAll(deleted, _ => (object?)InvalidObject.Instance), deleted[0])
            : new NotifyCollectionChangedEventArgs(
                NotifyCollectionChangedAction.Replace,
                ItemsAt(changed),
                Array.ConvertAll(changed, _ => (object?)InvalidObject.Instance),
                changed[0]);
    }

    private static bool IsRun(int[] indices)
    {
        for (var i = 1; i < indices.Length; i++)
        {
            if (indices[i] != indices[i - 1] + 1)
            {
                return false;
            }
        }

        return true;
    }

    private object?[] ItemsAt(int[] indices) => Array.ConvertAll(indices, index => (object?)this[index]);

    /// <summary>Ends the notifications when it is disposed; allowed inside the callback.</summary>
    private sealed class Subscription(RealmInstance instance, ulong registration) : IDisposable
    {
        private bool _disposed;

        public void Dispose()
        {
            if (!_disposed)
            {
                _disposed = true;
                instance.Unobserve(registration);
            }
        }
    }
}

/// <summary>Stands in data binding for an element that is no longer there to be shown.</summary>
internal sealed class InvalidObject
{
    public static InvalidObject Instance { get; } = new();

    public override string ToString() => "an object that was deleted or replaced";
}
