using Realms.Sync;

namespace Realms;

/// <summary>What collections of a realm can do beyond LINQ.</summary>
public static class CollectionExtensions
{
    public static IRealmCollection<T> AsRealmCollection<T>(this IQueryable<T> query)
        where T : IRealmObjectBase?
        => Results(query);

    public static IRealmCollection<T> AsRealmCollection<T>(this IList<T> list) => Managed(list);

    public static IDisposable SubscribeForNotifications<T>(
        this IQueryable<T> results, NotificationCallbackDelegate<T> callback, KeyPathsCollection? keyPathsCollection = null)
        where T : IRealmObjectBase?
        => Results(results).SubscribeForNotifications(callback, keyPathsCollection);

    public static IDisposable SubscribeForNotifications<T>(
        this IList<T> list, NotificationCallbackDelegate<T> callback, KeyPathsCollection? keyPathsCollection = null)
        => Managed(list).SubscribeForNotifications(callback, keyPathsCollection);

    /// <summary>The error is always null: what callbacks throw is raised by Realm.Error.</summary>
    [Obsolete("Use a callback without the error.")]
    public static IDisposable SubscribeForNotifications<T>(
        this IQueryable<T> results, Action<IRealmCollection<T>, ChangeSet?, Exception?> callback)
        where T : IRealmObjectBase?
        => results.SubscribeForNotifications((sender, changes) => callback(sender, changes, null));

    [Obsolete("Use a callback without the error.")]
    public static IDisposable SubscribeForNotifications<T>(
        this IList<T> list, Action<IRealmCollection<T>, ChangeSet?, Exception?> callback)
        => list.SubscribeForNotifications((sender, changes) => callback(sender, changes, null));

    public static void Move<T>(this IList<T> list, T item, int index) => Move(list, list.IndexOf(item), index);

    public static void Move<T>(this IList<T> list, int from, int to)
    {
        ArgumentNullException.ThrowIfNull(list);
        if (list is RealmList<T> managed)
        {
            managed.Move(from, to);
            return;
        }

        var item = list[from];
        list.RemoveAt(from);
        list.Insert(to, item);
    }

    /// <summary>Narrows results by a query text; $0, $1, ... stand for the arguments.</summary>
    public static IQueryable<T> Filter<T>(this IQueryable<T> query, string predicate, params QueryArgument[] arguments)
        => Results(query).Filter(predicate, arguments);

    public static IQueryable<T> Filter<T>(this IList<T> list, string predicate, params QueryArgument[] arguments)
        where T : IRealmObjectBase
        => throw new NotSupportedException("not supported yet: queries of a list");

    public static IQueryable<T> AsRealmQueryable<T>(this IList<T> list)
        where T : IRealmObjectBase
        => throw new NotSupportedException("not supported yet: queries of a list");

    /// <summary>Subscribes to the query and waits, as the mode says, until its objects are here.</summary>
    public static async Task<IQueryable<T>> SubscribeAsync<T>(
        this IQueryable<T> query,
        SubscriptionOptions? options = null,
        WaitForSyncMode waitForSync = WaitForSyncMode.FirstTime,
        CancellationToken? cancellationToken = null)
        where T : IRealmObject
    {
        var realm = Results(query).Realm;
        var subscriptions = realm.Subscriptions;
        var known = options?.Name is { } name ? subscriptions.Find(name) : subscriptions.Find(query);
        var isNew = known is null || known.Query != query.ToString();
        if (isNew)
        {
            subscriptions.Update(() => subscriptions.Add(query, options));
        }

        if (waitForSync == WaitForSyncMode.Always || (waitForSync == WaitForSyncMode.FirstTime && isNew))
        {
            await subscriptions.WaitForSynchronizationAsync(cancellationToken);
            if (!realm.IsClosed && realm.Instance.IsOwnThread)
            {
                realm.Refresh();
            }
        }

        return query;
    }

    private static RealmResults<T> Results<T>(IQueryable<T> query)
        => query as RealmResults<T> ?? throw new ArgumentException("The query is none of a realm.", nameof(query));

    private static RealmCollectionBase<T> Managed<T>(IList<T> list)
        => list as RealmCollectionBase<T> ?? throw new ArgumentException("The list is not stored in a realm.", nameof(list));
}
