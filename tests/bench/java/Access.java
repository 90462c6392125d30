package bench;

import io.atoll.Realm;
import io.atoll.RealmConfiguration;
import java.io.File;
import java.util.Locale;

/** Attribute access through the Java binding, in nanoseconds a call. */
public final class Access {
    private static final int ROUNDS = 2_000_000;
    private static double sum;

    private Access() {
    }

    private static void report(String name, Runnable action) {
        double best = Double.MAX_VALUE;
        for (int round = 0; round < 5; round++) {
            long start = System.nanoTime();
            action.run();
            best = Math.min(best, (System.nanoTime() - start) / (double) ROUNDS);
        }
        System.out.println(String.format(Locale.ROOT, "java.%s %.1f ns", name, best));
    }

    public static void main(String[] arguments) {
        RealmConfiguration configuration = new RealmConfiguration.Builder()
                .directory(new File(arguments[0])).name("java-access.atoll").schema(Item.class).build();
        try (Realm realm = Realm.getInstance(configuration)) {
            Item[] item = new Item[1];
            realm.executeTransaction(r -> {
                item[0] = r.createObject(Item.class, 1L);
                item[0].setName("a text of 16 by");
                item[0].setScore(1.5);
            });
            report("get_double", () -> {
                for (int i = 0; i < ROUNDS; i++) {
                    sum += item[0].getScore();
                }
            });
            report("get_string", () -> {
                for (int i = 0; i < ROUNDS; i++) {
                    sum += item[0].getName().length();
                }
            });
            report("set_double", () -> realm.executeTransaction(r -> {
                for (int i = 0; i < ROUNDS; i++) {
                    item[0].setScore(2.5);
                }
            }));
        }
        if (sum == 0) {
            throw new IllegalStateException("nothing was read");
        }
    }
}
