package app;

import io.atoll.Realm;
import io.atoll.RealmConfiguration;

/** A consumer in Java. */
public class Main {
    public static void main(String[] arguments) {
        RealmConfiguration configuration = new RealmConfiguration.Builder()
            .directory(new java.io.File(arguments[0])).name("java.atoll").build();
        try (Realm realm = Realm.getInstance(configuration)) {
            realm.executeTransaction(r -> r.createObject(Dog.class, 1L).setName("Rex"));
            long found = realm.where(Dog.class).equalTo("name", "Rex").count();
            System.out.println("found " + found);
            System.exit(found == 1 ? 0 : 1);
        }
    }
}
