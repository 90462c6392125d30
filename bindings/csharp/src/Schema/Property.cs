namespace Realms.Schema;

/// <summary>The type of a property, with flags for optional values and collections.</summary>
[Flags]
public enum PropertyType : ushort
{
    Int = 0,
    Bool = 1,
    String = 2,
    Data = 3,
    Date = 4,
    Float = 5,
    Double = 6,
    Object = 7,
    LinkingObjects = 8,
    RealmValue = 9,
    ObjectId = 10,
    Decimal = 11,
    Guid = 12,
    Nullable = 64,
    Array = 128,
    Set = 256,
    Dictionary = 512,
    Flags = Nullable | Array | Set | Dictionary,
    NullableInt = Int | Nullable,
    NullableBool = Bool | Nullable,
    NullableString = String | Nullable,
    NullableData = Data | Nullable,
    NullableFloat = Float | Nullable,
    NullableDouble = Double | Nullable,
    NullableDate = Date | Nullable,
    NullableObjectId = ObjectId | Nullable,
    NullableDecimal = Decimal | Nullable,
    NullableGuid = Guid | Nullable,
}

/// <summary>One property of a class, by the name that it is stored under.</summary>
public readonly partial struct Property
{
    public Property(
        string name,
        PropertyType type,
        string? objectType = null,
        string? linkOriginPropertyName = null,
        bool isPrimaryKey = false,
        IndexType indexType = IndexType.None,
        string? managedName = null)
    {
        Name = name ?? throw new ArgumentNullException(nameof(name));
        Type = type;
        ObjectType = objectType;
        LinkOriginPropertyName = linkOriginPropertyName;
        IsPrimaryKey = isPrimaryKey;
        IndexType = indexType;
        ManagedName = managedName ?? name;
    }

    public string Name { get; }

    public PropertyType Type { get; }

    public string? ObjectType { get; }

    public string? LinkOriginPropertyName { get; }

    public bool IsPrimaryKey { get; }

    public IndexType IndexType { get; }

    public string ManagedName { get; }

    public override string ToString()
    {
        var optional = Type.HasFlag(PropertyType.Nullable) ? "?" : "";
        var many = Type.HasFlag(PropertyType.Array) ? "[]" : "";
        return $"{Name}: {ObjectType ?? Enum.GetName(Type & ~PropertyType.Flags)}{optional}{many}{(IsPrimaryKey ? " key" : "")}"
            + (IndexType == IndexType.None ? "" : " indexed");
    }
}
