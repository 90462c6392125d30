using System.Linq.Expressions;
using Realms.Linq;
using Realms.Schema;

namespace Realms.Tests;

internal sealed class QueryTests
{
    [Test]
    public void PredicatesBecomeText()
    {
        var limit = 18;
        var holder = new { Name = "Ada" };
        Expect(items => items.Where(p => p.Age < limit), "Age < $0", 18);
        Expect(items => items.Where(p => p.Name == holder.Name && p.Age >= 5), "Name == $0 and Age >= $1", "Ada", 5);
        Expect(items => items.Where(p => p.Name != null!), "Name != $0", RealmValue.Null);
        Expect(items => items.Where(p => p.IsMember || !p.IsMember), "IsMember == $0 or !(IsMember == $1)", true, true);
        Expect(items => items.Where(p => p.Age == 1 || p.Age == 2).Where(p => p.Score > 3),
            "(Age == $0 or Age == $1) and Score > $2", 1, 2, 3.0);
        Expect(items => items.Where(p => (p.Age == 1 || p.IsMember) && p.Score > 3),
            "(Age == $0 or IsMember == $1) and Score > $2", 1, true, 3.0);
        Expect(items => items.Where(p => p.Id == Guid.Empty), "_id == $0", Guid.Empty);
        Expect(items => items.Where(p => !(p.Age > 3)), "!(Age > $0)", 3);
        Expect(items => items.Where(p => p.Boss == null), "Boss == $0", RealmValue.Null);
        Expect(items => items, "TRUEPREDICATE");
        Expect(items => items.Where(_ => false), "FALSEPREDICATE");
    }

    [Test]
    public void TextMethodsBecomeOperators()
    {
        Expect(items => items.Where(p => p.Name.Contains("x")), "Name CONTAINS $0", "x");
        Expect(items => items.Where(p => p.Name.StartsWith("x")), "Name BEGINSWITH $0", "x");
        Expect(items => items.Where(p => p.Name.EndsWith("x", StringComparison.OrdinalIgnoreCase)), "Name ENDSWITH[c] $0", "x");
        Expect(items => items.Where(p => p.Name.Equals("x", StringComparison.OrdinalIgnoreCase)), "Name ==[c] $0", "x");
        Expect(items => items.Where(p => QueryMethods.Contains(p.Name, "x", StringComparison.OrdinalIgnoreCase)), "Name CONTAINS[c] $0", "x");
        Expect(items => items.Where(p => QueryMethods.Like(p.Name, "x*", false)), "Name LIKE[c] $0", "x*");
        Expect(items => items.Where(p => string.IsNullOrEmpty(p.Nickname)), "Nickname == $0 or Nickname == $1", RealmValue.Null, "");
    }

    [Test]
    public void SortsComeAfterThePredicate()
    {
        Expect(items => items.OrderBy(p => p.Age), "TRUEPREDICATE SORT(Age ASC)");
        Expect(items => items.Where(p => p.Age > 1).OrderByDescending(p => p.Name).ThenBy(p => p.Id),
            "Age > $0 SORT(Name DESC, _id ASC)", 1);
    }

    [Test]
    public void WhatIsNotSupportedSaysSo()
    {
        Refuse(items => items.Where(p => p.Boss!.Name == "x"));
        Refuse(items => items.Where(p => 5 < p.Age));
        Refuse(items => items.Where(p => p.Age == p.ManagedCalls));
        Refuse(items => items.Where(p => p.ManagedCalls == 1));
        Refuse(items => items.Where(p => p.Name.Length == 1));
        Refuse(items => items.Where(p => p.Name.ToUpper() == "X"));
        Refuse(items => items.Where(p => p.Name.Contains("x", StringComparison.CurrentCulture)));
        Refuse(items => items.Where(p => p.Friends.Count > 0));
        Refuse(items => items.Where((_, i) => i > 0));
        Refuse(items => items.Skip(1));
        Refuse(items => items.Take(1));
        Refuse(items => items.Where(p => p.Boss == new Person()));
        Check.Throws<NotSupportedException>(() => QueryMethods.Like("a", "b"));
    }

    private static void Expect(Expression<Func<IQueryable<Person>, IQueryable<Person>>> query, string text, params RealmValue[] arguments)
    {
        var translated = Translate(query);
        Check.Equal(text, translated.Text);
        Check.Sequence(arguments, translated.Arguments, text);
    }

    private static void Refuse(Expression<Func<IQueryable<Person>, IQueryable<Person>>> query)
        => Check.Throws<NotSupportedException>(() => Translate(query));

    private static TranslatedQuery Translate(Expression<Func<IQueryable<Person>, IQueryable<Person>>> query)
    {
        var body = new Replacer(query.Parameters[0], Expression.Constant(new Source())).Visit(query.Body);
        return QueryTranslator.Translate(body, TypeMetadata.Of(typeof(Person)));
    }

    /// <summary>Puts the source where the parameter stands.</summary>
    private sealed class Replacer(ParameterExpression from, Expression to) : ExpressionVisitor
    {
        protected override Expression VisitParameter(ParameterExpression node) => node == from ? to : node;
    }

    /// <summary>Stands for all objects; nothing is read from it.</summary>
    private sealed class Source : IResults, IOrderedQueryable<Person>
    {
        public Realm Realm => throw new NotImplementedException();

        public ClassBinding Binding => throw new NotImplementedException();

        public NativeHandle Native => throw new NotImplementedException();

        public int Count => 0;

        public bool IsWhole => true;

        public Type ElementType => typeof(Person);

        public Expression Expression => Expression.Constant(this);

        public IQueryProvider Provider => throw new NotImplementedException();

        public IRealmObjectBase GetObject(int index) => throw new NotImplementedException();

        public IQueryable<TElement> With<TElement>(Expression expression) => throw new NotImplementedException();

        public IEnumerator<Person> GetEnumerator() => throw new NotImplementedException();

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => throw new NotImplementedException();
    }
}
