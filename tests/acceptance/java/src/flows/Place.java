package flows;

import io.atoll.RealmObject;
import io.atoll.annotations.RealmClass;
import io.atoll.annotations.Required;

@RealmClass(embedded = true)
public class Place extends RealmObject {
    @Required
    private String room = "";
    private Integer floor;

    public Place() {
    }

    public String getRoom() {
        return room;
    }

    public void setRoom(String value) {
        this.room = value;
    }

    public Integer getFloor() {
        return floor;
    }

    public void setFloor(Integer value) {
        this.floor = value;
    }
}
