using Realms.Schema;
using Realms.Weaving;
using System.ComponentModel;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Realms;

/// <summary>The common base of models in class style; the weaver rewrites the properties of what derives from it.</summary>
public abstract class RealmObjectBase : IRealmObjectBase, INotifyPropertyChanged, IReflectableType, IModel
{
    /// <summary>Used by woven code only.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public ModelCore RealmModelCore;

    internal RealmObjectBase()
    {
    }

    public event PropertyChangedEventHandler? PropertyChanged
    {
        add => ModelSupport.AddHandler(this, value);
        remove => ModelSupport.RemoveHandler(this, value);
    }

    [Ignored]
    IRealmAccessor IRealmObjectBase.Accessor => ModelSupport.GetAccessor(this);

    public bool IsManaged => RealmModelCore.Accessor is not null;

    public bool IsValid => ModelSupport.IsValid(ref RealmModelCore);

    public bool IsFrozen => RealmModelCore.Accessor?.IsFrozen == true;

    public Realm? Realm => RealmModelCore.Accessor?.Realm;

    public ObjectSchema? ObjectSchema => ModelSupport.GetSchema(this);

    public DynamicObjectApi DynamicApi => new(ModelSupport.GetAccessor(this));

    public int BacklinksCount => ModelSupport.GetAccessor(this).BacklinksCount;

    ref ModelCore IModel.Core => ref RealmModelCore;

    TypeInfo IReflectableType.GetTypeInfo() => ModelSupport.GetTypeInfo(this);

    void IModel.NotifyManaged() => OnManaged();

    void IModel.NotifyPropertyChanged(string propertyName) => RaisePropertyChanged(propertyName);

    void ISettableManagedAccessor.SetManagedAccessor(IRealmAccessor accessor, IRealmObjectHelper? helper, bool update, bool skipDefaults)
        => ModelSupport.SetManagedAccessor(this, accessor);

    public override bool Equals(object? obj) => ModelSupport.AreEqual(this, obj);

    public override int GetHashCode() => ModelSupport.GetHashCode(this, base.GetHashCode());

    protected RealmValue GetValue(string propertyName) => ModelSupport.GetAccessor(this).GetValue(propertyName);

    protected void SetValue(string propertyName, RealmValue val) => ModelSupport.GetAccessor(this).SetValue(propertyName, val);

    protected void SetValueUnique(string propertyName, RealmValue val)
        => ModelSupport.GetAccessor(this).SetValueUnique(propertyName, val);

    protected internal IList<T> GetListValue<T>(string propertyName)
        => ModelSupport.GetAccessor(this).GetListValue<T>(propertyName);

    protected internal ISet<T> GetSetValue<T>(string propertyName)
        => ModelSupport.GetAccessor(this).GetSetValue<T>(propertyName);

    protected internal IDictionary<string, TValue> GetDictionaryValue<TValue>(string propertyName)
        => ModelSupport.GetAccessor(this).GetDictionaryValue<TValue>(propertyName);

    protected IQueryable<T> GetBacklinks<T>(string propertyName)
        where T : IRealmObjectBase
        => ModelSupport.GetAccessor(this).GetBacklinks<T>(propertyName);

    protected void RaisePropertyChanged([CallerMemberName] string propertyName = "")
    {
        RealmModelCore.Handlers?.Invoke(this, new PropertyChangedEventArgs(propertyName));
        OnPropertyChanged(propertyName);
    }

    /// <summary>Used by woven setters: raised after a value of an object that is not stored yet has changed.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public void RaiseRealmModelChanged(string propertyName) => RaisePropertyChanged(propertyName);

    protected virtual void OnPropertyChanged(string propertyName)
    {
    }

    protected internal virtual void OnManaged()
    {
    }
}

/// <summary>Base of stand-alone objects in class style.</summary>
public class RealmObject : RealmObjectBase, IRealmObject
{
}

/// <summary>Base of embedded objects in class style.</summary>
public class EmbeddedObject : RealmObjectBase, IEmbeddedObject
{
    public IRealmObjectBase? Parent => RealmModelCore.Accessor?.GetParent();
}

/// <summary>Base of send-only objects in class style.</summary>
public class AsymmetricObject : RealmObjectBase, IAsymmetricObject
{
}
