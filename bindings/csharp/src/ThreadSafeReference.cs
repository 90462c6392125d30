using Realms.Schema;
using Realms.Weaving;

namespace Realms;

/// <summary>
/// Hands an object, a list or a query to another thread: made on the thread of its realm, and resolved there once by
/// Realm.ResolveReference. Until then it keeps its version of the realm alive.
/// </summary>
public abstract class ThreadSafeReference
{
    private readonly NativeHandle _native;
    private int _taken;

    private ThreadSafeReference(IntPtr native) => _native = new NativeHandle(native, NativeMethods.atoll_reference_free);

    /// <summary>Errors: ArgumentException unless it is a query of a realm.</summary>
    public static Query<T> Create<T>(IQueryable<T> value)
        where T : IRealmObjectBase
    {
        ArgumentNullException.ThrowIfNull(value);
        var results = value as RealmResults<T>
            ?? throw new ArgumentException("Only a query of a realm has a reference.", nameof(value));
        return new Query<T>(NativeMethods.atoll_reference_of_results(results.Native.Value));
    }

    /// <summary>Errors: ArgumentException for an object outside of a realm.</summary>
    public static Object<T> Create<T>(T value)
        where T : IRealmObjectBase
    {
        ArgumentNullException.ThrowIfNull(value);
        var accessor = ((IModel)value).Core.Accessor
            ?? throw new ArgumentException("Only a stored object has a reference.", nameof(value));
        var native = NativeMethods.atoll_reference_of_object(accessor.Handle);
        GC.KeepAlive(accessor);
        return new Object<T>(native);
    }

    /// <summary>Errors: ArgumentException for a list outside of a realm.</summary>
    public static List<T> Create<T>(IList<T> value)
    {
        ArgumentNullException.ThrowIfNull(value);
        var list = value as RealmList<T> ?? throw new ArgumentException("Only a stored list has a reference.", nameof(value));
        return new List<T>(list.Native.CreateReference(), list.Native.Property);
    }

    /// <summary>Errors: ArgumentException for a set outside of a realm.</summary>
    public static Set<T> Create<T>(ISet<T> value)
    {
        ArgumentNullException.ThrowIfNull(value);
        var set = value as RealmSet<T> ?? throw new ArgumentException("Only a stored set has a reference.", nameof(value));
        return new Set<T>(set.Native.Owner.CreateReference(), set.Native.Owner.ClassName, set.Native.Property);
    }

    /// <summary>Errors: ArgumentException for a dictionary outside of a realm.</summary>
    public static Dictionary<TValue> Create<TValue>(IDictionary<string, TValue> value)
    {
        ArgumentNullException.ThrowIfNull(value);
        var native = (value as RealmDictionary<TValue>)?.Native
            ?? throw new ArgumentException("Only a stored dictionary has a reference.", nameof(value));
        var owner = native.RequireOwner();
        return new Dictionary<TValue>(owner.CreateReference(), owner.ClassName, native.Property);
    }

    /// <summary>The native reference, for the one time that it may be resolved.</summary>
    internal IntPtr Take() => Interlocked.Exchange(ref _taken, 1) == 0
        ? _native.Value
        : throw new Exceptions.RealmException("A reference can be resolved once only: make another one.");

    public class Object<T> : ThreadSafeReference
        where T : IRealmObjectBase
    {
        internal Object(IntPtr native)
            : base(native)
        {
        }
    }

    public class List<T> : ThreadSafeReference
    {
        internal List(IntPtr native, PropertyMetadata property)
            : base(native)
            => Property = property;

        internal PropertyMetadata Property { get; }
    }

    /// <summary>Goes over with the object of the set.</summary>
    public class Set<T> : ThreadSafeReference
    {
        internal Set(IntPtr native, string className, PropertyMetadata property)
            : base(native)
        {
            ClassName = className;
            Property = property;
        }

        internal string ClassName { get; }

        internal PropertyMetadata Property { get; }
    }

    /// <summary>Goes over with the object of the dictionary.</summary>
    public class Dictionary<TValue> : ThreadSafeReference
    {
        internal Dictionary(IntPtr native, string className, PropertyMetadata property)
            : base(native)
        {
            ClassName = className;
            Property = property;
        }

        internal string ClassName { get; }

        internal PropertyMetadata Property { get; }
    }

    public class Query<T> : ThreadSafeReference
        where T : IRealmObjectBase
    {
        internal Query(IntPtr native)
            : base(native)
        {
        }
    }
}
