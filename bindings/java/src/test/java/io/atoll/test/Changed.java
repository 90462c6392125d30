package io.atoll.test;

import io.atoll.RealmObject;
import io.atoll.annotations.PrimaryKey;
import io.atoll.annotations.RealmClass;

/** {@link Cat} in another shape. */
@RealmClass(name = "cats")
public class Changed extends RealmObject {
    @PrimaryKey
    private String name;
    private String asleep;

    public String getName() {
        return name;
    }

    public void setName(String value) {
        this.name = value;
    }

    public String getAsleep() {
        return asleep;
    }

    public void setAsleep(String value) {
        this.asleep = value;
    }
}
