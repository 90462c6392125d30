using System.ComponentModel;
using System.Runtime.CompilerServices;
using MongoDB.Bson;
using Realms.Schema;

namespace Realms;

/// <summary>
/// The stored side of one model object. Woven getters and setters call it with the position of the property; the
/// native handle is a number that this object alone frees.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed partial class ManagedAccessor : IRealmAccessor
{
    private readonly ClassBinding _binding;
    private readonly uint[] _keys;
    private readonly IntPtr _handle;
    private ulong _registration;

    internal ManagedAccessor(Realm realm, ClassBinding binding, IntPtr handle)
    {
        Realm = realm;
        _binding = binding;
        _keys = binding.PropertyKeys;
        _handle = handle;
    }

    ~ManagedAccessor() => NativeMethods.atoll_object_free(_handle);

    public bool IsManaged => true;

    public bool IsValid
    {
        get
        {
            var valid = !Realm.IsClosed && NativeMethods.atoll_object_is_valid(_handle);
            GC.KeepAlive(this);
            return valid;
        }
    }

    public bool IsFrozen => Realm.IsFrozen;

    public Realm Realm { get; }

    public ObjectSchema ObjectSchema => _binding.Metadata.Schema;

    /// <summary>How many links lead to the object; a list that holds it twice counts twice.</summary>
    public int BacklinksCount
    {
        get
        {
            var count = NativeMethods.atoll_object_backlink_count(_handle);
            GC.KeepAlive(this);
            return checked((int)count);
        }
    }

    public DynamicObjectApi DynamicApi => new(this);

    internal IntPtr Handle => _handle;

    public bool GetBoolean(int index)
    {
        var value = NativeMethods.atoll_object_get_bool(_handle, _keys[index]);
        GC.KeepAlive(this);
        return value;
    }

    public byte GetByte(int index) => (byte)GetInt64(index);

    public short GetInt16(int index) => (short)GetInt64(index);

    public int GetInt32(int index) => (int)GetInt64(index);

    public char GetChar(int index) => (char)GetInt64(index);

    public long GetInt64(int index)
    {
        var value = NativeMethods.atoll_object_get_int(_handle, _keys[index]);
        GC.KeepAlive(this);
        return value;
    }

    public double GetDouble(int index)
    {
        var value = NativeMethods.atoll_object_get_double(_handle, _keys[index]);
        GC.KeepAlive(this);
        return value;
    }

    public string? GetString(int index)
    {
        var value = NativeMethods.atoll_object_get_string(_handle, _keys[index]);
        GC.KeepAlive(this);
        return value;
    }

    public byte[]? GetBinary(int index)
    {
        var value = NativeMethods.atoll_object_get_binary(_handle, _keys[index]);
        GC.KeepAlive(this);
        return value;
    }

    public DateTimeOffset GetDateTimeOffset(int index)
    {
        var value = NativeMethods.atoll_object_get_timestamp(_handle, _keys[index]);
        GC.KeepAlive(this);
        return Conversions.FromTimestamp(value);
    }

    public Guid GetGuid(int index)
    {
        var value = NativeMethods.atoll_object_get_uuid(_handle, _keys[index]);
        GC.KeepAlive(this);
        return Conversions.ToGuid(value!);
    }

    public ObjectId GetObjectId(int index)
    {
        var value = NativeMethods.atoll_object_get_object_id(_handle, _keys[index]);
        GC.KeepAlive(this);
        return new ObjectId(value!);
    }

    public bool? GetNullableBoolean(int index) => IsNull(index) ? null : GetBoolean(index);

    public byte? GetNullableByte(int index) => IsNull(index) ? null : GetByte(index);

    public short? GetNullableInt16(int index) => IsNull(index) ? null : GetInt16(index);

    public int? GetNullableInt32(int index) => IsNull(index) ? null : GetInt32(index);

    public char? GetNullableChar(int index) => IsNull(index) ? null : GetChar(index);

    public long? GetNullableInt64(int index) => IsNull(index) ? null : GetInt64(index);

    public double? GetNullableDouble(int index) => IsNull(index) ? null : GetDouble(index);

    public DateTimeOffset? GetNullableDateTimeOffset(int index) => IsNull(index) ? null : GetDateTimeOffset(index);

    public Guid? GetNullableGuid(int index) => IsNull(index) ? null : GetGuid(index);

    public ObjectId? GetNullableObjectId(int index) => IsNull(index) ? null : GetObjectId(index);

    public T? GetObject<T>(int index)
    {
        var target = NativeMethods.atoll_object_get_object(_handle, _keys[index]);
        GC.KeepAlive(this);
        return target == IntPtr.Zero ? default : (T)Realm.Materialize(typeof(T), target);
    }

    public void SetBoolean(int index, bool value)
    {
        NativeMethods.atoll_object_set_bool(_handle, _keys[index], value);
        GC.KeepAlive(this);
    }

    public void SetByte(int index, byte value) => SetInt64(index, value);

    public void SetInt16(int index, short value) => SetInt64(index, value);

    public void SetInt32(int index, int value) => SetInt64(index, value);

    public void SetChar(int index, char value) => SetInt64(index, value);

    public void SetInt64(int index, long value)
    {
        NativeMethods.atoll_object_set_int(_handle, _keys[index], value);
        GC.KeepAlive(this);
    }

    public void SetDouble(int index, double value)
    {
        NativeMethods.atoll_object_set_double(_handle, _keys[index], value);
        GC.KeepAlive(this);
    }

    public void SetString(int index, string? value)
    {
        if (value is null)
        {
            SetNull(index);
            return;
        }

        NativeMethods.atoll_object_set_string(_handle, _keys[index], value);
        GC.KeepAlive(this);
    }

    public void SetBinary(int index, byte[]? value)
    {
        if (value is null)
        {
            SetNull(index);
            return;
        }

        NativeMethods.atoll_object_set_binary(_handle, _keys[index], value);
        GC.KeepAlive(this);
    }

    public void SetDateTimeOffset(int index, DateTimeOffset value)
    {
        NativeMethods.atoll_object_set_timestamp(_handle, _keys[index], Conversions.ToTimestamp(value));
        GC.KeepAlive(this);
    }

    public void SetGuid(int index, Guid value)
    {
        Span<byte> bytes = stackalloc byte[16];
        Conversions.CopyTo(value, bytes);
        NativeMethods.atoll_object_set_uuid(_handle, _keys[index], bytes);
        GC.KeepAlive(this);
    }

    public void SetObjectId(int index, ObjectId value)
    {
        Span<byte> bytes = stackalloc byte[12];
        value.CopyTo(bytes);
        NativeMethods.atoll_object_set_object_id(_handle, _keys[index], bytes);
        GC.KeepAlive(this);
    }

    public void SetNullableBoolean(int index, bool? value) => SetOptional(index, value, static (a, i, v) => a.SetBoolean(i, v));

    public void SetNullableByte(int index, byte? value) => SetOptional(index, value, static (a, i, v) => a.SetByte(i, v));

    public void SetNullableInt16(int index, short? value) => SetOptional(index, value, static (a, i, v) => a.SetInt16(i, v));

    public void SetNullableInt32(int index, int? value) => SetOptional(index, value, static (a, i, v) => a.SetInt32(i, v));

    public void SetNullableChar(int index, char? value) => SetOptional(index, value, static (a, i, v) => a.SetChar(i, v));

    public void SetNullableInt64(int index, long? value) => SetOptional(index, value, static (a, i, v) => a.SetInt64(i, v));

    public void SetNullableDouble(int index, double? value) => SetOptional(index, value, static (a, i, v) => a.SetDouble(i, v));

    public void SetNullableDateTimeOffset(int index, DateTimeOffset? value)
        => SetOptional(index, value, static (a, i, v) => a.SetDateTimeOffset(i, v));

    public void SetNullableGuid(int index, Guid? value) => SetOptional(index, value, static (a, i, v) => a.SetGuid(i, v));

    public void SetNullableObjectId(int index, ObjectId? value)
        => SetOptional(index, value, static (a, i, v) => a.SetObjectId(i, v));

    public void SetObject<T>(int index, T? value) => SetModel(index, (IRealmObjectBase?)value, false);

    /// <summary>Links to, or takes in, another object; one that is not stored yet is stored first.</summary>
    internal void SetModel(int index, IRealmObjectBase? value, bool update)
    {
        if (value is null)
        {
            SetNull(index);
            return;
        }

        if (_binding.Metadata.Properties[index].Kind == ValueKind.Embedded)
        {
            Models.CheckNewEmbedded(value);
            var child = NativeMethods.atoll_object_create_embedded(_handle, _keys[index]);
            Models.AttachEmbedded(Realm, value, child, update);
        }
        else
        {
            var target = Models.Store(Realm, value, update);
            NativeMethods.atoll_object_set_object(_handle, _keys[index], target.Handle);
            GC.KeepAlive(target);
        }

        GC.KeepAlive(this);
    }

    public RealmValue GetValue(string propertyName)
    {
        var property = _binding.Metadata.Find(propertyName);
        if (property.IsCollection)
        {
            throw new NotSupportedException($"'{propertyName}' is a collection: use GetList, GetSet, GetDictionary or GetBacklinks.");
        }

        if (property.Kind is ValueKind.Link or ValueKind.Embedded)
        {
            var target = NativeMethods.atoll_object_get_object(_handle, _keys[property.Index]);
            GC.KeepAlive(this);
            return target == IntPtr.Zero ? RealmValue.Null : RealmValue.Object(Realm.Materialize(property.ElementType, target));
        }

        return GetRealmValue(property.Index);
    }

    public void SetValue(string propertyName, RealmValue val) => SetBoxed(_binding.Metadata.Find(propertyName), val, false);

    public void SetValueUnique(string propertyName, RealmValue val)
        => throw new InvalidOperationException($"'{propertyName}' is the primary key: it cannot change.");

    public IList<T> GetListValue<T>(string propertyName) => GetList<T>(Require(propertyName, CollectionKind.List));

    public ISet<T> GetSetValue<T>(string propertyName) => GetSet<T>(Require(propertyName, CollectionKind.Set));

    public IDictionary<string, TValue> GetDictionaryValue<TValue>(string propertyName)
        => GetDictionary<TValue>(Require(propertyName, CollectionKind.Dictionary));

    public IQueryable<T> GetBacklinks<T>(string propertyName)
        where T : IRealmObjectBase
        => GetBacklinks<T>(Require(propertyName, CollectionKind.Backlinks));

    public IRealmObjectBase? GetParent() => Realm.MaterializeParent(this);

    public void SubscribeForNotifications(Action<string> notifyPropertyChangedDelegate)
    {
        if (_registration == 0)
        {
            _registration = Realm.Instance.Observe(
                queue => NativeMethods.atoll_object_observe(_handle, queue),
                data => Deliver(data, notifyPropertyChangedDelegate));
        }
    }

    public void UnsubscribeFromNotifications()
    {
        if (_registration != 0)
        {
            Realm.Instance.Unobserve(_registration);
            _registration = 0;
        }
    }

    internal void SetBoxed(PropertyMetadata property, RealmValue value, bool update)
    {
        if (property.Kind == ValueKind.Mixed)
        {
            StoreValue(property.Index, value, update);
            return;
        }

        switch (value.Type)
        {
            case RealmValueType.Null:
                SetNull(property.Index);
                break;
            case RealmValueType.Int:
                SetInt64(property.Index, value.AsInt64());
                break;
            case RealmValueType.Bool:
                SetBoolean(property.Index, value.AsBool());
                break;
            case RealmValueType.Double:
                SetDouble(property.Index, value.AsDouble());
                break;
            case RealmValueType.Float:
                SetSingle(property.Index, value.AsFloat());
                break;
            case RealmValueType.Decimal128:
                SetDecimal128(property.Index, value.AsDecimal128());
                break;
            case RealmValueType.String:
                SetString(property.Index, value.AsString());
                break;
            case RealmValueType.Data:
                SetBinary(property.Index, value.AsData());
                break;
            case RealmValueType.Date:
                SetDateTimeOffset(property.Index, value.AsDate());
                break;
            case RealmValueType.Guid:
                SetGuid(property.Index, value.AsGuid());
                break;
            case RealmValueType.ObjectId:
                SetObjectId(property.Index, value.AsObjectId());
                break;
            case RealmValueType.Object:
                SetModel(property.Index, value.AsIRealmObject(), update);
                break;
            default:
                throw new NotSupportedException($"'{property.ManagedName}' cannot hold a value of type {value.Type}.");
        }
    }

    internal bool SameObject(ManagedAccessor other)
    {
        var same = NativeMethods.atoll_object_equals(_handle, other._handle);
        GC.KeepAlive(this);
        GC.KeepAlive(other);
        return same;
    }

    internal int GetRowHash()
    {
        var hash = HashCode.Combine(NativeMethods.atoll_object_class(_handle), NativeMethods.atoll_object_row(_handle));
        GC.KeepAlive(this);
        return hash;
    }

    private void Deliver(EventData data, Action<string> notify)
    {
        if (data.IsDeleted)
        {
            notify(nameof(IRealmObjectBase.IsValid));
            return;
        }

        foreach (var key in data.Changes(NativeConstants.ChangeProperties))
        {
            var index = Array.IndexOf(_keys, (uint)key);
            if (index >= 0)
            {
                notify(_binding.Metadata.Properties[index].ManagedName);
            }
        }
    }

    private bool IsNull(int index)
    {
        var isNull = NativeMethods.atoll_object_is_null(_handle, _keys[index]);
        GC.KeepAlive(this);
        return isNull;
    }

    private void SetNull(int index)
    {
        NativeMethods.atoll_object_set_null(_handle, _keys[index]);
        GC.KeepAlive(this);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void SetOptional<T>(int index, T? value, Action<ManagedAccessor, int, T> set)
        where T : struct
    {
        if (value is { } some)
        {
            set(this, index, some);
        }
        else
        {
            SetNull(index);
        }
    }
}
