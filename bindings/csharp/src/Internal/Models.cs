using System.Collections;
using Realms.Exceptions;
using Realms.Schema;
using Realms.Weaving;

namespace Realms;

/// <summary>Turns objects of the program into stored ones: creates the row, then moves the values over.</summary>
internal static class Models
{
    /// <summary>The stored side of an object; it is added first if it was not stored yet.</summary>
    public static ManagedAccessor Store(Realm realm, IRealmObjectBase model, bool update)
    {
        if (model is not IModel self)
        {
            throw new ArgumentException($"{model.GetType().FullName} was not processed at build time.", nameof(model));
        }

        if (self.Core.Accessor is { } known)
        {
            return known.Realm.Instance == realm.Instance
                ? known
                : throw new RealmObjectManagedByAnotherRealmException(
                    "The object belongs to another realm. Find or add a copy of it in this one.");
        }

        if (model is IEmbeddedObject)
        {
            throw new ArgumentException("An embedded object cannot stand alone: assign it to a property of its parent.", nameof(model));
        }

        var binding = realm.Instance.Bind(model.GetType());
        var handle = Create(realm, binding, model, update);
        return Attach(realm, binding, model, handle, update);
    }

    public static void CheckNewEmbedded(IRealmObjectBase model)
    {
        if (((IModel)model).Core.Accessor is not null)
        {
            throw new RealmException("The embedded object already has a parent: assign a new one.");
        }
    }

    public static void AttachEmbedded(Realm realm, IRealmObjectBase model, IntPtr handle, bool update)
        => Attach(realm, realm.Instance.Bind(model.GetType()), model, handle, update);

    private static IntPtr Create(Realm realm, ClassBinding binding, IRealmObjectBase model, bool update)
    {
        if (binding.Metadata.PrimaryKey is not { } key)
        {
            return NativeMethods.atoll_realm_create(realm.NativeRealm, binding.ClassKey, IntPtr.Zero);
        }

        using var values = NativeValues.Of(RealmValue.From(key.ReadField(model)));
        return update
            ? NativeMethods.atoll_realm_create_or_get(realm.NativeRealm, binding.ClassKey, values.Handle)
            : NativeMethods.atoll_realm_create(realm.NativeRealm, binding.ClassKey, values.Handle);
    }

    private static ManagedAccessor Attach(Realm realm, ClassBinding binding, IRealmObjectBase model, IntPtr handle, bool update)
    {
        var self = (IModel)model;
        var accessor = new ManagedAccessor(realm, binding, handle);

        // Set before the values are moved: objects that link to each other in a circle meet it here.
        self.Core.Accessor = accessor;
        var defaults = new List<PropertyMetadata>();
        foreach (var property in binding.Metadata.Properties)
        {
            if (property.IsPrimaryKey || property.IsOnlyStored || property.Collection == CollectionKind.Backlinks)
            {
                continue;
            }

            var value = property.ReadField(model);
            var assigned = self.Core.IsAssigned(property.Index);
            if (property.IsCollection)
            {
                MoveCollection(accessor, property, (IEnumerable?)value, update);
            }
            else if (update || assigned || property.Kind is ValueKind.Link or ValueKind.Embedded)
            {
                MoveValue(accessor, property, value, assigned, update);
            }
            else if (property.IsNullable ? value is not null : !IsEmpty(value))
            {
                defaults.Add(property);
            }
        }

        MoveDefaults(realm, accessor, model, defaults);
        model.SetManagedAccessor(accessor);
        return accessor;
    }

    private static void MoveValue(ManagedAccessor accessor, PropertyMetadata property, object? value, bool assigned, bool update)
    {
        // A new object has nulls already; a required value that was never set keeps what the realm has.
        if (value is null && (!update || !(property.IsNullable || assigned)))
        {
            return;
        }

        accessor.SetBoxed(property, RealmValue.From(value), update);
    }

    private static void MoveCollection(ManagedAccessor accessor, PropertyMetadata property, IEnumerable? source, bool update)
    {
        if (source is null && !update)
        {
            return;
        }

        using var stored = accessor.Open(property);
        if (update)
        {
            stored.Clear();
        }

        foreach (var item in source ?? Array.Empty<object>())
        {
            switch (stored)
            {
                case NativeList list:
                    list.Insert(list.Count, item, update);
                    break;
                case NativeSet set:
                    set.Add(item, update);
                    break;
                case NativeDictionary dictionary:
                    var (key, value) = property.ReadPair!(item);
                    dictionary.Put(key, value, update);
                    break;
            }
        }
    }

    /// <summary>Values of initialisers are defaults: another device's deliberate value wins over them.</summary>
    private static void MoveDefaults(Realm realm, ManagedAccessor accessor, IRealmObjectBase model, List<PropertyMetadata> defaults)
    {
        if (defaults.Count == 0)
        {
            return;
        }

        NativeMethods.atoll_realm_set_defaults(realm.NativeRealm, true);
        try
        {
            foreach (var property in defaults)
            {
                accessor.SetBoxed(property, RealmValue.From(property.ReadField(model)), false);
            }
        }
        finally
        {
            NativeMethods.atoll_realm_set_defaults(realm.NativeRealm, false);
        }
    }

    private static bool IsEmpty(object? value) => value switch
    {
        null => true,
        bool flag => !flag,
        byte number => number == 0,
        short number => number == 0,
        int number => number == 0,
        long number => number == 0,
        char number => number == 0,
        float number => BitConverter.SingleToInt32Bits(number) == 0,
        decimal number => number == 0,
        MongoDB.Bson.Decimal128 number => MongoDB.Bson.Decimal128.IsZero(number),
        IRealmInteger integer => integer.Number == 0,
        RealmValue any => any.Type == RealmValueType.Null,
        double number => BitConverter.DoubleToInt64Bits(number) == 0,
        string text => text.Length == 0,
        _ => false,
    };
}
