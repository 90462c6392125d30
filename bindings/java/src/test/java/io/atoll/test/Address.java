package io.atoll.test;

import io.atoll.RealmObject;
import io.atoll.annotations.RealmClass;

@RealmClass(embedded = true)
public class Address extends RealmObject {
    private String street;
    private Integer number;

    public String getStreet() {
        return street;
    }

    public void setStreet(String street) {
        this.street = street;
    }

    public Integer getNumber() {
        return number;
    }

    public void setNumber(Integer number) {
        this.number = number;
    }
}
