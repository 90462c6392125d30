using MongoDB.Bson;
using Realms.Schema;
using Realms.Weaving;

namespace Realms.Tests;

internal sealed class ModelTests
{
    [Test]
    public void UnmanagedObjectsKeepTheirValues()
    {
        var person = new Person { Name = "Ada", Age = 36 };
        Check.Equal("Ada", person.Name);
        Check.Equal(36, person.Age);
        Check.Equal(1.5, person.Score);
        Check.True(!person.IsManaged && person.IsValid, "not managed, valid");
        Check.True(person.Id != Guid.Empty, "the initialiser of the key has run");
        person.Friends.Add(new Person());
        person.Tags.Add("first");
        Check.Equal(1, person.Friends.Count);
        Check.Equal("first", person.Tags[0]);

        var everything = new Everything { Int = 3, Address = new Address { Street = "Main" } };
        everything.Numbers.Add(5);
        Check.Equal(6, everything.Computed);
        Check.Equal("Main", everything.Address.Street);
        Check.Equal(5, everything.Numbers[0]);
    }

    [Test]
    public void OnlyPropertiesThatWereSetCountAsAssigned()
    {
        var person = new Person { Age = 36 };
        ref var core = ref ((IModel)person).Core;
        var metadata = TypeMetadata.Of(typeof(Person));
        Check.True(core.IsAssigned(metadata.Find("Age").Index), "Age was set");
        Check.True(!core.IsAssigned(metadata.Find("Name").Index), "Name has its initialiser only");
        Check.True(!core.IsAssigned(metadata.Find("Score").Index), "Score has its initialiser only");
        person.Name = "nobody";
        Check.True(((IModel)person).Core.IsAssigned(metadata.Find("Name").Index), "Name was set to the same value");
    }

    [Test]
    public void UnmanagedSettersRaisePropertyChanged()
    {
        var raised = new List<string?>();
        var person = new Person();
        person.PropertyChanged += (_, e) => raised.Add(e.PropertyName);
        person.Name = "Bo";
        var everything = new Everything();
        everything.PropertyChanged += (_, e) => raised.Add(e.PropertyName);
        everything.Int = 1;
        Check.Sequence(["Name", "Int"], raised.Select(name => name!));
    }

    [Test]
    public void SchemasFollowTheDeclarations()
    {
        var schema = new Person().ObjectSchema!;
        Check.Equal("Person", schema.Name);
        Check.Sequence(
            [
                "_id: Guid key", "Name: String", "Nickname: String?", "Age: Int", "IsMember: Bool", "Score: Double",
                "Born: Date", "Boss: Person?", "Home: place?", "Friends: Person[]", "Tags: String[]",
            ],
            schema.Select(property => property.ToString()));
        Check.True(schema.TryFindProperty("_id", out var id) && id.IsPrimaryKey, "_id is the key");

        var classStyle = TypeMetadata.Of(typeof(Everything)).Schema;
        Check.True(classStyle.TryFindProperty("Text", out var text), "Text is there");
        Check.Equal(PropertyType.NullableString, text.Type);
        Check.True(classStyle.TryFindProperty("RequiredText", out var required), "RequiredText is there");
        Check.Equal(PropertyType.String, required.Type);
        Check.True(classStyle.TryFindProperty("Int", out var number) && number.IndexType == IndexType.General, "Int is indexed");
        Check.True(!classStyle.TryFindProperty("Scratch", out _) && !classStyle.TryFindProperty("Computed", out _), "not stored");
        Check.Equal(ObjectSchema.ObjectType.AsymmetricObject, TypeMetadata.Of(typeof(Station)).Schema.BaseType);
        Check.Equal(ObjectSchema.ObjectType.EmbeddedObject, TypeMetadata.Of(typeof(Place)).Schema.BaseType);
    }

    [Test]
    public void TheDefaultSchemaLeavesExplicitClassesOut()
    {
        var names = RealmSchema.Default.Select(item => item.Name).ToArray();
        Check.True(names.Contains("Person") && names.Contains("Everything") && names.Contains("Station"), "models are found");
        Check.True(!names.Contains("Measurement"), "[Explicit] is left out");
        RealmSchema chosen = new[] { typeof(Note) };
        Check.Equal(1, chosen.Count);
        Check.True(chosen.TryFindObjectSchema("Note", out _), "Note is in");
    }

    [Test]
    public void NestedPrivateClassesAreModels()
    {
        var (model, id) = Asymmetrics.NewMeasurement(9.5);
        Check.Equal("Measurement", model.ObjectSchema!.Name);
        Check.Equal(9.5, model.DynamicApi.Get<double>("Value"));
        Check.Equal(id, model.DynamicApi.Get<Guid>("_id"));
    }

    [Test]
    public void DynamicAccessReadsAndWritesUnmanagedObjects()
    {
        var person = new Person();
        person.DynamicApi.Set("Age", 3);
        Check.Equal(3, person.Age);
        Check.Equal(3, person.DynamicApi.Get<int>("Age"));
        Check.Throws<MissingMemberException>(() => person.DynamicApi.Get<int>("Nothing"));
    }

    [Test]
    public void ObjectIdsPrintParseAndCompare()
    {
        var id = new ObjectId("5f63e882536de46d71877979");
        Check.Equal("5f63e882536de46d71877979", id.ToString());
        Check.Equal(id, ObjectId.Parse(id.ToString()));
        Check.Equal(id, new ObjectId(id.ToByteArray()));
        Check.True(!ObjectId.TryParse("zz63e882536de46d71877979", out _) && !ObjectId.TryParse("5f", out _), "bad text");
        Check.Throws<FormatException>(() => ObjectId.Parse("5f63e882536de46d7187797g"));
        var first = ObjectId.GenerateNewId();
        var second = ObjectId.GenerateNewId();
        Check.True(first != second && first < second, "ids of one process rise");
        Check.True(Math.Abs((first.CreationTime - DateTime.UtcNow).TotalSeconds) < 5, "they begin with the time");
    }

    [Test]
    public void ValuesConvertAndCompare()
    {
        RealmValue number = 5;
        Check.Equal(RealmValueType.Int, number.Type);
        Check.Equal(5, (int)number);
        Check.Equal((byte)5, number.As<byte>());
        Check.True(number == 5.0, "numbers compare by value");
        Check.Equal(RealmValue.Null, (RealmValue)(string?)null);
        Check.Throws<InvalidCastException>(() => number.AsString());
        Check.Equal((RealmValue)new byte[] { 1, 2 }, new byte[] { 1, 2 });
        Check.Equal(1.5f, RealmValue.From(1.5f).AsFloat());
        Check.True((RealmValue)1.5f == 1.5m && (RealmValue)2 == 2m, "numbers of all types compare by value");
        Check.Equal(2.5m, ((RealmValue)2.5m).As<decimal?>());
        Check.Equal((RealmInteger<short>)5, number.As<RealmInteger<short>>());
        Check.Throws<NotSupportedException>(() => RealmValue.Object(new Station()), "asymmetric");
    }

    [Test]
    public void TimesConvertBothWays()
    {
        foreach (var text in new[] { "1970-01-01T00:00:00Z", "1969-12-31T23:59:59.5Z", "0001-01-01T00:00:00Z", "2026-11-21T11:00:00.1234567Z" })
        {
            var time = DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
            var native = Conversions.ToTimestamp(time);
            Check.True(native.Nanoseconds is >= 0 and < 1_000_000_000, "nanoseconds are a part of a second");
            Check.Equal(time, Conversions.FromTimestamp(native), text);
        }

        Span<byte> bytes = stackalloc byte[16];
        Conversions.CopyTo(Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"), bytes);
        Check.Equal("00112233445566778899AABBCCDDEEFF", Convert.ToHexString(bytes), "as printed");
    }
}
