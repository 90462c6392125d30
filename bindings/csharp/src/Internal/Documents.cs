using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using MongoDB.Bson;

namespace Realms;

/// <summary>Objects of the user's own types from JSON, under the names that their attributes give.</summary>
internal static class Documents
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNameCaseInsensitive = true,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { Rename } },
    };

    public static T? Read<T>(string json)
        where T : class
        => JsonSerializer.Deserialize<T>(json, Options);

    private static void Rename(JsonTypeInfo type)
    {
        foreach (var property in type.Properties)
        {
            if (property.AttributeProvider?.GetCustomAttributes(typeof(BsonElementAttribute), true) is [BsonElementAttribute named, ..])
            {
                property.Name = named.ElementName;
            }
        }
    }
}
