namespace Realms;

/// <summary>Marks the property that identifies an object among those of its class.</summary>
[AttributeUsage(AttributeTargets.Property)]
public class PrimaryKeyAttribute : Attribute
{
    public PrimaryKeyAttribute()
    {
    }
}

/// <summary>Stores a class or a property under another name.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Class)]
public class MapToAttribute : Attribute
{
    public MapToAttribute(string mapping) => Mapping = mapping;

    public string Mapping { get; }
}

/// <summary>The kind of an index.</summary>
public enum IndexType
{
    None = 0,
    General = 1,
    FullText = 2,
}

/// <summary>Keeps an index on a property.</summary>
[AttributeUsage(AttributeTargets.Property)]
public class IndexedAttribute : Attribute
{
    public IndexedAttribute()
        : this(IndexType.General)
    {
    }

    public IndexedAttribute(IndexType mode) => Type = mode;

    public IndexType Type { get; }
}

/// <summary>A string or byte[] property of a class model that may not be null.</summary>
[AttributeUsage(AttributeTargets.Property)]
public class RequiredAttribute : Attribute
{
    public RequiredAttribute()
    {
    }
}

/// <summary>A property that is not stored.</summary>
[AttributeUsage(AttributeTargets.Property)]
public class IgnoredAttribute : Attribute
{
    public IgnoredAttribute()
    {
    }
}

/// <summary>A class that is left out of the default schema.</summary>
[AttributeUsage(AttributeTargets.Class)]
public class ExplicitAttribute : Attribute
{
}

/// <summary>Names the link that a backlink property follows in the other direction.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class BacklinkAttribute : Attribute
{
    public BacklinkAttribute(string property) => Property = property;

    public string Property { get; }
}

/// <summary>Keeps members from being removed by a linker.</summary>
[AttributeUsage(AttributeTargets.All)]
public sealed class PreserveAttribute : Attribute
{
    public bool AllMembers;

    public bool Conditional;

    public PreserveAttribute(bool allMembers, bool conditional)
    {
        AllMembers = allMembers;
        Conditional = conditional;
    }

    public PreserveAttribute()
    {
    }
}
