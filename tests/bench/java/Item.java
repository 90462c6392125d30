package bench;

import io.atoll.RealmObject;
import io.atoll.annotations.PrimaryKey;
import io.atoll.annotations.Required;

public class Item extends RealmObject {
    @PrimaryKey
    private long _id;
    @Required
    private String name = "";
    private double score;

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

    public double getScore() {
        return score;
    }

    public void setScore(double value) {
        this.score = value;
    }
}
