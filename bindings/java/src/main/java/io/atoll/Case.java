package io.atoll;

/** Whether a string comparison tells upper from lower case. */
public enum Case {
    SENSITIVE, INSENSITIVE
}
