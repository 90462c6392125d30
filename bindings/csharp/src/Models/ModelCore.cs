using Realms.Schema;
using System.Collections.Concurrent;
using System.ComponentModel;
using System.Reflection;

namespace Realms.Weaving;

/// <summary>
/// The one field that a model class gains. Woven getters and setters test <see cref="Accessor"/>: null means that the
/// object is the program's own and its values are in its fields; otherwise they are in the realm. <see cref="Assigned"/>
/// has a bit for each property that a setter was called for, so that initialisers, which write the fields directly,
/// can be told from decisions of the program: only those are sent as default values.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public struct ModelCore
{
    public ManagedAccessor? Accessor;

    public ulong Assigned;

    public PropertyChangedEventHandler? Handlers;

    public void MarkAssigned(int index)
    {
        if (index < 64)
        {
            Assigned |= 1UL << index;
        }
    }

    internal readonly bool IsAssigned(int index) => index >= 64 || (Assigned & (1UL << index)) != 0;
}

/// <summary>What the source generator and the base classes implement for the library's own use.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public interface IModel
{
    ref ModelCore Core { get; }

    void NotifyManaged();

    void NotifyPropertyChanged(string propertyName);
}

/// <summary>The behaviour behind the members that the generator writes into a model class, in one place.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class ModelSupport
{
    private static readonly ConcurrentDictionary<Type, BindingTypeInfo> BindingTypes = new();

    public static IRealmAccessor GetAccessor(IRealmObjectBase model)
        => (IRealmAccessor?)((IModel)model).Core.Accessor ?? new UnmanagedAccessor(model);

    public static bool IsValid(ref ModelCore core) => core.Accessor?.IsValid ?? true;

    public static ObjectSchema? GetSchema(IRealmObjectBase model)
        => ((IModel)model).Core.Accessor?.ObjectSchema ?? TypeMetadata.Of(model.GetType()).Schema;

    public static void SetManagedAccessor(IRealmObjectBase model, IRealmAccessor accessor)
    {
        var managed = accessor as ManagedAccessor
            ?? throw new NotSupportedException("not supported yet: accessors that the library did not make");
        var self = (IModel)model;
        self.Core.Accessor = managed;
        if (self.Core.Handlers is not null)
        {
            managed.SubscribeForNotifications(self.NotifyPropertyChanged);
        }

        self.NotifyManaged();
    }

    /// <summary>The class as data binding sees it.</summary>
    public static TypeInfo GetTypeInfo(object model) => BindingTypes.GetOrAdd(model.GetType(), static type => new BindingTypeInfo(type));

    public static void AddHandler(IModel model, PropertyChangedEventHandler? handler)
    {
        ref var core = ref model.Core;
        var first = core.Handlers is null;
        core.Handlers += handler;
        if (first && core.Handlers is not null)
        {
            core.Accessor?.SubscribeForNotifications(model.NotifyPropertyChanged);
        }
    }

    public static void RemoveHandler(IModel model, PropertyChangedEventHandler? handler)
    {
        ref var core = ref model.Core;
        core.Handlers -= handler;
        if (core.Handlers is null)
        {
            core.Accessor?.UnsubscribeFromNotifications();
        }
    }

    public static bool AreEqual(IRealmObjectBase model, object? other)
    {
        if (ReferenceEquals(model, other))
        {
            return true;
        }

        return other is IModel right && right.GetType() == model.GetType()
            && ((IModel)model).Core.Accessor is { } left && right.Core.Accessor is { } accessor
            && left.SameObject(accessor);
    }

    /// <summary>Woven getters of lists: an object that is not stored yet makes its list when it is first asked for.</summary>
    public static IList<T> EnsureList<T>(ref IList<T>? field) => field ??= new List<T>();

    public static ISet<T> EnsureSet<T>(ref ISet<T>? field) => field ??= new HashSet<T>(ElementComparer<T>.Default);

    public static IDictionary<string, T> EnsureDictionary<T>(ref IDictionary<string, T>? field)
        => field ??= new Dictionary<string, T>(StringComparer.Ordinal);

    public static IQueryable<T> EnsureBacklinks<T>(ref IQueryable<T>? field)
        => field ?? throw new NotSupportedException("Backlinks can be used on stored objects only: add the object first.");

    public static RealmValue ToValue(IRealmObjectBase? model) => RealmValue.Object(model);

    public static QueryArgument ToArgument(IRealmObjectBase? model) => new(RealmValue.Object(model));

    public static int GetHashCode(IRealmObjectBase model, int unmanaged)
        => ((IModel)model).Core.Accessor is { } accessor ? accessor.GetRowHash() : unmanaged;
}

/// <summary>Marks an assembly whose models the weaver has rewritten.</summary>
[AttributeUsage(AttributeTargets.Assembly), EditorBrowsable(EditorBrowsableState.Never)]
public sealed class WovenAssemblyAttribute : Attribute
{
}

/// <summary>Marks a model class that the weaver has rewritten.</summary>
[AttributeUsage(AttributeTargets.Class), EditorBrowsable(EditorBrowsableState.Never)]
public sealed class WovenAttribute : Attribute
{
}

/// <summary>Marks a stored property and carries its position.</summary>
[AttributeUsage(AttributeTargets.Property), EditorBrowsable(EditorBrowsableState.Never)]
public sealed class WovenPropertyAttribute : Attribute
{
    public WovenPropertyAttribute(int index) => Index = index;

    public int Index { get; }
}

/// <summary>Marks a class that the source generator has completed.</summary>
[AttributeUsage(AttributeTargets.Class), EditorBrowsable(EditorBrowsableState.Never)]
public sealed class GeneratedModelAttribute : Attribute
{
}
