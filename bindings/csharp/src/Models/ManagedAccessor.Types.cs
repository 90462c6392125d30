using MongoDB.Bson;
using Realms.Schema;

namespace Realms;

/// <content>Floats, decimals, values of any type, counters, collections and backlinks.</content>
public sealed partial class ManagedAccessor
{
    public float GetSingle(int index)
    {
        var value = NativeMethods.atoll_object_get_float(_handle, _keys[index]);
        GC.KeepAlive(this);
        return value;
    }

    public Decimal128 GetDecimal128(int index)
    {
        var value = NativeMethods.atoll_object_get_decimal128(_handle, _keys[index]);
        GC.KeepAlive(this);
        return Decimal128.FromBytes(value);
    }

    public decimal GetDecimal(int index) => Decimal128.ToDecimal(GetDecimal128(index));

    public float? GetNullableSingle(int index) => IsNull(index) ? null : GetSingle(index);

    public Decimal128? GetNullableDecimal128(int index) => IsNull(index) ? null : GetDecimal128(index);

    public decimal? GetNullableDecimal(int index) => IsNull(index) ? null : GetDecimal(index);

    public void SetSingle(int index, float value)
    {
        NativeMethods.atoll_object_set_float(_handle, _keys[index], value);
        GC.KeepAlive(this);
    }

    public void SetDecimal128(int index, Decimal128 value)
    {
        Span<byte> bytes = stackalloc byte[16];
        value.CopyTo(bytes);
        NativeMethods.atoll_object_set_decimal128(_handle, _keys[index], bytes);
        GC.KeepAlive(this);
    }

    public void SetDecimal(int index, decimal value) => SetDecimal128(index, value);

    public void SetNullableSingle(int index, float? value) => SetOptional(index, value, static (a, i, v) => a.SetSingle(i, v));

    public void SetNullableDecimal128(int index, Decimal128? value)
        => SetOptional(index, value, static (a, i, v) => a.SetDecimal128(i, v));

    public void SetNullableDecimal(int index, decimal? value)
        => SetOptional(index, value, static (a, i, v) => a.SetDecimal(i, v));

    public RealmInteger<T> GetRealmInteger<T>(int index)
        where T : struct, IComparable<T>, IFormattable, IConvertible, IEquatable<T>
        => new(RealmInteger<T>.FromLong(GetInt64(index)), this, index);

    public RealmInteger<T>? GetNullableRealmInteger<T>(int index)
        where T : struct, IComparable<T>, IFormattable, IConvertible, IEquatable<T>
        => IsNull(index) ? null : GetRealmInteger<T>(index);

    public void SetRealmInteger<T>(int index, RealmInteger<T> value)
        where T : struct, IComparable<T>, IFormattable, IConvertible, IEquatable<T>
    {
        // What ++ gave has been added already.
        if (!value.IsOf(this, index))
        {
            SetInt64(index, ((IRealmInteger)value).Number);
        }
    }

    public void SetNullableRealmInteger<T>(int index, RealmInteger<T>? value)
        where T : struct, IComparable<T>, IFormattable, IConvertible, IEquatable<T>
    {
        if (value is { } some)
        {
            SetRealmInteger(index, some);
        }
        else
        {
            SetNull(index);
        }
    }

    public RealmValue GetRealmValue(int index)
    {
        using var values = new NativeValues(NativeMethods.atoll_object_get_value(_handle, _keys[index]));
        GC.KeepAlive(this);
        return values.TypeAt(0) switch
        {
            NativeConstants.TypeList => RealmValue.List(new RealmList<RealmValue>(OpenList(index, CollectionKind.List))),
            NativeConstants.TypeDictionary => RealmValue.Dictionary(
                new RealmDictionary<RealmValue>(OpenDictionary(index, CollectionKind.Dictionary))),
            _ => values.Read(0, Realm),
        };
    }

    public void SetRealmValue(int index, RealmValue value) => StoreValue(index, value, false);

    public IList<T> GetList<T>(int index) => new RealmList<T>(OpenList(index));

    public ISet<T> GetSet<T>(int index) => new RealmSet<T>(OpenSet(index));

    public IDictionary<string, T> GetDictionary<T>(int index) => new RealmDictionary<T>(OpenDictionary(index));

    public IQueryable<T> GetBacklinks<T>(int index)
    {
        var property = _binding.Metadata.Properties[index];
        return FindBacklinks<T>(Realm.Instance.Bind(property.TargetName!), property.LinkOrigin!);
    }

    /// <summary>The objects of a class whose link, or collection of links, leads here.</summary>
    internal IQueryable<T> FindBacklinks<T>(ClassBinding origin, string linkName)
    {
        var link = origin.Metadata.Find(linkName);
        var results = NativeMethods.atoll_object_backlinks(_handle, origin.ClassKey, origin.PropertyKeys[link.Index]);
        GC.KeepAlive(this);
        return RealmResults<T>.Of(Realm, origin, new NativeHandle(results, NativeMethods.atoll_results_free));
    }

    internal NativeCollection Open(PropertyMetadata property) => property.Collection switch
    {
        CollectionKind.List => OpenList(property.Index),
        CollectionKind.Set => OpenSet(property.Index),
        _ => OpenDictionary(property.Index),
    };

    internal NativeList OpenList(int index, CollectionKind? inValue = null)
    {
        var list = NativeMethods.atoll_object_get_list(_handle, _keys[index]);
        GC.KeepAlive(this);
        return new NativeList(Realm, Element(index, inValue), list);
    }

    internal NativeSet OpenSet(int index)
    {
        var set = NativeMethods.atoll_object_get_set(_handle, _keys[index]);
        GC.KeepAlive(this);
        return new NativeSet(this, Element(index, null), set);
    }

    internal NativeDictionary OpenDictionary(int index, CollectionKind? inValue = null)
    {
        var dictionary = NativeMethods.atoll_object_get_dictionary(_handle, _keys[index]);
        GC.KeepAlive(this);
        return new NativeDictionary(Realm, inValue is null ? this : null, Element(index, inValue), dictionary);
    }

    internal void Increment(int index, long delta)
    {
        NativeMethods.atoll_object_increment(_handle, _keys[index], delta);
        GC.KeepAlive(this);
    }

    /// <summary>A property as what it is: a value, a list, a set, a dictionary, backlinks.</summary>
    internal object? Read(string propertyName)
    {
        var property = _binding.Metadata.Find(propertyName);
        return property.Collection switch
        {
            CollectionKind.None => GetValue(propertyName).AsAny(),
            CollectionKind.Backlinks => GetBacklinks<IRealmObjectBase>(property.Index),
            _ when property.Kind is ValueKind.Link or ValueKind.Embedded => ReadCollection<IRealmObjectBase>(property),
            _ => ReadCollection<RealmValue>(property),
        };
    }

    internal IRealmObjectBase CreateEmbedded(string propertyName)
    {
        var property = _binding.Metadata.Find(propertyName);
        var child = NativeMethods.atoll_object_create_embedded(_handle, _keys[property.Index]);
        GC.KeepAlive(this);
        return Realm.MaterializeAny(child);
    }

    internal string ClassName => _binding.Metadata.Name;

    /// <summary>The same object in another instance of its realm.</summary>
    internal ManagedAccessor In(Realm realm)
    {
        var target = NativeMethods.atoll_object_resolve_in(_handle, realm.NativeRealm);
        GC.KeepAlive(this);
        return target == IntPtr.Zero
            ? throw new Exceptions.RealmInvalidObjectException("The object was deleted.")
            : new ManagedAccessor(realm, realm.Instance.Bind(_binding.Metadata.Name), target);
    }

    internal IntPtr CreateReference()
    {
        var reference = NativeMethods.atoll_reference_of_object(_handle);
        GC.KeepAlive(this);
        return reference;
    }

    private object ReadCollection<T>(PropertyMetadata property) => property.Collection switch
    {
        CollectionKind.List => GetList<T>(property.Index),
        CollectionKind.Set => GetSet<T>(property.Index),
        _ => GetDictionary<T>(property.Index),
    };

    private PropertyMetadata Element(int index, CollectionKind? inValue)
        => inValue is { } collection ? PropertyMetadata.AnyValue(collection) : _binding.Metadata.Properties[index];

    /// <summary>Puts a value into a property of any type; a list or a dictionary is copied, with all that it holds.</summary>
    private void StoreValue(int index, RealmValue value, bool update)
    {
        using var values = NativeCollection.WrapValue(Realm, value, update, out var elements);
        NativeMethods.atoll_object_set_value(_handle, _keys[index], values.Handle);
        GC.KeepAlive(this);
        if (elements is IList<RealmValue> list)
        {
            using var stored = OpenList(index, CollectionKind.List);
            stored.AddAll(list, update);
        }
        else if (elements is IDictionary<string, RealmValue> dictionary)
        {
            using var stored = OpenDictionary(index, CollectionKind.Dictionary);
            stored.AddAll(dictionary, update);
        }
    }

    private int Require(string propertyName, CollectionKind collection)
    {
        var property = _binding.Metadata.Find(propertyName);
        return property.Collection == collection
            ? property.Index
            : throw new ArgumentException($"'{propertyName}' is no property of kind {collection}.", nameof(propertyName));
    }
}
