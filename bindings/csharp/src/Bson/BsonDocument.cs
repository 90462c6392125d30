using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MongoDB.Bson;

/// <summary>A name and its value.</summary>
public readonly record struct BsonElement(string Name, BsonValue Value);

/// <summary>Names and values in the order in which they were added.</summary>
public sealed class BsonDocument : BsonValue, IEnumerable<BsonElement>
{
    private readonly List<BsonElement> _elements = [];

    public BsonDocument()
        : base(BsonType.Document, null)
    {
    }

    public BsonDocument(string name, BsonValue value)
        : this()
        => Add(name, value);

    public int ElementCount => _elements.Count;

    public IEnumerable<BsonElement> Elements => _elements;

    public IEnumerable<string> Names => _elements.Select(element => element.Name);

    public IEnumerable<BsonValue> Values => _elements.Select(element => element.Value);

    public override BsonValue this[string name]
    {
        get => TryGetValue(name, out var value) ? value! : throw new KeyNotFoundException($"Element '{name}' not found.");
        set => Set(name, value);
    }

    public override BsonValue this[int index]
    {
        get => _elements[index].Value;
        set => _elements[index] = new(_elements[index].Name, value ?? BsonNull.Value);
    }

    /// <summary>Reads JSON, extended or plain.</summary>
    public static BsonDocument Parse(string json)
        => FromJson(JsonNode.Parse(json)) as BsonDocument ?? throw new FormatException("The text is no JSON object.");

    public bool Contains(string name) => _elements.Exists(element => element.Name == name);

    public bool TryGetValue(string name, out BsonValue? value)
    {
        var index = _elements.FindIndex(element => element.Name == name);
        value = index < 0 ? null : _elements[index].Value;
        return index >= 0;
    }

    public BsonValue GetValue(string name, BsonValue? otherwise = null)
        => TryGetValue(name, out var value) ? value! : otherwise ?? this[name];

    public BsonDocument Add(string name, BsonValue value)
    {
        if (Contains(name))
        {
            throw new InvalidOperationException($"Duplicate element name '{name}'.");
        }

        return Set(name, value);
    }

    public BsonDocument Set(string name, BsonValue value)
    {
        var index = _elements.FindIndex(element => element.Name == name);
        BsonElement made = new(name, value ?? BsonNull.Value);
        if (index < 0)
        {
            _elements.Add(made);
        }
        else
        {
            _elements[index] = made;
        }

        return this;
    }

    public void Remove(string name) => _elements.RemoveAll(element => element.Name == name);

    /// <summary>Plain JSON; identifiers and long numbers in their extended form.</summary>
    public string ToJson() => ToNode(this)!.ToJsonString();

    public IEnumerator<BsonElement> GetEnumerator() => _elements.GetEnumerator();

    System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();

    public override bool Equals(BsonValue? other) => other is BsonDocument document && _elements.SequenceEqual(document._elements);

    public override bool Equals(object? obj) => Equals(obj as BsonValue);

    public override int GetHashCode() => _elements.Count;

    public override string ToString() => ToJson();

    private static BsonValue FromJson(JsonNode? node) => node switch
    {
        null => BsonNull.Value,
        JsonArray array => new BsonArray(array.Select(FromJson)),
        JsonObject { Count: 1 } single when Extended(single.First()) is { } value => value,
        JsonObject map => map.Aggregate(new BsonDocument(), (made, pair) => made.Set(pair.Key, FromJson(pair.Value))),
        _ => Plain(node.GetValue<JsonElement>()),
    };

    private static BsonValue? Extended(KeyValuePair<string, JsonNode?> pair) => (pair.Key, pair.Value) switch
    {
        ("$oid", JsonValue text) => new ObjectId(text.GetValue<string>()),
        ("$numberInt", JsonValue text) => int.Parse(text.GetValue<string>(), CultureInfo.InvariantCulture),
        ("$numberLong", JsonValue text) => long.Parse(text.GetValue<string>(), CultureInfo.InvariantCulture),
        ("$numberDouble", JsonValue text) => double.Parse(text.GetValue<string>(), CultureInfo.InvariantCulture),
        _ => null,
    };

    private static new BsonValue Plain(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Number when value.TryGetInt32(out var number) => number,
        JsonValueKind.Number when value.TryGetInt64(out var number) => number,
        JsonValueKind.Number => value.GetDouble(),
        _ => BsonNull.Value,
    };

    private static JsonNode? ToNode(BsonValue value) => value switch
    {
        BsonDocument map => new JsonObject(map._elements.Select(e => KeyValuePair.Create(e.Name, ToNode(e.Value)))),
        BsonArray array => new JsonArray([.. array.Select(ToNode)]),
        { BsonType: BsonType.ObjectId } => new JsonObject { ["$oid"] = value.AsObjectId.ToString() },
        { BsonType: BsonType.Int64 } => new JsonObject { ["$numberLong"] = value.AsInt64.ToString(CultureInfo.InvariantCulture) },
        { BsonType: BsonType.String } => JsonValue.Create(value.AsString),
        { BsonType: BsonType.Boolean } => JsonValue.Create(value.AsBoolean),
        { BsonType: BsonType.Int32 } => JsonValue.Create(value.AsInt32),
        { BsonType: BsonType.Double } => JsonValue.Create(value.AsDouble),
        _ => null,
    };
}
