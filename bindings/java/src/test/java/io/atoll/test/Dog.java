package io.atoll.test;

import io.atoll.RealmList;
import io.atoll.RealmObject;
import io.atoll.annotations.Ignore;
import io.atoll.annotations.PrimaryKey;
import io.atoll.annotations.RealmField;
import io.atoll.annotations.Required;
import java.util.Date;
import java.util.UUID;
import org.bson.types.ObjectId;

public class Dog extends RealmObject {
    @PrimaryKey
    private long _id;
    @Required
    private String name = "";
    private int age = 7;
    private double weight;
    private boolean isGood;
    private Integer legs;
    private Float height;
    private Boolean barks;
    private byte[] photo;
    private Date born;
    private UUID chip;
    private ObjectId tag;
    @RealmField("nick_name")
    private String nick;
    private Person owner;
    private Address home;
    @Required
    private RealmList<String> tricks = new RealmList<>();
    @Required
    private RealmList<Integer> scores = new RealmList<>();
    @Ignore
    private Thread walker;

    public Dog() {
    }

    public Dog(long id, String name, int age) {
        this._id = id;
        this.name = name;
        this.age = age;
    }

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

    public int getAge() {
        return age;
    }

    public void setAge(int value) {
        this.age = value;
    }

    public double getWeight() {
        return weight;
    }

    public void setWeight(double value) {
        this.weight = value;
    }

    public boolean isGood() {
        return isGood;
    }

    public void setGood(boolean value) {
        this.isGood = value;
    }

    public Integer getLegs() {
        return legs;
    }

    public void setLegs(Integer value) {
        this.legs = value;
    }

    public Float getHeight() {
        return height;
    }

    public void setHeight(Float value) {
        this.height = value;
    }

    public Boolean getBarks() {
        return barks;
    }

    public void setBarks(Boolean value) {
        this.barks = value;
    }

    public byte[] getPhoto() {
        return photo;
    }

    public void setPhoto(byte[] value) {
        this.photo = value;
    }

    public Date getBorn() {
        return born;
    }

    public void setBorn(Date value) {
        this.born = value;
    }

    public UUID getChip() {
        return chip;
    }

    public void setChip(UUID value) {
        this.chip = value;
    }

    public ObjectId getTag() {
        return tag;
    }

    public void setTag(ObjectId value) {
        this.tag = value;
    }

    public String getNick() {
        return nick;
    }

    public void setNick(String value) {
        this.nick = value;
    }

    public Person getOwner() {
        return owner;
    }

    public void setOwner(Person value) {
        this.owner = value;
    }

    public Address getHome() {
        return home;
    }

    public void setHome(Address value) {
        this.home = value;
    }

    public RealmList<String> getTricks() {
        return tricks;
    }

    public void setTricks(RealmList<String> value) {
        this.tricks = value;
    }

    public RealmList<Integer> getScores() {
        return scores;
    }

    public void setScores(RealmList<Integer> value) {
        this.scores = value;
    }
}
