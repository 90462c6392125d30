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
}
