package io.atoll.test;

import io.atoll.RealmList;
import io.atoll.RealmObject;
import io.atoll.annotations.PrimaryKey;
import org.bson.types.ObjectId;

public class Person extends RealmObject {
    @PrimaryKey
    private ObjectId _id = new ObjectId();
    private String name;
    private RealmList<Dog> dogs = new RealmList<>();
    private RealmList<Address> addresses = new RealmList<>();

    public ObjectId getId() {
        return _id;
    }

    public void setId(ObjectId id) {
        this._id = id;
    }

    public String getName() {
        return name;
    }

    public void setName(String name) {
        this.name = name;
    }

    public RealmList<Dog> getDogs() {
        return dogs;
    }

    public void setDogs(RealmList<Dog> dogs) {
        this.dogs = dogs;
    }

    public RealmList<Address> getAddresses() {
        return addresses;
    }

    public void setAddresses(RealmList<Address> addresses) {
        this.addresses = addresses;
    }
}
