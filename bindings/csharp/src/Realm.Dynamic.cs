using MongoDB.Bson;
using Realms.Exceptions;

namespace Realms;

/// <content>Classes and properties by name, without models.</content>
public partial class Realm
{
    /// <summary>Access to classes by name.</summary>
    public Dynamic DynamicApi
    {
        get
        {
            ThrowIfDisposed();
            return new Dynamic(this);
        }
    }

    /// <summary>The objects of classes that are given by name. All members answer ArgumentException for a class that the realm
    /// lacks; those that write, RealmInvalidTransactionException outside of a transaction.</summary>
    public readonly struct Dynamic
    {
        private readonly Realm _realm;

        internal Dynamic(Realm realm) => _realm = realm;

        /// <summary>All objects of a class, live.</summary>
        public IQueryable<IRealmObject> All(string className)
        {
            _realm.ThrowIfDisposed();
            return RealmResults<IRealmObject>.All(_realm, _realm._instance.Bind(className));
        }

        public void RemoveAll(string className)
        {
            _realm.ThrowIfDisposed();
            var binding = _realm._instance.Bind(className);
            _realm.RequireTransaction();
            NativeMethods.atoll_realm_delete_class(_realm.NativeRealm, binding.ClassKey);
        }

        /// <summary>Errors: RealmClassLacksPrimaryKeyException.</summary>
        public IRealmObject? Find(string className, long? primaryKey) => FindCore(className, primaryKey);

        /// <summary>Errors: RealmClassLacksPrimaryKeyException.</summary>
        public IRealmObject? Find(string className, string? primaryKey) => FindCore(className, primaryKey);

        /// <summary>Errors: RealmClassLacksPrimaryKeyException.</summary>
        public IRealmObject? Find(string className, ObjectId? primaryKey) => FindCore(className, primaryKey);

        /// <summary>Errors: RealmClassLacksPrimaryKeyException.</summary>
        public IRealmObject? Find(string className, Guid? primaryKey) => FindCore(className, primaryKey);

        /// <summary>A new object of a class without a primary key.</summary>
        public IRealmObjectBase CreateObject(string className) => Create(className, null);

        /// <summary>Errors: RealmDuplicatePrimaryKeyValueException.</summary>
        public IRealmObjectBase CreateObject(string className, long? primaryKey) => Create(className, (RealmValue)primaryKey);

        /// <summary>Errors: RealmDuplicatePrimaryKeyValueException.</summary>
        public IRealmObjectBase CreateObject(string className, string? primaryKey) => Create(className, (RealmValue)primaryKey);

        /// <summary>Errors: RealmDuplicatePrimaryKeyValueException.</summary>
        public IRealmObjectBase CreateObject(string className, ObjectId? primaryKey) => Create(className, (RealmValue)primaryKey);

        /// <summary>Errors: RealmDuplicatePrimaryKeyValueException.</summary>
        public IRealmObjectBase CreateObject(string className, Guid? primaryKey) => Create(className, (RealmValue)primaryKey);

        /// <summary>Makes the embedded object of a property, in place of the one that it had.</summary>
        public IEmbeddedObject CreateEmbeddedObjectForProperty(IRealmObjectBase parent, string propertyName)
        {
            ArgumentNullException.ThrowIfNull(parent);
            var accessor = ((Weaving.IModel)parent).Core.Accessor
                ?? throw new ArgumentException("The parent is not stored in a realm.", nameof(parent));
            return (IEmbeddedObject)accessor.CreateEmbedded(propertyName);
        }

        public IEmbeddedObject AddEmbeddedObjectToList(object list) => InsertEmbeddedObjectInList(list, List(list).Count);

        public IEmbeddedObject InsertEmbeddedObjectInList(object list, int index) => (IEmbeddedObject)List(list).InsertEmbedded(index);

        public IEmbeddedObject SetEmbeddedObjectInList(object list, int index) => (IEmbeddedObject)List(list).SetEmbedded(index);

        /// <summary>Errors: ArgumentException when the key is there already.</summary>
        public IEmbeddedObject AddEmbeddedObjectToDictionary(object dictionary, string key)
            => Dictionary(dictionary).ContainsKey(key)
                ? throw new ArgumentException($"The key '{key}' is in the dictionary already.", nameof(key))
                : SetEmbeddedObjectInDictionary(dictionary, key);

        public IEmbeddedObject SetEmbeddedObjectInDictionary(object dictionary, string key)
            => (IEmbeddedObject)Dictionary(dictionary).PutEmbedded(key);

        private static NativeList List(object list)
            => (list as INativeCollection)?.NativeBase as NativeList
                ?? throw new ArgumentException("The list is not stored in a realm.", nameof(list));

        private static NativeDictionary Dictionary(object dictionary)
            => (dictionary as INativeCollection)?.NativeBase as NativeDictionary
                ?? throw new ArgumentException("The dictionary is not stored in a realm.", nameof(dictionary));

        private IRealmObject? FindCore(string className, RealmValue key)
        {
            _realm.ThrowIfDisposed();
            var binding = _realm._instance.Bind(className);
            if (binding.Metadata.PrimaryKey is null)
            {
                throw new RealmClassLacksPrimaryKeyException($"The class {className} has no primary key.");
            }

            using var values = NativeValues.Of(key);
            var found = NativeMethods.atoll_realm_find(_realm.NativeRealm, binding.ClassKey, values.Handle);
            return found == IntPtr.Zero ? null : (IRealmObject)_realm.Materialize(binding, found);
        }

        private IRealmObjectBase Create(string className, RealmValue? key)
        {
            _realm.ThrowIfDisposed();
            var binding = _realm._instance.Bind(className);
            _realm.RequireTransaction();
            using var values = key is { } some ? NativeValues.Of(some) : null;
            return _realm.Materialize(
                binding, NativeMethods.atoll_realm_create(_realm.NativeRealm, binding.ClassKey, values?.Handle ?? IntPtr.Zero));
        }
    }
}
