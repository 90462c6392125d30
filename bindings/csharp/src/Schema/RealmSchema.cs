using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Realms.Exceptions;
using Realms.Weaving;

namespace Realms.Schema;

/// <summary>The classes that a realm holds.</summary>
public partial class RealmSchema : IReadOnlyCollection<ObjectSchema>
{
    private static readonly Lock DefaultGate = new();
    private static readonly HashSet<Assembly> SeenAssemblies = [];
    private static readonly List<Type> DefaultTypes = [];

    private readonly Dictionary<string, ObjectSchema> _classes = new(StringComparer.Ordinal);

    internal RealmSchema(IEnumerable<ObjectSchema> classes, bool isExplicit)
    {
        IsExplicit = isExplicit;
        var given = classes.ToArray();
        var embedded = given.Where(item => item.BaseType == ObjectSchema.ObjectType.EmbeddedObject)
            .Select(item => item.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var item in given.Select(item => item.Described(embedded)))
        {
            if (!_classes.TryAdd(item.Name, item) && _classes[item.Name].Metadata != item.Metadata)
            {
                throw new RealmSchemaValidationException(
                    $"Two classes are stored as '{item.Name}'. Give one of them another name with [MapTo].");
            }
        }
    }

    public int Count => _classes.Count;

    /// <summary>All model classes of the program that are not marked [Explicit].</summary>
    internal static RealmSchema Default => new(FindDefaultTypes().Select(type => TypeMetadata.Of(type).Schema), false);

    internal bool IsExplicit { get; }

    /// <summary>Adds classes to the default schema, as loading their assembly does.</summary>
    public static void AddDefaultTypes(IEnumerable<Type> types)
    {
        lock (DefaultGate)
        {
            DefaultTypes.AddRange(types.Where(type => !DefaultTypes.Contains(type)));
        }
    }

    public bool TryFindObjectSchema(string name, [MaybeNullWhen(false)] out ObjectSchema schema)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return _classes.TryGetValue(name, out schema);
    }

    public IEnumerator<ObjectSchema> GetEnumerator() => _classes.Values.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    [return: NotNullIfNotNull(nameof(objects))]
    public static implicit operator RealmSchema?(Type[]? objects) => FromTypes(objects);

    [return: NotNullIfNotNull(nameof(objects))]
    public static implicit operator RealmSchema?(List<Type>? objects) => FromTypes(objects);

    [return: NotNullIfNotNull(nameof(objects))]
    public static implicit operator RealmSchema?(HashSet<Type>? objects) => FromTypes(objects);

    [return: NotNullIfNotNull(nameof(objects))]
    public static implicit operator RealmSchema?(ObjectSchema[]? objects)
        => objects is null ? null : new RealmSchema(objects, true);

    [return: NotNullIfNotNull(nameof(objects))]
    public static implicit operator RealmSchema?(List<ObjectSchema>? objects)
        => objects is null ? null : new RealmSchema(objects, true);

    /// <summary>A schema without the asymmetric classes that only a flexible realm can hold.</summary>
    internal RealmSchema WithoutAsymmetric()
        => new(this.Where(item => item.BaseType != ObjectSchema.ObjectType.AsymmetricObject), IsExplicit);

    /// <summary>Two equal texts describe the same classes: realms of one thread and path then share their state.</summary>
    internal string Fingerprint()
        => string.Join(';', this.OrderBy(item => item.Name, StringComparer.Ordinal).Select(item =>
            $"{item.Name}/{item.BaseType}({string.Join(',', item.Select(property => property.ToString()))})"));

    [return: NotNullIfNotNull(nameof(types))]
    private static RealmSchema? FromTypes(IEnumerable<Type>? types)
        => types is null ? null : new RealmSchema(types.Select(type => TypeMetadata.Of(type).Schema), true);

    private static Type[] FindDefaultTypes()
    {
        lock (DefaultGate)
        {
            foreach (var assembly in AppDomain.CurrentDomain.GetAssemblies())
            {
                if (SeenAssemblies.Add(assembly) && assembly.IsDefined(typeof(WovenAssemblyAttribute)))
                {
                    DefaultTypes.AddRange(assembly.GetTypes().Where(type =>
                        type.IsDefined(typeof(WovenAttribute)) && !type.IsDefined(typeof(ExplicitAttribute))
                        && !DefaultTypes.Contains(type)));
                }
            }

            return [.. DefaultTypes];
        }
    }
}
