using System.ComponentModel;
using System.Dynamic;
using Realms.Schema;
using Realms.Weaving;

namespace Realms;

/// <summary>
/// An object of a class that the program has no model for: in a realm opened with IsDynamic, and in the old realm of a
/// migration. Its properties are read through DynamicApi, or by name from a variable declared dynamic.
/// </summary>
public abstract class DynamicObjectBase : DynamicObject, IRealmObjectBase, INotifyPropertyChanged, IModel
{
    private ModelCore _core;

    internal DynamicObjectBase()
    {
    }

    public event PropertyChangedEventHandler? PropertyChanged
    {
        add => ModelSupport.AddHandler(this, value);
        remove => ModelSupport.RemoveHandler(this, value);
    }

    IRealmAccessor IRealmObjectBase.Accessor => Accessor;

    public bool IsManaged => true;

    public bool IsValid => Accessor.IsValid;

    public bool IsFrozen => Accessor.IsFrozen;

    public Realm? Realm => Accessor.Realm;

    public ObjectSchema? ObjectSchema => Accessor.ObjectSchema;

    public DynamicObjectApi DynamicApi => Accessor.DynamicApi;

    public int BacklinksCount => Accessor.BacklinksCount;

    ref ModelCore IModel.Core => ref _core;

    private protected ManagedAccessor Accessor => _core.Accessor!;

    void IModel.NotifyManaged()
    {
    }

    void IModel.NotifyPropertyChanged(string propertyName)
        => _core.Handlers?.Invoke(this, new PropertyChangedEventArgs(propertyName));

    void ISettableManagedAccessor.SetManagedAccessor(IRealmAccessor accessor, IRealmObjectHelper? helper, bool update, bool skipDefaults)
        => ModelSupport.SetManagedAccessor(this, accessor);

    public override bool Equals(object? obj) => ModelSupport.AreEqual(this, obj);

    public override int GetHashCode() => Accessor.GetRowHash();

    public override IEnumerable<string> GetDynamicMemberNames() => Accessor.ObjectSchema.Select(property => property.Name);

    public override bool TryGetMember(GetMemberBinder binder, out object? result)
    {
        result = Accessor.Read(binder.Name);
        return true;
    }

    public override bool TrySetMember(SetMemberBinder binder, object? value)
    {
        Accessor.SetValue(binder.Name, RealmValue.From(value));
        return true;
    }
}

/// <summary>A stand-alone object without a model.</summary>
public sealed class DynamicRealmObject : DynamicObjectBase, IRealmObject
{
    internal DynamicRealmObject()
    {
    }
}

/// <summary>An embedded object without a model.</summary>
public sealed class DynamicEmbeddedObject : DynamicObjectBase, IEmbeddedObject
{
    internal DynamicEmbeddedObject()
    {
    }

    public IRealmObjectBase? Parent => Accessor.GetParent();
}
