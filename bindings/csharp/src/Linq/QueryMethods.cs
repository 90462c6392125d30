namespace Realms;

/// <summary>Predicates for use inside queries only.</summary>
public static class QueryMethods
{
    public static bool Contains(string? str, string value, StringComparison comparisonType) => throw Outside();

    public static bool Like(string? str, string pattern, bool caseSensitive = true) => throw Outside();

    public static bool FullTextSearch(string? str, string terms) => throw Outside();

    private static NotSupportedException Outside() => new("QueryMethods can be used inside a realm query only.");
}
