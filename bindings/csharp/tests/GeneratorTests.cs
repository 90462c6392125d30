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
        Expect("partial class A : IRealmObject { public float F { get; set; } public decimal? D { get; set; } public RealmValue V { get; set; } public RealmInteger<int> C { get; set; } public ISet<A> S { get; } = null!; public IDictionary<string, RealmValue> M { get; } = null!; [Backlink(nameof(S))] public IQueryable<A> B { get; } = null!; [Indexed(IndexType.FullText)] public string T { get; set; } = \"\"; }");
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
        Expect("partial class A : IRealmObject {\npublic RealmValue? V { get; set; } }", "RLM010@4");
        Expect("class A : RealmObject {\n[Backlink(\"A\")] public int I { get; set; } }", "RLM012@4");
        Expect("class A : RealmObject { public A? L { get; set; }\n[Backlink(\"L\")] public IQueryable<A> B { get; set; } }", "RLM013@4");
        Expect("class A : RealmObject { public int I { get; set; }\n[Backlink(\"I\")] public IQueryable<A> B { get; } }", "RLM014@4");
        Expect("class A : RealmObject {\npublic IQueryable<A> B { get; } }", "RLM015@4");
        Expect("class A : RealmObject {\npublic RealmInteger<double> I { get; set; } }", "RLM016@4");
        Expect("class A : RealmObject {\npublic IList<RealmInteger<int>> I { get; } }", "RLM017@4");
        Expect("class A : RealmObject {\npublic IDictionary<int, int> D { get; } }", "RLM020@4");
        Expect("class E : EmbeddedObject { }\nclass A : RealmObject {\npublic ISet<E> S { get; } }", "RLM021@5");
        Expect("class A : RealmObject {\npublic Dictionary<string, int> D { get; } }", "RLM022@4");
        Expect("class A : RealmObject {\n[Indexed(IndexType.FullText)] public int I { get; set; } }", "RLM007@4");
        Expect("class B : AsymmetricObject { }\nclass A : RealmObject {\npublic B? B { get; set; } }", "RLM024@5");
        Expect("class Outer {\npartial class A : IRealmObject { } }", "RLM027@4");
        Expect("class A : RealmObject {\n[PrimaryKey, Indexed] public int I { get; set; } }", "RLM028@4");
    }

    [Test]
    public void RulesOfInterfaceStyleAreReported()
    {
        Expect("partial class A : IRealmObject {\n[Required] public string S { get; set; } = \"\"; }", "RLM009@4");
        Expect("class A : RealmObject {\n[Required] public string S { get; set; } = \"\"; }");
        Expect("partial class A : IRealmObject {\npublic A Link { get; set; } = null!; }", "RLM010@4");
        Expect("partial class A : IRealmObject {\npublic IList<int>? L { get; } }", "RLM010@4");
        Expect("partial class A : IRealmObject {\npublic IList<A?> L { get; } = null!; }", "RLM010@4");
        Expect("partial class A : IRealmObject {\npublic IDictionary<string, A> D { get; } = null!; }", "RLM010@4");
        Expect("partial class A : IRealmObject { public IDictionary<string, A?> D { get; } = null!; public IDictionary<string, int> M { get; } = default!; }");
        Expect("#nullable disable\npartial class A : IRealmObject { public A Link { get; set; } public IDictionary<string, A> D { get; } [Required] public string S { get; set; } }");
        Expect("partial class A : IRealmObject {\npublic IList<Uri> L { get; } = null!; }", "RLM018@4");
        Expect("partial class A : IRealmObject {\npublic A? Other { get => null; set { } } }", "RLM025@4");
        Expect("partial class A : IRealmObject { [Ignored] public A? Other { get => null; set { } } }");
        Expect("partial class A : IRealmObject {\npublic IList<int> L { get; } = new List<int>(); }", "RLM029@4");
        Expect("partial class A : IRealmObject { public IList<int> L { get; }\npublic A() { L = new List<int>(); } }", "RLM030@4");
        Expect("partial class A : IRealmObject { public IList<int> L { get; } public A() { L = null!; } }");
        Expect("partial class A : IRealmObject { }", "RLM100@3", LanguageVersion.CSharp7_3);
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

    /// <summary>Source as the users of Realm .NET have it, unchanged.</summary>
    [Test]
    public void CodeWrittenForRealmDotNetCompiles()
    {
        Expect("""
            using System.ComponentModel; using System.Threading; using Realms.Exceptions; using Realms.Logging;
            using Realms.Sync.ErrorHandling; using Realms.Sync.Exceptions; using Realms.Schema;
            public class Task : RealmObject {
                [PrimaryKey, MapTo("_id")] public ObjectId Id { get; set; } = ObjectId.GenerateNewId();
                [MapTo("name"), Required] public string Name { get; set; } = "";
                [Indexed] public string? Partition { get; set; }
            }
            public partial class Asymmetrics {
                Realm realm = null!;
                [Realms.Explicit]
                private partial class Measurement : IAsymmetricObject {
                    [PrimaryKey, MapTo("_id")] public Guid Id { get; private set; } = Guid.NewGuid();
                    public double Value { get; set; }
                    public DateTimeOffset Timestamp { get; private set; } = DateTimeOffset.UtcNow;
                }
                public void SendMeasurementToRealm() {
                    var measurement = new Measurement { Value = 9.876 };
                    realm.Write(() => { realm.Add(measurement); });
                    _ = measurement.Value;
                }
            }
            class Uses {
                async System.Threading.Tasks.Task Run(CancellationToken token) {
                    var app = App.Create(new AppConfiguration("myapp") { SyncTimeoutOptions = new SyncTimeoutOptions { ReconnectBackoffOptions = new ReconnectBackoffOptions { MaxReconnectDelayInterval = TimeSpan.FromMinutes(1), ReconnectDelayInterval = TimeSpan.FromSeconds(1), ReconnectDelayBackoffMultiplier = 2, DelayJitterDivisor = 4 } } });
                    await app.EmailPasswordAuth.RegisterUserAsync("a@b.c", "secret");
                    var user = app.LogInAsync(Credentials.EmailPassword("a@b.c", "secret")).Result;
                    user = await app.LogInAsync(Credentials.Anonymous());
            #pragma warning disable CS0618
                    RealmConfigurationBase config = new SyncConfiguration("myPart", user);
                    Logger.LogLevel = LogLevel.Debug;
                    Logger.Default = Logger.Function(message => { });
            #pragma warning restore CS0618
                    config = new PartitionSyncConfiguration("myPart", user) { OnSessionError = (session, error) => { _ = error.ErrorCode == ErrorCode.BadPartitionValue; }, ClientResetHandler = new ManualRecoveryHandler(e => { }) };
                    config = new PartitionSyncConfiguration(ObjectId.GenerateNewId(), user);
                    config = new PartitionSyncConfiguration(5, user);
                    config = new FlexibleSyncConfiguration(user) {
                        PopulateInitialSubscriptions = r => { r.Subscriptions.Add(r.All<Task>().Where(t => t.Name == "x"), new SubscriptionOptions { Name = "n", UpdateExisting = false }); },
                        ClientResetHandler = new RecoverOrDiscardUnsyncedChangesHandler { OnBeforeReset = before => { }, OnAfterRecovery = (before, after) => { }, OnAfterDiscard = (before, after) => { }, ManualResetFallback = e => { e.InitiateClientReset(); } },
                        Schema = new[] { typeof(Task) },
                    };
                    Realm realm;
                    try { realm = await Realm.GetInstanceAsync(config, token); } catch (RealmFileAccessErrorException ex) { Console.WriteLine(ex.Message); return; }
                    realm = Realm.GetInstance(config);
                    var testTask = new Task { Name = "Do this thing", Partition = "myPart" };
                    realm.Write(() => { realm.Add(testTask); });
                    var added = realm.Write(() => realm.Add(testTask, update: true));
                    await realm.WriteAsync(() => { realm.Remove(added); });
                    var session = realm.SyncSession;
                    session.Stop();
                    session.Start();
                    session.PropertyChanged += SessionPropertyChanged!;
                    session.PropertyChanged -= SessionPropertyChanged!;
                    await session.WaitForUploadAsync();
                    await session.WaitForDownloadAsync(token);
                    using var progress = session.GetProgressObservable(ProgressDirection.Upload, ProgressMode.ReportIndefinitely).Subscribe(null!);
                    realm.Subscriptions.Update(() => { realm.Subscriptions.Remove("n"); realm.Subscriptions.RemoveAll<Task>(removeNamed: true); });
                    await realm.Subscriptions.WaitForSynchronizationAsync();
                    var query = await realm.All<Task>().SubscribeAsync(new SubscriptionOptions { Name = "all" }, WaitForSyncMode.Always);
                    using var notifications = query.SubscribeForNotifications((sender, changes) => { if (changes is null) { return; } foreach (var i in changes.InsertedIndices) { _ = sender[i].Name; } });
                    realm.RealmChanged += (sender, e) => { };
                    using (var transaction = realm.BeginWrite()) { realm.RemoveAll<Task>(); transaction.Commit(); }
                    var found = realm.Find<Task>(testTask.Id);
                    _ = query.Filter("name BEGINSWITH[c] $0 SORT(name ASC)", "x").Count();
                    await user.LogOutAsync();
                }
                void SessionPropertyChanged(object sender, PropertyChangedEventArgs e) {
                    if (e.PropertyName == nameof(Session.ConnectionState)) { var s = (Session)sender; _ = s.ConnectionState == ConnectionState.Connected; }
                }
            }
            """);
    }

    /// <summary>Members that were removed in versions 11 and 12, which code of that age uses.</summary>
    [Test]
    public void CodeOfOlderVersionsCompiles()
    {
        Expect("""
            #pragma warning disable CS0618
            using Realms.Logging; using Realms.Sync.ErrorHandling;
            public class Dog : RealmObject { public IList<int> Ages { get; } }
            class Uses {
                async System.Threading.Tasks.Task Run(User user, Realm realm) {
                    var app = new AppConfiguration("x") { LogLevel = LogLevel.Debug, CustomLogger = (message, level) => Console.WriteLine(message) };
                    var config = new SyncConfiguration("p", user) { ObjectClasses = new[] { typeof(Dog) }, ClientResetHandler = new DiscardLocalResetHandler { OnBeforeReset = r => { } } };
                    config.ClientResetHandler = new ManualRecoveryHandler();
                    Session.Error += (sender, e) => Console.WriteLine(e.Exception.Message);
                    realm.GetSession().Start();
                    await realm.WriteAsync(other => { other.Add(new Dog()); });
                    using var one = realm.All<Dog>().SubscribeForNotifications((sender, changes, error) => { });
                    using var two = realm.All<Dog>().First().Ages.SubscribeForNotifications((sender, changes, error) => { });
                    foreach (var p in new SyncProgress[0]) { _ = p.TransferredBytes < p.TransferableBytes; }
                }
            }
            """);
    }

    private static void Expect(string source, string? only = null, LanguageVersion version = LanguageVersion.Latest)
    {
        var found = Compile(source, version);
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

    /// <summary>The errors that a source gives, and warnings of the generator.</summary>
    private static Diagnostic[] Compile(string source, LanguageVersion version)
    {
        var options = new CSharpParseOptions(version);
        var compilation = CSharpCompilation.Create(
            "Sample",
            [CSharpSyntaxTree.ParseText(Header + source, options, "Sample.cs")],
            References,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable));
        CSharpGeneratorDriver.Create([new ModelGenerator().AsSourceGenerator()], parseOptions: options)
            .RunGeneratorsAndUpdateCompilation(compilation, out var completed, out var reported);
        return [.. reported.Concat(completed.GetDiagnostics()).Where(item => item.Severity == DiagnosticSeverity.Error || item.Id.StartsWith("RLM", StringComparison.Ordinal))];
    }
}
