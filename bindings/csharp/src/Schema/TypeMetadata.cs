using System.Collections.Concurrent;
using System.Linq.Expressions;
using System.Reflection;
using MongoDB.Bson;
using Realms.Exceptions;
using Realms.Weaving;

namespace Realms.Schema;

/// <summary>The storage type of a property or of a list's elements.</summary>
internal enum ValueKind
{
    Bool,
    Int,
    Double,
    Float,
    Decimal,
    String,
    Binary,
    Date,
    Guid,
    ObjectId,
    Link,
    Embedded,
    Mixed,
}

/// <summary>How many values a property has, and how they are found. Backlinks are not stored: the core derives them.</summary>
internal enum CollectionKind
{
    None,
    List,
    Set,
    Dictionary,
    Backlinks,
}

/// <summary>One stored property of a model class, with the way to its field in an object that is not stored yet.</summary>
internal sealed class PropertyMetadata
{
    public required int Index { get; init; }

    public required string ManagedName { get; init; }

    public required string Name { get; init; }

    public required ValueKind Kind { get; init; }

    public required Type ElementType { get; init; }

    public required bool IsNullable { get; init; }

    public required CollectionKind Collection { get; init; }

    public bool IsCollection => Collection != CollectionKind.None;

    /// <summary>The link, in the other class, that a backlink property follows backwards, under its stored name.</summary>
    public string? LinkOrigin { get; init; }

    public bool IsPrimaryKey { get; init; }

    public IndexType IndexType { get; init; }

    /// <summary>Reads the field behind the property; lists that were never touched are null.</summary>
    public required Func<object, object?> ReadField { get; init; }

    /// <summary>Of a dictionary: takes a pair apart.</summary>
    public Func<object, (string Key, object? Value)>? ReadPair { get; init; }

    /// <summary>What a list or a dictionary inside of a value holds.</summary>
    public static PropertyMetadata AnyValue(CollectionKind collection) => new()
    {
        Index = -1,
        ManagedName = "",
        Name = "",
        Kind = ValueKind.Mixed,
        ElementType = typeof(RealmValue),
        IsNullable = false,
        Collection = collection,
        ReadField = static _ => null,
    };

    /// <summary>A property that the model class lacks: it is stored, and used through DynamicApi.</summary>
    public bool IsOnlyStored { get; init; }

    /// <summary>The class that a property without a model links to.</summary>
    public string? DynamicTarget { get; init; }

    public string? TargetName => DynamicTarget ?? (Kind is ValueKind.Link or ValueKind.Embedded ? TypeMetadata.NameOf(ElementType) : null);
}

/// <summary>What reflection finds out about a model class, once.</summary>
internal sealed class TypeMetadata
{
    private static readonly ConcurrentDictionary<Type, TypeMetadata> Known = new();
    private static readonly NullabilityInfoContext Nullability = new();

    private ObjectSchema? _schema;

    /// <summary>A class without a model, as the realm describes it.</summary>
    public TypeMetadata(string name, ObjectSchema.ObjectType kind, PropertyMetadata[] properties)
    {
        Name = name;
        Kind = kind;
        Properties = properties;
        PrimaryKey = Properties.FirstOrDefault(property => property.IsPrimaryKey);
        Type = kind == ObjectSchema.ObjectType.EmbeddedObject ? typeof(DynamicEmbeddedObject) : typeof(DynamicRealmObject);
        Create = kind == ObjectSchema.ObjectType.EmbeddedObject ? () => new DynamicEmbeddedObject() : () => new DynamicRealmObject();
        IsDynamic = true;
    }

    /// <summary>A model class with more properties than it has.</summary>
    private TypeMetadata(TypeMetadata model, IEnumerable<PropertyMetadata> more)
    {
        Type = model.Type;
        Name = model.Name;
        Kind = model.Kind;
        Properties = [.. model.Properties, .. more];
        PrimaryKey = model.PrimaryKey;
        Create = model.Create;
    }

    private TypeMetadata(Type type)
    {
        Type = type;
        Name = NameOf(type);
        Kind = typeof(IAsymmetricObject).IsAssignableFrom(type) ? ObjectSchema.ObjectType.AsymmetricObject
            : typeof(IEmbeddedObject).IsAssignableFrom(type) ? ObjectSchema.ObjectType.EmbeddedObject
            : ObjectSchema.ObjectType.RealmObject;
        Properties = FindProperties(type);
        PrimaryKey = Properties.FirstOrDefault(property => property.IsPrimaryKey);
        Create = BuildFactory(type);
    }

    /// <summary>Whether there is no model class.</summary>
    public bool IsDynamic { get; }

    public Type Type { get; }

    public string Name { get; }

    public ObjectSchema.ObjectType Kind { get; }

    /// <summary>In the order of the positions that woven code uses.</summary>
    public PropertyMetadata[] Properties { get; }

    public PropertyMetadata? PrimaryKey { get; }

    public Func<IRealmObjectBase> Create { get; }

    public ObjectSchema Schema => _schema ??= BuildSchema();

    public static TypeMetadata Of(Type type) => Known.GetOrAdd(type, static key => new TypeMetadata(Check(key)));

    public static string NameOf(Type type) => type.GetCustomAttribute<MapToAttribute>()?.Mapping ?? type.Name;

    /// <summary>A class that was built property by property, in a schema with these embedded classes.</summary>
    public static TypeMetadata Build(ObjectSchema schema, HashSet<string> embeddedClasses)
    {
        var model = schema.Model is null ? null : Of(schema.Model);
        var first = model?.Properties.Length ?? 0;
        var described = schema.Where(property => model?.Schema.Contains(property) != true)
            .Select((property, index) => Describe(property, first + index, embeddedClasses)).ToArray();
        return model is null ? new TypeMetadata(schema.Name, schema.BaseType, described) : new TypeMetadata(model, described);
    }

    private static PropertyMetadata Describe(Property property, int index, HashSet<string> embeddedClasses)
    {
        var isEmbedded = property.ObjectType is { } target && embeddedClasses.Contains(target);
        var (kind, type) = (property.Type & ~PropertyType.Flags) switch
        {
            PropertyType.Bool => (ValueKind.Bool, typeof(bool)),
            PropertyType.Int => (ValueKind.Int, typeof(long)),
            PropertyType.Double => (ValueKind.Double, typeof(double)),
            PropertyType.Float => (ValueKind.Float, typeof(float)),
            PropertyType.Decimal => (ValueKind.Decimal, typeof(Decimal128)),
            PropertyType.RealmValue => (ValueKind.Mixed, typeof(RealmValue)),
            PropertyType.String => (ValueKind.String, typeof(string)),
            PropertyType.Data => (ValueKind.Binary, typeof(byte[])),
            PropertyType.Date => (ValueKind.Date, typeof(DateTimeOffset)),
            PropertyType.Guid => (ValueKind.Guid, typeof(Guid)),
            PropertyType.ObjectId => (ValueKind.ObjectId, typeof(ObjectId)),
            _ when isEmbedded => (ValueKind.Embedded, typeof(DynamicEmbeddedObject)),
            _ => (ValueKind.Link, typeof(DynamicRealmObject)),
        };
        return new PropertyMetadata
        {
            Index = index,
            Name = property.Name,
            ManagedName = property.ManagedName,
            Kind = kind,
            ElementType = type,
            IsNullable = property.Type.HasFlag(PropertyType.Nullable) && kind != ValueKind.Mixed,
            Collection = property.LinkOriginPropertyName is not null ? CollectionKind.Backlinks
                : property.Type.HasFlag(PropertyType.Array) ? CollectionKind.List
                : property.Type.HasFlag(PropertyType.Set) ? CollectionKind.Set
                : property.Type.HasFlag(PropertyType.Dictionary) ? CollectionKind.Dictionary
                : CollectionKind.None,
            LinkOrigin = property.LinkOriginPropertyName,
            IsPrimaryKey = property.IsPrimaryKey,
            IndexType = property.IndexType,
            DynamicTarget = property.ObjectType,
            IsOnlyStored = true,
            ReadField = static _ => null,
        };
    }

    /// <summary>The storage type of a .NET type, or null if there is none.</summary>
    public static ValueKind? KindOf(Type type)
    {
        var bare = Nullable.GetUnderlyingType(type) ?? type;
        if (bare.IsGenericType && bare.GetGenericTypeDefinition() == typeof(RealmInteger<>))
        {
            return ValueKind.Int;
        }

        if (bare == typeof(byte) || bare == typeof(short) || bare == typeof(int) || bare == typeof(long) || bare == typeof(char))
        {
            return ValueKind.Int;
        }

        return bare == typeof(bool) ? ValueKind.Bool
            : bare == typeof(double) ? ValueKind.Double
            : bare == typeof(float) ? ValueKind.Float
            : bare == typeof(decimal) || bare == typeof(Decimal128) ? ValueKind.Decimal
            : bare == typeof(RealmValue) ? ValueKind.Mixed
            : bare == typeof(string) ? ValueKind.String
            : bare == typeof(byte[]) ? ValueKind.Binary
            : bare == typeof(DateTimeOffset) ? ValueKind.Date
            : bare == typeof(Guid) ? ValueKind.Guid
            : bare == typeof(ObjectId) ? ValueKind.ObjectId
            : typeof(IEmbeddedObject).IsAssignableFrom(bare) ? ValueKind.Embedded
            : typeof(IRealmObject).IsAssignableFrom(bare) ? ValueKind.Link
            : null;
    }

    public PropertyMetadata Find(string name)
        => Properties.FirstOrDefault(property => property.ManagedName == name || property.Name == name)
            ?? throw new MissingMemberException(Name, name);

    private static Type Check(Type type)
    {
        if (!typeof(IModel).IsAssignableFrom(type) || !type.IsDefined(typeof(WovenAttribute)))
        {
            throw new RealmException(
                $"The class {type.FullName} was not processed at build time. Reference the package Atoll.Realms in the "
                + "project that declares it, and derive it from RealmObject, EmbeddedObject or AsymmetricObject, or "
                + "declare it partial with one of the interfaces.");
        }

        return type;
    }

    private static PropertyMetadata[] FindProperties(Type type)
    {
        const BindingFlags all = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        var found = type.GetProperties(all)
            .Select(property => (property, woven: property.GetCustomAttribute<WovenPropertyAttribute>()))
            .Where(pair => pair.woven is not null)
            .OrderBy(pair => pair.woven!.Index);
        return [.. found.Select(pair => Describe(type, pair.property, pair.woven!.Index))];
    }

    private static PropertyMetadata Describe(Type type, PropertyInfo property, int index)
    {
        var collection = CollectionOf(property.PropertyType);
        var element = collection == CollectionKind.None ? property.PropertyType : property.PropertyType.GetGenericArguments()[^1];
        var kind = KindOf(element)
            ?? throw new NotSupportedException($"not supported yet: {element.Name} (property {type.Name}.{property.Name})");
        var isKey = property.IsDefined(typeof(PrimaryKeyAttribute));
        return new PropertyMetadata
        {
            Index = index,
            ManagedName = property.Name,
            Name = property.GetCustomAttribute<MapToAttribute>()?.Mapping ?? property.Name,
            Kind = kind,
            ElementType = Nullable.GetUnderlyingType(element) ?? element,
            IsNullable = IsNullable(type, property, element, kind, collection),
            Collection = collection,
            LinkOrigin = property.GetCustomAttribute<BacklinkAttribute>() is { } backlink ? StoredName(element, backlink.Property) : null,
            IsPrimaryKey = isKey,
            IndexType = isKey ? IndexType.None : property.GetCustomAttribute<IndexedAttribute>()?.Type ?? IndexType.None,
            ReadField = BuildReader(type, property),
            ReadPair = collection == CollectionKind.Dictionary ? BuildPairReader(element) : null,
        };
    }

    public static CollectionKind CollectionOf(Type type)
    {
        var generic = type.IsGenericType ? type.GetGenericTypeDefinition() : null;
        return generic == typeof(IList<>) ? CollectionKind.List
            : generic == typeof(ISet<>) ? CollectionKind.Set
            : generic == typeof(IDictionary<,>) ? CollectionKind.Dictionary
            : generic == typeof(IQueryable<>) ? CollectionKind.Backlinks
            : CollectionKind.None;
    }

    /// <summary>The name under which a property of another class is stored, which may be described later.</summary>
    private static string StoredName(Type type, string name)
    {
        const BindingFlags all = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
        return type.GetProperty(name, all)?.GetCustomAttribute<MapToAttribute>()?.Mapping ?? name;
    }

    private static bool IsNullable(Type type, PropertyInfo property, Type element, ValueKind kind, CollectionKind collection)
    {
        var isMany = collection != CollectionKind.None;
        if (element.IsValueType)
        {
            return Nullable.GetUnderlyingType(element) is not null;
        }

        if (kind is ValueKind.Link or ValueKind.Embedded)
        {
            return collection is CollectionKind.None or CollectionKind.Dictionary;
        }

        if (property.IsDefined(typeof(RequiredAttribute)))
        {
            return false;
        }

        // Models in class style say [Required]; their annotations do not count, as they did not before.
        if (typeof(RealmObjectBase).IsAssignableFrom(type))
        {
            return !isMany;
        }

        lock (Nullability)
        {
            var info = Nullability.Create(property);
            var state = isMany ? info.GenericTypeArguments[^1].ReadState : info.ReadState;
            return state == NullabilityState.Nullable || (state == NullabilityState.Unknown && !isMany);
        }
    }

    private static Func<object, object?> BuildReader(Type type, PropertyInfo property)
    {
        var field = type.GetField($"<{property.Name}>k__BackingField", BindingFlags.Instance | BindingFlags.NonPublic)
            ?? throw new RealmException($"The property {type.Name}.{property.Name} has no field of its own.");
        var model = Expression.Parameter(typeof(object));
        var read = Expression.Convert(Expression.Field(Expression.Convert(model, type), field), typeof(object));
        return Expression.Lambda<Func<object, object?>>(read, model).Compile();
    }

    private static Func<object, (string Key, object? Value)> BuildPairReader(Type element)
    {
        var pair = Expression.Parameter(typeof(object));
        var typed = Expression.Convert(pair, typeof(KeyValuePair<,>).MakeGenericType(typeof(string), element));
        var made = typeof((string, object?)).GetConstructor([typeof(string), typeof(object)])!;
        return Expression.Lambda<Func<object, (string Key, object? Value)>>(
            Expression.New(
                made, Expression.Property(typed, "Key"), Expression.Convert(Expression.Property(typed, "Value"), typeof(object))),
            pair).Compile();
    }

    private static Func<IRealmObjectBase> BuildFactory(Type type)
    {
        var constructor = type.GetConstructor(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic, [])
            ?? throw new RealmSchemaValidationException($"The class {type.FullName} needs a constructor without parameters.");
        return Expression.Lambda<Func<IRealmObjectBase>>(Expression.New(constructor)).Compile();
    }

    private ObjectSchema BuildSchema()
    {
        var properties = Properties.Select(property => new Property(
            property.Name,
            TypeOf(property),
            property.TargetName,
            property.LinkOrigin,
            property.IsPrimaryKey,
            property.IndexType,
            property.ManagedName));
        return new ObjectSchema(Name, Kind, [.. properties], this);
    }

    private static PropertyType TypeOf(PropertyMetadata property) => TypeOf(property.Kind, property.Collection, property.IsNullable);

    public static PropertyType TypeOf(ValueKind kind, CollectionKind many, bool isNullable)
    {
        var type = kind switch
        {
            _ when many == CollectionKind.Backlinks => PropertyType.LinkingObjects,
            ValueKind.Bool => PropertyType.Bool,
            ValueKind.Int => PropertyType.Int,
            ValueKind.Double => PropertyType.Double,
            ValueKind.Float => PropertyType.Float,
            ValueKind.Decimal => PropertyType.Decimal,
            ValueKind.Mixed => PropertyType.RealmValue,
            ValueKind.String => PropertyType.String,
            ValueKind.Binary => PropertyType.Data,
            ValueKind.Date => PropertyType.Date,
            ValueKind.Guid => PropertyType.Guid,
            ValueKind.ObjectId => PropertyType.ObjectId,
            _ => PropertyType.Object,
        };
        var collection = many switch
        {
            CollectionKind.List or CollectionKind.Backlinks => PropertyType.Array,
            CollectionKind.Set => PropertyType.Set,
            CollectionKind.Dictionary => PropertyType.Dictionary,
            _ => (PropertyType)0,
        };
        return type | collection | (isNullable || kind == ValueKind.Mixed ? PropertyType.Nullable : 0);
    }
}
