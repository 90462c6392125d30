using System.Text.Json.Nodes;
using Realms;

namespace Demo;

public partial class Airport : IRealmObject
{
    [PrimaryKey, MapTo("_id")]
    public string Code { get; set; } = "";

    [MapTo("name")]
    public string Name { get; set; } = "";

    [MapTo("city")]
    public string? City { get; set; }

    [MapTo("state")]
    public string? State { get; set; }

    [MapTo("country")]
    public string Country { get; set; } = "";

    [MapTo("latitude")]
    public double Latitude { get; set; }

    [MapTo("longitude")]
    public double Longitude { get; set; }

    [MapTo("visits")]
    public long Visits { get; set; }

    [MapTo("tags")]
    public IList<string> Tags { get; } = null!;

    /// <summary>Sets properties by their stored names.</summary>
    public void Set(JsonObject values)
    {
        foreach (var (name, value) in values)
        {
            switch (name)
            {
                case "_id": Code = value!.GetValue<string>(); break;
                case "name": Name = value!.GetValue<string>(); break;
                case "city": City = value?.GetValue<string>(); break;
                case "state": State = value?.GetValue<string>(); break;
                case "country": Country = value!.GetValue<string>(); break;
                case "latitude": Latitude = value!.GetValue<double>(); break;
                case "longitude": Longitude = value!.GetValue<double>(); break;
                case "visits": Visits = value!.GetValue<long>(); break;
                default: throw new ArgumentException($"an airport has no {name} to set");
            }
        }
    }

    public JsonObject ToJson() => new()
    {
        ["_id"] = Code,
        ["name"] = Name,
        ["city"] = City,
        ["state"] = State,
        ["country"] = Country,
        ["latitude"] = Latitude,
        ["longitude"] = Longitude,
        ["visits"] = Visits,
        ["tags"] = new JsonArray(Tags.Select(tag => (JsonNode)JsonValue.Create(tag)!).ToArray()),
    };
}
