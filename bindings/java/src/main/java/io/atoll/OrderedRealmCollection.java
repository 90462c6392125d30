package io.atoll;

import java.util.List;

/** A list that lives in a realm. */
public interface OrderedRealmCollection<E> extends List<E> {
    boolean isValid();

    boolean isManaged();

    /** The first element; IndexOutOfBoundsException if there is none. */
    E first();

    E last();

    boolean deleteAllFromRealm();
}
