using Realms.Schema;

namespace Realms;

/// <summary>The way to the values of one object, stored or not.</summary>
public interface IRealmAccessor
{
    bool IsManaged { get; }

    bool IsValid { get; }

    bool IsFrozen { get; }

    Realm? Realm { get; }

    ObjectSchema? ObjectSchema { get; }

    int BacklinksCount { get; }

    DynamicObjectApi DynamicApi { get; }

    RealmValue GetValue(string propertyName);

    void SetValue(string propertyName, RealmValue val);

    void SetValueUnique(string propertyName, RealmValue val);

    IList<T> GetListValue<T>(string propertyName);

    ISet<T> GetSetValue<T>(string propertyName);

    IDictionary<string, TValue> GetDictionaryValue<TValue>(string propertyName);

    IQueryable<T> GetBacklinks<T>(string propertyName)
        where T : IRealmObjectBase;

    IRealmObjectBase? GetParent();

    void SubscribeForNotifications(Action<string> notifyPropertyChangedDelegate);

    void UnsubscribeFromNotifications();
}

/// <summary>Access to properties by name.</summary>
public readonly struct DynamicObjectApi
{
    private readonly IRealmAccessor _accessor;

    internal DynamicObjectApi(IRealmAccessor accessor) => _accessor = accessor;

    public T Get<T>(string propertyName)
        => typeof(T) == typeof(RealmValue)
            ? (T)(object)_accessor.GetValue(propertyName)
            : _accessor.GetValue(propertyName).As<T>();

    public void Set(string propertyName, RealmValue value) => _accessor.SetValue(propertyName, value);

    public IList<T> GetList<T>(string propertyName) => _accessor.GetListValue<T>(propertyName);

    public ISet<T> GetSet<T>(string propertyName) => _accessor.GetSetValue<T>(propertyName);

    public IDictionary<string, T> GetDictionary<T>(string propertyName) => _accessor.GetDictionaryValue<T>(propertyName);

    /// <summary>The objects that link here, by a backlink property of the class.</summary>
    public IQueryable<IRealmObjectBase> GetBacklinks(string propertyName)
        => _accessor.GetBacklinks<IRealmObjectBase>(propertyName);

    /// <summary>The objects of a class whose link leads here.
    /// Errors: ArgumentException for a class that the realm lacks, NotSupportedException for an object outside of one.</summary>
    public IQueryable<IRealmObjectBase> GetBacklinksFromType(string fromObjectType, string fromPropertyName)
        => _accessor is ManagedAccessor managed
            ? managed.FindBacklinks<IRealmObjectBase>(managed.Realm.Instance.Bind(fromObjectType), fromPropertyName)
            : throw new NotSupportedException("Only a stored object has backlinks.");
}
