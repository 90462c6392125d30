package io.atoll;

import io.atoll.internal.Native;
import io.atoll.internal.ObjectType;
import io.atoll.internal.RealmObjectProxy;
import io.atoll.internal.Values;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A query being built: conditions are joined by AND unless or() stands between them. */
public class RealmQuery<E> {
    // A quoted text, whose $ means nothing, or an argument.
    private static final Pattern ARGUMENT = Pattern.compile("\"(?:\\\\.|[^\"\\\\])*\"|'(?:\\\\.|[^'\\\\])*'|\\$(\\d+)");

    private final BaseRealm realm;
    private final ObjectType<E> type;
    private final RealmResults<E> parent; // null: all objects of the class
    private final StringBuilder text = new StringBuilder();
    private final StringBuilder tail = new StringBuilder();
    private final List<Object> arguments = new ArrayList<>();
    private boolean needsJoin;
    private boolean negated;
    private int open;

    RealmQuery(BaseRealm realm, ObjectType<E> type) {
        this.realm = realm;
        this.type = type;
        this.parent = null;
    }

    RealmQuery(RealmResults<E> parent) {
        this.realm = parent.realm;
        this.type = parent.type;
        this.parent = parent;
    }

    public Realm getRealm() {
        return BaseRealm.typed(realm);
    }

    /** The class that it is over. */
    public String getTypeQueried() {
        return type.name;
    }

    public boolean isValid() {
        return !realm.isClosed();
    }

    // ---------- conditions ----------

    private void join() {
        if (needsJoin) {
            text.append(" AND ");
        }
        if (negated) {
            text.append("NOT ");
            negated = false;
        }
    }

    private RealmQuery<E> condition(String condition) {
        join();
        text.append('(').append(condition).append(')');
        needsJoin = true;
        return this;
    }

    private RealmQuery<E> compare(String field, String operator, Object value) {
        return condition(path(field) + " " + operator + " " + argument(value));
    }

    private String argument(Object value) {
        if (value instanceof RealmModel && !(value instanceof RealmObjectProxy)) {
            throw new IllegalArgumentException("a query compares with managed objects only");
        }
        arguments.add(value);
        return "$" + (arguments.size() - 1);
    }

    private String path(String fields) {
        return realm.core.path(type, fields);
    }

    private static String fold(String operator, Case casing) {
        return casing == Case.INSENSITIVE ? operator + "[c]" : operator;
    }

    public RealmQuery<E> equalTo(String field, Object value) {
        return compare(field, "==", value);
    }

    public RealmQuery<E> equalTo(String field, String value, Case casing) {
        return compare(field, fold("==", casing), value);
    }

    public RealmQuery<E> notEqualTo(String field, Object value) {
        return compare(field, "!=", value);
    }

    public RealmQuery<E> notEqualTo(String field, String value, Case casing) {
        return compare(field, fold("!=", casing), value);
    }

    public RealmQuery<E> greaterThan(String field, Number value) {
        return compare(field, ">", value);
    }

    public RealmQuery<E> greaterThan(String field, Date value) {
        return compare(field, ">", value);
    }

    public RealmQuery<E> greaterThanOrEqualTo(String field, Number value) {
        return compare(field, ">=", value);
    }

    public RealmQuery<E> greaterThanOrEqualTo(String field, Date value) {
        return compare(field, ">=", value);
    }

    public RealmQuery<E> lessThan(String field, Number value) {
        return compare(field, "<", value);
    }

    public RealmQuery<E> lessThan(String field, Date value) {
        return compare(field, "<", value);
    }

    public RealmQuery<E> lessThanOrEqualTo(String field, Number value) {
        return compare(field, "<=", value);
    }

    public RealmQuery<E> lessThanOrEqualTo(String field, Date value) {
        return compare(field, "<=", value);
    }

    public RealmQuery<E> between(String field, Number from, Number to) {
        return range(field, from, to);
    }

    public RealmQuery<E> between(String field, Date from, Date to) {
        return range(field, from, to);
    }

    private RealmQuery<E> range(String field, Object from, Object to) {
        String name = path(field);
        return condition(name + " >= " + argument(from) + " AND " + name + " <= " + argument(to));
    }

    public RealmQuery<E> contains(String field, String value) {
        return contains(field, value, Case.SENSITIVE);
    }

    public RealmQuery<E> contains(String field, String value, Case casing) {
        return compare(field, fold("CONTAINS", casing), value);
    }

    public RealmQuery<E> beginsWith(String field, String value) {
        return beginsWith(field, value, Case.SENSITIVE);
    }

    public RealmQuery<E> beginsWith(String field, String value, Case casing) {
        return compare(field, fold("BEGINSWITH", casing), value);
    }

    public RealmQuery<E> endsWith(String field, String value) {
        return endsWith(field, value, Case.SENSITIVE);
    }

    public RealmQuery<E> endsWith(String field, String value, Case casing) {
        return compare(field, fold("ENDSWITH", casing), value);
    }

    public RealmQuery<E> like(String field, String value) {
        return like(field, value, Case.SENSITIVE);
    }

    public RealmQuery<E> like(String field, String value, Case casing) {
        return compare(field, fold("LIKE", casing), value);
    }

    /** Has all words of the text, none of those after a '-'; the field has {@code @FullText}. */
    public RealmQuery<E> fullText(String field, String text) {
        return compare(field, "TEXT", text);
    }

    /** Equal to one of the values; to none if there are none. */
    public RealmQuery<E> in(String field, Object[] values) {
        if (values == null || values.length == 0) {
            return alwaysFalse();
        }
        StringBuilder any = new StringBuilder();
        for (Object value : values) {
            any.append(any.length() == 0 ? "" : " OR ").append(path(field)).append(" == ").append(argument(value));
        }
        return condition(any.toString());
    }

    public RealmQuery<E> isNull(String field) {
        return compare(field, "==", null);
    }

    public RealmQuery<E> isNotNull(String field) {
        return compare(field, "!=", null);
    }

    public RealmQuery<E> alwaysTrue() {
        return condition("TRUEPREDICATE");
    }

    public RealmQuery<E> alwaysFalse() {
        return condition("FALSEPREDICATE");
    }

    /** Query text with $0, $1, … for the arguments. */
    public RealmQuery<E> rawPredicate(String predicate, Object... values) {
        Matcher found = ARGUMENT.matcher(predicate);
        StringBuffer shifted = new StringBuffer();
        while (found.find()) {
            String kept = found.group(1) == null ? found.group() : "$" + (Integer.parseInt(found.group(1)) + arguments.size());
            found.appendReplacement(shifted, Matcher.quoteReplacement(kept));
        }
        found.appendTail(shifted);
        if (values == null) {
            arguments.add(null);
        } else {
            java.util.Collections.addAll(arguments, values);
        }
        String whole = shifted.toString();
        Matcher orders = Pattern.compile("(?i)\\s+(SORT|DISTINCT|LIMIT)\\s*\\(").matcher(whole);
        if (orders.find()) { // An order belongs behind the whole query.
            tail.append(whole.substring(orders.start()));
            whole = whole.substring(0, orders.start());
        }
        return condition(whole);
    }

    public RealmQuery<E> and() {
        return this;
    }

    public RealmQuery<E> or() {
        if (!needsJoin) {
            throw new UnsupportedOperationException("or() needs a condition before it");
        }
        text.append(" OR ");
        needsJoin = false;
        return this;
    }

    public RealmQuery<E> not() {
        negated = !negated;
        return this;
    }

    public RealmQuery<E> beginGroup() {
        join();
        text.append('(');
        open++;
        needsJoin = false;
        return this;
    }

    public RealmQuery<E> endGroup() {
        if (open == 0) {
            throw new UnsupportedOperationException("endGroup() without beginGroup()");
        }
        text.append(')');
        open--;
        needsJoin = true;
        return this;
    }

    public RealmQuery<E> sort(String field) {
        return sort(field, Sort.ASCENDING);
    }

    public RealmQuery<E> sort(String field, Sort order) {
        return sort(new String[] {field}, new Sort[] {order});
    }

    public RealmQuery<E> sort(String first, Sort firstOrder, String second, Sort secondOrder) {
        return sort(new String[] {first, second}, new Sort[] {firstOrder, secondOrder});
    }

    public RealmQuery<E> sort(String[] fields, Sort[] orders) {
        if (fields.length == 0 || fields.length != orders.length) {
            throw new IllegalArgumentException("a sort takes as many orders as fields, and at least one");
        }
        tail.append(" SORT(");
        for (int i = 0; i < fields.length; i++) {
            tail.append(i == 0 ? "" : ", ").append(path(fields[i])).append(orders[i] == Sort.ASCENDING ? " ASC" : " DESC");
        }
        tail.append(')');
        return this;
    }

    public RealmQuery<E> distinct(String first, String... more) {
        tail.append(" DISTINCT(").append(path(first));
        for (String field : more) {
            tail.append(", ").append(path(field));
        }
        tail.append(')');
        return this;
    }

    public RealmQuery<E> limit(long limit) {
        if (limit < 1) {
            throw new IllegalArgumentException("Only positive numbers above 0 is allowed. Yours was: " + limit);
        }
        tail.append(" LIMIT(").append(limit).append(')');
        return this;
    }

    // ---------- running it ----------

    /** The query as text, with $n for its arguments. */
    public String getDescription() {
        return (text.length() == 0 ? "TRUEPREDICATE" : text.toString()) + tail;
    }

    /** For the library's own packages: new native results, which the caller frees. */
    public long realmGet$results() {
        if (open != 0 || negated || !needsJoin && text.length() > 0) {
            throw new UnsupportedOperationException("the query is incomplete: " + getDescription());
        }
        String query = text.length() == 0 && tail.length() == 0 ? "" : getDescription();
        long values = Values.of(arguments.toArray());
        try {
            if (parent != null) {
                return Native.atoll_results_filter(parent.pointer(), query.isEmpty() ? "TRUEPREDICATE" : query, values);
            }
            return Native.atoll_results_new(realm.core.pointer(), realm.core.classKey(type), query, values);
        } finally {
            Native.atoll_values_free(values);
        }
    }

    public RealmResults<E> findAll() {
        return new RealmResults<>(realm, type, realmGet$results());
    }

    /** The same: results are evaluated when they are read, and for their listeners on another thread. */
    public RealmResults<E> findAllAsync() {
        return findAll();
    }

    /** Null if nothing matches. */
    public E findFirst() {
        RealmResults<E> all = findAll();
        return all.isEmpty() ? null : all.get(0);
    }

    public long count() {
        long results = realmGet$results();
        try {
            return Native.atoll_results_count(results);
        } finally {
            Native.atoll_results_free(results);
        }
    }

    public Number sum(String field) {
        return findAll().sum(field);
    }

    public Number min(String field) {
        return findAll().min(field);
    }

    public Number max(String field) {
        return findAll().max(field);
    }

    public Date minimumDate(String field) {
        return findAll().minDate(field);
    }

    public Date maximumDate(String field) {
        return findAll().maxDate(field);
    }

    public double average(String field) {
        return findAll().average(field);
    }

    public org.bson.types.Decimal128 averageDecimal128(String field) {
        return findAll().averageDecimal128(field);
    }
}
