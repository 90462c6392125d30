using System.Collections;
using Realms.Sync.Exceptions;

namespace Realms.Sync;

public enum SubscriptionSetState : byte
{
    Pending,
    Complete,
    Error,
    Superseded,
}

public enum WaitForSyncMode
{
    FirstTime,
    Always,
    Never,
}

/// <summary>How a subscription is added.</summary>
public class SubscriptionOptions
{
    /// <summary>A name to find it by; without one it is known by its query.</summary>
    public string? Name { get; set; }

    /// <summary>Whether the query of a subscription of the same name is replaced.</summary>
    public bool UpdateExisting { get; set; } = true;
}

/// <summary>One query whose objects the realm holds.</summary>
public class Subscription
{
    internal Subscription(string? name, string objectType, string query, DateTimeOffset createdAt, DateTimeOffset updatedAt)
    {
        Name = name;
        ObjectType = objectType;
        Query = query;
        CreatedAt = createdAt;
        UpdatedAt = updatedAt;
    }

    public string? Name { get; }

    public string ObjectType { get; }

    public string Query { get; }

    public DateTimeOffset CreatedAt { get; }

    public DateTimeOffset UpdatedAt { get; }
}

/// <summary>
/// What a flexible realm syncs. It shows the newest set that the realm knows; changes are made inside Update, which is
/// all or nothing.
/// </summary>
public class SubscriptionSet : IReadOnlyList<Subscription>
{
    private readonly Realm _realm;
    private readonly CancellationTokenSource _closed = new();
    private NativeHandle _set;
    private NativeHandle? _update;

    internal SubscriptionSet(Realm realm)
    {
        _realm = realm;
        _set = Load();
    }

    public int Count => checked((int)NativeMethods.atoll_subscriptions_count(_set.Value));

    public SubscriptionSetState State => (SubscriptionSetState)NativeMethods.atoll_subscriptions_state(_set.Value);

    public Exception? Error
    {
        get
        {
            using var text = new NativeValues(NativeMethods.atoll_subscriptions_error(_set.Value));
            return text.Read(0).AsNullableString() is { } message ? new SubscriptionException(message) : null;
        }
    }

    internal long Version => NativeMethods.atoll_subscriptions_version(_set.Value);

    public Subscription this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
            return new Subscription(
                NativeMethods.atoll_subscriptions_name(_set.Value, index),
                NativeMethods.atoll_subscriptions_class(_set.Value, index) ?? "",
                NativeMethods.atoll_subscriptions_query(_set.Value, index) ?? "",
                Conversions.FromTimestamp(NativeMethods.atoll_subscriptions_created_at(_set.Value, index)),
                Conversions.FromTimestamp(NativeMethods.atoll_subscriptions_updated_at(_set.Value, index)));
        }
    }

    public Subscription? Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return At(NativeMethods.atoll_subscriptions_find_name(_set.Value, name));
    }

    public Subscription? Find<T>(IQueryable<T> query)
        where T : IRealmObject
        => At(NativeMethods.atoll_subscriptions_find_results(_set.Value, Results(query).Value));

    /// <summary>Changes the set: all of it, or nothing if the action throws.</summary>
    public void Update(Action action)
    {
        ArgumentNullException.ThrowIfNull(action);
        if (_update is not null)
        {
            throw new InvalidOperationException("The subscription set is being updated already.");
        }

        using var update = new NativeHandle(
            NativeMethods.atoll_subscription_update_begin(_realm.NativeRealm), NativeMethods.atoll_subscription_update_free);
        _update = update;
        try
        {
            action();
            var committed = NativeMethods.atoll_subscription_update_commit(update.Value);
            _set.Dispose();
            _set = new NativeHandle(committed, NativeMethods.atoll_subscriptions_free);
        }
        finally
        {
            _update = null;
        }
    }

    public Subscription Add<T>(IQueryable<T> query, SubscriptionOptions? options = null)
        where T : IRealmObject
    {
        var update = RequireUpdate();
        var results = query as RealmResults<T> ?? throw new ArgumentException("The query is none of a realm.", nameof(query));
        NativeMethods.atoll_subscription_update_add(
            update, results.Native.Value, options?.Name, options?.UpdateExisting ?? true);
        var now = DateTimeOffset.UtcNow;
        return new Subscription(options?.Name, Schema.TypeMetadata.NameOf(typeof(T)), results.ToString(), now, now);
    }

    public bool Remove(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return NativeMethods.atoll_subscription_update_remove_name(RequireUpdate(), name);
    }

    public int Remove<T>(IQueryable<T> query, bool removeNamed = false)
        where T : IRealmObject
        => checked((int)NativeMethods.atoll_subscription_update_remove_results(RequireUpdate(), Results(query).Value, removeNamed));

    public bool Remove(Subscription subscription)
    {
        ArgumentNullException.ThrowIfNull(subscription);
        var update = RequireUpdate();
        for (var i = 0; i < Count; i++)
        {
            var candidate = this[i];
            if (candidate.Name == subscription.Name && candidate.ObjectType == subscription.ObjectType
                && candidate.Query == subscription.Query)
            {
                return NativeMethods.atoll_subscription_update_remove_at(update, _set.Value, i);
            }
        }

        return false;
    }

    public int RemoveAll<T>(bool removeNamed = false)
        where T : IRealmObject
        => RemoveAll(Schema.TypeMetadata.NameOf(typeof(T)), removeNamed);

    public int RemoveAll(string className, bool removeNamed = false)
        => checked((int)NativeMethods.atoll_subscription_update_remove_class(RequireUpdate(), className, removeNamed));

    public int RemoveAll(bool removeNamed = false)
        => checked((int)NativeMethods.atoll_subscription_update_remove_all(RequireUpdate(), removeNamed));

    /// <summary>Ends when the objects of this set are here; refresh the realm to see them.</summary>
    public async Task WaitForSynchronizationAsync(CancellationToken? cancellationToken = null)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken ?? CancellationToken.None, _closed.Token);
        stop.Token.ThrowIfCancellationRequested();
        var set = _set;
        var done = EventPump.Request(
            queue => NativeMethods.atoll_subscriptions_wait(set.Value, queue),
            data => data.Status == NativeStatus.Cancelled
                ? new TaskCanceledException(data.Message)
                : new SubscriptionException(data.Message));
        await done.WaitAsync(stop.Token);
        if (!_realm.IsClosed && _realm.Instance.IsOwnThread && !_realm.IsInTransaction)
        {
            _realm.Refresh();
        }
    }

    public IEnumerator<Subscription> GetEnumerator()
    {
        for (var i = 0; i < Count; i++)
        {
            yield return this[i];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Takes the newest set, unless the one at hand is being changed.</summary>
    internal void Reload()
    {
        if (_update is not null)
        {
            return;
        }

        var newest = Load();
        if (NativeMethods.atoll_subscriptions_version(newest.Value) == Version)
        {
            newest.Dispose();
        }
        else
        {
            _set = newest;
        }
    }

    /// <summary>The realm closes: waits end as cancelled.</summary>
    internal void Close() => _closed.Cancel();

    private static NativeHandle Results<T>(IQueryable<T> query)
        => (query as RealmResults<T> ?? throw new ArgumentException("The query is none of a realm.", nameof(query))).Native;

    private NativeHandle Load()
        => new(NativeMethods.atoll_realm_subscriptions(_realm.NativeRealm), NativeMethods.atoll_subscriptions_free);

    private Subscription? At(long index) => index < 0 ? null : this[(int)index];

    private IntPtr RequireUpdate()
        => _update?.Value ?? throw new InvalidOperationException("Subscriptions can be changed only inside Update.");
}
