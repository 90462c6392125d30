package io.atoll;

/** Direction of a sort. */
public enum Sort {
    ASCENDING, DESCENDING
}
