using System.Linq.Expressions;
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

    public static IRealmCollection<T> AsRealmCollection<T>(this ISet<T> set) => Managed(set);

    public static IRealmCollection<KeyValuePair<string, T>> AsRealmCollection<T>(this IDictionary<string, T> dictionary)
        => Managed(dictionary);

    public static IDisposable SubscribeForNotifications<T>(
        this ISet<T> set, NotificationCallbackDelegate<T> callback, KeyPathsCollection? keyPathsCollection = null)
        => Managed(set).SubscribeForNotifications(callback, keyPathsCollection);

    public static IDisposable SubscribeForNotifications<T>(
        this IDictionary<string, T> dictionary,
        NotificationCallbackDelegate<KeyValuePair<string, T>> callback,
        KeyPathsCollection? keyPathsCollection = null)
        => Managed(dictionary).SubscribeForNotifications(callback, keyPathsCollection);

    /// <summary>Calls with the keys that changed: with null at first, then after each change.</summary>
    public static IDisposable SubscribeForKeyNotifications<T>(
        this IDictionary<string, T> dictionary, DictionaryNotificationCallbackDelegate<T> callback)
        => Managed(dictionary).SubscribeForKeyNotifications(callback);

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

    /// <summary>The objects of the list that a query finds, live. Errors: ArgumentException unless it is stored.</summary>
    public static IQueryable<T> Filter<T>(this IList<T> list, string predicate, params QueryArgument[] arguments)
        where T : IRealmObjectBase
        => Objects<T>(list).Filter(predicate, arguments);

    /// <summary>The objects of the list as a query, live. Errors: ArgumentException unless it is stored.</summary>
    public static IQueryable<T> AsRealmQueryable<T>(this IList<T> list)
        where T : IRealmObjectBase
        => Objects<T>(list);

    /// <summary>The objects of the set that a query finds, live. Errors: ArgumentException unless it is stored.</summary>
    public static IQueryable<T> Filter<T>(this ISet<T> set, string predicate, params QueryArgument[] arguments)
        where T : IRealmObjectBase
        => Objects<T>(set).Filter(predicate, arguments);

    /// <summary>The objects of the set as a query, live. Errors: ArgumentException unless it is stored.</summary>
    public static IQueryable<T> AsRealmQueryable<T>(this ISet<T> set)
        where T : IRealmObjectBase
        => Objects<T>(set);

    /// <summary>The objects of the dictionary that a query finds, live. Errors: ArgumentException unless it is stored.</summary>
    public static IQueryable<T> Filter<T>(this IDictionary<string, T?> dictionary, string predicate, params QueryArgument[] arguments)
        where T : IRealmObjectBase
        => Objects<T>(dictionary).Filter(predicate, arguments);

    /// <summary>The objects of the dictionary as a query, live. Errors: ArgumentException unless it is stored.</summary>
    public static IQueryable<T> AsRealmQueryable<T>(this IDictionary<string, T?> dictionary)
        where T : IRealmObjectBase
        => Objects<T>(dictionary);

    /// <summary>One property of all objects, in their order, as an array: numbers, times, bools and Guids are copied at once,
    /// which costs a few nanoseconds each; others are read object by object.</summary>
    public static TValue[] ToColumn<T, TValue>(this IQueryable<T> query, Expression<Func<T, TValue>> property)
        where T : IRealmObjectBase
        => ColumnReader.Read(Results(query), property);

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

    private static RealmResults<T> Objects<T>(object collection)
        => (collection as INativeCollection)?.NativeBase.AsResults<T>()
            ?? throw new ArgumentException("The collection is not stored in a realm.", nameof(collection));

    private static RealmSet<T> Managed<T>(ISet<T> set)
        => set as RealmSet<T> ?? throw new ArgumentException("The set is not stored in a realm.", nameof(set));

    private static RealmDictionary<T> Managed<T>(IDictionary<string, T> dictionary)
        => dictionary as RealmDictionary<T>
            ?? throw new ArgumentException("The dictionary is not stored in a realm.", nameof(dictionary));

    private static RealmCollectionBase<T> Managed<T>(IList<T> list)
        => list as RealmCollectionBase<T> ?? throw new ArgumentException("The list is not stored in a realm.", nameof(list));
}
