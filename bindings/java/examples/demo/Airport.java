package demo;

import io.atoll.RealmList;
import io.atoll.RealmObject;
import io.atoll.annotations.PrimaryKey;
import io.atoll.annotations.Required;

public class Airport extends RealmObject {
    @PrimaryKey
    private String _id;
    @Required
    private String name = "";
    private String city;
    private String state;
    @Required
    private String country = "";
    private double latitude;
    private double longitude;
    private long visits;
    @Required
    private RealmList<String> tags = new RealmList<>();

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

    public String getCity() {
        return city;
    }

    public void setCity(String value) {
        this.city = value;
    }

    public String getState() {
        return state;
    }

    public void setState(String value) {
        this.state = value;
    }

    public String getCountry() {
        return country;
    }

    public void setCountry(String value) {
        this.country = value;
    }

    public double getLatitude() {
        return latitude;
    }

    public void setLatitude(double value) {
        this.latitude = value;
    }

    public double getLongitude() {
        return longitude;
    }

    public void setLongitude(double value) {
        this.longitude = value;
    }

    public long getVisits() {
        return visits;
    }

    public void setVisits(long value) {
        this.visits = value;
    }

    public RealmList<String> getTags() {
        return tags;
    }

    public void setTags(RealmList<String> value) {
        this.tags = value;
    }
}
