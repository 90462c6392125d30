package io.atoll;

import io.atoll.annotations.RealmModule;
import io.atoll.internal.Constants;
import io.atoll.internal.Errors;
import io.atoll.internal.Library;
import io.atoll.internal.Models;
import io.atoll.internal.Native;
import io.atoll.internal.ObjectType;
import io.atoll.internal.Property;
import java.io.File;
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
    private String path;

    protected RealmConfiguration(BaseBuilder<?> builder) {
        directory = builder.directory;
        name = builder.name;
        classes = builder.classes;
        syncCommits = builder.syncCommits;
        schemaVersion = builder.schemaVersion;
        initialData = builder.initialData;
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
        Library.load();
        long config = Native.atoll_config_new();
        try {
            if (!isSyncConfiguration() || name != null || directory != null) {
                File file = new File(directory, name == null ? DEFAULT_REALM_NAME : name);
                Native.atoll_config_set_path(config, file.getPath());
            }
            Native.atoll_config_set_sync_commits(config, syncCommits);
            Native.atoll_config_set_schema_version(config, schemaVersion);
            setSchema(config);
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
                && schemaVersion == that.schemaVersion;
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

        public B encryptionKey(byte[] key) {
            throw Errors.notSupported("encryption");
        }

        public B inMemory() {
            throw Errors.notSupported("in-memory realms");
        }

        public B readOnly() {
            throw Errors.notSupported("read-only realms");
        }

        public B maxNumberOfActiveVersions(long number) {
            throw Errors.notSupported("a maximum number of active versions");
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
         * fields then have their defaults, removed ones go.
         */
        public Builder schemaVersion(long version) {
            if (version < 0) {
                throw new IllegalArgumentException("Realm schema version numbers must be 0 (zero) or higher. Yours was: " + version);
            }
            schemaVersion = version;
            return this;
        }

        public Builder deleteRealmIfMigrationNeeded() {
            throw Errors.notSupported("deleteRealmIfMigrationNeeded");
        }

        public RealmConfiguration build() {
            return new RealmConfiguration(this);
        }
    }
}
