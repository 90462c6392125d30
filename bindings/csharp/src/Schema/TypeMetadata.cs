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
    String,
    Binary,
    Date,
    Guid,
    ObjectId,
    Link,
    Embedded,
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

    public required bool IsList { get; init; }

    public bool IsPrimaryKey { get; init; }

    public bool IsIndexed { get; init; }

    /// <summary>Reads the field behind the property; lists that were never touched are null.</summary>
    public required Func<object, object?> ReadField { get; init; }

    public string? TargetName => Kind is ValueKind.Link or ValueKind.Embedded ? TypeMetadata.NameOf(ElementType) : null;
}

/// <summary>What reflection finds out about a model class, once.</summary>
internal sealed class TypeMetadata
{
    private static readonly ConcurrentDictionary<Type, TypeMetadata> Known = new();
    private static readonly NullabilityInfoContext Nullability = new();

    private ObjectSchema? _schema;

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

    /// <summary>The storage type of a .NET type, or null if there is none.</summary>
    public static ValueKind? KindOf(Type type)
    {
        var bare = Nullable.GetUnderlyingType(type) ?? type;
        if (bare == typeof(byte) || bare == typeof(short) || bare == typeof(int) || bare == typeof(long) || bare == typeof(char))
        {
            return ValueKind.Int;
        }

        return bare == typeof(bool) ? ValueKind.Bool
            : bare == typeof(double) ? ValueKind.Double
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
        var isList = property.PropertyType.IsGenericType && property.PropertyType.GetGenericTypeDefinition() == typeof(IList<>);
        var element = isList ? property.PropertyType.GetGenericArguments()[0] : property.PropertyType;
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
            IsNullable = IsNullable(type, property, element, kind, isList),
            IsList = isList,
            IsPrimaryKey = isKey,
            IsIndexed = !isKey && property.GetCustomAttribute<IndexedAttribute>() is { Type: not IndexType.None },
            ReadField = BuildReader(type, property),
        };
    }

    private static bool IsNullable(Type type, PropertyInfo property, Type element, ValueKind kind, bool isList)
    {
        if (element.IsValueType)
        {
            return Nullable.GetUnderlyingType(element) is not null;
        }

        if (kind is ValueKind.Link or ValueKind.Embedded)
        {
            return !isList;
        }

        if (property.IsDefined(typeof(RequiredAttribute)))
        {
            return false;
        }

        // Models in class style say [Required]; their annotations do not count, as they did not before.
        if (typeof(RealmObjectBase).IsAssignableFrom(type))
        {
            return !isList;
        }

        lock (Nullability)
        {
            var info = Nullability.Create(property);
            var state = isList ? info.GenericTypeArguments[0].ReadState : info.ReadState;
            return state == NullabilityState.Nullable || (state == NullabilityState.Unknown && !isList);
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
            null,
            property.IsPrimaryKey,
            property.IsIndexed ? IndexType.General : IndexType.None,
            property.ManagedName));
        return new ObjectSchema(Name, Kind, [.. properties], this);
    }

    private static PropertyType TypeOf(PropertyMetadata property)
    {
        var type = property.Kind switch
        {
            ValueKind.Bool => PropertyType.Bool,
            ValueKind.Int => PropertyType.Int,
            ValueKind.Double => PropertyType.Double,
            ValueKind.String => PropertyType.String,
            ValueKind.Binary => PropertyType.Data,
            ValueKind.Date => PropertyType.Date,
            ValueKind.Guid => PropertyType.Guid,
            ValueKind.ObjectId => PropertyType.ObjectId,
            _ => PropertyType.Object,
        };
        return type | (property.IsNullable ? PropertyType.Nullable : 0) | (property.IsList ? PropertyType.Array : 0);
    }
}
