using MongoDB.Bson;

namespace Realms;

/// <summary>A native list of values: a key, query arguments, an element of a list.</summary>
internal sealed class NativeValues : IDisposable
{
    public NativeValues()
        : this(NativeMethods.atoll_values_new())
    {
    }

    public NativeValues(IntPtr handle) => Handle = handle;

    ~NativeValues() => NativeMethods.atoll_values_free(Handle);

    public IntPtr Handle { get; private set; }

    public static NativeValues Of(RealmValue value)
    {
        var values = new NativeValues();
        values.Add(value);
        return values;
    }

    public void Add(RealmValue value)
    {
        switch (value.Type)
        {
            case RealmValueType.Null:
                NativeMethods.atoll_values_add_null(Handle);
                break;
            case RealmValueType.Int:
                NativeMethods.atoll_values_add_int(Handle, value.AsInt64());
                break;
            case RealmValueType.Bool:
                NativeMethods.atoll_values_add_bool(Handle, value.AsBool());
                break;
            case RealmValueType.Double:
                NativeMethods.atoll_values_add_double(Handle, value.AsDouble());
                break;
            case RealmValueType.String:
                NativeMethods.atoll_values_add_string(Handle, value.AsString());
                break;
            case RealmValueType.Data:
                NativeMethods.atoll_values_add_binary(Handle, value.AsData());
                break;
            case RealmValueType.Date:
                NativeMethods.atoll_values_add_timestamp(Handle, Conversions.ToTimestamp(value.AsDate()));
                break;
            case RealmValueType.ObjectId:
                NativeMethods.atoll_values_add_object_id(Handle, value.AsObjectId().ToByteArray());
                break;
            case RealmValueType.Guid:
                NativeMethods.atoll_values_add_uuid(Handle, value.AsGuid().ToByteArray(true));
                break;
            case RealmValueType.Object:
                AddObject(value.AsIRealmObject());
                break;
            default:
                throw new NotSupportedException($"not supported yet: values of type {value.Type}");
        }
    }

    public RealmValue Read(long index)
    {
        var type = NativeMethods.atoll_values_type(Handle, index);
        return type switch
        {
            NativeConstants.TypeNull => RealmValue.Null,
            NativeConstants.TypeBool => NativeMethods.atoll_values_get_bool(Handle, index),
            NativeConstants.TypeInt => NativeMethods.atoll_values_get_int(Handle, index),
            NativeConstants.TypeDouble => NativeMethods.atoll_values_get_double(Handle, index),
            NativeConstants.TypeString => NativeMethods.atoll_values_get_string(Handle, index),
            NativeConstants.TypeBinary => NativeMethods.atoll_values_get_binary(Handle, index),
            NativeConstants.TypeTimestamp => Conversions.FromTimestamp(NativeMethods.atoll_values_get_timestamp(Handle, index)),
            NativeConstants.TypeUuid => Conversions.ToGuid(NativeMethods.atoll_values_get_uuid(Handle, index)!),
            NativeConstants.TypeObjectId => new ObjectId(NativeMethods.atoll_values_get_object_id(Handle, index)!),
            _ => throw new NotSupportedException($"not supported yet: values of the native type {type}"),
        };
    }

    public void Dispose()
    {
        NativeMethods.atoll_values_free(Handle);
        Handle = IntPtr.Zero;
        GC.SuppressFinalize(this);
    }

    private void AddObject(IRealmObjectBase model)
    {
        var accessor = ((Weaving.IModel)model).Core.Accessor
            ?? throw new NotSupportedException("Only an object that is stored in a realm can be used as a value here.");
        NativeMethods.atoll_values_add_object(Handle, accessor.Handle);
        GC.KeepAlive(accessor);
    }
}
