package io.atoll.test;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.atoll.DynamicRealm;
import io.atoll.DynamicRealmObject;
import io.atoll.FieldAttribute;
import io.atoll.Realm;
import io.atoll.RealmConfiguration;
import io.atoll.RealmFieldType;
import io.atoll.RealmList;
import io.atoll.RealmMigration;
import io.atoll.RealmObject;
import io.atoll.RealmObjectSchema;
import io.atoll.RealmSchema;
import io.atoll.annotations.PrimaryKey;
import io.atoll.annotations.RealmClass;
import io.atoll.annotations.Required;
import io.atoll.exceptions.RealmMigrationNeededException;
import io.atoll.exceptions.RealmPrimaryKeyConstraintException;
import java.io.File;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Migrations by callback, and realms without model classes. */
class MigrationTest {
    @TempDir
    File folder;

    /** As it was. */
    @RealmClass(name = "Member")
    public static class Before extends RealmObject {
        @PrimaryKey
        private long id;
        @Required
        private String first = "";
        @Required
        private String last = "";
        private String age;
        private Before friend;
        private RealmList<String> tags = new RealmList<>();

        public long getId() {
            return id;
        }

        public void setId(long value) {
            id = value;
        }

        public String getFirst() {
            return first;
        }

        public void setFirst(String value) {
            first = value;
        }

        public String getLast() {
            return last;
        }

        public void setLast(String value) {
            last = value;
        }

        public String getAge() {
            return age;
        }

        public void setAge(String value) {
            age = value;
        }

        public Before getFriend() {
            return friend;
        }

        public void setFriend(Before value) {
            friend = value;
        }

        public RealmList<String> getTags() {
            return tags;
        }

        public void setTags(RealmList<String> value) {
            tags = value;
        }
    }

    /** As it will be: one name, age as a number under its old name, the key as a text, the friend and the tags renamed. */
    @RealmClass(name = "Member")
    public static class After extends RealmObject {
        @PrimaryKey
        private String id;
        @Required
        private String whole = "";
        private int age;
        private After buddy;
        private RealmList<String> labels = new RealmList<>();

        public String getId() {
            return id;
        }

        public void setId(String value) {
            id = value;
        }

        public String getWhole() {
            return whole;
        }

        public void setWhole(String value) {
            whole = value;
        }

        public int getAge() {
            return age;
        }

        public void setAge(int value) {
            age = value;
        }

        public After getBuddy() {
            return buddy;
        }

        public void setBuddy(After value) {
            buddy = value;
        }

        public RealmList<String> getLabels() {
            return labels;
        }

        public void setLabels(RealmList<String> value) {
            labels = value;
        }
    }

    private RealmConfiguration before() {
        return new RealmConfiguration.Builder().directory(folder).name("members").schema(Before.class).build();
    }

    private RealmConfiguration after(RealmMigration migration) {
        return new RealmConfiguration.Builder().directory(folder).name("members").schema(After.class).schemaVersion(1)
                .migration(migration).build();
    }

    private void fill() {
        try (Realm realm = Realm.getInstance(before())) {
            realm.executeTransaction(r -> {
                Before ada = r.createObject(Before.class, 1);
                ada.setFirst("Ada");
                ada.setLast("Lovelace");
                ada.setAge("36");
                ada.getTags().addAll(Arrays.asList("maths", "poetry"));
                Before alan = r.createObject(Before.class, 2);
                alan.setFirst("Alan");
                alan.setLast("Turing");
                alan.setFriend(ada);
            });
        }
    }

    private static void change(DynamicRealm realm) {
        RealmObjectSchema member = realm.getSchema().get("Member");
        member.addField("whole", String.class, FieldAttribute.REQUIRED)
                .transform(m -> m.setString("whole", m.getString("first") + " " + m.getString("last")))
                .removeField("first")
                .removeField("last")
                .addField("age_number", int.class)
                .transform(m -> m.set("age_number", m.isNull("age") ? "0" : m.getString("age")))
                .removeField("age")
                .renameField("age_number", "age")
                .renameField("friend", "buddy")
                .renameField("tags", "tag")
                .renameField("tag", "labels")
                .addField("key", String.class)
                .transform(m -> m.setString("key", "m" + m.getLong("id")))
                .removePrimaryKey()
                .removeField("id")
                .renameField("key", "id")
                .addPrimaryKey("id");
    }

    @Test
    void a_migration_changes_fields_step_by_step() {
        fill();
        List<Long> versions = new ArrayList<>();
        RealmConfiguration config = after((realm, from, to) -> {
            versions.addAll(Arrays.asList(from, to));
            change(realm);
        });
        try (Realm realm = Realm.getInstance(config)) {
            assertEquals(Arrays.asList(0L, 1L), versions);
            After ada = realm.where(After.class).equalTo("id", "m1").findFirst();
            After alan = realm.where(After.class).equalTo("id", "m2").findFirst();
            assertEquals("Ada Lovelace", ada.getWhole());
            assertEquals(36, ada.getAge());
            assertEquals(0, alan.getAge());
            assertEquals(ada, alan.getBuddy());
            assertNull(ada.getBuddy());
            assertEquals(Arrays.asList("maths", "poetry"), new ArrayList<>(ada.getLabels()));
        }
        Realm.getInstance(config).close();
        assertEquals(2, versions.size());
    }

    @Test
    void a_migration_that_throws_changes_nothing() {
        fill();
        assertThrows(UnsupportedOperationException.class, () -> Realm.getInstance(after((realm, from, to) -> {
            change(realm);
            realm.delete("Member");
            throw new UnsupportedOperationException("no");
        })).close());
        assertThrows(RealmPrimaryKeyConstraintException.class, () -> Realm.getInstance(after((realm, from, to) -> {
            change(realm);
            realm.getSchema().get("Member").transform(m -> m.setString("id", "same"));
        })).close());
        RealmMigrationNeededException lost = assertThrows(RealmMigrationNeededException.class, () -> Realm.getInstance(
                after((realm, from, to) -> realm.getSchema().get("Member").addField("wohle", String.class))).close());
        assertTrue(lost.getMessage().contains("Member.wohle"), lost.getMessage());
        assertThrows(RealmMigrationNeededException.class, () -> Realm.getInstance(
                after((realm, from, to) -> realm.where("Member").findFirst().setString("first", "x"))).close());
        try (Realm realm = Realm.getInstance(before())) {
            assertEquals(2, realm.where(Before.class).count());
            assertEquals("Ada", realm.where(Before.class).equalTo("id", 1).findFirst().getFirst());
        }
    }

    @Test
    void a_migration_names_what_is_wrong() {
        fill();
        try (Realm realm = Realm.getInstance(after((dynamic, from, to) -> {
            RealmSchema schema = dynamic.getSchema();
            RealmObjectSchema member = schema.get("Member");
            assertEquals(RealmFieldType.STRING, member.getFieldType("age"));
            assertThrows(IllegalArgumentException.class, () -> member.removeField("nothing"));
            assertThrows(IllegalArgumentException.class, () -> member.addField("first", String.class));
            assertThrows(IllegalArgumentException.class, () -> member.renameField("first", "buddy"));
            assertThrows(IllegalArgumentException.class, () -> schema.create("Member"));
            assertThrows(IllegalArgumentException.class, () -> schema.create("Nobody"));
            assertNull(schema.get("Nobody"));
            // Two objects whose keys were numbers and are texts now need keys of their own.
            member.removeField("id").addField("id", String.class, FieldAttribute.PRIMARY_KEY);
            member.transform(m -> m.setString("id", m.getString("first")));
            DynamicRealmObject made = dynamic.createObject("Member", "new");
            assertEquals("", made.getString("first"));
            assertEquals(3, dynamic.where("Member").count());
        }))) {
            assertEquals(3, realm.where(After.class).count());
            assertEquals(1, realm.where(After.class).equalTo("id", "Alan").count());
        }
    }

    @Test
    void a_class_that_is_gone_is_read_and_removed() {
        try (Realm realm = Realm.getInstance(new RealmConfiguration.Builder().directory(folder).name("members")
                .schema(Before.class, Cat.class).build())) {
            realm.executeTransaction(r -> r.createObject(Cat.class, "Tom"));
        }
        Realm.migrateRealm(after((dynamic, from, to) -> {
            DynamicRealmObject tom = dynamic.where("cats").findFirst();
            dynamic.getSchema().get("Member").addField("whole", String.class, FieldAttribute.REQUIRED);
            dynamic.createObject("Member", tom.getString("name")).setString("whole", "Tom the cat");
            dynamic.getSchema().remove("cats");
            assertFalse(dynamic.getSchema().contains("cats"));
        }));
        assertTomIsAMember();
    }

    private void assertTomIsAMember() {
        try (Realm realm = Realm.getInstance(after((dynamic, from, to) -> { }))) {
            assertEquals("Tom the cat", realm.where(After.class).findFirst().getWhole());
        }
        try (DynamicRealm realm = DynamicRealm.getInstance(before())) {
            assertFalse(realm.getSchema().contains("cats"));
        }
    }

    @Test
    void a_DynamicRealm_is_used_by_names() {
        fill();
        try (DynamicRealm realm = DynamicRealm.getInstance(before())) {
            RealmObjectSchema member = realm.getSchema().get("Member");
            assertEquals("id", member.getPrimaryKey());
            assertTrue(member.isRequired("first") && member.isNullable("age"));
            assertEquals(RealmFieldType.STRING_LIST, member.getFieldType("tags"));
            assertThrows(UnsupportedOperationException.class, () -> member.removeField("tags"));
            DynamicRealmObject alan = realm.where("Member").equalTo("friend.first", "Ada").findFirst();
            DynamicRealmObject ada = alan.getObject("friend");
            assertEquals("Lovelace", ada.getString("last"));
            assertEquals(1, ada.linkingObjects("Member", "friend").size());
            assertEquals(Arrays.asList("maths", "poetry"), new ArrayList<>(ada.getList("tags", String.class)));
            assertTrue(alan.isNull("age") && !ada.isNull("age"));
            assertArrayEquals(new String[] {"id", "first", "last", "age", "friend", "tags"}, ada.getFieldNames());
            assertThrows(IllegalArgumentException.class, () -> ada.getString("nothing"));
            assertThrows(IllegalArgumentException.class, () -> ada.getLong("first"));
            realm.executeTransaction(r -> {
                DynamicRealmObject grace = r.createObject("Member", 3L);
                grace.set("first", "Grace");
                grace.setObject("friend", alan);
                grace.setList("tags", new RealmList<>("ships"));
                assertThrows(IllegalArgumentException.class, () -> r.createObject("Member"));
            });
            assertEquals(3, realm.where("Member").count());
            assertEquals(1, realm.where("Member").rawPredicate("ANY tags == 'ships'").count());
            DynamicRealmObject frozen = ada.freeze();
            realm.executeTransaction(r -> r.where("Member").equalTo("id", 1).findAll().deleteAllFromRealm());
            assertFalse(ada.isValid());
            assertEquals("Ada", frozen.getString("first"));
            assertThrows(IllegalArgumentException.class, () -> realm.where("Nobody"));
        }
        try (Realm realm = Realm.getInstance(before())) {
            assertEquals("Alan", realm.where(Before.class).equalTo("id", 3).findFirst().getFriend().getFirst());
            DynamicRealmObject dynamic = new DynamicRealmObject(realm.where(Before.class).equalTo("id", 3).findFirst());
            assertEquals("Alan", dynamic.getObject("friend").getString("first"));
        }
    }
}
