using System.Linq.Expressions;
using System.Reflection;

namespace Realms.Linq;

/// <summary>Builds longer queries and answers those that end in one value.</summary>
internal sealed class RealmQueryProvider : IQueryProvider
{
    private readonly IResults _root;

    public RealmQueryProvider(IResults root) => _root = root;

    public IQueryable<TElement> CreateQuery<TElement>(Expression expression)
    {
        if (!typeof(IRealmObjectBase).IsAssignableFrom(typeof(TElement)) || typeof(TElement) != _root.Binding.Metadata.Type)
        {
            var method = (expression as MethodCallExpression)?.Method.Name;
            throw new NotSupportedException($"The method '{method}' is not supported: a query yields whole objects.");
        }

        return _root.With<TElement>(expression);
    }

    public IQueryable CreateQuery(Expression expression)
        => (IQueryable)typeof(RealmQueryProvider).GetMethods().Single(method => method.Name == nameof(CreateQuery) && method.IsGenericMethod)
            .MakeGenericMethod(_root.Binding.Metadata.Type).Invoke(this, [expression])!;

    public object? Execute(Expression expression) => Execute<object?>(expression);

    public TResult Execute<TResult>(Expression expression)
    {
        if (expression is not MethodCallExpression { Method.DeclaringType: { } owner } call || owner != typeof(Queryable))
        {
            throw new NotSupportedException($"not supported: {expression}");
        }

        return (TResult)Evaluate(call)!;
    }

    private object? Evaluate(MethodCallExpression call)
    {
        var name = call.Method.Name;
        switch (name)
        {
            case "Count":
                return Source(call).Count;
            case "LongCount":
                return (long)Source(call).Count;
            case "Any":
                return Source(call).Count > 0;
            case "First" or "FirstOrDefault":
                return Pick(Source(call), name, _ => 0);
            case "Last" or "LastOrDefault":
                return Pick(Source(call), name, source => source.Count - 1);
            case "Single" or "SingleOrDefault":
                return Pick(Source(call), name, CheckSingle);
            case "ElementAt" or "ElementAtOrDefault":
                return ElementAt(call, name);
            default:
                throw new NotSupportedException($"The method '{name}' is not supported.");
        }
    }

    private static int CheckSingle(IResults source)
        => source.Count > 1 ? throw new InvalidOperationException("Sequence contains more than one element") : 0;

    private object? ElementAt(MethodCallExpression call, string name)
    {
        var index = (int)QueryTranslator.ReadConstant(call.Arguments[1])!;
        var source = Narrow(call.Arguments[0]);
        if (index >= 0 && index < source.Count)
        {
            return source.GetObject(index);
        }

        return name == "ElementAtOrDefault" ? null : throw new ArgumentOutOfRangeException(nameof(index));
    }

    private static object? Pick(IResults source, string name, Func<IResults, int> index)
    {
        if (source.Count > 0)
        {
            return source.GetObject(index(source));
        }

        return name.EndsWith("OrDefault", StringComparison.Ordinal)
            ? null
            : throw new InvalidOperationException("Sequence contains no elements");
    }

    /// <summary>The results that the last call is made on, narrowed by its predicate if it has one.</summary>
    private IResults Source(MethodCallExpression call)
    {
        var source = call.Arguments[0];
        if (call.Arguments.Count > 1)
        {
            if (call.Arguments[1] is not UnaryExpression { NodeType: ExpressionType.Quote })
            {
                throw new NotSupportedException($"This form of '{call.Method.Name}' is not supported.");
            }

            var where = typeof(Queryable).GetMethods(BindingFlags.Static | BindingFlags.Public)
                .First(method => method.Name == "Where"
                    && method.GetParameters()[1].ParameterType.GetGenericArguments()[0].GetGenericArguments().Length == 2)
                .MakeGenericMethod(_root.Binding.Metadata.Type);
            source = Expression.Call(where, source, call.Arguments[1]);
        }

        return Narrow(source);
    }

    private IResults Narrow(Expression source)
        => source is ConstantExpression { Value: IResults results } ? results : (IResults)CreateQuery(source);
}
