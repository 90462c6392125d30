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
            case RealmValueType.Float:
                NativeMethods.atoll_values_add_float(Handle, value.AsFloat());
                break;
            case RealmValueType.Decimal128:
                AddDecimal(value.AsDecimal128());
                break;
            case RealmValueType.List:
                AddList(value.AsList());
                break;
            case RealmValueType.Dictionary:
                // What it holds is put in through the handle of what it became.
                NativeMethods.atoll_values_add_dictionary(Handle);
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

    /// <summary>A list or a dictionary as one value without elements: a place for them in a property of any type.</summary>
    public static NativeValues OfEmpty(RealmValueType type)
    {
        var values = new NativeValues();
        values.Add(type == RealmValueType.List ? RealmValue.List([]) : RealmValue.Dictionary(new Dictionary<string, RealmValue>()));
        return values;
    }

    public int TypeAt(long index) => NativeMethods.atoll_values_type(Handle, index);

    /// <summary>A value that is no collection; an object needs the realm that it is of.</summary>
    public RealmValue Read(long index, Realm? realm = null)
    {
        var type = NativeMethods.atoll_values_type(Handle, index);
        return type switch
        {
            NativeConstants.TypeNull => RealmValue.Null,
            NativeConstants.TypeBool => NativeMethods.atoll_values_get_bool(Handle, index),
            NativeConstants.TypeInt => NativeMethods.atoll_values_get_int(Handle, index),
            NativeConstants.TypeDouble => NativeMethods.atoll_values_get_double(Handle, index),
            NativeConstants.TypeFloat => NativeMethods.atoll_values_get_float(Handle, index),
            NativeConstants.TypeDecimal128 => Decimal128.FromBytes(NativeMethods.atoll_values_get_decimal128(Handle, index)),
            NativeConstants.TypeLink when realm is not null => ReadObject(index, realm),
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

    private RealmValue ReadObject(long index, Realm realm)
    {
        var target = NativeMethods.atoll_values_get_object(Handle, index);
        return target == IntPtr.Zero ? RealmValue.Null : RealmValue.Object(realm.MaterializeAny(target));
    }

    private void AddDecimal(Decimal128 value)
    {
        Span<byte> bytes = stackalloc byte[16];
        value.CopyTo(bytes);
        NativeMethods.atoll_values_add_decimal128(Handle, bytes);
    }

    private void AddList(IList<RealmValue> list)
    {
        using var elements = new NativeValues();
        foreach (var item in list)
        {
            elements.Add(item);
        }

        NativeMethods.atoll_values_add_list(Handle, elements.Handle);
    }

    private void AddObject(IRealmObjectBase model)
    {
        var accessor = ((Weaving.IModel)model).Core.Accessor
            ?? throw new NotSupportedException("Only an object that is stored in a realm can be used as a value here.");
        NativeMethods.atoll_values_add_object(Handle, accessor.Handle);
        GC.KeepAlive(accessor);
    }
}
