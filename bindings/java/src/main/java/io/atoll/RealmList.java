package io.atoll;

import io.atoll.internal.ChangeSets;
import io.atoll.internal.EventHandler;
import io.atoll.internal.ManagedList;
import io.atoll.internal.ManagedObject;
import io.atoll.internal.Native;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.List;

/** A list property: live when its object is managed, an ordinary list otherwise. */
public class RealmList<E> extends AbstractList<E> implements OrderedRealmCollection<E> {
    private final List<E> unmanaged;
    private final ManagedList managed;

    public RealmList() {
        unmanaged = new ArrayList<>();
        managed = null;
    }

    @SafeVarargs
    public RealmList(E... items) {
        unmanaged = new ArrayList<>();
        for (E item : items) {
            unmanaged.add(item);
        }
        managed = null;
    }

    /** For generated code. */
    public RealmList(ManagedObject owner, int property) {
        unmanaged = null;
        managed = owner.list(property);
    }

    RealmList(ManagedList managed) {
        this.unmanaged = null;
        this.managed = managed;
    }

    public boolean isFrozen() {
        return managed != null && managed.core.frozen;
    }

    /** The list as it is now, for ever and for any thread, while its realm is open. */
    public RealmList<E> freeze() {
        if (managed == null) {
            throw new UnsupportedOperationException("Only managed lists can be frozen");
        }
        return isFrozen() ? this : new RealmList<E>(managed.in(BaseRealm.of(managed.core).freeze().core));
    }

    /** For generated code: replaces the content of a list property. */
    public static <E> void assign(ManagedObject owner, int property, List<E> items) {
        List<E> copy = items == null ? new ArrayList<E>() : new ArrayList<>(items); // It may be this very list.
        RealmList<E> list = new RealmList<>(owner, property);
        list.clear();
        list.addAll(copy);
    }

    @Override
    public boolean isManaged() {
        return managed != null;
    }

    @Override
    public boolean isValid() {
        return managed == null || managed.isValid();
    }

    public boolean isLoaded() {
        return true;
    }

    public boolean load() {
        return true;
    }

    @Override
    public int size() {
        return managed == null ? unmanaged.size() : managed.size();
    }

    @Override
    @SuppressWarnings("unchecked")
    public E get(int index) {
        return managed == null ? unmanaged.get(index) : (E) managed.get(index);
    }

    @Override
    public E set(int index, E value) {
        if (managed == null) {
            return unmanaged.set(index, value);
        }
        E before = get(index);
        managed.set(index, value);
        return before;
    }

    /** An unmanaged object given to a managed list is copied into the realm. */
    @Override
    public void add(int index, E value) {
        if (managed == null) {
            unmanaged.add(index, value);
        } else {
            managed.insert(index, value);
        }
        modCount++;
    }

    @Override
    public E remove(int index) {
        modCount++;
        if (managed == null) {
            return unmanaged.remove(index);
        }
        E before = get(index);
        managed.remove(index);
        return before;
    }

    @Override
    public void clear() {
        modCount++;
        if (managed == null) {
            unmanaged.clear();
        } else {
            managed.clear();
        }
    }

    public void move(int oldPosition, int newPosition) {
        if (managed == null) {
            unmanaged.add(newPosition, unmanaged.remove(oldPosition));
            return;
        }
        managed.move(oldPosition, newPosition);
    }

    @Override
    public E first() {
        if (isEmpty()) {
            throw new IndexOutOfBoundsException("The list is empty.");
        }
        return get(0);
    }

    public E first(E defaultValue) {
        return isEmpty() ? defaultValue : get(0);
    }

    @Override
    public E last() {
        if (isEmpty()) {
            throw new IndexOutOfBoundsException("The list is empty.");
        }
        return get(size() - 1);
    }

    public E last(E defaultValue) {
        return isEmpty() ? defaultValue : last();
    }

    /** Deletes the objects of the list themselves, and so empties it. */
    @Override
    public boolean deleteAllFromRealm() {
        if (managed == null) {
            throw new UnsupportedOperationException("this list is not managed");
        }
        boolean any = false;
        for (Object item : toArray()) {
            RealmObject.managed(item).delete();
            any = true;
        }
        return any;
    }

    private RealmResults<E> results() {
        if (managed == null) {
            throw new UnsupportedOperationException("This method is only available in managed mode.");
        }
        return RealmResults.in(managed.core, managed.elements(), managed.asResults());
    }

    /** A query over the objects of the list, in its order. */
    public RealmQuery<E> where() {
        return results().where();
    }

    public RealmResults<E> sort(String field) {
        return results().sort(field);
    }

    public RealmResults<E> sort(String field, Sort order) {
        return results().sort(field, order);
    }

    public Number sum(String field) {
        return results().sum(field);
    }

    public Number min(String field) {
        return results().min(field);
    }

    public Number max(String field) {
        return results().max(field);
    }

    public double average(String field) {
        return results().average(field);
    }

    /** Runs on the realm's thread, after refresh() or a commit of this realm. */
    public void addChangeListener(final RealmChangeListener<RealmList<E>> listener) {
        observe(listener, new OrderedRealmCollectionChangeListener<RealmList<E>>() {
            @Override
            public void onChange(RealmList<E> collection, OrderedCollectionChangeSet changes) {
                listener.onChange(collection);
            }
        }, null);
    }

    public void addChangeListener(OrderedRealmCollectionChangeListener<RealmList<E>> listener) {
        observe(listener, listener, null);
    }

    /** The same, for changes of some fields of the objects in it: names, joined by dots along links, "*" for any. */
    public void addChangeListener(OrderedRealmCollectionChangeListener<RealmList<E>> listener, String... keyPaths) {
        observe(listener, listener, keyPaths);
    }

    private void observe(Object key, final OrderedRealmCollectionChangeListener<RealmList<E>> listener, String[] keyPaths) {
        if (managed == null) {
            throw new IllegalStateException("this list is not managed: it has no changes to tell of");
        }
        long paths = managed.core.keyPaths(managed.elements(), keyPaths);
        long registration;
        try {
            registration = Native.atoll_list_observe_key_paths(managed.pointer(), paths, managed.core.queue());
        } finally {
            Native.atoll_values_free(paths);
        }
        BaseRealm.of(managed.core).listeners.add(this, key, registration);
        managed.core.observe(registration, new EventHandler() {
            @Override
            public void onEvent(long event) {
                listener.onChange(RealmList.this, ChangeSets.collection(event));
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
