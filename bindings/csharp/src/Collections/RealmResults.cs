using System.Linq.Expressions;
using Realms.Linq;

namespace Realms;

/// <summary>
/// The objects of a class that a query finds: live, and evaluated only when something is read. A chain of LINQ calls is
/// one expression; it becomes a native query when the first result is asked for.
/// </summary>
public class RealmResults<T> : RealmCollectionBase<T>, IOrderedQueryable<T>, IResults
{
    private readonly ClassBinding _binding;
    private readonly Func<NativeHandle> _open;
    private readonly bool _isWhole;
    private NativeHandle? _native;

    private RealmResults(
        Realm realm, ClassBinding binding, Func<NativeHandle> open, Expression? expression = null, bool isWhole = false)
        : base(realm)
    {
        _isWhole = isWhole;
        _binding = binding;
        _open = open;
        Expression = expression ?? System.Linq.Expressions.Expression.Constant(this);
        Provider = new RealmQueryProvider(this);
    }

    public Type ElementType => typeof(T);

    public Expression Expression { get; }

    public IQueryProvider Provider { get; }

    public override int Count => checked((int)NativeMethods.atoll_results_count(Native.Value));

    public override bool IsValid => !Realm.IsClosed;

    public override Schema.ObjectSchema? ObjectSchema => _binding.Metadata.Schema;

    ClassBinding IResults.Binding => _binding;

    internal NativeHandle Native
    {
        get
        {
            Realm.ThrowIfDisposed();
            return _native ??= _open();
        }
    }

    NativeHandle IResults.Native => Native;

    bool IResults.IsWhole => _isWhole;

    public override int IndexOf(object? item)
    {
        if (item is not Weaving.IModel { Core.Accessor: { } accessor } || accessor.Realm.Instance != Realm.Instance)
        {
            return -1;
        }

        var index = NativeMethods.atoll_results_index_of(Native.Value, accessor.Handle);
        GC.KeepAlive(accessor);
        return checked((int)index);
    }

    /// <summary>Visits what the query finds now: changes made while visiting do not disturb it.</summary>
    public override IEnumerator<T> GetEnumerator()
    {
        if (!Realm.IsInTransaction)
        {
            for (var i = 0; i < Count; i++)
            {
                yield return GetValueAtIndex(i);
            }

            yield break;
        }

        var rows = new ulong[Count];
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i] = NativeMethods.atoll_results_row(Native.Value, i);
        }

        foreach (var row in rows)
        {
            var handle = NativeMethods.atoll_realm_object(Realm.NativeRealm, _binding.ClassKey, row);
            if (handle != IntPtr.Zero)
            {
                yield return (T)Realm.Materialize(_binding, handle);
            }
        }
    }

    /// <summary>The query in its canonical form.</summary>
    public override string ToString() => NativeMethods.atoll_results_query(Native.Value) ?? "TRUEPREDICATE";

    IRealmObjectBase IResults.GetObject(int index) => (IRealmObjectBase)GetValueAtIndex(index)!;

    IQueryable<TElement> IResults.With<TElement>(Expression expression)
        => new RealmResults<TElement>(Realm, _binding, () => OpenExpression(expression), expression);

    internal static RealmResults<T> All(Realm realm, ClassBinding binding)
        => new(realm, binding, () => Open(realm, binding, "", []), null, true);

    internal RealmResults<T> Filter(string predicate, QueryArgument[] arguments)
    {
        ArgumentNullException.ThrowIfNull(predicate);
        var values = Array.ConvertAll(arguments, argument => argument.Value);

        // A filter is checked where it is written: its text can be wrong, which an expression cannot.
        var handle = Narrow(Native, predicate, values);
        return new RealmResults<T>(Realm, _binding, () => handle);
    }

    internal override RealmCollectionBase<T> In(Realm realm)
    {
        var handle = new NativeHandle(
            NativeMethods.atoll_results_resolve_in(Native.Value, realm.NativeRealm), NativeMethods.atoll_results_free);
        GC.KeepAlive(Native);
        return Of(realm, realm.Instance.Bind(_binding.Metadata.Name), handle);
    }

    internal static RealmResults<T> Of(Realm realm, NativeHandle handle)
        => Of(realm, realm.Instance.Bind(typeof(T)), handle);

    internal static RealmResults<T> Of(Realm realm, ClassBinding binding, NativeHandle handle)
        => new(realm, binding, () => handle);

    internal override ulong Observe(Action<EventData> handler, IntPtr keyPaths)
    {
        var native = Native;
        return Realm.Instance.Observe(queue => NativeMethods.atoll_results_observe_key_paths(native.Value, keyPaths, queue), handler);
    }

    private protected override T GetValueAtIndex(int index)
        => (T)Realm.Materialize(_binding, NativeMethods.atoll_results_object(Native.Value, index));

    private static NativeHandle Open(Realm realm, ClassBinding binding, string query, IReadOnlyList<RealmValue> arguments)
    {
        using var values = Wrap(arguments);
        return new NativeHandle(
            NativeMethods.atoll_results_new(realm.NativeRealm, binding.ClassKey, query, values.Handle),
            NativeMethods.atoll_results_free);
    }

    private static NativeHandle Narrow(NativeHandle source, string query, IReadOnlyList<RealmValue> arguments)
    {
        using var values = Wrap(arguments);
        var narrowed = NativeMethods.atoll_results_filter(source.Value, query, values.Handle);
        GC.KeepAlive(source);
        return new NativeHandle(narrowed, NativeMethods.atoll_results_free);
    }

    private static NativeValues Wrap(IReadOnlyList<RealmValue> arguments)
    {
        var values = new NativeValues();
        foreach (var argument in arguments)
        {
            values.Add(argument);
        }

        return values;
    }

    private NativeHandle OpenExpression(Expression expression)
    {
        var query = QueryTranslator.Translate(expression, _binding.Metadata);
        return query.Source.IsWhole
            ? Open(Realm, _binding, query.Text, query.Arguments)
            : Narrow(query.Source.Native, query.Text, query.Arguments);
    }
}

/// <summary>Results without their element type.</summary>
internal interface IResults
{
    Realm Realm { get; }

    ClassBinding Binding { get; }

    NativeHandle Native { get; }

    int Count { get; }

    /// <summary>True for all objects of the class.</summary>
    bool IsWhole { get; }

    IRealmObjectBase GetObject(int index);

    IQueryable<TElement> With<TElement>(Expression expression);
}
