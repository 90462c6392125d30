package io.atoll.test;

import io.atoll.AsymmetricRealmObject;
import io.atoll.annotations.PrimaryKey;
import org.bson.types.ObjectId;

public class Reading extends AsymmetricRealmObject {
    @PrimaryKey
    private ObjectId _id = new ObjectId();
    private double value;
    private Address place;

    public ObjectId getId() {
        return _id;
    }

    public void setId(ObjectId id) {
        this._id = id;
    }

    public double getValue() {
        return value;
    }

    public void setValue(double value) {
        this.value = value;
    }

    public Address getPlace() {
        return place;
    }

    public void setPlace(Address place) {
        this.place = place;
    }
}
