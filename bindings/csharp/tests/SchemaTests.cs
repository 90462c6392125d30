using MongoDB.Bson;
using Realms.Exceptions;
using Realms.Schema;

namespace Realms.Tests;

/// <summary>Schemas that are described class by class and property by property.</summary>
[Native]
public class SchemaTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("atoll-schema-").FullName;

    private string Place => Path.Combine(_folder, "a.realm");

    public void Dispose() => Directory.Delete(_folder, true);

    [Test]
    public void ASchemaIsDescribedByHandAndUsedByNames()
    {
        RealmSchema schema = new RealmSchema.Builder
        {
            new ObjectSchema.Builder("Room")
            {
                Property.Primitive("_id", RealmValueType.Int, isPrimaryKey: true),
                Property.Primitive("name", RealmValueType.String, indexType: IndexType.FullText),
                Property.Primitive("area", RealmValueType.Double, isNullable: true),
                Property.FromType<IList<string>>("tags", isNullable: false),
                Property.FromType("count", typeof(int?)),
                Property.RealmValue("any"),
                Property.PrimitiveSet("numbers", RealmValueType.Int),
                Property.ObjectDictionary("doors", "Room"),
                Property.Object("next", "Room"),
                Property.ObjectList("spots", "Spot"),
                Property.Backlinks("before", "Room", "next"),
            },
            new ObjectSchema.Builder("Spot", ObjectSchema.ObjectType.EmbeddedObject)
            {
                Property.Primitive("x", RealmValueType.Int),
            },
        };
        Check.Sequence(["Room", "Spot"], schema.Select(item => item.Name));
        var config = new RealmConfiguration(Place) { Schema = schema };
        using (var realm = Realm.GetInstance(config))
        {
            realm.Write(() =>
            {
                var hall = realm.DynamicApi.CreateObject("Room", 1);
                hall.DynamicApi.Set("name", "the hall");
                hall.DynamicApi.Set("any", 5);
                hall.DynamicApi.GetList<string>("tags").Add("big");
                hall.DynamicApi.GetSet<int>("numbers").Add(7);
                var attic = realm.DynamicApi.CreateObject("Room", 2);
                hall.DynamicApi.Set("next", RealmValue.Object((IRealmObjectBase)attic));
                hall.DynamicApi.GetDictionary<IRealmObject>("doors").Add("up", (IRealmObject)attic);
                var spot = realm.DynamicApi.AddEmbeddedObjectToList(hall.DynamicApi.GetList<IEmbeddedObject>("spots"));
                spot.DynamicApi.Set("x", 3);
            });
            var found = realm.DynamicApi.All("Room").Filter("name TEXT 'hall' AND spots.x == 3").Single();
            Check.Equal(2L, found.DynamicApi.Get<IRealmObject>("next").DynamicApi.Get<long>("_id"));
            Check.Equal(1, found.DynamicApi.Get<IRealmObject>("next").DynamicApi.GetBacklinks("before").Count());
            Check.True(found.DynamicApi.Get<int?>("count") is null, "null until it is set");
        }

        // A schema made of the parts of another one: what was embedded in it is linked to here.
        var parts = schema!.GetBuilder();
        parts.Remove("Spot");
        parts.Add(new ObjectSchema.Builder("Spot") { Property.Primitive("x", RealmValueType.Int) });
        using (var other = Realm.GetInstance(new RealmConfiguration(Place + "2") { Schema = parts }))
        {
            other.Write(() => other.DynamicApi.CreateObject("Room", 1).DynamicApi.GetList<IRealmObject>("spots")
                .Add((IRealmObject)other.DynamicApi.CreateObject("Spot")));
            Check.Equal(1, other.DynamicApi.All("Spot").Count());
        }

        // What was stored is what was described: read by nobody's schema.
        using var read = Realm.GetInstance(new RealmConfiguration(Place) { IsDynamic = true });
        Check.True(read.Schema.TryFindObjectSchema("Room", out var room), "the class");
        Check.True(room!.TryFindProperty("area", out var area) && area.Type == PropertyType.NullableDouble, "the type");
        Check.True(room!.TryFindProperty("name", out var name) && name.IndexType == IndexType.FullText, "the index");
    }

    [Test]
    public void AModelClassCanHaveMorePropertiesThanItsModel()
    {
        var builder = new ObjectSchema.Builder(typeof(PetV2)) { Property.Primitive("color", RealmValueType.String, isNullable: true) };
        RealmSchema schema = new RealmSchema.Builder { builder };
        using var realm = Realm.GetInstance(new RealmConfiguration(Place) { Schema = schema });
        var pet = realm.Write(() => realm.Add(new PetV2 { Id = 1, Name = "Rex", Age = 3 }));
        Check.True(pet.DynamicApi.Get<string?>("color") is null, "not set yet");
        realm.Write(() => pet.DynamicApi.Set("color", "black"));
        Check.Equal("black", realm.All<PetV2>().Filter("color == 'black'").Single().DynamicApi.Get<string>("color"));
        realm.Write(() => realm.Add(new PetV2 { Id = 1, Name = "Max" }, update: true));
        Check.Equal("black", pet.DynamicApi.Get<string>("color"));
        builder.Remove("Age");
        Check.Throws<NotSupportedException>(() => builder.Build(), "not supported yet");
    }

    [Test]
    public void BuildersAreCollectionsOfNamedItems()
    {
        var builder = new ObjectSchema.Builder("Thing") { Property.FromType<Guid>("_id", isPrimaryKey: true) };
        Check.Throws<ArgumentException>(() => builder.Add(Property.RealmValue("_id")));
        builder["note"] = Property.FromType<string>("note");
        builder["note"] = Property.FromType<string>("note", isNullable: false);
        Check.Equal(PropertyType.String, builder["note"].Type);
        Check.True(builder.Contains("note") && builder.Remove("note") && !builder.Remove("note"), "Remove");
        Check.Throws<KeyNotFoundException>(() => _ = builder["note"]);
        Check.Throws<ArgumentException>(() => builder["other"] = Property.RealmValue("note"));
        Check.Equal(1, builder.Build().GetBuilder().Count);
        Check.Throws<ArgumentException>(() => _ = new ObjectSchema.Builder(""));
        Check.Throws<ArgumentNullException>(() => _ = new ObjectSchema.Builder((string)null!));
        var schema = new RealmSchema.Builder { builder, typeof(PetV1) }.Build();
        Check.Sequence(["Thing", "Pet"], schema.GetBuilder().Select(item => item.Name));
        Check.Throws<ArgumentException>(() => new RealmSchema.Builder { builder, builder });
        Check.Throws<ArgumentException>(() => Property.Primitive("a", RealmValueType.Object));
        Check.Throws<ArgumentException>(() => Property.FromType<Uri>("a"));
        Check.Equal(PropertyType.NullableObjectId | PropertyType.Array, Property.FromType<IList<ObjectId?>>("ids").Type);
        Check.Equal("Pet", Property.FromType<PetV1>("pet").ObjectType);
        var lost = new RealmSchema.Builder { new ObjectSchema.Builder("A") { Property.Object("b", "B") } }.Build();
        Check.Throws<RealmException>(() => Realm.GetInstance(new RealmConfiguration(Place) { Schema = lost }), "B");
    }
}
