using System.Reflection;
using MongoDB.Bson;
using Realms.Schema;

namespace Realms;

/// <summary>Reads and writes, by name, an object that is not stored yet.</summary>
internal sealed class UnmanagedAccessor : IRealmAccessor
{
    private readonly IRealmObjectBase _model;

    internal UnmanagedAccessor(IRealmObjectBase model) => _model = model;

    public bool IsManaged => false;

    public bool IsValid => true;

    public bool IsFrozen => false;

    public Realm? Realm => null;

    public ObjectSchema? ObjectSchema => TypeMetadata.Of(_model.GetType()).Schema;

    public int BacklinksCount => 0;

    public DynamicObjectApi DynamicApi => new(this);

    public RealmValue GetValue(string propertyName) => RealmValue.From(Find(propertyName).GetValue(_model));

    public void SetValue(string propertyName, RealmValue val)
    {
        var property = Find(propertyName);
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        var value = type == typeof(RealmValue) ? val : val.AsAny();
        property.SetValue(_model, value is long or Decimal128 && type != value.GetType() ? Convert(val, type) : value);
    }

    public void SetValueUnique(string propertyName, RealmValue val) => SetValue(propertyName, val);

    public IList<T> GetListValue<T>(string propertyName) => (IList<T>)Find(propertyName).GetValue(_model)!;

    public ISet<T> GetSetValue<T>(string propertyName) => (ISet<T>)Find(propertyName).GetValue(_model)!;

    public IDictionary<string, TValue> GetDictionaryValue<TValue>(string propertyName)
        => (IDictionary<string, TValue>)Find(propertyName).GetValue(_model)!;

    public IQueryable<T> GetBacklinks<T>(string propertyName)
        where T : IRealmObjectBase
        => throw new NotSupportedException("Only a stored object has backlinks.");

    public IRealmObjectBase? GetParent() => null;

    public void SubscribeForNotifications(Action<string> notifyPropertyChangedDelegate)
    {
    }

    public void UnsubscribeFromNotifications()
    {
    }

    private static object? Convert(RealmValue value, Type type)
        => typeof(RealmValue).GetMethod(nameof(RealmValue.As))!.MakeGenericMethod(type).Invoke(value, null);

    private PropertyInfo Find(string propertyName)
    {
        var type = _model.GetType();
        var name = TypeMetadata.Of(type).Find(propertyName).ManagedName;
        return type.GetProperty(name, BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)!;
    }
}
