using Realms.Exceptions;
using Realms.Schema;

namespace Realms;

/// <summary>Settings that all kinds of realms have.</summary>
public abstract class RealmConfigurationBase
{
    private RealmSchema? _schema;

    private protected RealmConfigurationBase()
    {
    }

    private protected RealmConfigurationBase(RealmConfigurationBase other, string path)
    {
        DatabasePath = path;
        _schema = other._schema;
        SchemaVersion = other.SchemaVersion;
        ShouldCompactOnLaunch = other.ShouldCompactOnLaunch;
        FallbackPipePath = other.FallbackPipePath;
        IsDynamic = other.IsDynamic;
        MaxNumberOfActiveVersions = other.MaxNumberOfActiveVersions;
    }

    public delegate bool ShouldCompactDelegate(ulong totalBytes, ulong bytesUsed);

    public static string DefaultRealmName => "default.realm";

    public string DatabasePath { get; private protected set; } = "";

    /// <summary>The classes of the realm; unless set, all model classes of the program that are not [Explicit].</summary>
    public RealmSchema Schema
    {
        get => _schema ?? RealmSchema.Default;
        set => _schema = value;
    }

    /// <summary>The older way to name the classes.</summary>
    [Obsolete("Use Schema.")]
    public Type[]? ObjectClasses
    {
        get => _schema?.Select(item => item.Metadata?.Type).OfType<Type>().ToArray();
        set => _schema = value;
    }

    /// <summary>
    /// Asked, when the realm is opened that is open nowhere, whether it shall be compacted first: given the bytes that it
    /// takes and those that are in use. What it throws comes out of the opening as an AggregateException.
    /// </summary>
    public ShouldCompactDelegate? ShouldCompactOnLaunch { get; set; }

    /// <summary>
    /// The version of a local realm's schema: a schema that differs from the stored one needs a higher one. A synced
    /// realm has none: opening one with another value than 0 throws NotSupportedException.
    /// </summary>
    public ulong SchemaVersion { get; set; }

    /// <summary>Where pipes may be made if the realm's own place can't have any; realms here need none anywhere.</summary>
    public string? FallbackPipePath { get; set; }

    /// <summary>Whether the classes are taken from the realm, unless Schema is set: for access by Realm.DynamicApi.</summary>
    public bool IsDynamic { get; set; }

    /// <summary>
    /// How many versions may be in use before a commit throws RealmException: realms that are not refreshed, frozen ones
    /// and live results hold theirs. No limit unless set.
    /// </summary>
    public ulong MaxNumberOfActiveVersions { get; set; } = ulong.MaxValue;

    /// <summary>Tells apart the ways that one path can be opened.</summary>
    internal abstract string ModeText { get; }

    public static string GetPathToRealm(string? optionalPath = null)
    {
        if (string.IsNullOrEmpty(optionalPath))
        {
            return Path.Combine(InteropConfig.GetDefaultStorageFolder(), DefaultRealmName);
        }

        var path = Path.IsPathRooted(optionalPath)
            ? optionalPath
            : Path.Combine(InteropConfig.GetDefaultStorageFolder(), optionalPath);
        return Path.EndsInDirectorySeparator(path) ? Path.Combine(path, DefaultRealmName) : path;
    }

    /// <summary>The classes to open with; asymmetric ones are only for flexible realms.</summary>
    internal virtual RealmSchema SchemaToOpen() => _schema ?? RealmSchema.Default.WithoutAsymmetric();

    internal RealmSchema? ExplicitSchema => _schema;

    internal NativeHandle CreateNative(RealmSchema schema)
    {
        CheckSupported();
        var config = new NativeHandle(NativeMethods.atoll_config_new(), NativeMethods.atoll_config_free);
        try
        {
            SetPath(config.Value);
            if (MaxNumberOfActiveVersions < uint.MaxValue)
            {
                NativeMethods.atoll_config_set_version_max_count(config.Value, (long)MaxNumberOfActiveVersions);
            }

            if (!ReadsSchema)
            {
                using var native = NativeSchema.Build(schema);
                NativeMethods.atoll_config_set_schema(config.Value, native.Value);
            }

            Configure(config.Value);
            return config;
        }
        catch
        {
            config.Dispose();
            throw;
        }
    }

    /// <summary>True if the realm says what classes it has.</summary>
    internal bool ReadsSchema => IsDynamic && _schema is null;

    internal virtual void CheckSupported()
    {
    }

    /// <summary>What is done to a realm that this thread is about to open: compaction, migration.</summary>
    internal virtual void BeforeOpen(NativeHandle native, RealmSchema schema)
    {
        if (ShouldCompactOnLaunch is not { } ask)
        {
            return;
        }

        long total, used;
        try
        {
            total = NativeMethods.atoll_realm_file_size(native.Value);
            used = NativeMethods.atoll_realm_used_size(native.Value);
        }
        catch (Exception error) when (error is RealmFileNotFoundException or RealmInUseException)
        {
            return;
        }

        bool wanted;
        try
        {
            wanted = ask((ulong)total, (ulong)used);
        }
        catch (Exception error)
        {
            throw new AggregateException("ShouldCompactOnLaunch threw.", error);
        }

        if (wanted)
        {
            NativeMethods.atoll_realm_compact(native.Value);
        }
    }

    private protected virtual void SetPath(IntPtr config)
    {
        if (DatabasePath.Length > 0)
        {
            CreateFolder(DatabasePath);
            NativeMethods.atoll_config_set_path(config, DatabasePath);
        }
    }

    private protected static void CheckKey(byte[]? key)
    {
        if (key is not null && key.Length != 64)
        {
            throw new FormatException($"An encryption key has 64 bytes, not {key.Length}.");
        }
    }

    private protected virtual void Configure(IntPtr config)
    {
    }

    private static void CreateFolder(string path)
    {
        try
        {
            if (Path.GetDirectoryName(path) is { Length: > 0 } folder)
            {
                Directory.CreateDirectory(folder);
            }
        }
        catch (UnauthorizedAccessException error)
        {
            throw new RealmPermissionDeniedException($"The folder of {path} cannot be created: {error.Message}");
        }
        catch (IOException error)
        {
            throw new RealmFileAccessErrorException($"The folder of {path} cannot be created: {error.Message}", error);
        }
    }
}

/// <summary>Settings of a realm that stays on the device.</summary>
public class RealmConfiguration : RealmConfigurationBase
{
    private static RealmConfigurationBase? _default;

    private byte[]? _encryptionKey;

    public RealmConfiguration(string? optionalPath = null) => DatabasePath = GetPathToRealm(optionalPath);

    private RealmConfiguration(RealmConfiguration other, string path)
        : base(other, path)
    {
        ShouldDeleteIfMigrationNeeded = other.ShouldDeleteIfMigrationNeeded;
        IsReadOnly = other.IsReadOnly;
        MigrationCallback = other.MigrationCallback;
        _encryptionKey = other._encryptionKey;
    }

    public delegate void MigrationCallbackDelegate(Migration migration, ulong oldSchemaVersion);

    /// <summary>What GetInstance without arguments opens.</summary>
    public static RealmConfigurationBase DefaultConfiguration
    {
        get => _default ??= new RealmConfiguration();
        set => _default = value ?? throw new ArgumentNullException(nameof(value));
    }

    /// <summary>Whether the realm is emptied, instead of migrated, when its schema changed.</summary>
    public bool ShouldDeleteIfMigrationNeeded { get; set; }

    /// <summary>
    /// Whether nothing may be written. The realm must exist (RealmFileNotFoundException) and have every class and property
    /// of the schema. Another process may write it meanwhile; what it writes is not seen.
    /// </summary>
    public bool IsReadOnly { get; set; }

    /// <summary>
    /// Called when SchemaVersion is raised, before the realm is opened. What it throws comes out of the opening as an
    /// AggregateException, objects that share a primary key afterwards as a RealmMigrationException; the realm is as it was.
    /// </summary>
    public MigrationCallbackDelegate? MigrationCallback { get; set; }

    /// <summary>
    /// 64 random bytes (FormatException for another number) that seal all that is in the realm's folder: AES-256 with
    /// authentication. Each opening needs the same ones: RealmInvalidDatabaseException.
    /// </summary>
    public byte[]? EncryptionKey
    {
        get => _encryptionKey;
        set
        {
            CheckKey(value);
            _encryptionKey = value;
        }
    }

    internal override string ModeText => "local";

    public RealmConfiguration ConfigWithPath(string newConfigPath) => new(this, GetPathToRealm(newConfigPath));

    internal override void BeforeOpen(NativeHandle native, RealmSchema schema)
    {
        if (MigrationCallback is { } callback && !IsReadOnly && !ReadsSchema && !ShouldDeleteIfMigrationNeeded)
        {
            Migration.Run(this, native, schema, callback);
        }

        base.BeforeOpen(native, schema);
    }

    private protected override void Configure(IntPtr config)
    {
        NativeMethods.atoll_config_set_schema_version(config, checked((long)SchemaVersion));
        NativeMethods.atoll_config_set_read_only(config, IsReadOnly);
        NativeMethods.atoll_config_set_delete_if_migration_needed(config, ShouldDeleteIfMigrationNeeded);
        if (_encryptionKey is { } key)
        {
            NativeMethods.atoll_config_set_encryption_key(config, key);
        }
    }
}

/// <summary>A realm in memory only: shared by its identifier inside the process, gone when the last instance is closed.</summary>
public class InMemoryConfiguration : RealmConfigurationBase
{
    public InMemoryConfiguration(string identifier)
    {
        Identifier = identifier ?? throw new ArgumentNullException(nameof(identifier));
        DatabasePath = identifier;
    }

    public string Identifier { get; }

    internal override string ModeText => "memory";

    private protected override void SetPath(IntPtr config) => NativeMethods.atoll_config_set_path(config, Identifier);

    private protected override void Configure(IntPtr config) => NativeMethods.atoll_config_set_in_memory(config, true);
}

/// <summary>Where files go that have no full path.</summary>
public static class InteropConfig
{
    private static string? _folder;

    public static void SetDefaultStorageFolder(string folderPath)
        => _folder = folderPath ?? throw new ArgumentNullException(nameof(folderPath));

    public static string GetDefaultStorageFolder()
    {
        if (_folder is { } known)
        {
            return known;
        }

        var data = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create);
        return data.Length == 0
            ? Environment.CurrentDirectory
            : Path.Combine(data, Path.GetFileNameWithoutExtension(Environment.ProcessPath) ?? "atoll");
    }
}
