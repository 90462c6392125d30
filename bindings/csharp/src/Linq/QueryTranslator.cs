using System.Linq.Expressions;
using System.Reflection;
using System.Text;
using Realms.Schema;

namespace Realms.Linq;

/// <summary>A query text with its arguments, and what it narrows.</summary>
internal sealed record TranslatedQuery(IResults Source, string Text, IReadOnlyList<RealmValue> Arguments);

/// <summary>
/// Turns a chain of Where and OrderBy calls into query text. The left side of a comparison is a stored property of the
/// object itself, the right side anything that can be computed without it; all else says that it is not supported.
/// </summary>
internal sealed class QueryTranslator
{
    private readonly TypeMetadata _metadata;
    private readonly List<string> _predicates = [];
    private readonly List<string> _sorts = [];
    private readonly List<RealmValue> _arguments = [];

    private QueryTranslator(TypeMetadata metadata) => _metadata = metadata;

    public static TranslatedQuery Translate(Expression expression, TypeMetadata metadata)
    {
        var translator = new QueryTranslator(metadata);
        var source = translator.VisitChain(expression);
        var text = string.Join(" and ", translator._predicates.Count > 1
            ? translator._predicates.Select(Enclose)
            : translator._predicates);
        if (translator._sorts.Count > 0)
        {
            text = (text.Length == 0 ? "TRUEPREDICATE" : text) + " " + string.Join(" ", translator._sorts);
        }

        return new TranslatedQuery(source, text.Length == 0 ? "TRUEPREDICATE" : text, translator._arguments);
    }

    /// <summary>The value of an expression that does not use the object that is queried.</summary>
    public static object? ReadConstant(Expression expression)
    {
        switch (expression)
        {
            case ConstantExpression constant:
                return constant.Value;
            case MemberExpression { Member: FieldInfo field, Expression: var owner }:
                return field.GetValue(owner is null ? null : ReadConstant(owner));
            default:
                return Expression.Lambda<Func<object?>>(Expression.Convert(expression, typeof(object))).Compile(true)();
        }
    }

    private static string Enclose(string text) => text.Contains(" or ", StringComparison.Ordinal) ? $"({text})" : text;

    private IResults VisitChain(Expression expression)
    {
        if (expression is ConstantExpression { Value: IResults results })
        {
            return results;
        }

        if (expression is not MethodCallExpression call || call.Method.DeclaringType != typeof(Queryable))
        {
            throw new NotSupportedException($"not supported in a query: {expression}");
        }

        var source = VisitChain(call.Arguments[0]);
        switch (call.Method.Name)
        {
            case "Where":
                _predicates.Add(VisitPredicate(Lambda(call).Body));
                break;
            case "OrderBy":
            case "OrderByDescending":
                _sorts.Add($"SORT({SortKey(call)})");
                break;
            case "ThenBy":
            case "ThenByDescending":
                _sorts[^1] = $"{_sorts[^1][..^1]}, {SortKey(call)})";
                break;
            default:
                throw new NotSupportedException($"The method '{call.Method.Name}' is not supported.");
        }

        return source;
    }

    private static LambdaExpression Lambda(MethodCallExpression call)
    {
        var lambda = call.Arguments.Count == 2 && call.Arguments[1] is UnaryExpression { Operand: LambdaExpression operand } ? operand : null;
        return lambda is { Parameters.Count: 1 }
            ? lambda
            : throw new NotSupportedException($"This form of '{call.Method.Name}' is not supported.");
    }

    private string SortKey(MethodCallExpression call)
    {
        var property = FindProperty(Lambda(call).Body)
            ?? throw new NotSupportedException($"Only a stored property of the object can be sorted by, not '{Lambda(call).Body}'.");
        return $"{Escape(property.Name)} {(call.Method.Name.EndsWith("Descending", StringComparison.Ordinal) ? "DESC" : "ASC")}";
    }

    private string VisitPredicate(Expression node)
    {
        switch (node)
        {
            case BinaryExpression { NodeType: ExpressionType.AndAlso } and:
                return $"{Enclose(VisitPredicate(and.Left))} and {Enclose(VisitPredicate(and.Right))}";
            case BinaryExpression { NodeType: ExpressionType.OrElse } or:
                return $"{VisitPredicate(or.Left)} or {VisitPredicate(or.Right)}";
            case BinaryExpression comparison:
                return VisitComparison(comparison);
            case UnaryExpression { NodeType: ExpressionType.Not } not:
                return $"!({VisitPredicate(not.Operand)})";
            case UnaryExpression { NodeType: ExpressionType.Convert } convert:
                return VisitPredicate(convert.Operand);
            case MethodCallExpression call:
                return VisitCall(call);
            case ConstantExpression { Value: bool flag }:
                return flag ? "TRUEPREDICATE" : "FALSEPREDICATE";
            case MemberExpression when FindProperty(node) is { Kind: ValueKind.Bool, IsCollection: false } property:
                return $"{Escape(property.Name)} == {Argument(true)}";
            case MemberExpression when !UsesParameter(node) && ReadConstant(node) is bool flag:
                return flag ? "TRUEPREDICATE" : "FALSEPREDICATE";
            default:
                throw new NotSupportedException($"not supported in a query: {node}");
        }
    }

    private string VisitComparison(BinaryExpression node)
    {
        var symbol = node.NodeType switch
        {
            ExpressionType.Equal => "==",
            ExpressionType.NotEqual => "!=",
            ExpressionType.LessThan => "<",
            ExpressionType.LessThanOrEqual => "<=",
            ExpressionType.GreaterThan => ">",
            ExpressionType.GreaterThanOrEqual => ">=",
            _ => throw new NotSupportedException($"The operator {node.NodeType} is not supported in a query."),
        };
        if (TypeOwner(node.Left) is { } owner)
        {
            return VisitTypeComparison(owner, symbol, node.Right);
        }

        var property = RequireProperty(node.Left);
        if (UsesParameter(node.Right))
        {
            throw new NotSupportedException($"The right side of '{node}' must not use the object that is queried.");
        }

        return $"{Escape(property.Name)} {symbol} {Argument(Adapt(property, ReadConstant(node.Right)))}";
    }

    /// <summary>The property whose Type is asked for: x.Value.Type.</summary>
    private static MemberExpression? TypeOwner(Expression node)
    {
        while (node is UnaryExpression { NodeType: ExpressionType.Convert } convert)
        {
            node = convert.Operand;
        }

        return node is MemberExpression { Member.Name: nameof(RealmValue.Type), Expression: MemberExpression owner }
            && owner.Type == typeof(RealmValue) && UsesParameter(owner)
            ? owner
            : null;
    }

    private string VisitTypeComparison(MemberExpression owner, string symbol, Expression right)
    {
        if (symbol is not ("==" or "!="))
        {
            throw new NotSupportedException("The types of values have no order: use == or !=.");
        }

        var type = (RealmValueType)Convert.ToByte(ReadConstant(right), System.Globalization.CultureInfo.InvariantCulture);
        var name = Escape(RequireProperty(owner).Name);
        if (type == RealmValueType.Null)
        {
            return $"{name} {symbol} {Argument(RealmValue.Null)}";
        }

        var word = type switch
        {
            RealmValueType.Data => "binary",
            RealmValueType.Date => "date",
            RealmValueType.Decimal128 => "decimal",
            RealmValueType.Guid => "uuid",
            RealmValueType.Dictionary => "dictionary",
            _ => type.ToString().ToLowerInvariant(),
        };
        return $"{name}.@type {symbol} {Argument(word)}";
    }

    private string VisitCall(MethodCallExpression call)
    {
        var method = call.Method;
        if (method.DeclaringType == typeof(QueryMethods))
        {
            return VisitQueryMethod(call);
        }

        if (method.DeclaringType != typeof(string))
        {
            throw new NotSupportedException($"The method '{method.Name}' is not supported in a query.");
        }

        if (method.Name == nameof(string.IsNullOrEmpty))
        {
            var name = Escape(RequireProperty(call.Arguments[0]).Name);
            return $"{name} == {Argument(RealmValue.Null)} or {name} == {Argument("")}";
        }

        var word = method.Name switch
        {
            nameof(string.Contains) => "CONTAINS",
            nameof(string.StartsWith) => "BEGINSWITH",
            nameof(string.EndsWith) => "ENDSWITH",
            nameof(string.Equals) => "==",
            _ => throw new NotSupportedException($"The method '{method.Name}' is not supported in a query."),
        };
        var isStatic = call.Object is null;
        var left = RequireProperty(isStatic ? call.Arguments[0] : call.Object!);
        var rest = call.Arguments.Skip(isStatic ? 1 : 0).ToArray();
        var fold = rest.Length > 1 && IgnoresCase(rest[1]) ? "[c]" : "";
        return $"{Escape(left.Name)} {word}{fold} {Argument(RequireText(rest[0], word == "=="))}";
    }

    private string VisitQueryMethod(MethodCallExpression call)
    {
        var name = Escape(RequireProperty(call.Arguments[0]).Name);
        switch (call.Method.Name)
        {
            case nameof(QueryMethods.Contains):
                return $"{name} CONTAINS{(IgnoresCase(call.Arguments[2]) ? "[c]" : "")} {Argument(RequireText(call.Arguments[1], false))}";
            case nameof(QueryMethods.Like):
                var fold = (bool)ReadConstant(call.Arguments[2])! ? "" : "[c]";
                return $"{name} LIKE{fold} {Argument(RequireText(call.Arguments[1], true))}";
            case nameof(QueryMethods.GeoWithin):
                var shape = UsesParameter(call.Arguments[1]) ? null : ReadConstant(call.Arguments[1]) as GeoShapeBase;
                return $"{name} GEOWITHIN {Argument((shape ?? throw new ArgumentNullException(nameof(call), "A shape is needed.")).ToString())}";
            default:
                return $"{name} TEXT {Argument(RequireText(call.Arguments[1], false))}";
        }
    }

    private static RealmValue RequireText(Expression node, bool nullAllowed)
    {
        if (UsesParameter(node))
        {
            throw new NotSupportedException($"'{node}' must not use the object that is queried.");
        }

        return ReadConstant(node) switch
        {
            string text => text,
            char letter => letter.ToString(),
            null when nullAllowed => RealmValue.Null,
            null => throw new ArgumentNullException(nameof(node), "A text to search for cannot be null."),
            var value => throw new NotSupportedException($"A value of type {value.GetType().Name} cannot be searched for in a text."),
        };
    }

    private static bool IgnoresCase(Expression node) => ReadConstant(node) switch
    {
        StringComparison.Ordinal => false,
        StringComparison.OrdinalIgnoreCase => true,
        var other => throw new NotSupportedException($"The comparison {other} is not supported: use Ordinal or OrdinalIgnoreCase."),
    };

    /// <summary>C# compares narrow integers and characters as int: the value is what the property can hold.</summary>
    private static RealmValue Adapt(PropertyMetadata property, object? value)
    {
        if (value is IRealmObjectBase model && !model.IsManaged)
        {
            throw new NotSupportedException("A query can compare with stored objects only.");
        }

        if (property.Kind == ValueKind.Float && value is IConvertible and not (string or bool or float or null))
        {
            return Convert.ToSingle(value, System.Globalization.CultureInfo.InvariantCulture);
        }

        return property.Kind == ValueKind.Double && value is IConvertible and not (string or bool or null)
            ? Convert.ToDouble(value, System.Globalization.CultureInfo.InvariantCulture)
            : RealmValue.From(value);
    }

    private string Argument(RealmValue value)
    {
        _arguments.Add(value);
        return $"${_arguments.Count - 1}";
    }

    private PropertyMetadata RequireProperty(Expression node)
    {
        var property = FindProperty(node)
            ?? throw new NotSupportedException($"The left side must be a stored property of the object, not '{node}'.");
        return property.IsCollection
            ? throw new NotSupportedException($"The collection '{property.ManagedName}' cannot be compared: use Filter.")
            : property;
    }

    private PropertyMetadata? FindProperty(Expression node)
    {
        while (node is UnaryExpression { NodeType: ExpressionType.Convert or ExpressionType.ConvertChecked } convert)
        {
            node = convert.Operand;
        }

        if (node is not MemberExpression { Member: PropertyInfo member, Expression: { } owner })
        {
            return null;
        }

        while (owner is UnaryExpression { NodeType: ExpressionType.Convert } cast)
        {
            owner = cast.Operand;
        }

        return owner is ParameterExpression
            ? Array.Find(_metadata.Properties, property => property.ManagedName == member.Name)
            : null;
    }

    private static bool UsesParameter(Expression node)
    {
        var finder = new ParameterFinder();
        finder.Visit(node);
        return finder.Found;
    }

    private static string Escape(string name)
    {
        var text = new StringBuilder(name.Length);
        foreach (var letter in name)
        {
            _ = letter switch
            {
                ' ' => text.Append("\\ "),
                '\t' => text.Append("\\t"),
                '\n' => text.Append("\\n"),
                '\r' => text.Append("\\r"),
                _ => text.Append(letter),
            };
        }

        return text.ToString();
    }

    private sealed class ParameterFinder : ExpressionVisitor
    {
        public bool Found { get; private set; }

        protected override Expression VisitParameter(ParameterExpression node)
        {
            Found = true;
            return node;
        }
    }
}
