namespace Realms.Schema;

/// <content>One method for each kind of property.</content>
public readonly partial struct Property
{
    /// <summary>As a property of this .NET type would be stored: a value, an object, an IList, ISet or IDictionary of them.
    /// Without isNullable, what may be null in .NET is optional. Errors: ArgumentException for any other type.</summary>
    public static Property FromType(
        string name,
        Type type,
        bool isPrimaryKey = false,
        IndexType indexType = IndexType.None,
        bool? isNullable = null,
        string? managedName = null)
    {
        ArgumentNullException.ThrowIfNull(type);
        var collection = TypeMetadata.CollectionOf(type);
        var element = collection == CollectionKind.None ? type : type.GetGenericArguments()[^1];
        if (TypeMetadata.KindOf(element) is not { } kind || collection == CollectionKind.Backlinks)
        {
            throw new ArgumentException($"A property of type {type.Name} cannot be stored.", nameof(type));
        }

        var isObject = kind is ValueKind.Link or ValueKind.Embedded;
        var nullable = kind == ValueKind.Mixed || (isObject
            ? collection is CollectionKind.None or CollectionKind.Dictionary
            : isNullable ?? (!isPrimaryKey && (!element.IsValueType || Nullable.GetUnderlyingType(element) is not null)));
        return new Property(
            name,
            TypeMetadata.TypeOf(kind, collection, nullable),
            isObject ? TypeMetadata.NameOf(element) : null,
            null,
            isPrimaryKey,
            indexType,
            managedName);
    }

    public static Property FromType<T>(
        string name, bool isPrimaryKey = false, IndexType indexType = IndexType.None, bool? isNullable = null, string? managedName = null)
        => FromType(name, typeof(T), isPrimaryKey, indexType, isNullable, managedName);

    /// <summary>Errors: ArgumentException for a type that is no single value of one kind.</summary>
    public static Property Primitive(
        string name,
        RealmValueType type,
        bool isPrimaryKey = false,
        IndexType indexType = IndexType.None,
        bool isNullable = false,
        string? managedName = null)
        => new(name, Of(type, isNullable), null, null, isPrimaryKey, indexType, managedName);

    public static Property PrimitiveList(string name, RealmValueType type, bool areElementsNullable = false, string? managedName = null)
        => new(name, Of(type, areElementsNullable) | PropertyType.Array, managedName: managedName);

    public static Property PrimitiveSet(string name, RealmValueType type, bool areElementsNullable = false, string? managedName = null)
        => new(name, Of(type, areElementsNullable) | PropertyType.Set, managedName: managedName);

    public static Property PrimitiveDictionary(string name, RealmValueType type, bool areElementsNullable = false, string? managedName = null)
        => new(name, Of(type, areElementsNullable) | PropertyType.Dictionary, managedName: managedName);

    /// <summary>A link, or an embedded object if the class is one of those.</summary>
    public static Property Object(string name, string objectType, string? managedName = null)
        => new(name, PropertyType.Object | PropertyType.Nullable, Target(objectType), managedName: managedName);

    public static Property ObjectList(string name, string objectType, string? managedName = null)
        => new(name, PropertyType.Object | PropertyType.Array, Target(objectType), managedName: managedName);

    public static Property ObjectSet(string name, string objectType, string? managedName = null)
        => new(name, PropertyType.Object | PropertyType.Set, Target(objectType), managedName: managedName);

    public static Property ObjectDictionary(string name, string objectType, string? managedName = null)
        => new(name, PropertyType.Object | PropertyType.Dictionary | PropertyType.Nullable, Target(objectType), managedName: managedName);

    public static Property RealmValue(string name, string? managedName = null)
        => new(name, PropertyType.RealmValue | PropertyType.Nullable, managedName: managedName);

    public static Property RealmValueList(string name, string? managedName = null)
        => new(name, PropertyType.RealmValue | PropertyType.Array | PropertyType.Nullable, managedName: managedName);

    public static Property RealmValueSet(string name, string? managedName = null)
        => new(name, PropertyType.RealmValue | PropertyType.Set | PropertyType.Nullable, managedName: managedName);

    public static Property RealmValueDictionary(string name, string? managedName = null)
        => new(name, PropertyType.RealmValue | PropertyType.Dictionary | PropertyType.Nullable, managedName: managedName);

    /// <summary>What links to an object through a property of another class; it is not stored.</summary>
    public static Property Backlinks(string name, string originObjectType, string originPropertyName, string? managedName = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(originPropertyName);
        return new(
            name, PropertyType.LinkingObjects | PropertyType.Array, Target(originObjectType), originPropertyName, managedName: managedName);
    }

    private static string Target(string objectType)
    {
        ArgumentException.ThrowIfNullOrEmpty(objectType);
        return objectType;
    }

    private static PropertyType Of(RealmValueType type, bool isNullable)
    {
        var found = type switch
        {
            RealmValueType.Int => PropertyType.Int,
            RealmValueType.Bool => PropertyType.Bool,
            RealmValueType.String => PropertyType.String,
            RealmValueType.Data => PropertyType.Data,
            RealmValueType.Date => PropertyType.Date,
            RealmValueType.Float => PropertyType.Float,
            RealmValueType.Double => PropertyType.Double,
            RealmValueType.Decimal128 => PropertyType.Decimal,
            RealmValueType.ObjectId => PropertyType.ObjectId,
            RealmValueType.Guid => PropertyType.Guid,
            _ => throw new ArgumentException($"A {type} is no value of one kind: it has a method of its own.", nameof(type)),
        };
        return found | (isNullable ? PropertyType.Nullable : 0);
    }
}
