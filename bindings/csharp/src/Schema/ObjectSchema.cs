using System.Collections;
using System.Collections.ObjectModel;

namespace Realms.Schema;

/// <summary>The stored shape of one class.</summary>
public partial class ObjectSchema : IReadOnlyCollection<Property>
{
    private readonly ReadOnlyCollection<Property> _properties;
    private readonly bool _isBuilt;

    internal ObjectSchema(string name, ObjectType type, IList<Property> properties, TypeMetadata? metadata, Type? model = null, bool isBuilt = false)
    {
        Name = name;
        BaseType = type;
        Metadata = metadata;
        _isBuilt = isBuilt;
        Model = model ?? (metadata?.IsDynamic == false ? metadata.Type : null);
        _properties = new ReadOnlyCollection<Property>(properties);
    }

    public enum ObjectType : byte
    {
        RealmObject = 0,
        EmbeddedObject = 1,
        AsymmetricObject = 2,
    }

    public string Name { get; }

    public ObjectType BaseType { get; }

    public int Count => _properties.Count;

    /// <summary>How objects of the class are read and written; a class that was built has it in a realm's schema only, which
    /// knows of the classes that it leads to what they are.</summary>
    internal TypeMetadata? Metadata { get; }

    /// <summary>The model class, if there is one.</summary>
    internal Type? Model { get; }

    internal ObjectSchema Described(HashSet<string> embeddedClasses)
        => _isBuilt
            ? new ObjectSchema(Name, BaseType, _properties, TypeMetadata.Build(this, embeddedClasses), Model, true)
            : this;

    public bool TryFindProperty(string name, out Property property)
    {
        foreach (var candidate in _properties)
        {
            if (candidate.Name == name || candidate.ManagedName == name)
            {
                property = candidate;
                return true;
            }
        }

        property = default;
        return false;
    }

    public IEnumerator<Property> GetEnumerator() => _properties.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
