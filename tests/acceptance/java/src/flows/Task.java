package flows;

import io.atoll.RealmObject;
import io.atoll.annotations.PrimaryKey;
import io.atoll.annotations.RealmField;
import io.atoll.annotations.Required;
import org.bson.types.ObjectId;

public class Task extends RealmObject {
    @PrimaryKey
    private ObjectId _id = new ObjectId();
    @Required
    @RealmField("_partition")
    private String partition = "";
    @Required
    private String name = "";
    @Required
    private String status = "Open";

    public Task() {
    }

    public Task(String partition, String name) {
        this.partition = partition;
        this.name = name;
    }

    public ObjectId getId() {
        return _id;
    }

    public void setId(ObjectId value) {
        this._id = value;
    }

    public String getPartition() {
        return partition;
    }

    public void setPartition(String value) {
        this.partition = value;
    }

    public String getName() {
        return name;
    }

    public void setName(String value) {
        this.name = value;
    }

    public String getStatus() {
        return status;
    }

    public void setStatus(String value) {
        this.status = value;
    }
}
