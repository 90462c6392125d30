package io.atoll;

/** What a program does when a stored realm has a lower schema version than the configuration. */
public interface RealmMigration {
    /**
     * Runs once, in one transaction with the change to the new classes; what it throws leaves the realm as it was. The realm
     * shows the fields that it had: getSchema() adds, removes and renames them as the program goes. Fields that it
     * does not mention become what the model classes say: new ones have their zero values, missing ones go.
     */
    void migrate(DynamicRealm realm, long oldVersion, long newVersion);
}
