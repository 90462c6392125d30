using Realms.Schema;

namespace Realms;

/// <summary>What stored lists, sets and dictionaries share: elements between .NET and the core.</summary>
internal abstract class NativeCollection : IDisposable
{
    protected NativeCollection(Realm realm, PropertyMetadata property, NativeHandle handle)
    {
        Realm = realm;
        Property = property;
        Handle = handle;
    }

    public Realm Realm { get; }

    public PropertyMetadata Property { get; }

    public bool HoldsObjects => Property.Kind is ValueKind.Link or ValueKind.Embedded;

    public abstract int Count { get; }

    public abstract bool IsValid { get; }

    protected NativeHandle Handle { get; }

    public abstract void Clear();

    public abstract ulong Observe(Action<EventData> handler, IntPtr keyPaths);

    /// <summary>Its objects as live results.</summary>
    public abstract IntPtr AsResults();

    /// <summary>The class of its objects; null for plain values.</summary>
    public ObjectSchema? TargetSchema => HoldsObjects ? Realm.Instance.Bind(Property.TargetName!).Metadata.Schema : null;

    public RealmResults<T> AsResults<T>()
        => RealmResults<T>.Of(Realm, Realm.Instance.Bind(Property.TargetName!), new NativeHandle(AsResults(), NativeMethods.atoll_results_free));

    public void Dispose() => Handle.Dispose();

    /// <summary>
    /// The native value for one of any type. Objects are stored first. A list or a dictionary becomes an empty one;
    /// what it holds is answered, to be put in through the handle of what it became.
    /// </summary>
    public static NativeValues WrapValue(Realm realm, RealmValue value, bool update, out object? elements)
    {
        elements = null;
        switch (value.Type)
        {
            case RealmValueType.List:
                elements = value.AsList().ToArray();
                return NativeValues.OfEmpty(RealmValueType.List);
            case RealmValueType.Dictionary:
                elements = new Dictionary<string, RealmValue>(value.AsDictionary(), StringComparer.Ordinal);
                return NativeValues.OfEmpty(RealmValueType.Dictionary);
            case RealmValueType.Object:
                if (value.AsIRealmObject() is IEmbeddedObject)
                {
                    throw new NotSupportedException("A RealmValue cannot hold an embedded object.");
                }

                _ = Models.Store(realm, value.AsIRealmObject(), update);
                return NativeValues.Of(value);
            default:
                return NativeValues.Of(value);
        }
    }

    protected static IRealmObjectBase CheckEmbedded(object? value)
    {
        var model = (IRealmObjectBase?)value
            ?? throw new ArgumentNullException(nameof(value), "A collection of embedded objects holds no null here.");
        Models.CheckNewEmbedded(model);
        return model;
    }

    protected object? Materialize(IntPtr target)
        => target == IntPtr.Zero ? null : Realm.Materialize(Property.ElementType, target);

    /// <summary>An element as it is handed out: a RealmValue in a collection of any type, else the plain value.</summary>
    protected object? Take(IntPtr native, Func<NativeList> list, Func<NativeDictionary> dictionary)
    {
        using var values = new NativeValues(native);
        if (Property.Kind != ValueKind.Mixed)
        {
            return values.Read(0).AsAny();
        }

        return values.TypeAt(0) switch
        {
            NativeConstants.TypeList => RealmValue.List(new RealmList<RealmValue>(list())),
            NativeConstants.TypeDictionary => RealmValue.Dictionary(new RealmDictionary<RealmValue>(dictionary())),
            _ => values.Read(0, Realm),
        };
    }

    protected NativeValues Wrap(object? value, bool update, out object? elements)
    {
        elements = null;
        if (Property.Kind == ValueKind.Mixed)
        {
            return WrapValue(Realm, RealmValue.From(value), update, out elements);
        }

        if (Property.Kind == ValueKind.Link && value is not null)
        {
            var model = (IRealmObjectBase)value;
            _ = Models.Store(Realm, model, update);
            return NativeValues.Of(RealmValue.Object(model));
        }

        return Property.Kind == ValueKind.Link && Property.Collection != CollectionKind.Dictionary
            ? throw new ArgumentNullException(nameof(value), "A list or a set of objects holds no null.")
            : NativeValues.Of(RealmValue.From(value));
    }
}

/// <summary>A collection that is handed out, without its element type.</summary>
internal interface INativeCollection
{
    NativeCollection NativeBase { get; }
}
