package io.atoll;

import io.atoll.internal.ChangeSets;
import io.atoll.internal.Constants;
import io.atoll.internal.EventHandler;
import io.atoll.internal.Handle;
import io.atoll.internal.ManagedObject;
import io.atoll.internal.Models;
import io.atoll.internal.Native;
import io.atoll.internal.ObjectType;
import io.atoll.internal.RealmCore;
import io.atoll.internal.Values;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.AbstractList;
import java.util.Date;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.bson.types.Decimal128;

/** What a query finds: live, read-only. An iteration walks over what there was when it began. */
public class RealmResults<E> extends AbstractList<E> implements OrderedRealmCollection<E> {
    final BaseRealm realm;
    final ObjectType<E> type;
    private final Handle handle;

    RealmResults(BaseRealm realm, ObjectType<E> type, long pointer) {
        this.realm = realm;
        this.type = type;
        this.handle = realm.core.ownResults(this, pointer);
    }

    /** For generated code: the objects of a class whose field links to this object. */
    public static <E extends RealmModel> RealmResults<E> linking(ManagedObject target, Class<E> model, String field) {
        ObjectType<E> type = Models.of(model);
        long found = Native.atoll_object_backlinks(target.pointer(), target.core.classKey(type),
                target.core.propertyKey(type, field));
        return new RealmResults<>(BaseRealm.of(target.core), type, found);
    }

    /** Takes native results of a collection over; of values there are none. */
    @SuppressWarnings("unchecked")
    static <E> RealmResults<E> in(RealmCore core, ObjectType<?> type, long pointer) {
        return new RealmResults<>(BaseRealm.of(core), (ObjectType<E>) type, pointer);
    }

    long pointer() {
        return handle.pointer();
    }

    public Realm getRealm() {
        return BaseRealm.typed(realm);
    }

    @Override
    public boolean isValid() {
        return handle.isOpen();
    }

    @Override
    public boolean isManaged() {
        return true;
    }

    public boolean isLoaded() {
        return true;
    }

    public boolean load() {
        return true;
    }

    public boolean isFrozen() {
        return realm.isFrozen();
    }

    /** What there is now, for ever and for any thread, while its realm is open. */
    public RealmResults<E> freeze() {
        if (isFrozen()) {
            return this;
        }
        BaseRealm frozen = realm.freeze();
        return new RealmResults<>(frozen, type, Native.atoll_results_resolve_in(pointer(), frozen.core.pointer()));
    }

    @Override
    public int size() {
        return (int) Math.min(Integer.MAX_VALUE, Native.atoll_results_count(pointer()));
    }

    @Override
    @SuppressWarnings("unchecked")
    public E get(int index) {
        return (E) realm.core.wrap(type, Native.atoll_results_object(pointer(), index)).proxy();
    }

    @Override
    public E first() {
        if (isEmpty()) {
            throw new IndexOutOfBoundsException("No results were found.");
        }
        return get(0);
    }

    public E first(E defaultValue) {
        return isEmpty() ? defaultValue : get(0);
    }

    @Override
    public E last() {
        int size = size();
        if (size == 0) {
            throw new IndexOutOfBoundsException("No results were found.");
        }
        return get(size - 1);
    }

    public E last(E defaultValue) {
        return isEmpty() ? defaultValue : last();
    }

    @Override
    public Iterator<E> iterator() {
        final long[] rows = new long[size()];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = Native.atoll_results_row(pointer(), i);
        }
        return new Iterator<E>() {
            private int next;

            @Override
            public boolean hasNext() {
                return next < rows.length;
            }

            @Override
            @SuppressWarnings("unchecked")
            public E next() {
                if (next >= rows.length) {
                    throw new NoSuchElementException();
                }
                long object = Native.atoll_realm_object(realm.core.pointer(), realm.core.classKey(type), rows[next++]);
                return (E) realm.core.wrap(type, object).proxy();
            }

            @Override
            public void remove() {
                throw new UnsupportedOperationException("use deleteFromRealm");
            }
        };
    }

    @Override
    public boolean contains(Object object) {
        return indexOf(object) >= 0;
    }

    @Override
    public int indexOf(Object object) {
        if (!(object instanceof io.atoll.internal.RealmObjectProxy)) {
            return -1;
        }
        return (int) Native.atoll_results_index_of(pointer(), RealmObject.managed(object).pointer());
    }

    /** Narrows these results. */
    public RealmQuery<E> where() {
        return new RealmQuery<>(this);
    }

    public RealmResults<E> sort(String field) {
        return sort(field, Sort.ASCENDING);
    }

    public RealmResults<E> sort(String field, Sort order) {
        return where().sort(field, order).findAll();
    }

    /** One property of whole numbers of all objects, in their order, copied at once; a null is 0. */
    public long[] longs(String field) {
        ByteBuffer packed = column(field, 8, Constants.TYPE_INT);
        long[] values = new long[packed.remaining() / 8];
        packed.asLongBuffer().get(values);
        return values;
    }

    /** One property of numbers of all objects, in their order, copied at once; a null is NaN. */
    public double[] doubles(String field) {
        int key = realm.core.propertyKey(type, field);
        int kind = type.properties[type.find(field)].type;
        int width = kind == Constants.TYPE_FLOAT ? 4 : 8;
        ByteBuffer packed = column(field, width, kind == Constants.TYPE_INT || kind == Constants.TYPE_FLOAT ? kind : Constants.TYPE_DOUBLE);
        double[] values = new double[packed.remaining() / width];
        byte[] nulls = Native.atoll_results_column_nulls(pointer(), key);
        for (int i = 0; i < values.length; i++) {
            double value = kind == Constants.TYPE_INT ? packed.getLong() : width == 4 ? packed.getFloat() : packed.getDouble();
            values[i] = nulls != null && nulls[i] != 0 ? Double.NaN : value;
        }
        return values;
    }

    private ByteBuffer column(String field, int width, int kind) {
        byte[] packed = Native.atoll_results_column(pointer(), realm.core.propertyKey(type, field));
        if (type.properties[type.find(field)].type != kind) {
            throw new IllegalArgumentException("'" + field + "' is no property of such numbers.");
        }
        return ByteBuffer.wrap(packed == null ? new byte[0] : packed).order(ByteOrder.nativeOrder());
    }

    /** Null counts as nothing; 0 without values. */
    public Number sum(String field) {
        Number sum = (Number) take(Native.atoll_results_sum(pointer(), realm.core.propertyKey(type, field)), Long.class);
        return sum == null ? Long.valueOf(0) : sum;
    }

    /** The smallest value; null if there is none. */
    public Number min(String field) {
        return (Number) take(Native.atoll_results_minimum(pointer(), realm.core.propertyKey(type, field)), javaType(field));
    }

    public Number max(String field) {
        return (Number) take(Native.atoll_results_maximum(pointer(), realm.core.propertyKey(type, field)), javaType(field));
    }

    public Date minDate(String field) {
        return (Date) take(Native.atoll_results_minimum(pointer(), realm.core.propertyKey(type, field)), Date.class);
    }

    public Date maxDate(String field) {
        return (Date) take(Native.atoll_results_maximum(pointer(), realm.core.propertyKey(type, field)), Date.class);
    }

    /** Over the values that are not null; 0 if there is none. */
    public double average(String field) {
        Number average = (Number) take(Native.atoll_results_average(pointer(), realm.core.propertyKey(type, field)), Double.class);
        return average == null ? 0 : average.doubleValue();
    }

    /** The exact average of decimals; null if there is none. */
    public Decimal128 averageDecimal128(String field) {
        return (Decimal128) take(Native.atoll_results_average(pointer(), realm.core.propertyKey(type, field)), Decimal128.class);
    }

    private Class<?> javaType(String field) {
        return type.properties[type.find(field)].javaType;
    }

    private static Object take(long values, Class<?> javaType) {
        try {
            return Values.read(values, 0, javaType);
        } finally {
            Native.atoll_values_free(values);
        }
    }

    @Override
    public boolean deleteAllFromRealm() {
        boolean any = !isEmpty();
        Native.atoll_results_delete_all(pointer());
        return any;
    }

    public void deleteFromRealm(int index) {
        RealmObject.managed(get(index)).delete();
    }

    public boolean deleteFirstFromRealm() {
        if (isEmpty()) {
            return false;
        }
        deleteFromRealm(0);
        return true;
    }

    public boolean deleteLastFromRealm() {
        int size = size();
        if (size == 0) {
            return false;
        }
        deleteFromRealm(size - 1);
        return true;
    }

    /** The query in its canonical text. */
    public String getDescription() {
        return Native.atoll_results_query(pointer());
    }

    /** Called first with what there is, then on this thread after refresh() or a commit of this realm. */
    public void addChangeListener(final RealmChangeListener<RealmResults<E>> listener) {
        observe(listener, new OrderedRealmCollectionChangeListener<RealmResults<E>>() {
            @Override
            public void onChange(RealmResults<E> collection, OrderedCollectionChangeSet changes) {
                listener.onChange(collection);
            }
        }, null);
    }

    public void addChangeListener(OrderedRealmCollectionChangeListener<RealmResults<E>> listener) {
        observe(listener, listener, null);
    }

    /** The same, for changes of some fields only: names, joined by dots along links, "*" for any. */
    public void addChangeListener(OrderedRealmCollectionChangeListener<RealmResults<E>> listener, String... keyPaths) {
        observe(listener, listener, keyPaths);
    }

    private void observe(Object key, final OrderedRealmCollectionChangeListener<RealmResults<E>> listener, String[] keyPaths) {
        long paths = realm.core.keyPaths(type, keyPaths);
        long registration;
        try {
            registration = Native.atoll_results_observe_key_paths(pointer(), paths, realm.core.queue());
        } finally {
            Native.atoll_values_free(paths);
        }
        realm.listeners.add(this, key, registration);
        realm.core.observe(registration, new EventHandler() {
            @Override
            public void onEvent(long event) {
                listener.onChange(RealmResults.this, ChangeSets.collection(event));
            }
        });
    }

    public void removeChangeListener(RealmChangeListener<RealmResults<E>> listener) {
        realm.listeners.remove(this, listener);
    }

    public void removeChangeListener(OrderedRealmCollectionChangeListener<RealmResults<E>> listener) {
        realm.listeners.remove(this, listener);
    }

    public void removeAllChangeListeners() {
        realm.listeners.remove(this, null);
    }
}
