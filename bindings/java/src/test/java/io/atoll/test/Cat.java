package io.atoll.test;

import io.atoll.RealmModel;
import io.atoll.annotations.PrimaryKey;
import io.atoll.annotations.RealmClass;

/** The other way to declare a model, under another stored name. */
@RealmClass(name = "cats")
public class Cat implements RealmModel {
    @PrimaryKey
    private String name;
    private boolean asleep = true;

    public String getName() {
        return name;
    }

    public void setName(String name) {
        this.name = name;
    }

    public boolean isAsleep() {
        return asleep;
    }

    public void setAsleep(boolean asleep) {
        this.asleep = asleep;
    }
}
