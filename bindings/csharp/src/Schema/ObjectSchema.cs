using System.Collections;
using System.Collections.ObjectModel;

namespace Realms.Schema;

/// <summary>The stored shape of one class.</summary>
public class ObjectSchema : IReadOnlyCollection<Property>
{
    private readonly ReadOnlyCollection<Property> _properties;

    internal ObjectSchema(string name, ObjectType type, IList<Property> properties, TypeMetadata? metadata)
    {
        Name = name;
        BaseType = type;
        Metadata = metadata;
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

    internal TypeMetadata? Metadata { get; }

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
