package io.atoll.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import android.os.Looper;
import io.atoll.OrderedRealmCollectionChangeListener;
import io.atoll.Realm;
import io.atoll.RealmConfiguration;
import io.atoll.RealmResults;
import java.io.File;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A thread with a looper is told of changes without refresh(). */
class LooperTest {
    @TempDir
    File folder;

    /** Runs it on a thread that has a looper, until that quits. */
    private static void onLooper(Runnable begin) throws InterruptedException {
        List<Throwable> thrown = new ArrayList<>();
        Thread thread = new Thread(() -> {
            try {
                Looper.prepare();
                begin.run();
                Looper.loop();
            } catch (Throwable e) {
                thrown.add(e);
            }
        });
        thread.start();
        thread.join(20000);
        assertTrue(!thread.isAlive() && thrown.isEmpty(), String.valueOf(thrown));
    }

    private RealmConfiguration config() {
        return new RealmConfiguration.Builder().directory(folder).name("dogs").schema(Dog.class, Person.class, Address.class).build();
    }

    @Test
    void a_looper_delivers_what_other_threads_wrote() throws Exception {
        List<Integer> seen = new ArrayList<>();
        List<RealmResults<Dog>> held = new ArrayList<>();
        onLooper(() -> {
            Realm realm = Realm.getInstance(config());
            Thread me = Thread.currentThread();
            RealmResults<Dog> dogs = realm.where(Dog.class).findAll();
            held.add(dogs);
            Runnable end = () -> {
                assertEquals(me, Thread.currentThread());
                if (seen.contains(1) && seen.contains(-1)) {
                    realm.close();
                    Looper.myLooper().quit();
                }
            };
            OrderedRealmCollectionChangeListener<RealmResults<Dog>> listener = (found, changes) -> {
                seen.add(found.size());
                if (found.isEmpty()) {
                    realm.executeTransactionAsync(r -> r.copyToRealm(new Dog(1, "Rex", 3)), () -> {
                        seen.add(-1);
                        end.run();
                    });
                }
                end.run();
            };
            dogs.addChangeListener(listener);
        });
        assertEquals(0, seen.get(0));
        assertEquals(3, seen.size());
    }

    @Test
    void a_realm_is_opened_for_the_thread_of_its_looper() throws Exception {
        List<Object> told = new ArrayList<>();
        onLooper(() -> {
            Thread me = Thread.currentThread();
            Realm.getInstanceAsync(config(), new Realm.Callback() {
                @Override
                public void onSuccess(Realm realm) {
                    told.add(me == Thread.currentThread());
                    told.add(realm.isEmpty());
                    realm.close();
                    Looper.myLooper().quit();
                }
            });
        });
        assertEquals(Arrays.asList(true, true), told);
        assertNull(Looper.myLooper());
    }
}
