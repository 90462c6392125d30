package flows;

import io.atoll.AsymmetricRealmObject;
import io.atoll.annotations.PrimaryKey;
import io.atoll.annotations.Required;
import java.util.Date;
import java.util.UUID;

public class Measurement extends AsymmetricRealmObject {
    @PrimaryKey
    private UUID _id = UUID.randomUUID();
    private double value;
    @Required
    private Date timestamp = new Date();
    private Place place;
    private Sensor sensor;

    public Measurement() {
    }

    public UUID getId() {
        return _id;
    }

    public void setId(UUID value) {
        this._id = value;
    }

    public double getValue() {
        return value;
    }

    public void setValue(double value) {
        this.value = value;
    }

    public Date getTimestamp() {
        return timestamp;
    }

    public void setTimestamp(Date value) {
        this.timestamp = value;
    }

    public Place getPlace() {
        return place;
    }

    public void setPlace(Place value) {
        this.place = value;
    }

    public Sensor getSensor() {
        return sensor;
    }

    public void setSensor(Sensor value) {
        this.sensor = value;
    }
}
