using Realms.Schema;

namespace Realms;

/// <summary>Writes the classes of a schema into a native one.</summary>
internal static class NativeSchema
{
    public static NativeHandle Build(RealmSchema schema)
    {
        var native = new NativeHandle(NativeMethods.atoll_schema_new(), NativeMethods.atoll_schema_free);
        try
        {
            foreach (var item in schema)
            {
                var index = NativeMethods.atoll_schema_add_class(native.Value, item.Name, (int)item.BaseType);
                foreach (var property in item.Where(property => property.LinkOriginPropertyName is null))
                {
                    AddProperty(native.Value, index, item, property);
                }
            }

            return native;
        }
        catch
        {
            native.Dispose();
            throw;
        }
    }

    /// <summary>The classes of an open realm, for access without models.</summary>
    public static RealmSchema Read(IntPtr realm)
    {
        using var native = new NativeHandle(NativeMethods.atoll_realm_schema(realm), NativeMethods.atoll_schema_free);
        var count = NativeMethods.atoll_schema_class_count(native.Value);
        var classes = Enumerable.Range(0, count).Select(index => ReadClass(native.Value, index).Schema).ToArray();
        return new RealmSchema(classes, true);
    }

    private static TypeMetadata ReadClass(IntPtr native, int index)
    {
        var count = NativeMethods.atoll_schema_property_count(native, index);
        return new TypeMetadata(
            NativeMethods.atoll_schema_class_name(native, index)!,
            (ObjectSchema.ObjectType)NativeMethods.atoll_schema_class_kind(native, index),
            [.. Enumerable.Range(0, count).Select(property => ReadProperty(native, index, property))]);
    }

    private static PropertyMetadata ReadProperty(IntPtr native, int classIndex, int index)
    {
        var flags = NativeMethods.atoll_schema_property_flags(native, classIndex, index);
        var (kind, type) = KindOf(NativeMethods.atoll_schema_property_type(native, classIndex, index));
        var name = NativeMethods.atoll_schema_property_name(native, classIndex, index)!;
        bool Has(int flag) => (flags & flag) != 0;
        return new PropertyMetadata
        {
            Index = index,
            Name = name,
            ManagedName = name,
            Kind = kind,
            ElementType = type,
            IsNullable = Has(NativeConstants.PropertyNullable),
            Collection = Has(NativeConstants.PropertyList) ? CollectionKind.List
                : Has(NativeConstants.PropertySet) ? CollectionKind.Set
                : Has(NativeConstants.PropertyDictionary) ? CollectionKind.Dictionary
                : CollectionKind.None,
            IsPrimaryKey = Has(NativeConstants.PropertyPrimaryKey),
            IndexType = Has(NativeConstants.PropertyFullText) ? IndexType.FullText
                : Has(NativeConstants.PropertyIndexed) ? IndexType.General
                : IndexType.None,
            DynamicTarget = NativeMethods.atoll_schema_property_target(native, classIndex, index) is { Length: > 0 } target ? target : null,
            ReadField = static _ => null,
        };
    }

    private static (ValueKind Kind, Type Type) KindOf(int type) => type switch
    {
        NativeConstants.TypeBool => (ValueKind.Bool, typeof(bool)),
        NativeConstants.TypeInt => (ValueKind.Int, typeof(long)),
        NativeConstants.TypeDouble => (ValueKind.Double, typeof(double)),
        NativeConstants.TypeFloat => (ValueKind.Float, typeof(float)),
        NativeConstants.TypeDecimal128 => (ValueKind.Decimal, typeof(MongoDB.Bson.Decimal128)),
        NativeConstants.TypeString => (ValueKind.String, typeof(string)),
        NativeConstants.TypeBinary => (ValueKind.Binary, typeof(byte[])),
        NativeConstants.TypeTimestamp => (ValueKind.Date, typeof(DateTimeOffset)),
        NativeConstants.TypeUuid => (ValueKind.Guid, typeof(Guid)),
        NativeConstants.TypeObjectId => (ValueKind.ObjectId, typeof(MongoDB.Bson.ObjectId)),
        NativeConstants.TypeLink => (ValueKind.Link, typeof(DynamicRealmObject)),
        NativeConstants.TypeEmbedded => (ValueKind.Embedded, typeof(DynamicEmbeddedObject)),
        NativeConstants.TypeMixed => (ValueKind.Mixed, typeof(RealmValue)),
        _ => throw new NotSupportedException($"not supported yet: properties of the native type {type}"),
    };

    private static void AddProperty(IntPtr native, int classIndex, ObjectSchema owner, Property property)
    {
        var isEmbedded = owner.Metadata?.Find(property.ManagedName).Kind == ValueKind.Embedded;
        NativeMethods.atoll_schema_add_property(
            native, classIndex, property.Name, TypeOf(property, isEmbedded), FlagsOf(property), property.ObjectType);
    }

    private static int TypeOf(Property property, bool isEmbedded) => (property.Type & ~PropertyType.Flags) switch
    {
        PropertyType.Bool => NativeConstants.TypeBool,
        PropertyType.Int => NativeConstants.TypeInt,
        PropertyType.Double => NativeConstants.TypeDouble,
        PropertyType.Float => NativeConstants.TypeFloat,
        PropertyType.Decimal => NativeConstants.TypeDecimal128,
        PropertyType.RealmValue => NativeConstants.TypeMixed,
        PropertyType.String => NativeConstants.TypeString,
        PropertyType.Data => NativeConstants.TypeBinary,
        PropertyType.Date => NativeConstants.TypeTimestamp,
        PropertyType.Guid => NativeConstants.TypeUuid,
        PropertyType.ObjectId => NativeConstants.TypeObjectId,
        PropertyType.Object => isEmbedded ? NativeConstants.TypeEmbedded : NativeConstants.TypeLink,
        var type => throw new NotSupportedException($"not supported yet: properties of type {type}"),
    };

    private static int FlagsOf(Property property)
        => (property.Type.HasFlag(PropertyType.Nullable) && !IsAnyValue(property) ? NativeConstants.PropertyNullable : 0)
            | (property.Type.HasFlag(PropertyType.Array) ? NativeConstants.PropertyList : 0)
            | (property.Type.HasFlag(PropertyType.Set) ? NativeConstants.PropertySet : 0)
            | (property.Type.HasFlag(PropertyType.Dictionary) ? NativeConstants.PropertyDictionary : 0)
            | (property.IsPrimaryKey ? NativeConstants.PropertyPrimaryKey : 0)
            | (property.IndexType == IndexType.General ? NativeConstants.PropertyIndexed : 0)
            | (property.IndexType == IndexType.FullText ? NativeConstants.PropertyFullText : 0);

    /// <summary>A value of any type may be null without saying so.</summary>
    private static bool IsAnyValue(Property property) => (property.Type & ~PropertyType.Flags) == PropertyType.RealmValue;
}
