package io.atoll;

import io.atoll.annotations.RealmModule;
import io.atoll.internal.Constants;
import io.atoll.internal.Library;
import io.atoll.internal.Models;
import io.atoll.internal.Native;
import io.atoll.internal.ObjectType;
import io.atoll.internal.Property;
import java.io.File;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Where a realm lies and which classes it has. A realm is a folder. */
public class RealmConfiguration {
    public static final String DEFAULT_REALM_NAME = "default.realm";

    private final File directory;
    private final String name;
    private final Set<Class<?>> classes;
    private final boolean syncCommits;
    private final long schemaVersion;
    private final Realm.Transaction initialData;
    private final byte[] encryptionKey;
    private final boolean inMemory;
    private final boolean readOnly;
    private final boolean deleteIfMigrationNeeded;
    private final long maxVersions;
    private final CompactOnLaunchCallback compactOnLaunch;
    private final RealmMigration migration;
    private String path;

    protected RealmConfiguration(BaseBuilder<?> builder) {
        directory = builder.directory;
        name = builder.name;
        classes = builder.classes;
        syncCommits = builder.syncCommits;
        schemaVersion = builder.schemaVersion;
        initialData = builder.initialData;
        encryptionKey = builder.encryptionKey;
        inMemory = builder.inMemory;
        readOnly = builder.readOnly;
        deleteIfMigrationNeeded = builder.deleteIfMigrationNeeded;
        maxVersions = builder.maxVersions;
        compactOnLaunch = builder.compactOnLaunch;
        migration = builder.migration;
    }

    public boolean isReadOnly() {
        return readOnly;
    }

    public boolean isInMemory() {
        return inMemory;
    }

    public long getSchemaVersion() {
        return schemaVersion;
    }

    public long getMaxNumberOfActiveVersions() {
        return maxVersions == 0 ? Long.MAX_VALUE : maxVersions;
    }

    public byte[] getEncryptionKey() {
        return encryptionKey == null ? null : encryptionKey.clone();
    }

    public boolean shouldDeleteRealmIfMigrationNeeded() {
        return deleteIfMigrationNeeded;
    }

    public CompactOnLaunchCallback getCompactOnLaunchCallback() {
        return compactOnLaunch;
    }

    /** Null: the realm is migrated by what the classes say. */
    public RealmMigration getMigration() {
        return migration;
    }

    public File getRealmDirectory() {
        return new File(getPath()).getAbsoluteFile().getParentFile();
    }

    public String getRealmFileName() {
        return new File(getPath()).getName();
    }

    /** The realm's folder. */
    public synchronized String getPath() {
        if (path == null) {
            long config = nativeConfig();
            try {
                path = Native.atoll_config_path(config);
            } finally {
                Native.atoll_config_free(config);
            }
        }
        return path;
    }

    Realm.Transaction getInitialData() {
        return initialData;
    }

    /** The model classes; all of the program's if none were named. */
    public Set<Class<?>> getRealmObjectClasses() {
        Set<Class<?>> found = new LinkedHashSet<>();
        for (ObjectType<?> type : types()) {
            found.add(type.model);
        }
        return found;
    }

    final List<ObjectType<?>> types() {
        return classes.isEmpty() ? Models.all() : Models.of(classes);
    }

    /** Whether the realm belongs to a user of an app. */
    public boolean isSyncConfiguration() {
        return false;
    }

    /** What a synced realm adds to the native configuration. */
    protected void configure(long config) {
    }

    /** Runs after the realm was opened, on its thread. */
    protected void opened(Realm realm) {
    }

    final long nativeConfig() {
        return nativeConfig(true);
    }

    /** Without model classes the realm is opened with the classes that it has. */
    final long nativeConfig(boolean models) {
        Library.load();
        long config = Native.atoll_config_new();
        try {
            if (!isSyncConfiguration() || name != null || directory != null) {
                File file = new File(directory, name == null ? DEFAULT_REALM_NAME : name);
                Native.atoll_config_set_path(config, file.getPath());
            }
            Native.atoll_config_set_sync_commits(config, syncCommits);
            Native.atoll_config_set_in_memory(config, inMemory);
            Native.atoll_config_set_read_only(config, readOnly);
            Native.atoll_config_set_delete_if_migration_needed(config, deleteIfMigrationNeeded);
            Native.atoll_config_set_version_max_count(config, maxVersions);
            if (encryptionKey != null) {
                Native.atoll_config_set_encryption_key(config, encryptionKey);
            }
            if (models) {
                Native.atoll_config_set_schema_version(config, schemaVersion);
                setSchema(config);
            }
            configure(config);
            return config;
        } catch (RuntimeException e) {
            Native.atoll_config_free(config);
            throw e;
        }
    }

    private void setSchema(long config) {
        long schema = Native.atoll_schema_new();
        try {
            for (ObjectType<?> type : types()) {
                int index = Native.atoll_schema_add_class(schema, type.name, type.kind);
                for (Property p : type.properties) {
                    boolean object = p.type == Constants.TYPE_LINK || p.type == Constants.TYPE_EMBEDDED;
                    String target = object ? Models.of(p.javaType).name : null;
                    Native.atoll_schema_add_property(schema, index, p.name, p.type, p.flags, target);
                }
            }
            Native.atoll_config_set_schema(config, schema);
        } finally {
            Native.atoll_schema_free(schema);
        }
    }

    @Override
    public boolean equals(Object other) {
        if (other == null || other.getClass() != getClass()) {
            return false;
        }
        RealmConfiguration that = (RealmConfiguration) other;
        return getPath().equals(that.getPath()) && getRealmObjectClasses().equals(that.getRealmObjectClasses())
                && syncCommits == that.syncCommits
                && schemaVersion == that.schemaVersion && Arrays.equals(encryptionKey, that.encryptionKey)
                && inMemory == that.inMemory && readOnly == that.readOnly && maxVersions == that.maxVersions
                && deleteIfMigrationNeeded == that.deleteIfMigrationNeeded;
    }

    @Override
    public int hashCode() {
        return getPath().hashCode();
    }

    /** What the builders of local and synced realms share. */
    @SuppressWarnings("unchecked")
    protected abstract static class BaseBuilder<B extends BaseBuilder<B>> {
        private File directory;
        private String name;
        private Set<Class<?>> classes = Collections.emptySet();
        private boolean syncCommits = true;
        long schemaVersion;
        private Realm.Transaction initialData;
        private byte[] encryptionKey;
        private boolean inMemory;
        private boolean readOnly;
        boolean deleteIfMigrationNeeded;
        private long maxVersions;
        private CompactOnLaunchCallback compactOnLaunch;
        RealmMigration migration;

        public B name(String fileName) {
            if (fileName == null || fileName.isEmpty()) {
                throw new IllegalArgumentException("A non-empty filename must be provided");
            }
            name = fileName;
            return (B) this;
        }

        public B directory(File folder) {
            if (folder == null) {
                throw new IllegalArgumentException("Non-null 'dir' required.");
            }
            if (!folder.isDirectory() && !folder.mkdirs()) {
                throw new IllegalArgumentException("Could not create the folder " + folder);
            }
            directory = folder;
            return (B) this;
        }

        /** Limits the realm to these classes. */
        public B schema(Class<?>... models) {
            classes = new LinkedHashSet<>();
            Collections.addAll(classes, models);
            return (B) this;
        }

        /** Limits the realm to the classes of these modules. */
        public B modules(Object baseModule, Object... additionalModules) {
            Set<Class<?>> found = new LinkedHashSet<>();
            boolean all = addModule(found, baseModule);
            for (Object module : additionalModules) {
                all |= addModule(found, module);
            }
            classes = all ? Collections.<Class<?>>emptySet() : found;
            return (B) this;
        }

        private static boolean addModule(Collection<Class<?>> into, Object module) {
            RealmModule described = module.getClass().getAnnotation(RealmModule.class);
            if (described == null) {
                throw new IllegalArgumentException(module.getClass().getName() + " has no @RealmModule");
            }
            Collections.addAll(into, described.classes());
            return described.allClasses();
        }

        /** Off: a commit may be lost when the power fails, never when the program is killed. */
        public B syncCommits(boolean on) {
            syncCommits = on;
            return (B) this;
        }

        /** Runs once, when the realm is first made. */
        public B initialData(Realm.Transaction transaction) {
            initialData = transaction;
            return (B) this;
        }

        /** 64 random bytes, needed at every opening. */
        public B encryptionKey(byte[] key) {
            if (key == null || key.length != Realm.ENCRYPTION_KEY_LENGTH) {
                throw new IllegalArgumentException("The provided key must be " + Realm.ENCRYPTION_KEY_LENGTH + " bytes. Yours was: "
                        + (key == null ? "null" : String.valueOf(key.length)));
            }
            encryptionKey = key.clone();
            return (B) this;
        }

        /** It lives in memory only, under its name, and is gone when its last instance closes. */
        public B inMemory() {
            inMemory = true;
            return (B) this;
        }

        /** It must exist and have every class and field; writing is refused. */
        public B readOnly() {
            readOnly = true;
            return (B) this;
        }

        /** How many versions may be in use before a commit fails. */
        public B maxNumberOfActiveVersions(long number) {
            if (number < 1) {
                throw new IllegalArgumentException("Only positive numbers above 0 are allowed. Yours was: " + number);
            }
            maxVersions = Math.min(number, 0xFFFFFFFFL);
            return (B) this;
        }

        public B compactOnLaunch() {
            return compactOnLaunch(new DefaultCompactOnLaunchCallback());
        }

        /** Asked at the first opening; true compacts the realm, if nobody has it open. */
        public B compactOnLaunch(CompactOnLaunchCallback callback) {
            if (callback == null) {
                throw new IllegalArgumentException("A non-null compactOnLaunch must be provided");
            }
            compactOnLaunch = callback;
            return (B) this;
        }

        /** Accepted for source compatibility: a transaction may run on any thread. */
        public B allowWritesOnUiThread(boolean allow) {
            return (B) this;
        }

        public B allowQueriesOnUiThread(boolean allow) {
            return (B) this;
        }
    }

    /** Builds the configuration of a local realm. */
    public static class Builder extends BaseBuilder<Builder> {
        public Builder() {
        }

        /**
         * The version of the model classes. One that was stored with another shape needs a higher version than it had: new
         * fields then have their defaults, removed ones go, and a migration may say more.
         */
        public Builder schemaVersion(long version) {
            if (version < 0) {
                throw new IllegalArgumentException("Realm schema version numbers must be 0 (zero) or higher. Yours was: " + version);
            }
            schemaVersion = version;
            return this;
        }

        /** Called once when the version is raised, in one transaction with the change of the classes. */
        public Builder migration(RealmMigration callback) {
            if (callback == null) {
                throw new IllegalArgumentException("A non-null migration must be provided");
            }
            migration = callback;
            return this;
        }

        public Builder deleteRealmIfMigrationNeeded() {
            deleteIfMigrationNeeded = true;
            return this;
        }

        public RealmConfiguration build() {
            return new RealmConfiguration(this);
        }
    }
}
