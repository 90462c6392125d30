package io.atoll.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.atoll.Realm;
import io.atoll.RealmConfiguration;
import io.atoll.RealmList;
import io.atoll.RealmObjectChangeListener;
import io.atoll.RealmResults;
import io.atoll.exceptions.RealmException;
import io.atoll.exceptions.RealmMigrationNeededException;
import java.io.File;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.bson.types.Decimal128;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How realms are opened; frozen things; aggregates. */
class ModesTest {
    @TempDir
    File folder;

    private RealmConfiguration.Builder at(String name) {
        return new RealmConfiguration.Builder().directory(folder).name(name)
                .schema(Dog.class, Person.class, Address.class);
    }

    private static void add(Realm realm, long id, String name) {
        realm.executeTransaction(r -> r.copyToRealm(new Dog(id, name, (int) id)));
    }

    @Test
    void a_realm_in_memory_goes_with_its_last_instance() {
        RealmConfiguration config = at("memory").inMemory().build();
        try (Realm one = Realm.getInstance(config)) {
            add(one, 1, "a");
            assertEquals(1, one.where(Dog.class).count());
        }
        assertFalse(new File(config.getPath()).exists());
        try (Realm again = Realm.getInstance(config)) {
            assertTrue(again.isEmpty());
        }
    }

    @Test
    void the_default_instance_is_that_of_the_default_configuration() {
        RealmConfiguration before = Realm.getDefaultConfiguration();
        Realm.setDefaultConfiguration(at("chosen").build());
        try (Realm realm = Realm.getDefaultInstance(); Realm same = Realm.getInstance(at("chosen").build())) {
            assertEquals(new File(folder, "chosen").getPath(), realm.getPath());
            assertSame(realm, same);
        } finally {
            Realm.setDefaultConfiguration(before);
        }
    }

    @Test
    void a_read_only_realm_refuses_writes() {
        RealmConfiguration config = at("dogs").readOnly().build();
        assertThrows(RealmException.class, () -> Realm.getInstance(config).close());
        try (Realm realm = Realm.getInstance(at("dogs").build())) {
            add(realm, 1, "a");
        }
        try (Realm realm = Realm.getInstance(config)) {
            assertEquals("a", realm.where(Dog.class).findFirst().getName());
            assertThrows(IllegalStateException.class, () -> realm.beginTransaction());
        }
    }

    @Test
    void an_encrypted_realm_needs_its_key() {
        byte[] key = new byte[64];
        key[3] = 7;
        RealmConfiguration config = at("dogs").encryptionKey(key).build();
        try (Realm realm = Realm.getInstance(config)) {
            add(realm, 1, "secret");
        }
        key[3] = 8;
        assertThrows(RealmException.class, () -> Realm.getInstance(at("dogs").encryptionKey(key).build()).close());
        assertThrows(RealmException.class, () -> Realm.getInstance(at("dogs").build()).close());
        assertThrows(IllegalArgumentException.class, () -> at("dogs").encryptionKey(new byte[63]));
        try (Realm realm = Realm.getInstance(config)) {
            assertEquals("secret", realm.where(Dog.class).findFirst().getName());
        }
    }

    @Test
    void copies_and_compaction() {
        final List<Long> asked = new ArrayList<>();
        RealmConfiguration config = at("dogs").compactOnLaunch((total, used) -> {
            asked.add(total);
            return true;
        }).build();
        byte[] key = new byte[64];
        try (Realm realm = Realm.getInstance(config)) {
            assertTrue(asked.isEmpty());
            add(realm, 1, "a");
            realm.writeCopyTo(new File(folder, "copy"));
            realm.writeEncryptedCopyTo(new File(folder, "secret"), key);
            assertThrows(RealmException.class, () -> realm.writeCopyTo(new File(folder, "copy")));
            assertFalse(Realm.compactRealm(config));
        }
        assertTrue(Realm.compactRealm(config));
        Realm.getInstance(config).close();
        assertEquals(1, asked.size());
        for (RealmConfiguration copy : new RealmConfiguration[] {at("copy").build(), at("secret").encryptionKey(key).build()}) {
            try (Realm realm = Realm.getInstance(copy)) {
                assertEquals("a", realm.where(Dog.class).findFirst().getName());
            }
        }
    }

    @Test
    void a_bound_on_versions_is_kept() {
        try (Realm realm = Realm.getInstance(at("dogs").maxNumberOfActiveVersions(2).build())) {
            add(realm, 1, "a");
            List<Realm> held = new ArrayList<>();
            assertThrows(RuntimeException.class, () -> {
                for (int i = 2; i < 8; i++) {
                    held.add(realm.freeze());
                    add(realm, i, "b");
                }
            });
            assertTrue(held.size() < 6);
        }
    }

    @Test
    void frozen_things_stay_as_they_were_on_any_thread() throws InterruptedException {
        try (Realm realm = Realm.getInstance(at("dogs").build())) {
            Dog unmanaged = new Dog(1, "before", 1);
            unmanaged.getTricks().add("sit");
            realm.executeTransaction(r -> r.copyToRealm(unmanaged));
            Dog dog = realm.where(Dog.class).findFirst();
            RealmResults<Dog> all = realm.where(Dog.class).findAll();
            Realm frozen = realm.freeze();
            Dog frozenDog = dog.freeze();
            RealmResults<Dog> frozenAll = all.freeze();
            RealmList<String> frozenTricks = dog.getTricks().freeze();
            assertTrue(frozen.isFrozen() && frozenDog.isFrozen() && frozenAll.isFrozen() && frozenTricks.isFrozen());
            assertFalse(realm.isFrozen() || dog.isFrozen() || all.isFrozen() || dog.getTricks().isFrozen());
            assertSame(frozenDog, frozenDog.freeze());
            realm.executeTransaction(r -> {
                dog.setName("after");
                dog.getTricks().add("roll");
                r.copyToRealm(new Dog(2, "new", 2));
            });
            AtomicReference<String> seen = new AtomicReference<>();
            Thread reader = new Thread(() -> seen.set(frozenDog.getName() + " " + frozenAll.size() + " " + frozenTricks
                    + " " + frozen.where(Dog.class).findFirst().getName() + " " + frozenDog.getTricks().size()));
            reader.start();
            reader.join();
            assertEquals("before 1 [sit] before 1", seen.get());
            RealmObjectChangeListener<Dog> listener = (changed, changes) -> { };
            assertThrows(IllegalStateException.class, () -> frozenDog.addChangeListener(listener));
            assertThrows(IllegalStateException.class, () -> frozen.beginTransaction());
            frozen.close();
            assertTrue(frozen.isClosed());
            assertFalse(realm.isClosed());
        }
    }

    @Test
    void a_changed_schema_needs_a_higher_version() {
        try (Realm realm = Realm.getInstance(at("cats").schema(Cat.class).build())) {
            realm.executeTransaction(r -> r.createObject(Cat.class, "Tom"));
        }
        assertThrows(RealmMigrationNeededException.class, () -> Realm.getInstance(at("cats").schema(Changed.class).build()).close());
        try (Realm realm = Realm.getInstance(at("cats").schema(Changed.class).schemaVersion(1).build())) {
            assertEquals("Tom", realm.where(Changed.class).findFirst().getName());
            assertNull(realm.where(Changed.class).findFirst().getAsleep());
        }
        assertThrows(RealmException.class, () -> Realm.getInstance(at("cats").schema(Changed.class).build()).close());
    }

    @Test
    void deleteRealmIfMigrationNeeded_empties_it() {
        RealmConfiguration before = at("cats").schema(Cat.class).build();
        try (Realm realm = Realm.getInstance(before)) {
            realm.executeTransaction(r -> r.createObject(Cat.class, "Tom"));
        }
        assertFalse(before.shouldDeleteRealmIfMigrationNeeded());
        RealmConfiguration after = at("cats").schema(Changed.class).deleteRealmIfMigrationNeeded().build();
        assertThrows(RealmMigrationNeededException.class, () -> Realm.getInstance(at("cats").schema(Changed.class).build()).close());
        try (Realm realm = Realm.getInstance(after)) {
            assertTrue(realm.isEmpty());
        }
    }

    @Test
    void results_have_their_aggregates() {
        try (Realm realm = Realm.getInstance(at("dogs").build())) {
            RealmResults<Dog> all = realm.where(Dog.class).findAll();
            assertEquals(0L, all.sum("age"));
            assertNull(all.min("age"));
            assertEquals(0.0, all.average("age"));
            realm.executeTransaction(r -> {
                for (int i = 1; i <= 3; i++) {
                    Dog dog = new Dog(i, "d" + i, i * 2);
                    dog.setLegs(i == 2 ? null : (Integer) i);
                    dog.setHeight(i * 0.5f);
                    dog.setBorn(new Date(i * 1000L));
                    r.copyToRealm(dog);
                }
            });
            assertEquals(12L, all.sum("age"));
            assertEquals(2, all.min("age"));
            assertEquals(6, all.max("age"));
            assertEquals(4.0, all.average("age"));
            assertEquals(2.0, all.average("legs"));
            assertEquals(1, all.min("legs"));
            assertEquals(1.5f, all.max("height"));
            assertEquals(new Date(3000), all.maxDate("born"));
            assertEquals(new Date(1000), realm.where(Dog.class).minimumDate("born"));
            assertThrows(IllegalArgumentException.class, () -> all.sum("nothing"));
        }
    }

    @Test
    void decimals_have_an_exact_average() {
        RealmConfiguration config = new RealmConfiguration.Builder().directory(folder).name("crates")
                .schema(Crate.class, Thing.class, Address.class).build();
        try (Realm realm = Realm.getInstance(config)) {
            realm.executeTransaction(r -> {
                for (int i = 0; i < 2; i++) {
                    Crate crate = r.createObject(Crate.class, i);
                    crate.setPrice(Decimal128.parse(i == 0 ? "0.1" : "0.3"));
                }
            });
            assertEquals(0, Decimal128.parse("0.2").compareTo(realm.where(Crate.class).averageDecimal128("price")));
            assertEquals(0, Decimal128.parse("0.4").compareTo((Decimal128) realm.where(Crate.class).sum("price")));
        }
    }
}
