package io.atoll.test;

import io.atoll.RealmObject;
import io.atoll.RealmResults;
import io.atoll.annotations.FullText;
import io.atoll.annotations.LinkingObjects;
import io.atoll.annotations.PrimaryKey;

public class Thing extends RealmObject {
    @PrimaryKey
    private long _id;
    @FullText
    private String name;
    @LinkingObjects("first")
    private final RealmResults<Crate> firsts = null;
    @LinkingObjects("things")
    private final RealmResults<Crate> crates = null;

    public Thing() {
    }

    public Thing(long id, String name) {
        this._id = id;
        this.name = name;
    }

    public long getId() {
        return _id;
    }

    public void setId(long value) {
        this._id = value;
    }

    public String getName() {
        return name;
    }

    public void setName(String value) {
        this.name = value;
    }

    public RealmResults<Crate> getFirsts() {
        return firsts;
    }

    public RealmResults<Crate> getCrates() {
        return crates;
    }
}
