package io.atoll.test;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.atoll.Case;
import io.atoll.ObjectChangeSet;
import io.atoll.OrderedCollectionChangeSet;
import io.atoll.OrderedRealmCollectionChangeListener;
import io.atoll.Realm;
import io.atoll.RealmConfiguration;
import io.atoll.RealmObject;
import io.atoll.RealmObjectChangeListener;
import io.atoll.RealmResults;
import io.atoll.Sort;
import io.atoll.exceptions.RealmFileException;
import io.atoll.exceptions.RealmPrimaryKeyConstraintException;
import java.io.File;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.bson.types.ObjectId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RealmTest {
    @TempDir
    File folder;
    private RealmConfiguration config;
    private Realm realm;

    @BeforeEach
    void open() {
        config = new RealmConfiguration.Builder().directory(folder).name("dogs.realm")
                .schema(Dog.class, Person.class, Address.class, Cat.class).build();
        realm = Realm.getInstance(config);
    }

    @AfterEach
    void close() {
        realm.close();
    }

    private void fill(final int count) {
        realm.executeTransaction(r -> {
            for (int i = 0; i < count; i++) {
                r.copyToRealm(new Dog(i, "dog" + i, i));
            }
        });
    }

    @Test
    void every_type_comes_back_as_it_was_written() {
        final Dog dog = new Dog(1, "Rex 🌴\0end", -3);
        dog.setWeight(2.5);
        dog.setGood(true);
        dog.setLegs(4);
        dog.setHeight(0.5f);
        dog.setBarks(false);
        dog.setPhoto(new byte[] {0, -1, 7});
        dog.setBorn(new Date(-1234));
        dog.setChip(UUID.fromString("00112233-4455-6677-8899-aabbccddeeff"));
        dog.setTag(new ObjectId("507f1f77bcf86cd799439011"));
        dog.setNick("R");
        dog.getTricks().addAll(Arrays.asList("sit", "roll"));
        dog.getScores().addAll(Arrays.asList(3, 1, 2));
        realm.executeTransaction(r -> r.copyToRealm(dog));

        Dog found = realm.where(Dog.class).equalTo("_id", 1L).findFirst();
        assertTrue(found.isManaged());
        assertEquals("Rex 🌴\0end", found.getName());
        assertEquals(-3, found.getAge());
        assertEquals(2.5, found.getWeight());
        assertTrue(found.isGood());
        assertEquals(Integer.valueOf(4), found.getLegs());
        assertEquals(Float.valueOf(0.5f), found.getHeight());
        assertEquals(Boolean.FALSE, found.getBarks());
        assertArrayEquals(new byte[] {0, -1, 7}, found.getPhoto());
        assertEquals(new Date(-1234), found.getBorn());
        assertEquals(UUID.fromString("00112233-4455-6677-8899-aabbccddeeff"), found.getChip());
        assertEquals(new ObjectId("507f1f77bcf86cd799439011"), found.getTag());
        assertEquals("R", found.getNick());
        assertEquals(Arrays.asList("sit", "roll"), new ArrayList<>(found.getTricks()));
        assertEquals(Arrays.asList(3, 1, 2), new ArrayList<>(found.getScores()));
    }

    @Test
    void nullable_properties_are_null_until_set() {
        realm.executeTransaction(r -> r.copyToRealm(new Dog(1, "x", 1)));
        Dog found = realm.where(Dog.class).findFirst();
        assertNull(found.getLegs());
        assertNull(found.getHeight());
        assertNull(found.getBarks());
        assertNull(found.getPhoto());
        assertNull(found.getBorn());
        assertNull(found.getChip());
        assertNull(found.getTag());
        assertNull(found.getNick());
        assertNull(found.getOwner());
        assertNull(found.getHome());
        assertEquals(0, found.getTricks().size());
        realm.executeTransaction(r -> {
            found.setLegs(3);
            found.setLegs(null);
            found.setNick("n");
            found.setNick(null);
        });
        assertNull(found.getLegs());
        assertNull(found.getNick());
    }

    @Test
    void created_objects_have_the_defaults_of_their_class() {
        realm.executeTransaction(r -> r.createObject(Dog.class, 5L));
        assertEquals(7, realm.where(Dog.class).findFirst().getAge());
    }

    @Test
    void a_failed_transaction_leaves_nothing() {
        IllegalArgumentException thrown = assertThrows(IllegalArgumentException.class, () -> realm.executeTransaction(r -> {
            r.copyToRealm(new Dog(1, "x", 1));
            throw new IllegalArgumentException("mine");
        }));
        assertEquals("mine", thrown.getMessage());
        assertFalse(realm.isInTransaction());
        assertEquals(0, realm.where(Dog.class).count());
    }

    @Test
    void writing_outside_a_transaction_is_refused() {
        assertThrows(IllegalStateException.class, () -> realm.copyToRealm(new Dog(1, "x", 1)));
        fill(1);
        Dog dog = realm.where(Dog.class).findFirst();
        assertThrows(IllegalStateException.class, () -> dog.setAge(3));
        assertEquals(0, dog.getAge());
    }

    @Test
    void a_second_object_with_the_same_key_is_refused_unless_updated() {
        fill(1);
        assertThrows(RealmPrimaryKeyConstraintException.class,
                () -> realm.executeTransaction(r -> r.copyToRealm(new Dog(0, "twice", 9))));
        realm.executeTransaction(r -> r.copyToRealmOrUpdate(new Dog(0, "twice", 9)));
        assertEquals(1, realm.where(Dog.class).count());
        assertEquals("twice", realm.where(Dog.class).findFirst().getName());
    }

    @Test
    void a_key_never_changes() {
        fill(1);
        Dog dog = realm.where(Dog.class).findFirst();
        assertThrows(RuntimeException.class, () -> realm.executeTransaction(r -> dog.setId(4)));
        assertEquals(0, dog.getId());
    }

    @Test
    void a_graph_with_a_circle_is_copied_once() {
        Person person = new Person();
        person.setName("Ann");
        Dog dog = new Dog(1, "Rex", 3);
        dog.setOwner(person);
        person.getDogs().add(dog);
        Address home = new Address();
        home.setStreet("Hill");
        dog.setHome(home);
        person.getAddresses().add(home);
        realm.executeTransaction(r -> r.copyToRealm(dog));

        assertEquals(1, realm.where(Person.class).count());
        Dog found = realm.where(Dog.class).findFirst();
        assertEquals("Ann", found.getOwner().getName());
        assertEquals(found, found.getOwner().getDogs().first());
        assertNotEquals(found, found.getOwner());
        assertEquals("Hill", found.getHome().getStreet());
        assertEquals("Hill", found.getOwner().getAddresses().get(0).getStreet());

        Dog copy = realm.copyFromRealm(found);
        assertFalse(copy.isManaged());
        assertSame(copy, copy.getOwner().getDogs().get(0));
        assertEquals("Hill", copy.getHome().getStreet());
    }

    @Test
    void links_take_managed_objects_only() {
        fill(1);
        Dog dog = realm.where(Dog.class).findFirst();
        realm.executeTransaction(r -> {
            assertThrows(IllegalArgumentException.class, () -> dog.setOwner(new Person()));
            dog.setOwner(r.createObject(Person.class, new ObjectId()));
            dog.getOwner().setName("Bo");
        });
        assertEquals("Bo", dog.getOwner().getName());
        realm.executeTransaction(r -> dog.getOwner().deleteFromRealm());
        assertNull(dog.getOwner());
    }

    @Test
    void lists_take_every_change() {
        fill(3);
        Dog dog = realm.where(Dog.class).findFirst();
        realm.executeTransaction(r -> {
            dog.getTricks().add("a");
            dog.getTricks().add(0, "b");
            dog.getTricks().add("c");
            assertEquals("a", dog.getTricks().set(1, "A"));
            assertEquals("b", dog.getTricks().remove(0));
        });
        assertEquals(Arrays.asList("A", "c"), new ArrayList<>(dog.getTricks()));
        assertThrows(IndexOutOfBoundsException.class, () -> dog.getTricks().get(2));
        Person[] person = new Person[1];
        realm.executeTransaction(r -> {
            person[0] = r.createObject(Person.class, new ObjectId());
            person[0].getDogs().addAll(r.where(Dog.class).findAll());
            r.createEmbeddedObject(Address.class, person[0], "addresses").setStreet("Low");
        });
        assertEquals(3, person[0].getDogs().size());
        assertEquals("Low", person[0].getAddresses().first().getStreet());
        realm.executeTransaction(r -> r.where(Dog.class).equalTo("_id", 1L).findAll().deleteAllFromRealm());
        assertEquals(2, person[0].getDogs().size());
        realm.executeTransaction(r -> dog.getTricks().clear());
        assertTrue(dog.getTricks().isEmpty());
    }

    @Test
    void queries_find_what_they_say() {
        fill(10);
        realm.executeTransaction(r -> r.where(Dog.class).equalTo("_id", 3L).findFirst().setNick("Three"));
        assertEquals(6, realm.where(Dog.class).greaterThan("age", 3).count());
        assertEquals(7, realm.where(Dog.class).greaterThanOrEqualTo("age", 3).count());
        assertEquals(2, realm.where(Dog.class).lessThan("age", 1).or().equalTo("name", "dog9").count());
        assertEquals(3, realm.where(Dog.class).between("age", 4, 6).count());
        assertEquals(1, realm.where(Dog.class).equalTo("nick", "Three").count());
        assertEquals(9, realm.where(Dog.class).isNull("nick").count());
        assertEquals(10, realm.where(Dog.class).beginsWith("name", "DOG", Case.INSENSITIVE).count());
        assertEquals(0, realm.where(Dog.class).beginsWith("name", "DOG").count());
        assertEquals(1, realm.where(Dog.class).contains("name", "g7").count());
        assertEquals(2, realm.where(Dog.class).in("age", new Integer[] {2, 5, 77}).count());
        assertEquals(0, realm.where(Dog.class).in("age", new Integer[0]).count());
        assertEquals(8, realm.where(Dog.class).not().beginGroup().equalTo("age", 1).or().equalTo("age", 2).endGroup().count());
        assertEquals(3, realm.where(Dog.class).rawPredicate("age > $0 AND name != $1", 5, "dog9").count());
        assertEquals(1, realm.where(Dog.class).equalTo("age", 4).rawPredicate("name == $0", "dog4").count());
        RealmResults<Dog> sorted = realm.where(Dog.class).lessThan("age", 3).sort("age", Sort.DESCENDING).findAll();
        assertEquals(Arrays.asList(2, 1, 0), ages(sorted));
        assertEquals(45L, realm.where(Dog.class).sum("age").longValue());
        assertEquals(9, realm.where(Dog.class).max("age").intValue());
        assertEquals(0, realm.where(Dog.class).min("age").intValue());
        assertEquals(4.5, realm.where(Dog.class).average("age"));
        assertNull(realm.where(Dog.class).equalTo("age", 99).findFirst());
    }

    private static List<Integer> ages(List<Dog> dogs) {
        List<Integer> ages = new ArrayList<>();
        for (Dog dog : dogs) {
            ages.add(dog.getAge());
        }
        return ages;
    }

    @Test
    void a_bad_query_is_an_illegal_argument() {
        assertThrows(IllegalArgumentException.class, () -> realm.where(Dog.class).rawPredicate("age >").count());
        assertThrows(IllegalArgumentException.class, () -> realm.where(Dog.class).equalTo("wings", 2).count());
        assertThrows(IllegalArgumentException.class, () -> realm.where(Dog.class).equalTo("age", "old").count());
    }

    @Test
    void an_iteration_goes_on_while_objects_are_deleted() {
        fill(5);
        realm.executeTransaction(r -> {
            for (Dog dog : r.where(Dog.class).findAll()) {
                dog.deleteFromRealm();
            }
        });
        assertEquals(0, realm.where(Dog.class).count());
    }

    @Test
    void a_deleted_object_is_invalid() {
        fill(1);
        Dog dog = realm.where(Dog.class).findFirst();
        assertTrue(dog.isValid());
        realm.executeTransaction(r -> dog.deleteFromRealm());
        assertFalse(dog.isValid());
        assertThrows(IllegalStateException.class, dog::getName);
    }

    @Test
    void results_tell_what_changed() {
        fill(3);
        final List<String> told = new ArrayList<>();
        RealmResults<Dog> dogs = realm.where(Dog.class).sort("age").findAll();
        OrderedRealmCollectionChangeListener<RealmResults<Dog>> listener = (all, changes) -> told.add(changes.getState()
                + Arrays.toString(changes.getDeletions()) + Arrays.toString(changes.getInsertions())
                + Arrays.toString(changes.getChanges()));
        dogs.addChangeListener(listener);
        realm.refresh();
        realm.executeTransaction(r -> {
            dogs.get(0).deleteFromRealm();
            r.copyToRealm(new Dog(9, "nine", 9));
            r.where(Dog.class).equalTo("_id", 1L).findFirst().setName("changed");
        });
        assertEquals(Arrays.asList("INITIAL[][][]", "UPDATE[0][2][0]"), told);
        dogs.removeChangeListener(listener);
        fillOne(10);
        assertEquals(2, told.size());
    }

    private void fillOne(final long id) {
        realm.executeTransaction(r -> r.copyToRealm(new Dog(id, "one", 1)));
    }

    @Test
    void an_object_tells_which_fields_changed() {
        fill(1);
        final List<String> told = new ArrayList<>();
        Dog dog = realm.where(Dog.class).findFirst();
        RealmObjectChangeListener<Dog> listener = (d, changes) -> told.add(describe(changes));
        dog.addChangeListener(listener);
        realm.executeTransaction(r -> dog.setNick("new"));
        realm.executeTransaction(r -> dog.deleteFromRealm());
        assertEquals(Arrays.asList("false[nick]", "true[]"), told);
    }

    private static String describe(ObjectChangeSet changes) {
        return changes.isDeleted() + Arrays.toString(changes.getChangedFields());
    }

    @Test
    void a_list_tells_what_changed() {
        fill(1);
        final List<OrderedCollectionChangeSet> told = new ArrayList<>();
        Dog dog = realm.where(Dog.class).findFirst();
        io.atoll.RealmList<String> tricks = dog.getTricks();
        OrderedRealmCollectionChangeListener<io.atoll.RealmList<String>> listener = (l, changes) -> told.add(changes);
        tricks.addChangeListener(listener);
        realm.refresh();
        int before = told.size();
        realm.executeTransaction(r -> dog.getTricks().add("sit"));
        assertEquals(before + 1, told.size());
        assertArrayEquals(new int[] {0}, told.get(before).getInsertions());
    }

    @Test
    void another_thread_sees_a_commit_after_refresh() throws Exception {
        final CountDownLatch done = new CountDownLatch(1);
        final AtomicReference<Throwable> error = new AtomicReference<>();
        realm.executeTransactionAsync(r -> r.copyToRealm(new Dog(1, "async", 1)), done::countDown, e -> {
            error.set(e);
            done.countDown();
        });
        assertTrue(done.await(10, TimeUnit.SECONDS));
        assertNull(error.get());
        realm.refresh();
        assertEquals("async", realm.where(Dog.class).findFirst().getName());
    }

    @Test
    void a_realm_belongs_to_its_thread() throws Exception {
        fill(1);
        final Dog dog = realm.where(Dog.class).findFirst();
        final AtomicReference<Throwable> thrown = new AtomicReference<>();
        Thread other = new Thread(() -> {
            try {
                dog.getName();
            } catch (Throwable e) {
                thrown.set(e);
            }
        });
        other.start();
        other.join();
        assertTrue(thrown.get() instanceof IllegalStateException, String.valueOf(thrown.get()));
    }

    @Test
    void instances_of_a_thread_are_counted() {
        Realm second = Realm.getInstance(config);
        assertSame(realm, second);
        second.close();
        assertFalse(realm.isClosed());
        fill(1);
        Dog dog = realm.where(Dog.class).findFirst();
        realm.close();
        assertTrue(realm.isClosed());
        assertFalse(dog.isValid());
        assertThrows(IllegalStateException.class, dog::getName);
        realm = Realm.getInstance(config);
        assertEquals("dog0", realm.where(Dog.class).findFirst().getName());
    }

    @Test
    void a_realm_is_deleted_only_when_closed() {
        assertThrows(RuntimeException.class, () -> Realm.deleteRealm(config));
        fill(1);
        realm.close();
        assertTrue(Realm.deleteRealm(config));
        realm = Realm.getInstance(config);
        assertTrue(realm.isEmpty());
    }

    @Test
    void a_realm_is_opened_in_the_background() throws Exception {
        final CountDownLatch done = new CountDownLatch(2);
        final List<Object> told = java.util.Collections.synchronizedList(new ArrayList<>());
        fill(3);
        class Told extends Realm.Callback {
            @Override
            public void onSuccess(Realm opened) {
                told.add(opened.where(Dog.class).count());
                opened.close();
                done.countDown();
            }

            @Override
            public void onError(Throwable exception) {
                told.add(exception.getClass());
                done.countDown();
            }
        }
        Realm.getInstanceAsync(config, new Told());
        Realm.getInstanceAsync(new RealmConfiguration.Builder().directory(folder).name("none")
                .schema(Dog.class, Person.class, Address.class).readOnly().build(), new Told());
        assertTrue(done.await(10, TimeUnit.SECONDS));
        assertTrue(told.contains(3L) && told.contains(RealmFileException.class), told.toString());
        assertThrows(IllegalArgumentException.class, () -> Realm.getInstanceAsync(config, null));
    }

    @Test
    void asymmetric_classes_are_refused_in_local_realms() {
        RealmConfiguration bad = new RealmConfiguration.Builder().directory(folder).name("bad.realm")
                .schema(Reading.class, Address.class).build();
        assertThrows(RuntimeException.class, () -> Realm.getInstance(bad).close());
    }

    @Test
    void a_class_may_implement_RealmModel_instead() {
        realm.executeTransaction(r -> r.createObject(Cat.class, "Tom"));
        Cat cat = realm.where(Cat.class).equalTo("asleep", true).findFirst();
        assertEquals("Tom", cat.getName());
        assertTrue(RealmObject.isManaged(cat) && RealmObject.isValid(cat));
        assertSame(realm, RealmObject.getRealm(cat));
        realm.executeTransaction(r -> RealmObject.deleteFromRealm(cat));
        assertFalse(RealmObject.isValid(cat));
        assertFalse(RealmObject.isManaged(new Cat()));
    }

    @Test
    void garbage_handles_are_freed_while_the_realm_is_used() {
        fill(100);
        for (int round = 0; round < 200; round++) {
            long sum = 0;
            for (Dog dog : realm.where(Dog.class).findAll()) {
                sum += dog.getAge();
            }
            assertEquals(4950, sum);
            if (round % 50 == 0) {
                System.gc();
            }
        }
    }
}
