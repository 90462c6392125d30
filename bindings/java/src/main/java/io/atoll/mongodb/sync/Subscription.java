package io.atoll.mongodb.sync;

import io.atoll.RealmQuery;
import java.util.Date;

/** A query whose objects the server sends: one to add, or one of a set. */
public final class Subscription {
    final RealmQuery<?> query; // null for one of a set
    private final String name;
    private final String objectType;
    private final String text;
    private final Date createdAt;
    private final Date updatedAt;

    private Subscription(RealmQuery<?> query, String name, String objectType, String text, Date createdAt, Date updatedAt) {
        this.query = query;
        this.name = name;
        this.objectType = objectType;
        this.text = text;
        this.createdAt = createdAt;
        this.updatedAt = updatedAt;
    }

    /** A subscription to add; the name may be null. */
    public static Subscription create(String name, RealmQuery<?> query) {
        return new Subscription(query, name, query.getTypeQueried(), query.getDescription(), null, null);
    }

    public static Subscription create(RealmQuery<?> query) {
        return create(null, query);
    }

    static Subscription existing(String name, String objectType, String text, Date createdAt, Date updatedAt) {
        return new Subscription(null, name, objectType, text, createdAt, updatedAt);
    }

    /** Null for an unnamed one. */
    public String getName() {
        return name;
    }

    public String getObjectType() {
        return objectType;
    }

    public String getQueryDescription() {
        return text;
    }

    /** Null for one that is not in a set yet. */
    public Date getCreatedAt() {
        return createdAt;
    }

    public Date getUpdatedAt() {
        return updatedAt;
    }
}
