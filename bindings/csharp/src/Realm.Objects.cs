using MongoDB.Bson;
using Realms.Exceptions;
using Realms.Schema;
using Realms.Weaving;

namespace Realms;

/// <content>Objects of a realm: adding, finding, removing.</content>
public partial class Realm
{
    /// <summary>Stores an object; with update, an object of the same key takes all its values.</summary>
    public T Add<T>(T obj, bool update = false)
        where T : IRealmObject
    {
        ThrowIfDisposed();
        ArgumentNullException.ThrowIfNull(obj);
        RequireTransaction();
        Models.Store(this, obj, update);
        return obj;
    }

    public void Add<T>(IEnumerable<T> objs, bool update = false)
        where T : IRealmObject
    {
        ArgumentNullException.ThrowIfNull(objs);
        foreach (var item in objs)
        {
            Add(item, update);
        }
    }

    /// <summary>Hands an asymmetric object over to be sent; it can be read until the transaction is committed.</summary>
    public void Add<T>(T obj)
        where T : IAsymmetricObject
    {
        ThrowIfDisposed();
        ArgumentNullException.ThrowIfNull(obj);
        RequireTransaction();
        if (((IModel)obj).Core.Accessor is not null)
        {
            throw new ArgumentException("An asymmetric object can be added once only.", nameof(obj));
        }

        Models.Store(this, obj, false);
    }

    public void Add<T>(IEnumerable<T> objs)
        where T : IAsymmetricObject
    {
        ArgumentNullException.ThrowIfNull(objs);
        foreach (var item in objs)
        {
            Add(item);
        }
    }

    /// <summary>All objects of a class, live.</summary>
    public IQueryable<T> All<T>()
        where T : IRealmObject
    {
        ThrowIfDisposed();
        return RealmResults<T>.All(this, _instance.Bind(typeof(T)));
    }

    public T? Find<T>(long? primaryKey)
        where T : IRealmObject
        => FindCore<T>(primaryKey);

    public T? Find<T>(string? primaryKey)
        where T : IRealmObject
        => FindCore<T>(primaryKey);

    public T? Find<T>(ObjectId? primaryKey)
        where T : IRealmObject
        => FindCore<T>(primaryKey);

    public T? Find<T>(Guid? primaryKey)
        where T : IRealmObject
        => FindCore<T>(primaryKey);

    public void Remove(IRealmObjectBase obj)
    {
        ThrowIfDisposed();
        ArgumentNullException.ThrowIfNull(obj);
        var accessor = ((IModel)obj).Core.Accessor
            ?? throw new ArgumentException("The object is not stored in a realm.", nameof(obj));
        if (accessor.Realm.Instance != _instance)
        {
            throw new ArgumentException("The object belongs to another realm.", nameof(obj));
        }

        RequireTransaction();
        NativeMethods.atoll_object_delete(accessor.Handle);
        GC.KeepAlive(accessor);
    }

    public void RemoveRange<T>(IQueryable<T> range)
        where T : IRealmObjectBase
    {
        ThrowIfDisposed();
        ArgumentNullException.ThrowIfNull(range);
        var results = range as RealmResults<T>
            ?? throw new ArgumentException("Only results of a realm can be removed as a range.", nameof(range));
        if (results.Realm.Instance != _instance)
        {
            throw new ArgumentException("The results belong to another realm.", nameof(range));
        }

        RequireTransaction();
        NativeMethods.atoll_results_delete_all(results.Native.Value);
    }

    public void RemoveAll<T>()
        where T : IRealmObject
    {
        ThrowIfDisposed();
        var binding = _instance.Bind(typeof(T));
        RequireTransaction();
        NativeMethods.atoll_realm_delete_class(NativeRealm, binding.ClassKey);
    }

    public void RemoveAll()
    {
        ThrowIfDisposed();
        RequireTransaction();
        foreach (var item in Schema.Where(item => item.BaseType == ObjectSchema.ObjectType.RealmObject))
        {
            NativeMethods.atoll_realm_delete_class(NativeRealm, NativeMethods.atoll_realm_class(NativeRealm, item.Name));
        }
    }

    /// <summary>The model object for a native one, whose handle it takes over. Where no model class is named, that of the
    /// object is taken.</summary>
    internal IRealmObjectBase Materialize(Type type, IntPtr handle)
    {
        ClassBinding binding;
        try
        {
            binding = type.IsInterface || type.IsAssignableTo(typeof(DynamicObjectBase)) || type == typeof(RealmObjectBase)
                ? _instance.BindObject(handle)
                : _instance.Bind(type);
        }
        catch
        {
            NativeMethods.atoll_object_free(handle);
            throw;
        }

        return Materialize(binding, handle);
    }

    internal IRealmObjectBase Materialize(ClassBinding binding, IntPtr handle)
    {
        // The constructor runs initialisers; they write fields that a stored object does not look at.
        var accessor = new ManagedAccessor(this, binding, handle);
        var model = binding.Metadata.Create();
        model.SetManagedAccessor(accessor);
        return model;
    }

    internal IRealmObjectBase? MaterializeParent(ManagedAccessor child)
    {
        var parent = NativeMethods.atoll_object_parent(child.Handle);
        GC.KeepAlive(child);
        return parent == IntPtr.Zero ? null : MaterializeAny(parent);
    }

    /// <summary>The model object for a native one of any class, whose handle it takes over.</summary>
    internal IRealmObjectBase MaterializeAny(IntPtr handle) => Materialize(_instance.BindObject(handle), handle);

    internal void RequireTransaction()
    {
        if (!IsInTransaction)
        {
            throw new RealmInvalidTransactionException("Cannot change the realm outside of a write transaction: use Write.");
        }
    }

    private T? FindCore<T>(RealmValue key)
        where T : IRealmObject
    {
        ThrowIfDisposed();
        var binding = _instance.Bind(typeof(T));
        if (binding.Metadata.PrimaryKey is null)
        {
            throw new RealmClassLacksPrimaryKeyException($"The class {binding.Metadata.Name} has no [PrimaryKey].");
        }

        using var values = NativeValues.Of(key);
        var found = NativeMethods.atoll_realm_find(NativeRealm, binding.ClassKey, values.Handle);
        return found == IntPtr.Zero ? default : (T)Materialize(typeof(T), found);
    }
}
