package io.atoll;

import io.atoll.internal.ChangeSets;
import io.atoll.internal.EventHandler;
import io.atoll.internal.ManagedObject;
import io.atoll.internal.ManagedSet;
import io.atoll.internal.Native;
import java.util.AbstractSet;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.NoSuchElementException;
import java.util.Set;

/** A set property: live when its object is managed, an ordinary set otherwise. A managed one is in the order of the values. */
public class RealmSet<E> extends AbstractSet<E> {
    private final Set<E> unmanaged;
    private final ManagedSet managed;

    public RealmSet() {
        unmanaged = new LinkedHashSet<>();
        managed = null;
    }

    public RealmSet(Collection<E> items) {
        unmanaged = new LinkedHashSet<>(items);
        managed = null;
    }

    /** For generated code. */
    public RealmSet(ManagedObject owner, int property) {
        unmanaged = null;
        managed = owner.set(property);
    }

    /** For generated code: replaces the content of a set property. */
    public static <E> void assign(ManagedObject owner, int property, Set<E> items) {
        Collection<E> copy = items == null ? new LinkedHashSet<E>() : new LinkedHashSet<>(items); // It may be this very set.
        RealmSet<E> set = new RealmSet<>(owner, property);
        set.retainAll(copy);
        set.addAll(copy);
    }

    private RealmSet(ManagedSet managed) {
        this.unmanaged = null;
        this.managed = managed;
    }

    public boolean isFrozen() {
        return managed != null && managed.core.frozen;
    }

    /** The set as it is now, for ever and for any thread, while its realm is open. */
    public RealmSet<E> freeze() {
        if (managed == null) {
            throw new UnsupportedOperationException("Only managed sets can be frozen");
        }
        return isFrozen() ? this : new RealmSet<E>(managed.in(BaseRealm.of(managed.core).freeze().core));
    }

    /** A query over the objects of the set. */
    public RealmQuery<E> where() {
        if (managed == null) {
            throw new UnsupportedOperationException("This method is only available in managed mode.");
        }
        return RealmResults.<E>in(managed.core, managed.elements(), managed.asResults()).where();
    }

    public boolean isManaged() {
        return managed != null;
    }

    public boolean isValid() {
        return managed == null || managed.isValid();
    }

    @Override
    public int size() {
        return managed == null ? unmanaged.size() : managed.size();
    }

    @Override
    public boolean contains(Object value) {
        return managed == null ? unmanaged.contains(value) : managed.contains(value);
    }

    /** An unmanaged object given to a managed set is copied into the realm. */
    @Override
    public boolean add(E value) {
        return managed == null ? unmanaged.add(value) : managed.add(value);
    }

    @Override
    public boolean remove(Object value) {
        return managed == null ? unmanaged.remove(value) : managed.remove(value);
    }

    @Override
    public void clear() {
        if (managed == null) {
            unmanaged.clear();
        } else {
            managed.clear();
        }
    }

    @Override
    public Iterator<E> iterator() {
        if (managed == null) {
            return unmanaged.iterator();
        }
        return new Iterator<E>() {
            private int next;
            private E last;

            @Override
            public boolean hasNext() {
                return next < managed.size();
            }

            @Override
            @SuppressWarnings("unchecked")
            public E next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                last = (E) managed.get(next++);
                return last;
            }

            @Override
            public void remove() {
                managed.remove(last);
                next--;
            }
        };
    }

    /** Runs on the realm's thread, after refresh() or a commit of this realm. */
    public void addChangeListener(final RealmChangeListener<RealmSet<E>> listener) {
        observe(listener, new SetChangeListener<E>() {
            @Override
            public void onChange(RealmSet<E> set, SetChangeSet changes) {
                listener.onChange(set);
            }
        }, null);
    }

    public void addChangeListener(SetChangeListener<E> listener) {
        observe(listener, listener, null);
    }

    /** The same, for changes of some fields of the objects in it: names, joined by dots along links, "*" for any. */
    public void addChangeListener(SetChangeListener<E> listener, String... keyPaths) {
        observe(listener, listener, keyPaths);
    }

    private void observe(Object key, final SetChangeListener<E> listener, String[] keyPaths) {
        if (managed == null) {
            throw new IllegalStateException("this set is not managed: it has no changes to tell of");
        }
        long paths = managed.core.keyPaths(managed.elements(), keyPaths);
        long registration;
        try {
            registration = Native.atoll_set_observe_key_paths(managed.pointer(), paths, managed.core.queue());
        } finally {
            Native.atoll_values_free(paths);
        }
        BaseRealm.of(managed.core).listeners.add(this, key, registration);
        managed.core.observe(registration, new EventHandler() {
            @Override
            public void onEvent(long event) {
                final OrderedCollectionChangeSet changes = ChangeSets.collection(event);
                listener.onChange(RealmSet.this, new SetChangeSet() {
                    @Override
                    public int getNumberOfInsertions() {
                        return changes.getInsertions().length;
                    }

                    @Override
                    public int getNumberOfDeletions() {
                        return changes.getDeletions().length;
                    }

                    @Override
                    public boolean isEmpty() {
                        return getNumberOfInsertions() == 0 && getNumberOfDeletions() == 0;
                    }
                });
            }
        });
    }

    public void removeChangeListener(Object listener) {
        BaseRealm.of(managed.core).listeners.remove(this, listener);
    }

    public void removeAllChangeListeners() {
        BaseRealm.of(managed.core).listeners.remove(this, null);
    }
}
