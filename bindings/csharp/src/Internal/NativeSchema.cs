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
                foreach (var property in item)
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
        PropertyType.String => NativeConstants.TypeString,
        PropertyType.Data => NativeConstants.TypeBinary,
        PropertyType.Date => NativeConstants.TypeTimestamp,
        PropertyType.Guid => NativeConstants.TypeUuid,
        PropertyType.ObjectId => NativeConstants.TypeObjectId,
        PropertyType.Object => isEmbedded ? NativeConstants.TypeEmbedded : NativeConstants.TypeLink,
        var type => throw new NotSupportedException($"not supported yet: properties of type {type}"),
    };

    private static int FlagsOf(Property property)
        => (property.Type.HasFlag(PropertyType.Nullable) ? NativeConstants.PropertyNullable : 0)
            | (property.Type.HasFlag(PropertyType.Array) ? NativeConstants.PropertyList : 0)
            | (property.IsPrimaryKey ? NativeConstants.PropertyPrimaryKey : 0)
            | (property.IndexType != IndexType.None ? NativeConstants.PropertyIndexed : 0);
}
