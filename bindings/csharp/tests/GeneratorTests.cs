using Atoll.Realms.Generator;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Realms.Tests;

/// <summary>Runs the compiler in process: rules of models, and constraints that keep asymmetric classes out of queries.</summary>
internal sealed class GeneratorTests
{
    private const string Header = """
        using System; using System.Collections.Generic; using System.Linq; using Realms; using Realms.Sync; using MongoDB.Bson;
        #nullable enable

        """;

    private static readonly MetadataReference[] References =
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => !Path.GetFileName(path).StartsWith("Microsoft.CodeAnalysis", StringComparison.Ordinal))
            .Select(path => MetadataReference.CreateFromFile(path))];

    [Test]
    public void ModelsOfBothStylesCompile()
    {
        Expect("class A : RealmObject { [PrimaryKey] public int Id { get; private set; } public IList<A> L { get; } }");
        Expect("partial class A : IRealmObject { public A? Link { get; set; } public IList<double?> L { get; } = null!; }");
        Expect("partial class Outer { private partial class A : IAsymmetricObject { public Guid Id { get; private set; } = Guid.NewGuid(); } }");
        Expect("partial class A : IEmbeddedObject { public string? S { get; set; } [Ignored] public float F { get; set; } public DateTime Computed => default; }");
        Expect("namespace N { partial class A : IRealmObject { } partial class A { public int I { get; set; } partial void OnManaged() { } } }");
    }

    [Test]
    public void RulesAreReportedAtTheirPlace()
    {
        Expect("class A : IRealmObject { }", "RLM003@3");
        Expect("partial class A : IRealmObject, IEmbeddedObject { }", "RLM002@3");
        Expect("class Base { }\npartial class A : Base, IRealmObject { }", "RLM004@4");
        Expect("partial class A : IRealmObject {\n[PrimaryKey] public int I { get; set; }\n[PrimaryKey] public int J { get; set; } }", "RLM005@3");
        Expect("class A : EmbeddedObject {\n[PrimaryKey] public int I { get; set; } }", "RLM006@4");
        Expect("class A : RealmObject {\n[Indexed] public double D { get; set; } }", "RLM007@4");
        Expect("class A : RealmObject {\n[Required] public int I { get; set; } }", "RLM008@4");
        Expect("class A : RealmObject {\n[PrimaryKey] public double D { get; set; } }", "RLM011@4");
        Expect("class A : RealmObject {\npublic IList<int> L { get; set; } }", "RLM019@4");
        Expect("class A : RealmObject {\npublic List<int> L { get; } }", "RLM022@4");
        Expect("partial class A : IRealmObject {\npublic DateTime D { get; set; } }", "RLM023@4");
        Expect("partial class A : IRealmObject {\npublic Uri? U { get; set; } }", "RLM024@4");
        Expect("partial class A : IRealmObject {\npublic float F { get; set; } }", "RLM024@4");
        Expect("class B : AsymmetricObject { }\nclass A : RealmObject {\npublic B? B { get; set; } }", "RLM024@5");
        Expect("class Outer {\npartial class A : IRealmObject { } }", "RLM027@4");
        Expect("class A : RealmObject {\n[PrimaryKey, Indexed] public int I { get; set; } }", "RLM028@4");
    }

    [Test]
    public void NotSupportedYetIsNamed()
    {
        var text = string.Join("\n", Compile("class A : RealmObject { public float F { get; set; } public IDictionary<string, int> D { get; } }")
            .Select(item => item.GetMessage(System.Globalization.CultureInfo.InvariantCulture)));
        Check.True(text.Contains("not supported yet: float"), text);
        Check.True(text.Contains("not supported yet: IDictionary<string, int>"), text);
    }

    [Test]
    public void AsymmetricClassesCannotBeQueriedOrSubscribedTo()
    {
        const string models = "partial class M : IAsymmetricObject { }\nclass C : AsymmetricObject { }\nclass N : RealmObject { }\n";
        Expect(models + "class P { void Run(Realm r) { r.Add(new M()); r.Add(new C()); r.Add(new N()); r.Add(new N(), true); r.All<N>(); r.Subscriptions.Add(r.All<N>()); } }");
        Expect(models + "class P { void Run(Realm r) {\nr.All<M>(); } }", "CS0315|CS0311@7");
        Expect(models + "class P { void Run(Realm r) {\nr.All<C>(); } }", "CS0315|CS0311@7");
        Expect(models + "class P { void Run(Realm r) {\nr.Subscriptions.Add(r.All<M>()); } }", "CS0315|CS0311@7");
        Expect(models + "class P { void Run(Realm r, IQueryable<C> q) {\nr.Subscriptions.Add(q); } }", "CS0315|CS0311@7");
        Expect(models + "class P { void Run(Realm r) {\nr.Find<M>(1); } }", "CS0315|CS0311@7");
    }

    private static void Expect(string source, string? only = null)
    {
        var found = Compile(source);
        var text = string.Join(", ", found.Select(item => $"{item.Id}@{item.Location.GetLineSpan().StartLinePosition.Line + 1} {item.GetMessage(null)}"));
        if (only is null)
        {
            Check.Equal("", text, source);
            return;
        }

        var (ids, line) = (only.Split('@')[0].Split('|'), int.Parse(only.Split('@')[1], System.Globalization.CultureInfo.InvariantCulture));
        Check.True(
            found.Any(item => ids.Contains(item.Id) && item.Location.GetLineSpan().StartLinePosition.Line + 1 == line),
            $"{only} expected for {source}, found: {text}");
    }

    /// <summary>The errors that a source gives.</summary>
    private static Diagnostic[] Compile(string source)
    {
        var options = new CSharpParseOptions(LanguageVersion.Latest);
        var compilation = CSharpCompilation.Create(
            "Sample",
            [CSharpSyntaxTree.ParseText(Header + source, options, "Sample.cs")],
            References,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable));
        CSharpGeneratorDriver.Create([new ModelGenerator().AsSourceGenerator()], parseOptions: options)
            .RunGeneratorsAndUpdateCompilation(compilation, out var completed, out var reported);
        return [.. reported.Concat(completed.GetDiagnostics()).Where(item => item.Severity == DiagnosticSeverity.Error)];
    }
}
