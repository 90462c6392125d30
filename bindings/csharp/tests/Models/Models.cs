using MongoDB.Bson;

namespace Realms.Tests;

/// <summary>Class style, all supported types.</summary>
public class Everything : RealmObject
{
    [PrimaryKey, MapTo("_id")]
    public ObjectId Id { get; set; } = ObjectId.GenerateNewId();

    public bool Bool { get; set; }

    public byte Byte { get; set; }

    public short Short { get; set; }

    [Indexed]
    public int Int { get; set; } = 7;

    public long Long { get; set; }

    public char Char { get; set; }

    public double Double { get; set; }

    public string? Text { get; set; }

    [Required]
    public string RequiredText { get; set; } = "";

    public byte[]? Data { get; set; }

    public DateTimeOffset Date { get; set; }

    public Guid Guid { get; set; }

    public ObjectId OtherId { get; set; }

    public bool? MaybeBool { get; set; }

    public int? MaybeInt { get; set; }

    public double? MaybeDouble { get; set; }

    public DateTimeOffset? MaybeDate { get; set; }

    public Guid? MaybeGuid { get; set; }

    public ObjectId? MaybeId { get; set; }

    public Everything? Next { get; set; }

    public Address? Address { get; set; }

    public IList<int> Numbers { get; } = null!;

    public IList<string> Texts { get; } = null!;

    public IList<Everything> Friends { get; } = null!;

    public IList<Address> Addresses { get; } = null!;

    [Ignored]
    public int Scratch { get; set; } = 9;

    public int Computed => Int * 2;
}

public class Address : EmbeddedObject
{
    public string? Street { get; set; }

    public int Number { get; set; }
}

/// <summary>Interface style.</summary>
public partial class Person : IRealmObject
{
    [PrimaryKey, MapTo("_id")]
    public Guid Id { get; private set; } = Guid.NewGuid();

    public string Name { get; set; } = "nobody";

    public string? Nickname { get; set; }

    public int Age { get; set; }

    public bool IsMember { get; set; }

    public double Score { get; set; } = 1.5;

    public DateTimeOffset Born { get; set; }

    public Person? Boss { get; set; }

    public Place? Home { get; set; }

    public IList<Person> Friends { get; } = null!;

    public IList<string> Tags { get; } = null!;

    [Ignored]
    public int ManagedCalls { get; private set; }

    partial void OnManaged() => ManagedCalls++;
}

[MapTo("place")]
public partial class Place : IEmbeddedObject
{
    public string City { get; set; } = "";

    public double? Height { get; set; }
}

/// <summary>A class without a primary key.</summary>
public partial class Note : IRealmObject
{
    public string Text { get; set; } = "";
}

internal partial class Asymmetrics
{
    [Explicit]
    private partial class Measurement : IAsymmetricObject
    {
        [PrimaryKey, MapTo("_id")]
        public Guid Id { get; private set; } = Guid.NewGuid();

        public double Value { get; set; }

        public DateTimeOffset Timestamp { get; private set; } = DateTimeOffset.UtcNow;
    }

    internal static (IAsymmetricObject Model, Guid Id) NewMeasurement(double value)
    {
        var measurement = new Measurement { Value = value };
        return (measurement, measurement.Id);
    }
}

/// <summary>Class style; private classes and fields of their own are left alone.</summary>
public class Station : AsymmetricObject
{
    [PrimaryKey, MapTo("_id")]
    public Guid Id { get; private set; } = Guid.NewGuid();

    public string? Name { get; set; }

    public Place? Place { get; set; }
}
