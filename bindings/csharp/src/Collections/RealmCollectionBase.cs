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

    public ObjectSchema? ObjectSchema
        => typeof(IRealmObjectBase).IsAssignableFrom(typeof(T)) ? TypeMetadata.Of(typeof(T)).Schema : null;

    public T this[int index] => GetChecked(index);

    object? IList.this[int index]
    {
        get => GetChecked(index);
        set => SetObject(index, value);
    }

    /// <summary>The collection as it is now, for ever, readable on any thread while the realm is open.</summary>
    public IRealmCollection<T> Freeze() => IsFrozen ? this : In(Realm.Freeze());

    public IDisposable SubscribeForNotifications(NotificationCallbackDelegate<T> callback, KeyPathsCollection? keyPathCollection = null)
    {
        ArgumentNullException.ThrowIfNull(callback);
        KeyPathsCollection.Check(keyPathCollection);
        Realm.ThrowIfDisposed();
        if (IsFrozen)
        {
            throw new RealmFrozenException("A frozen collection never changes: subscribe to a live one.");
        }

        return new Subscription(Realm.Instance, Observe(
            data => callback(this, data.IsInitial ? null : new ChangeSet(data))));
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

    internal abstract ulong Observe(Action<EventData> handler);

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

    private NotifyCollectionChangedEventArgs Describe(ChangeSet changes)
    {
        var inserted = changes.InsertedIndices;
        if (changes.DeletedIndices.Length == 0 && changes.ModifiedIndices.Length == 0
            && inserted.Length > 0 && inserted[^1] - inserted[0] == inserted.Length - 1)
        {
            var items = Array.ConvertAll(inserted, index => (object?)this[index]);
            return new NotifyCollectionChangedEventArgs(NotifyCollectionChangedAction.Add, items, inserted[0]);
        }

        return new NotifyCollectionChangedEventArgs(NotifyCollectionChangedAction.Reset);
    }

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
