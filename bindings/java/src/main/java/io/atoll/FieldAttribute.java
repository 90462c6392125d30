package io.atoll;

/** What a field is besides its type. */
public enum FieldAttribute {
    INDEXED, PRIMARY_KEY, REQUIRED
}
