package io.atoll.test;

import io.atoll.MutableRealmInteger;
import io.atoll.RealmAny;
import io.atoll.RealmDictionary;
import io.atoll.RealmList;
import io.atoll.RealmObject;
import io.atoll.RealmSet;
import io.atoll.annotations.PrimaryKey;
import io.atoll.annotations.Required;
import org.bson.types.Decimal128;

/** Every kind of property that {@link Dog} has not. */
public class Crate extends RealmObject {
    @PrimaryKey
    private long _id;
    private float ratio;
    private Float maybeRatio;
    private Decimal128 price;
    private RealmAny any;
    private RealmList<RealmAny> anys = new RealmList<>();
    private RealmList<Long> steps = new RealmList<>();
    private RealmSet<Integer> numbers = new RealmSet<>();
    private RealmSet<String> names = new RealmSet<>();
    private RealmSet<Thing> friends = new RealmSet<>();
    private RealmDictionary<Integer> counts = new RealmDictionary<>();
    private RealmDictionary<Address> parts = new RealmDictionary<>();
    private RealmDictionary<Thing> links = new RealmDictionary<>();
    private Thing first;
    private RealmList<Thing> things = new RealmList<>();
    @Required
    private final MutableRealmInteger hits = MutableRealmInteger.valueOf(0);

    public long getId() {
        return _id;
    }

    public void setId(long value) {
        this._id = value;
    }

    public float getRatio() {
        return ratio;
    }

    public void setRatio(float value) {
        this.ratio = value;
    }

    public Float getMaybeRatio() {
        return maybeRatio;
    }

    public void setMaybeRatio(Float value) {
        this.maybeRatio = value;
    }

    public Decimal128 getPrice() {
        return price;
    }

    public void setPrice(Decimal128 value) {
        this.price = value;
    }

    public RealmAny getAny() {
        return any;
    }

    public void setAny(RealmAny value) {
        this.any = value;
    }

    public RealmList<RealmAny> getAnys() {
        return anys;
    }

    public void setAnys(RealmList<RealmAny> value) {
        this.anys = value;
    }

    public RealmList<Long> getSteps() {
        return steps;
    }

    public void setSteps(RealmList<Long> value) {
        this.steps = value;
    }

    public RealmSet<Integer> getNumbers() {
        return numbers;
    }

    public void setNumbers(RealmSet<Integer> value) {
        this.numbers = value;
    }

    public RealmSet<String> getNames() {
        return names;
    }

    public void setNames(RealmSet<String> value) {
        this.names = value;
    }

    public RealmSet<Thing> getFriends() {
        return friends;
    }

    public void setFriends(RealmSet<Thing> value) {
        this.friends = value;
    }

    public RealmDictionary<Integer> getCounts() {
        return counts;
    }

    public void setCounts(RealmDictionary<Integer> value) {
        this.counts = value;
    }

    public RealmDictionary<Address> getParts() {
        return parts;
    }

    public void setParts(RealmDictionary<Address> value) {
        this.parts = value;
    }

    public RealmDictionary<Thing> getLinks() {
        return links;
    }

    public void setLinks(RealmDictionary<Thing> value) {
        this.links = value;
    }

    public Thing getFirst() {
        return first;
    }

    public void setFirst(Thing value) {
        this.first = value;
    }

    public RealmList<Thing> getThings() {
        return things;
    }

    public void setThings(RealmList<Thing> value) {
        this.things = value;
    }

    public MutableRealmInteger getHits() {
        return hits;
    }
}
