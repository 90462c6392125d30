package io.atoll.mongodb.sync;

import io.atoll.Realm;
import io.atoll.mongodb.AppException;
import java.io.File;
import java.text.SimpleDateFormat;
import java.util.Date;
import java.util.Locale;

/** The realm cannot go on syncing as it is. */
public class ClientResetRequiredError extends AppException {
    private static final long serialVersionUID = 1L;
    private final transient SyncConfiguration configuration;
    private final File original;
    private final File backup;

    ClientResetRequiredError(int code, String message, Throwable cause, SyncConfiguration configuration) {
        super(code, message, cause);
        this.configuration = configuration;
        original = new File(configuration.getPath());
        String time = new SimpleDateFormat("yyyyMMdd-HHmmss-SSS", Locale.ROOT).format(new Date());
        backup = new File(original.getAbsoluteFile().getParentFile(), "recovered-" + original.getName() + "-" + time);
    }

    /**
     * Moves the folder of the realm to {@link #getBackupFile()}; the next opening begins with an empty one. All instances of the
     * realm must be closed before, and its session takes a moment to end: while it is in use an IllegalStateException is thrown,
     * and the folder is moved before the realm is opened the next time after that.
     */
    public void executeClientReset() {
        boolean moved;
        try {
            moved = Realm.realmSet$aside(configuration, backup.getPath());
        } catch (RuntimeException e) {
            throw new IllegalStateException("the realm is not moved to " + backup + ": " + e.getMessage(), e);
        }
        if (!moved) {
            throw new IllegalStateException("the realm is still open; it is moved to " + backup + " before it is opened again");
        }
    }

    /** Where the folder of the realm goes when the reset is executed. */
    public File getBackupFile() {
        return backup;
    }

    public File getOriginalFile() {
        return original;
    }
}
