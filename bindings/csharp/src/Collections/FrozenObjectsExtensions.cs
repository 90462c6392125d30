using Realms.Weaving;

namespace Realms;

/// <summary>
/// What is frozen stays as it is now and can be read on any thread while its realm is open. Freezing what is frozen
/// gives itself.
/// </summary>
public static class FrozenObjectsExtensions
{
    /// <summary>Errors: ArgumentException for an object outside of a realm.</summary>
    public static T Freeze<T>(this T realmObj)
        where T : IRealmObjectBase
    {
        ArgumentNullException.ThrowIfNull(realmObj);
        var accessor = ((IModel)realmObj).Core.Accessor
            ?? throw new ArgumentException("Only a stored object can be frozen.", nameof(realmObj));
        if (accessor.IsFrozen)
        {
            return realmObj;
        }

        var realm = accessor.Realm.Freeze();
        var frozen = NativeMethods.atoll_object_resolve_in(accessor.Handle, realm.NativeRealm);
        GC.KeepAlive(accessor);
        return frozen == IntPtr.Zero
            ? throw new Exceptions.RealmInvalidObjectException("The object was deleted.")
            : (T)realm.Materialize(realmObj.GetType(), frozen);
    }

    /// <summary>Errors: ArgumentException for a list outside of a realm.</summary>
    public static IList<T> Freeze<T>(this IList<T> list)
        => list is RealmList<T> managed
            ? (RealmList<T>)managed.Freeze()
            : throw new ArgumentException("Only a stored list can be frozen.", nameof(list));

    /// <summary>Errors: ArgumentException for a set outside of a realm.</summary>
    public static ISet<T> Freeze<T>(this ISet<T> set)
        => set is RealmSet<T> managed
            ? (RealmSet<T>)managed.Freeze()
            : throw new ArgumentException("Only a stored set can be frozen.", nameof(set));

    /// <summary>Errors: ArgumentException for a dictionary outside of a realm.</summary>
    public static IDictionary<string, TValue> Freeze<TValue>(this IDictionary<string, TValue> dictionary)
        => dictionary is RealmDictionary<TValue> managed
            ? (RealmDictionary<TValue>)managed.Freeze()
            : throw new ArgumentException("Only a stored dictionary can be frozen.", nameof(dictionary));

    /// <summary>Errors: ArgumentException unless it is a query of a realm.</summary>
    public static IQueryable<T> Freeze<T>(this IQueryable<T> query)
        where T : IRealmObjectBase
        => query is RealmResults<T> results
            ? (RealmResults<T>)results.Freeze()
            : throw new ArgumentException("Only a query of a realm can be frozen.", nameof(query));
}
