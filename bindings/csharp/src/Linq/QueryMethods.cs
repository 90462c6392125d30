namespace Realms;

/// <summary>Predicates for use inside queries only.</summary>
public static class QueryMethods
{
    public static bool Contains(string? str, string value, StringComparison comparisonType) => throw Outside();

    public static bool Like(string? str, string pattern, bool caseSensitive = true) => throw Outside();

    public static bool FullTextSearch(string? str, string terms) => throw Outside();

    /// <summary>Whether a point lies in a shape. A point is an embedded object with a string "type" that is "Point" and a
    /// list "coordinates" of two doubles: longitude, latitude.</summary>
    public static bool GeoWithin(IEmbeddedObject? point, GeoShapeBase geoShape) => throw Outside();

    private static NotSupportedException Outside() => new("QueryMethods can be used inside a realm query only.");
}
