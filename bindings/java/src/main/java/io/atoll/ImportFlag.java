package io.atoll;

/** How copyToRealm treats what exists already. Setting equal values is never skipped yet. */
public enum ImportFlag {
    CHECK_SAME_VALUES_BEFORE_SET
}
