using Realms.Exceptions;
using Realms.Schema;
using Realms.Weaving;

namespace Realms;

/// <summary>
/// A change of a local realm's schema under way, for the time of the callback: the realm as it was, to be read through
/// DynamicApi, beside the realm as it will be, in a transaction. If the callback throws, nothing was changed.
/// </summary>
public class Migration
{
    private readonly NativeHandle _native;

    private Migration(NativeHandle native, RealmConfigurationBase config, RealmSchema schema)
    {
        _native = native;
        OldRealm = Wrap(NativeMethods.atoll_migration_old_realm(native.Value), null, config);
        NewRealm = Wrap(NativeMethods.atoll_migration_new_realm(native.Value), schema, config);
    }

    public Realm OldRealm { get; }

    public Realm NewRealm { get; }

    /// <summary>Removes a class that the new schema has no more, with its objects; without it they stay, unseen.
    /// False if there is no such class. Errors: ArgumentException for a class that the new schema has.</summary>
    public bool RemoveType(string typeName)
    {
        ArgumentException.ThrowIfNullOrEmpty(typeName);
        if (!OldRealm.Schema.TryFindObjectSchema(typeName, out _))
        {
            return false;
        }

        NativeMethods.atoll_migration_remove_class(_native.Value, typeName);
        return true;
    }

    /// <summary>Moves the values of a property that only the old schema has to one that only the new schema has.
    /// Errors: ArgumentException for names that are not so; RealmException for properties of different types.</summary>
    public void RenameProperty(string typeName, string oldPropertyName, string newPropertyName)
        => NativeMethods.atoll_migration_rename_property(_native.Value, typeName, oldPropertyName, newPropertyName);

    /// <summary>The object of the new realm that was the given one of the old realm; null if it is gone.</summary>
    public T? FindInNewRealm<T>(IRealmObject obj)
        where T : IRealmObject
    {
        ArgumentNullException.ThrowIfNull(obj);
        var accessor = ((IModel)obj).Core.Accessor
            ?? throw new ArgumentException("The object is none of the old realm.", nameof(obj));
        var found = NativeMethods.atoll_migration_find_new(_native.Value, accessor.Handle);
        GC.KeepAlive(accessor);
        return found == IntPtr.Zero ? default : (T)NewRealm.Materialize(typeof(T), found);
    }

    /// <summary>Migrates a realm whose schema version is raised; does nothing to others.</summary>
    internal static void Run(
        RealmConfigurationBase config, NativeHandle nativeConfig, RealmSchema schema, RealmConfiguration.MigrationCallbackDelegate callback)
    {
        IntPtr begun;
        try
        {
            begun = NativeMethods.atoll_migration_begin(nativeConfig.Value);
        }
        catch (RealmInUseException)
        {
            // It is open already: to open it once more says whether that will do.
            return;
        }

        if (begun == IntPtr.Zero)
        {
            return;
        }

        using var native = new NativeHandle(begun, NativeMethods.atoll_migration_free);
        var version = (ulong)NativeMethods.atoll_migration_old_version(native.Value);
        var migration = new Migration(native, config, schema);
        try
        {
            Call(() => callback(migration, version));
            NativeMethods.atoll_migration_commit(native.Value);
        }
        catch (RealmDuplicatePrimaryKeyValueException error)
        {
            throw new RealmMigrationException(error.Message);
        }
        finally
        {
            migration.OldRealm.Dispose();
            migration.NewRealm.Dispose();
        }
    }

    private static void Call(Action callback)
    {
        try
        {
            callback();
        }
        catch (Exception error)
        {
            throw new AggregateException("The migration callback threw; the realm is as it was.", error);
        }
    }

    private static Realm Wrap(IntPtr native, RealmSchema? schema, RealmConfigurationBase config)
        => new(RealmInstance.Of(native, schema), config);
}
