package io.atoll.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.atoll.MapChangeListener;
import io.atoll.MutableRealmInteger;
import io.atoll.Realm;
import io.atoll.RealmAny;
import io.atoll.RealmConfiguration;
import io.atoll.RealmDictionary;
import io.atoll.RealmResults;
import io.atoll.RealmSet;
import io.atoll.SetChangeListener;
import io.atoll.SetChangeSet;
import io.atoll.Sort;
import java.io.File;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.HashSet;
import java.util.List;
import java.util.UUID;
import org.bson.types.Decimal128;
import org.bson.types.ObjectId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Floats, decimals, RealmAny, sets, dictionaries, counters, moved elements, backlinks. */
class TypesTest {
    @TempDir
    File folder;
    private Realm realm;

    @BeforeEach
    void open() {
        realm = Realm.getInstance(new RealmConfiguration.Builder().directory(folder).name("crates.realm")
                .schema(Crate.class, Thing.class, Address.class).build());
    }

    @AfterEach
    void close() {
        realm.close();
    }

    private Crate add(Crate crate) {
        final Crate[] made = new Crate[1];
        realm.executeTransaction(r -> made[0] = r.copyToRealm(crate));
        return made[0];
    }

    private Thing thing(long id, String name) {
        final Thing[] made = new Thing[1];
        realm.executeTransaction(r -> made[0] = r.copyToRealm(new Thing(id, name)));
        return made[0];
    }

    private static Address address(String street) {
        Address address = new Address();
        address.setStreet(street);
        return address;
    }

    @Test
    void a_column_is_what_the_getters_say() {
        realm.executeTransaction(r -> {
            for (int i = 0; i < 3000; i++) {
                Crate crate = new Crate();
                crate.setId(i * 5_000_000_000L);
                crate.setRatio(i / 8f);
                crate.setMaybeRatio(i % 3 == 0 ? null : (Float) (-i / 4f));
                r.insert(crate);
            }
        });
        RealmResults<Crate> crates = realm.where(Crate.class).greaterThan("ratio", 2f).sort("_id", Sort.DESCENDING).findAll();
        long[] ids = crates.longs("_id");
        double[] ratios = crates.doubles("ratio"), maybe = crates.doubles("maybeRatio"), keys = crates.doubles("_id");
        assertEquals(crates.size(), ids.length);
        for (int i = 0; i < ids.length; i++) {
            Crate crate = crates.get(i);
            assertEquals(crate.getId(), ids[i]);
            assertEquals((double) crate.getId(), keys[i]);
            assertEquals((double) crate.getRatio(), ratios[i]);
            assertEquals(crate.getMaybeRatio() == null ? Double.NaN : (double) crate.getMaybeRatio(), maybe[i]);
        }
        assertEquals(0, realm.where(Crate.class).lessThan("ratio", -1f).findAll().longs("_id").length);
        assertThrows(IllegalArgumentException.class, () -> crates.longs("ratio"));
        assertThrows(IllegalArgumentException.class, () -> crates.doubles("price"));
        assertThrows(IllegalArgumentException.class, () -> crates.doubles("nothing"));
    }

    @Test
    void floats_and_decimals_come_back() {
        Crate crate = new Crate();
        crate.setRatio(0.1f);
        crate.setPrice(Decimal128.parse("1234567890123456789012345678.901230"));
        Crate found = add(crate);
        assertEquals(0.1f, found.getRatio());
        assertNull(found.getMaybeRatio());
        assertEquals("1234567890123456789012345678.901230", found.getPrice().toString());
        realm.executeTransaction(r -> {
            found.setMaybeRatio(-2.5f);
            found.setPrice(null);
        });
        assertEquals(Float.valueOf(-2.5f), found.getMaybeRatio());
        assertNull(found.getPrice());
        realm.executeTransaction(r -> found.setPrice(new Decimal128(new BigDecimal("1.10"))));
        assertEquals(1, realm.where(Crate.class).equalTo("price", Decimal128.parse("1.1")).count());
        assertEquals(1, realm.where(Crate.class).equalTo("ratio", 0.1f).count());
    }

    @Test
    void decimals_print_parse_and_compare() {
        for (String text : new String[] {"0", "-0", "1.10", "-12.50", "1E+3", "9.999999999999999999999999999999999E+6144", "1E-6176",
            "NaN", "Infinity", "-Infinity"}) {
            assertEquals(text, Decimal128.parse(text).toString());
            assertEquals(text, Decimal128.fromBytes(Decimal128.parse(text).toBytes()).toString());
        }
        assertEquals(0, Decimal128.parse("1.10").compareTo(Decimal128.parse("1.1")));
        assertTrue(Decimal128.parse("-2").compareTo(Decimal128.parse("-1")) < 0);
        assertEquals(new BigDecimal("7.50"), Decimal128.parse("7.50").bigDecimalValue());
        assertThrows(ArithmeticException.class, () -> Decimal128.NaN.bigDecimalValue());
        assertThrows(NumberFormatException.class, () -> Decimal128.parse("seven"));
    }

    @Test
    void a_RealmAny_is_what_it_was_set_to() {
        Crate crate = add(new Crate());
        assertEquals(RealmAny.Type.NULL, crate.getAny().getType());
        List<RealmAny> all = Arrays.asList(RealmAny.valueOf(true), RealmAny.valueOf(7), RealmAny.valueOf(1.5f), RealmAny.valueOf(2.5),
                RealmAny.valueOf(Decimal128.parse("3.50")), RealmAny.valueOf("text"), RealmAny.valueOf(new byte[] {1, 0, 2}),
                RealmAny.valueOf(UUID.fromString("00112233-4455-6677-8899-aabbccddeeff")),
                RealmAny.valueOf(new ObjectId("507f1f77bcf86cd799439011")), RealmAny.valueOf(new Date(-1500)),
                RealmAny.valueOf(thing(1, "one")), RealmAny.nullValue());
        for (RealmAny value : all) {
            realm.executeTransaction(r -> crate.setAny(value));
            assertEquals(value, crate.getAny());
        }
        realm.executeTransaction(r -> crate.getAnys().addAll(all));
        assertEquals(all, crate.getAnys());
        realm.executeTransaction(r -> crate.setAny(RealmAny.valueOf(new Thing(2, "two"))));
        assertEquals("two", crate.getAny().asRealmModel(Thing.class).getName());
        assertThrows(ClassCastException.class, () -> crate.getAny().asLong());
        realm.executeTransaction(r -> crate.setAny(RealmAny.valueOf("needle")));
        assertEquals(1, realm.where(Crate.class).equalTo("any", "needle").count());
        assertEquals(1, realm.where(Crate.class).equalTo("any", RealmAny.valueOf("needle")).count());
    }

    @Test
    void a_RealmSet_holds_each_value_once() {
        Crate made = new Crate();
        made.getNumbers().addAll(Arrays.asList(3, 1, 3));
        Crate crate = add(made);
        RealmSet<Integer> numbers = crate.getNumbers();
        assertTrue(numbers.isManaged() && numbers.isValid());
        realm.executeTransaction(r -> {
            assertTrue(numbers.add(2));
            assertFalse(numbers.add(3));
            assertTrue(numbers.remove(1));
            assertFalse(numbers.remove(9));
            crate.setNames(new RealmSet<>(Arrays.asList("b", "a")));
        });
        assertEquals(new HashSet<>(Arrays.asList(2, 3)), numbers);
        assertTrue(numbers.contains(2) && !numbers.contains(1) && !numbers.contains("x"));
        assertEquals(Arrays.asList("a", "b"), new ArrayList<>(crate.getNames()));
        assertThrows(IllegalStateException.class, () -> numbers.add(5));
        realm.executeTransaction(r -> numbers.removeIf(n -> n == 2));
        assertEquals(1, numbers.size());
        realm.executeTransaction(r -> numbers.clear());
        assertTrue(numbers.isEmpty());
    }

    @Test
    void a_RealmSet_of_objects_loses_what_is_deleted() {
        Crate made = new Crate();
        made.getFriends().add(new Thing(1, "one"));
        made.getFriends().add(new Thing(2, "two"));
        Crate crate = add(made);
        Thing one = realm.where(Thing.class).equalTo("_id", 1).findFirst();
        assertTrue(crate.getFriends().contains(one));
        realm.executeTransaction(r -> assertFalse(crate.getFriends().add(one)));
        realm.executeTransaction(r -> one.deleteFromRealm());
        assertEquals(1, crate.getFriends().size());
        assertEquals("two", crate.getFriends().iterator().next().getName());
    }

    @Test
    void a_RealmDictionary_has_one_value_for_a_key() {
        Crate made = new Crate();
        made.getCounts().put("a", 1);
        made.getParts().put("left", address("Hill"));
        made.getLinks().put("x", new Thing(1, "one"));
        made.getLinks().put("none", null);
        Crate crate = add(made);
        RealmDictionary<Integer> counts = crate.getCounts();
        realm.executeTransaction(r -> {
            assertNull(counts.put("b", 2));
            assertEquals(Integer.valueOf(1), counts.put("a", 5));
            crate.getParts().put("right", address("Dale"));
            crate.getLinks().put("y", new Thing(2, "two"));
        });
        assertEquals("{a=5, b=2}", counts.toString());
        assertTrue(counts.containsKey("a") && counts.containsValue(2) && !counts.containsKey("z"));
        assertNull(counts.get("z"));
        assertEquals("Dale", crate.getParts().get("right").getStreet());
        assertEquals(new HashSet<>(Arrays.asList("none", "x", "y")), crate.getLinks().keySet());
        assertTrue(crate.getLinks().containsKey("none") && crate.getLinks().get("none") == null);
        realm.executeTransaction(r -> {
            assertEquals(Integer.valueOf(5), counts.remove("a"));
            assertNull(counts.remove("a"));
        });
        assertEquals(1, counts.size());
        assertThrows(UnsupportedOperationException.class, () -> realm.executeTransaction(r -> counts.put("a.b", 1)));
    }

    @Test
    void sets_and_dictionaries_tell_what_changed() {
        Crate crate = add(new Crate());
        realm.executeTransaction(r -> crate.getCounts().put("old", 1));
        final List<String> seen = new ArrayList<>();
        RealmSet<Integer> numbers = crate.getNumbers();
        RealmDictionary<Integer> counts = crate.getCounts();
        SetChangeListener<Integer> first = (RealmSet<Integer> set, SetChangeSet changes) -> {
            if (!changes.isEmpty()) {
                seen.add("set +" + changes.getNumberOfInsertions() + " -" + changes.getNumberOfDeletions());
            }
        };
        MapChangeListener<String, Integer> second = (map, changes) -> {
            if (!changes.isEmpty()) {
                seen.add("map +" + Arrays.toString(changes.getInsertions()) + " -" + Arrays.toString(changes.getDeletions()));
            }
        };
        numbers.addChangeListener(first);
        counts.addChangeListener(second);
        realm.refresh();
        realm.executeTransaction(r -> {
            numbers.addAll(Arrays.asList(1, 2));
            counts.remove("old");
            counts.put("new", 2);
        });
        assertEquals(new HashSet<>(Arrays.asList("set +2 -0", "map +[new] -[old]")), new HashSet<>(seen));
        numbers.removeChangeListener(first);
        counts.removeAllChangeListeners();
        realm.executeTransaction(r -> numbers.clear());
        assertEquals(2, seen.size());
    }

    @Test
    void a_MutableRealmInteger_counts() {
        Crate made = new Crate();
        made.getHits().increment(5);
        Crate crate = add(made);
        MutableRealmInteger hits = crate.getHits();
        realm.executeTransaction(r -> {
            hits.increment(3);
            hits.decrement(1);
        });
        assertTrue(hits.isManaged() && hits.isValid());
        assertEquals(Long.valueOf(7), hits.get());
        assertEquals(MutableRealmInteger.valueOf(7), hits);
        assertThrows(IllegalStateException.class, () -> hits.increment(1));
        realm.executeTransaction(r -> hits.set(2));
        assertEquals(1, realm.where(Crate.class).equalTo("hits", 2).count());
    }

    @Test
    void an_element_of_a_RealmList_moves() {
        Crate made = new Crate();
        made.getSteps().addAll(Arrays.asList(1L, 2L, 3L, 4L));
        Crate crate = add(made);
        realm.executeTransaction(r -> crate.getSteps().move(0, 2));
        assertEquals(Arrays.asList(2L, 3L, 1L, 4L), crate.getSteps());
    }

    @Test
    void LinkingObjects_are_what_links_here() {
        Thing one = thing(1, "one");
        assertTrue(one.getFirsts().isEmpty() && one.getCrates().isEmpty());
        assertNull(new Thing().getFirsts());
        realm.executeTransaction(r -> {
            for (int i = 0; i < 3; i++) {
                Crate crate = r.createObject(Crate.class, i);
                crate.setFirst(i > 0 ? one : null);
                crate.getThings().add(one);
            }
        });
        assertEquals(2, one.getFirsts().size());
        assertEquals(3, one.getCrates().size());
        assertEquals(2, one.getFirsts().where().equalTo("_id", 2).findFirst().getId());
        realm.executeTransaction(r -> one.getFirsts().deleteAllFromRealm());
        assertEquals(1, one.getCrates().size());
        assertTrue(one.getFirsts().isEmpty());
    }

    @Test
    void a_copy_from_the_realm_has_everything() {
        Crate made = new Crate();
        made.getNumbers().add(4);
        made.getCounts().put("a", 1);
        made.getLinks().put("x", new Thing(1, "one"));
        made.setAny(RealmAny.valueOf(new Thing(2, "two")));
        made.getHits().increment(9);
        Crate copy = realm.copyFromRealm(add(made));
        assertFalse(copy.isManaged() || copy.getNumbers().isManaged() || copy.getHits().isManaged());
        assertEquals(made.getNumbers(), copy.getNumbers());
        assertEquals(made.getCounts(), copy.getCounts());
        assertEquals("one", copy.getLinks().get("x").getName());
        assertFalse(copy.getAny().asRealmModel(Thing.class).isManaged());
        assertEquals(Long.valueOf(9), copy.getHits().get());
        copy.getCounts().put("b", 2);
        realm.executeTransaction(r -> r.insertOrUpdate(copy));
        assertEquals(2, realm.where(Crate.class).findFirst().getCounts().size());
    }
}
