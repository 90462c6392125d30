package io.atoll.test;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.atoll.MapChangeListener;
import io.atoll.MapChangeSet;
import io.atoll.OrderedCollectionChangeSet;
import io.atoll.OrderedRealmCollectionChangeListener;
import io.atoll.Realm;
import io.atoll.RealmAny;
import io.atoll.RealmConfiguration;
import io.atoll.RealmDictionary;
import io.atoll.RealmList;
import io.atoll.RealmObject;
import io.atoll.RealmObjectChangeListener;
import io.atoll.RealmResults;
import io.atoll.RealmSet;
import io.atoll.log.LogLevel;
import io.atoll.log.RealmLog;
import java.io.File;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Queries over collections, change sets, key paths, words, frozen collections, collections in RealmAny, log categories. */
class CollectionsTest {
    @TempDir
    File folder;
    private Realm realm;
    private Crate crate;

    @BeforeEach
    void open() {
        realm = Realm.getInstance(new RealmConfiguration.Builder().directory(folder).name("crates.realm")
                .schema(Crate.class, Thing.class, Address.class).build());
        realm.executeTransaction(r -> {
            Crate made = new Crate();
            Thing cup = new Thing(1, "a red cup");
            Thing pot = new Thing(2, "a blue pot");
            Thing jar = new Thing(3, "a red jar");
            made.getThings().addAll(Arrays.asList(cup, pot, jar));
            made.getFriends().addAll(Arrays.asList(cup, pot));
            made.getLinks().put("jar", jar);
            made.getNumbers().addAll(Arrays.asList(1, 2));
            made.getCounts().put("one", 1);
            crate = r.copyToRealm(made);
        });
    }

    @AfterEach
    void close() {
        realm.close();
    }

    @Test
    void text_is_searched_by_its_words() {
        RealmResults<Thing> red = realm.where(Thing.class).rawPredicate("name TEXT $0", "red").findAll();
        assertEquals(2, red.size());
        assertEquals(1, realm.where(Thing.class).rawPredicate("name TEXT 'red -cup'").count());
        assertEquals(1, realm.where(Thing.class).fullText("name", "blue pot").count());
        realm.executeTransaction(r -> red.get(0).setName("green"));
        assertEquals(1, red.size());
    }

    @Test
    void collections_of_objects_are_queried() {
        RealmResults<Thing> red = crate.getThings().where().contains("name", "red").findAll();
        assertEquals(2, red.size());
        assertEquals(3L, crate.getThings().max("_id"));
        assertEquals(6L, crate.getThings().sum("_id"));
        assertEquals("a blue pot", crate.getThings().sort("name").first().getName());
        assertEquals(1, crate.getFriends().where().equalTo("_id", 2).count());
        assertEquals(1, crate.getLinks().where().findAll().size());
        assertEquals(3, realm.where(Thing.class).findAllAsync().size());
        realm.executeTransaction(r -> crate.getThings().remove(0));
        assertEquals(1, red.size());
        assertThrows(UnsupportedOperationException.class, () -> crate.getNumbers().where());
        assertThrows(UnsupportedOperationException.class, () -> new RealmList<Thing>().where());
    }

    @Test
    void change_sets_tell_moves_clearing_and_keys() {
        List<OrderedCollectionChangeSet> list = new ArrayList<>();
        List<MapChangeSet<String>> map = new ArrayList<>();
        OrderedRealmCollectionChangeListener<RealmList<Thing>> onList = (things, changes) -> list.add(changes);
        MapChangeListener<String, Integer> onMap = (counts, changes) -> map.add(changes);
        crate.getThings().addChangeListener(onList);
        crate.getCounts().addChangeListener(onMap);
        realm.refresh();
        realm.executeTransaction(r -> {
            crate.getThings().move(0, 2);
            crate.getCounts().put("two", 2);
            crate.getCounts().put("one", 11);
        });
        OrderedCollectionChangeSet moved = list.get(list.size() - 1);
        assertEquals(1, moved.getMoves().length);
        assertEquals(0, moved.getMoves()[0].from);
        assertEquals(2, moved.getMoves()[0].to);
        assertFalse(moved.isCleared());
        assertArrayEquals(new String[] {"two"}, map.get(map.size() - 1).getInsertions());
        assertArrayEquals(new String[] {"one"}, map.get(map.size() - 1).getChanges());
        realm.executeTransaction(r -> {
            crate.getThings().clear();
            crate.getCounts().remove("two");
        });
        assertTrue(list.get(list.size() - 1).isCleared());
        assertArrayEquals(new String[] {"two"}, map.get(map.size() - 1).getDeletions());
    }

    @Test
    void key_paths_choose_what_is_told() {
        List<String> heard = new ArrayList<>();
        Thing cup = crate.getThings().get(0);
        realm.executeTransaction(r -> crate.setFirst(cup));
        OrderedRealmCollectionChangeListener<RealmList<Thing>> onList = (things, changes) -> heard.add("list");
        RealmObjectChangeListener<Crate> onCrate = (changed, changes) -> heard.add("crate");
        OrderedRealmCollectionChangeListener<RealmResults<Crate>> onResults = (found, changes) -> heard.add("results");
        RealmResults<Crate> all = realm.where(Crate.class).findAll();
        crate.getThings().addChangeListener(onList, "name");
        RealmObject.addChangeListener(crate, onCrate, "first.name");
        all.addChangeListener(onResults, "ratio");
        realm.refresh();
        heard.clear();
        realm.executeTransaction(r -> cup.setName("other"));
        assertEquals(Arrays.asList("crate", "list"), sorted(heard));
        heard.clear();
        realm.executeTransaction(r -> crate.setRatio(2));
        assertEquals(Arrays.asList("results"), heard);
        assertThrows(IllegalArgumentException.class, () -> crate.getThings().addChangeListener(onList, "nothing"));
    }

    private static List<String> sorted(List<String> texts) {
        List<String> copy = new ArrayList<>(texts);
        java.util.Collections.sort(copy);
        return copy;
    }

    @Test
    void sets_and_dictionaries_freeze() throws InterruptedException {
        RealmSet<Integer> numbers = crate.getNumbers().freeze();
        RealmDictionary<Integer> counts = crate.getCounts().freeze();
        realm.executeTransaction(r -> {
            crate.getNumbers().clear();
            crate.getCounts().clear();
        });
        assertTrue(numbers.isFrozen() && counts.isFrozen() && !crate.getNumbers().isFrozen());
        List<Object> seen = new ArrayList<>();
        Thread reader = new Thread(() -> seen.addAll(Arrays.asList(numbers.size(), counts.get("one"))));
        reader.start();
        reader.join();
        assertEquals(Arrays.asList(2, 1), seen);
        assertTrue(crate.getNumbers().isEmpty() && crate.getCounts().isEmpty());
    }

    @Test
    void lists_and_dictionaries_nest_in_a_RealmAny() {
        RealmDictionary<RealmAny> map = new RealmDictionary<>();
        map.put("deep", RealmAny.valueOf(new RealmList<>(RealmAny.valueOf(2L), RealmAny.valueOf("x"))));
        map.put("thing", RealmAny.valueOf(crate.getThings().get(0)));
        RealmAny any = RealmAny.valueOf(new RealmList<>(RealmAny.valueOf(1L), RealmAny.valueOf(map), RealmAny.nullValue()));
        realm.executeTransaction(r -> crate.setAny(any));
        RealmList<RealmAny> list = crate.getAny().asList();
        assertEquals(RealmAny.Type.LIST, crate.getAny().getType());
        assertEquals(3, list.size());
        assertTrue(list.isManaged() && list.get(2).isNull());
        RealmDictionary<RealmAny> inner = list.get(1).asDictionary();
        assertEquals(crate.getThings().get(0), inner.get("thing").asRealmModel(Thing.class));
        assertEquals("x", inner.get("deep").asList().get(1).asString());
        assertNull(inner.get("nothing"));
        realm.executeTransaction(r -> {
            inner.get("deep").asList().add(RealmAny.valueOf(3L));
            list.set(0, RealmAny.valueOf(new RealmDictionary<RealmAny>()));
            list.add(RealmAny.valueOf("end"));
        });
        assertEquals(3, crate.getAny().asList().get(1).asDictionary().get("deep").asList().size());
        assertEquals(1, realm.where(Crate.class).rawPredicate("any[1].deep[2] == 3").count());
        Crate copy = realm.copyFromRealm(crate);
        assertEquals(crate.getAny().asList().get(1).asDictionary().get("deep"),
                copy.getAny().asList().get(1).asDictionary().get("deep"));
        assertFalse(copy.getAny().asList().isManaged());
        realm.executeTransaction(r -> crate.setAny(crate.getAny())); // It may be set to itself.
        assertEquals(4, crate.getAny().asList().size());
        realm.executeTransaction(r -> crate.setAny(RealmAny.valueOf(7L)));
        assertFalse(list.isValid());
        assertNotEquals(RealmAny.Type.LIST, crate.getAny().getType());
        assertThrows(ClassCastException.class, () -> crate.getAny().asList());
    }

    @Test
    void levels_are_kept_by_category() {
        assertEquals("Realm", RealmLog.getCategories().get(0));
        int before = RealmLog.getLevel("Realm.Sync");
        RealmLog.setLevel(LogLevel.DEBUG, "Realm.Sync");
        assertEquals(LogLevel.DEBUG, RealmLog.getLevel("Realm.Sync.Client.Session"));
        assertNotEquals(LogLevel.DEBUG, RealmLog.getLevel("Realm.Storage"));
        RealmLog.setLevel(before, "Realm.Sync");
        assertThrows(IllegalArgumentException.class, () -> RealmLog.getLevel("Nothing"));
    }
}
