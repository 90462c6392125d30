package io.atoll;

import io.atoll.internal.ManagedObject;

/** An integer that counts: increments of several devices add up, where of several assignments the last one wins. */
public abstract class MutableRealmInteger implements Comparable<MutableRealmInteger> {
    MutableRealmInteger() {
    }

    public static MutableRealmInteger valueOf(long value) {
        return new Unmanaged(value);
    }

    public static MutableRealmInteger valueOf(Long value) {
        return new Unmanaged(value);
    }

    public static MutableRealmInteger ofNull() {
        return new Unmanaged(null);
    }

    /** For generated code: the property of a managed object. */
    public static MutableRealmInteger of(ManagedObject owner, int property) {
        return new Managed(owner, property);
    }

    /** The value; null if there is none. */
    public abstract Long get();

    public abstract void set(Long value);

    public final void set(long value) {
        set(Long.valueOf(value));
    }

    /** IllegalStateException, or of a managed one IllegalArgumentException, if it is null. */
    public abstract void increment(long by);

    public final void decrement(long by) {
        increment(-by);
    }

    public abstract boolean isManaged();

    public abstract boolean isValid();

    public final boolean isNull() {
        return get() == null;
    }

    @Override
    public final int compareTo(MutableRealmInteger other) {
        Long mine = get();
        Long its = other.get();
        return mine == null || its == null ? Boolean.compare(mine != null, its != null) : mine.compareTo(its);
    }

    @Override
    public final boolean equals(Object other) {
        return other instanceof MutableRealmInteger && compareTo((MutableRealmInteger) other) == 0;
    }

    @Override
    public final int hashCode() {
        Long value = get();
        return value == null ? 0 : value.hashCode();
    }

    @Override
    public final String toString() {
        return String.valueOf(get());
    }

    private static final class Unmanaged extends MutableRealmInteger {
        private Long value;

        Unmanaged(Long value) {
            this.value = value;
        }

        @Override
        public Long get() {
            return value;
        }

        @Override
        public void set(Long newValue) {
            value = newValue;
        }

        @Override
        public void increment(long by) {
            if (value == null) {
                throw new IllegalStateException("Cannot increment a MutableRealmInteger whose value is null. Set its value first.");
            }
            value += by;
        }

        @Override
        public boolean isManaged() {
            return false;
        }

        @Override
        public boolean isValid() {
            return true;
        }
    }

    private static final class Managed extends MutableRealmInteger {
        private final ManagedObject owner;
        private final int property;

        Managed(ManagedObject owner, int property) {
            this.owner = owner;
            this.property = property;
        }

        @Override
        public Long get() {
            return owner.isNull(property) ? null : (Long) owner.getLong(property);
        }

        @Override
        public void set(Long value) {
            if (value == null) {
                owner.setNull(property);
            } else {
                owner.setLong(property, value);
            }
        }

        @Override
        public void increment(long by) {
            owner.increment(property, by);
        }

        @Override
        public boolean isManaged() {
            return true;
        }

        @Override
        public boolean isValid() {
            return owner.isValid();
        }
    }
}
