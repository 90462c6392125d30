package flows;

import io.atoll.RealmObject;
import io.atoll.annotations.PrimaryKey;
import io.atoll.annotations.Required;

public class Sensor extends RealmObject {
    @PrimaryKey
    private String _id;
    @Required
    private String name = "";
    private int sent;

    public Sensor() {
    }

    public String getId() {
        return _id;
    }

    public void setId(String value) {
        this._id = value;
    }

    public String getName() {
        return name;
    }

    public void setName(String value) {
        this.name = value;
    }

    public int getSent() {
        return sent;
    }

    public void setSent(int value) {
        this.sent = value;
    }
}
