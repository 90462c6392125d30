package io.atoll;

import io.atoll.exceptions.RealmFileException;
import io.atoll.internal.Constants;
import io.atoll.internal.Native;

/** Runs the migration of a realm. */
final class Migrations {
    private Migrations() {
    }

    /** Migrates a realm whose schema version is raised; does nothing to others. What fails leaves it as it was. */
    static void run(RealmConfiguration configuration, long config, RealmMigration callback) {
        if (callback == null || configuration.isReadOnly()) {
            return; // Opening does all that there is.
        }
        long migration;
        try {
            migration = Native.atoll_migration_begin(config);
        } catch (RealmFileException e) {
            if (e.getCode() != Constants.ERROR_FILE_IN_USE) {
                throw e;
            }
            return; // It is open already: to open it once more says whether that will do.
        }
        if (migration == 0) {
            return;
        }
        DynamicRealm before = null;
        DynamicRealm after = null;
        try {
            before = DynamicRealm.of(configuration, Native.atoll_migration_old_realm(migration));
            after = DynamicRealm.of(configuration, Native.atoll_migration_new_realm(migration));
            MigrationView view = new MigrationView(migration, before, after);
            before.view = view;
            after.view = view;
            callback.migrate(after, Native.atoll_migration_old_version(migration), configuration.getSchemaVersion());
            view.checkComplete();
            Native.atoll_migration_commit(migration);
        } finally {
            close(before);
            close(after);
            Native.atoll_migration_free(migration);
        }
    }

    private static void close(DynamicRealm realm) {
        if (realm != null) {
            realm.close();
        }
    }
}
