using System.Collections;
using System.Linq.Expressions;
using System.Reflection;
using Realms.Schema;

namespace Realms;

/// <summary>A property, or a chain of them joined by dots along links; * stands for any.</summary>
public readonly struct KeyPath : IEquatable<KeyPath>
{
    private KeyPath(string path) => Path = path;

    internal string Path { get; }

    /// <summary>The path that an expression like x => x.Owner.Name takes.
    /// Errors: ArgumentException for an expression that is no chain of properties.</summary>
    public static KeyPath ForExpression<T>(Expression<Func<T, object?>> expression)
        where T : IRealmObject
    {
        ArgumentNullException.ThrowIfNull(expression);
        var names = new Stack<string>();
        var node = expression.Body;
        while (node is not ParameterExpression)
        {
            switch (node)
            {
                case UnaryExpression { NodeType: ExpressionType.Convert } convert:
                    node = convert.Operand;
                    break;
                case MemberExpression { Member: PropertyInfo property, Expression: { } owner }:
                    names.Push(property.Name);
                    node = owner;
                    break;
                default:
                    throw new ArgumentException($"'{expression}' is no chain of properties.", nameof(expression));
            }
        }

        return names.Count > 0
            ? new KeyPath(string.Join('.', names))
            : throw new ArgumentException($"'{expression}' names no property.", nameof(expression));
    }

    public bool Equals(KeyPath other) => Path == other.Path;

    public override bool Equals(object? obj) => obj is KeyPath other && Equals(other);

    public override int GetHashCode() => Path?.GetHashCode(StringComparison.Ordinal) ?? 0;

    public override string ToString() => Path;

    public static implicit operator KeyPath(string path) => new(path ?? throw new ArgumentNullException(nameof(path)));

    public static bool operator ==(KeyPath left, KeyPath right) => left.Equals(right);

    public static bool operator !=(KeyPath left, KeyPath right) => !left.Equals(right);
}

/// <summary>
/// Names the properties whose changes count: Full, which is the default, all of them up to four links away; Shallow, the
/// collection alone and not what its objects hold; else those of the paths.
/// </summary>
public class KeyPathsCollection : IEnumerable<KeyPath>
{
    private readonly KeyPath[]? _paths;

    private KeyPathsCollection(IEnumerable<KeyPath>? paths) => _paths = paths is null ? null : [.. paths];

    public static KeyPathsCollection Full { get; } = new(null);

    public static KeyPathsCollection Shallow { get; } = new([]);

    public static KeyPathsCollection Of(params KeyPath[] paths) => new(paths);

    public static KeyPathsCollection Of<T>(params Expression<Func<T, object?>>[] expressions)
        where T : IRealmObject
        => new(expressions.Select(KeyPath.ForExpression));

    public IEnumerator<KeyPath> GetEnumerator() => ((IEnumerable<KeyPath>)(_paths ?? [])).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public static implicit operator KeyPathsCollection(List<string> paths) => new(paths.Select(path => (KeyPath)path));

    public static implicit operator KeyPathsCollection(List<KeyPath> paths) => new(paths);

    public static implicit operator KeyPathsCollection(string[] paths) => new(paths.Select(path => (KeyPath)path));

    public static implicit operator KeyPathsCollection(KeyPath[] paths) => new(paths);

    /// <summary>The paths by stored names; null for all.</summary>
    internal NativeValues? ToNative(Realm realm, ObjectSchema? schema)
    {
        if (_paths is null)
        {
            return null;
        }

        if (schema is null && _paths.Length > 0)
        {
            throw new InvalidOperationException("Key paths need a collection of objects.");
        }

        var values = new NativeValues();
        try
        {
            foreach (var path in _paths)
            {
                values.Add(ToStored(realm, schema!, path.Path));
            }

            return values;
        }
        catch
        {
            values.Dispose();
            throw;
        }
    }

    private static string ToStored(Realm realm, ObjectSchema schema, string path)
    {
        var at = (ObjectSchema?)schema;
        var names = new List<string>();
        foreach (var part in path.Split('.'))
        {
            if (part == "*")
            {
                names.Add(part);
                at = null;
                continue;
            }

            if (at is null)
            {
                names.Add(part);
                continue;
            }

            if (!at.TryFindProperty(part, out var property))
            {
                throw new ArgumentException($"'{path}' is no valid key path: {at.Name} has no property '{part}'.", nameof(path));
            }

            if (property.LinkOriginPropertyName is { } origin)
            {
                names.AddRange(["@links", property.ObjectType!, origin]);
            }
            else
            {
                names.Add(property.Name);
            }

            realm.Schema.TryFindObjectSchema(property.ObjectType ?? " ", out at);
        }

        return string.Join('.', names);
    }
}
