package flows;

import io.atoll.MutableRealmInteger;
import io.atoll.RealmAny;
import io.atoll.RealmDictionary;
import io.atoll.RealmObject;
import io.atoll.RealmSet;
import io.atoll.annotations.PrimaryKey;
import io.atoll.annotations.Required;

public class Shelf extends RealmObject {
    @PrimaryKey
    private long _id;
    @Required
    private final MutableRealmInteger visits = MutableRealmInteger.valueOf(0);
    private RealmSet<String> labels = new RealmSet<>();
    private RealmDictionary<Integer> counts = new RealmDictionary<>();
    private RealmAny extra;

    public long getId() {
        return _id;
    }

    public void setId(long value) {
        this._id = value;
    }

    public MutableRealmInteger getVisits() {
        return visits;
    }

    public RealmSet<String> getLabels() {
        return labels;
    }

    public void setLabels(RealmSet<String> value) {
        this.labels = value;
    }

    public RealmDictionary<Integer> getCounts() {
        return counts;
    }

    public void setCounts(RealmDictionary<Integer> value) {
        this.counts = value;
    }

    public RealmAny getExtra() {
        return extra;
    }

    public void setExtra(RealmAny value) {
        this.extra = value;
    }
}
