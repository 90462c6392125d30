package io.atoll;

/** What happened to an object. */
public interface ObjectChangeSet {
    boolean isDeleted();

    String[] getChangedFields();

    boolean isFieldChanged(String fieldName);
}
