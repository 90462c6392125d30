using System.Collections.Specialized;
using Realms.Exceptions;

namespace Realms.Tests;

/// <summary>A place as GeoJSON has it.</summary>
[Explicit]
public partial class Spot : IEmbeddedObject
{
    [MapTo("type")]
    public string Type { get; private set; } = "Point";

    [MapTo("coordinates")]
    public IList<double> Coordinates { get; } = null!;
}

/// <summary>What is searched for by text, place and type.</summary>
[Explicit]
public partial class Shop : IRealmObject
{
    [PrimaryKey]
    public int Id { get; set; }

    [Indexed(IndexType.FullText)]
    public string About { get; set; } = "";

    public Spot? Spot { get; set; }

    public RealmValue Any { get; set; }

    public float Stars { get; set; }

    public IList<int> Numbers { get; } = null!;
}

/// <summary>Queries by text, place and type, and what collections tell data binding.</summary>
[Native]
public class LinqTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("atoll-linq-").FullName;
    private readonly Realm _realm;

    public LinqTests()
    {
        _realm = Realm.GetInstance(new RealmConfiguration(Path.Combine(_folder, "a.realm")) { Schema = new[] { typeof(Shop), typeof(Spot) } });
        _realm.Write(() =>
        {
            _realm.Add(new Shop { Id = 1, About = "Fresh coffee and cake", Any = 1, Stars = 4.5f, Spot = new Spot { Coordinates = { 12.57, 55.68 } } });
            _realm.Add(new Shop { Id = 2, About = "Bread, coffee beans", Any = "x", Stars = 3, Spot = new Spot { Coordinates = { 13.0, 55.6 } } });
            _realm.Add(new Shop { Id = 3, About = "Tea", Any = 2.5m });
        });
    }

    public void Dispose()
    {
        _realm.Dispose();
        Directory.Delete(_folder, true);
    }

    [Test]
    public void TextIsSearchedByItsWords()
    {
        Expect([1, 2], All.Where(shop => QueryMethods.FullTextSearch(shop.About, "coffee")));
        Expect([2], All.Where(shop => QueryMethods.FullTextSearch(shop.About, "coffee -cake")));
        Expect([1, 2], All.Where(shop => QueryMethods.Like(shop.About, "*coffee*")));
        Expect([3], All.Where(shop => QueryMethods.Like(shop.About, "t?a", false)));
        Check.Throws<NotSupportedException>(() => QueryMethods.FullTextSearch("a", "a"), "inside a realm query");
    }

    [Test]
    public void PointsAreSearchedInShapes()
    {
        var circle = new GeoCircle((55.68, 12.57), Distance.FromKilometers(10));
        Expect([1], All.Where(shop => QueryMethods.GeoWithin(shop.Spot, circle)));
        Expect([1, 2], All.Where(shop => QueryMethods.GeoWithin(shop.Spot, new GeoBox(12, 56, 14, 55))));
        var ring = new GeoPolygon((55.5, 12.9), (55.5, 13.1), (55.7, 13.1), (55.7, 12.9), (55.5, 12.9));
        Expect([2], All.Where(shop => QueryMethods.GeoWithin(shop.Spot, ring)));
        Expect([1], All.Filter("Spot GEOWITHIN $0", circle));
        Check.Throws<ArgumentException>(() => new GeoPoint(91, 0));
        Check.Throws<ArgumentException>(() => new GeoPolygon((0, 0), (1, 1), (0, 0)));
        Check.True(Math.Abs(Distance.FromDegrees(180).Radians - Math.PI) < 1e-12 && new GeoPoint(1, 2) == (1.0, 2.0), "units");
    }

    [Test]
    public void ValuesAreSearchedByTheirType()
    {
        Expect([1], All.Where(shop => shop.Any.Type == RealmValueType.Int));
        Expect([1, 3], All.Where(shop => shop.Any.Type != RealmValueType.String));
        Expect([3], All.Where(shop => shop.Any == 2.5m));
        Expect([1], All.Where(shop => shop.Stars == 4.5));
        Check.Throws<NotSupportedException>(() => All.Where(shop => shop.Any.Type > RealmValueType.Int).Count(), "no order");
    }

    [Test]
    public void DataBindingIsToldOfOneRun()
    {
        var shop = All.First();
        var told = new List<string>();
        ((INotifyCollectionChanged)shop.Numbers).CollectionChanged += (_, e) => told.Add($"{e.Action} {e.NewStartingIndex} {e.OldStartingIndex}");
        void Write(Action<IList<int>> action)
        {
            _realm.Write(() => action(shop.Numbers));
            _realm.Refresh();
        }

        _realm.Refresh();
        Write(list => { list.Add(1); list.Add(2); list.Add(3); });
        Write(list => list[1] = 7);
        Write(list => { list.RemoveAt(0); list.Add(9); });
        Write(list => list.RemoveAt(1));
        Check.Sequence(["Add 0 -1", "Replace 1 1", "Reset -1 -1", "Remove -1 1"], told);
    }

    private IQueryable<Shop> All => _realm.All<Shop>();

    private static void Expect(int[] ids, IQueryable<Shop> found) => Check.Sequence(ids, found.ToArray().Select(shop => shop.Id), found.ToString()!);

    [Test]
    public void MovesAreToldAsMoves()
    {
        var shop = All.First();
        var told = new List<string>();
        _realm.Write(() => shop.Numbers.Add(1));
        _realm.Write(() => { shop.Numbers.Add(2); shop.Numbers.Add(3); });
        ((INotifyCollectionChanged)shop.Numbers).CollectionChanged += (_, e) => told.Add($"{e.Action} {e.NewStartingIndex} {e.OldStartingIndex}");
        using var token = shop.Numbers.SubscribeForNotifications((_, changes) => told.Add(
            changes is null ? "first" : $"{string.Join(',', changes.Moves.Select(move => $"{move.From}>{move.To}"))} cleared {changes.IsCleared}"));
        _realm.Refresh();
        _realm.Write(() => shop.Numbers.Move(0, 2));
        _realm.Refresh();
        _realm.Write(() => shop.Numbers.Clear());
        _realm.Refresh();
        Check.Sequence(["first", "Move 2 0", "0>2 cleared False", "Reset -1 -1", " cleared True"], told);
    }

    [Test]
    public void KeyPathsSayWhichChangesCount()
    {
        var told = new List<string>();
        IDisposable Watch(string name, KeyPathsCollection? paths)
            => All.SubscribeForNotifications((_, changes) => told.Add(name + (changes is null ? " first" : "")), paths);
        using var about = Watch("about", new[] { "About" });
        using var spot = Watch("spot", KeyPathsCollection.Of<Shop>(shop => shop.Spot!.Type));
        using var shallow = Watch("shallow", KeyPathsCollection.Shallow);
        using var full = Watch("full", KeyPathsCollection.Full);
        _realm.Refresh();
        Check.Sequence(["about first", "full first", "shallow first", "spot first"], told.Order());
        void Expect(string[] names, Action write)
        {
            told.Clear();
            _realm.Write(write);
            _realm.Refresh();
            Check.Sequence(names, told.Order());
        }

        var first = All.First();
        Expect(["about", "full"], () => first.About = "x");
        Expect(["full"], () => first.Stars = 1);
        Expect(["about", "full", "shallow", "spot"], () => _realm.Add(new Shop { Id = 9 }));
        Check.Throws<ArgumentException>(() => Watch("bad", new[] { "Nothing" }), "Nothing");
        Check.Throws<InvalidOperationException>(() => first.Numbers.SubscribeForNotifications((_, _) => { }, new[] { "About" }));
        Check.True(KeyPath.ForExpression<Shop>(shop => shop.Stars) == "Stars", "ForExpression");
    }

    [Test]
    public void AWriteDoesNotHoldUpItsThread()
    {
        using var context = new LoopContext();
        context.Run(async () =>
        {
            using var realm = Realm.GetInstance(_realm.Config);
            var order = new List<string>();
            var thread = Environment.CurrentManagedThreadId;
            var holder = _realm.Config;
            using var held = new ManualResetEventSlim();
            using var release = new ManualResetEventSlim();
            var other = Task.Run(() =>
            {
                using var theirs = Realm.GetInstance(holder);
                theirs.Write(() =>
                {
                    held.Set();
                    release.Wait();
                    theirs.Find<Shop>(1)!.Stars = 1;
                });
            });
            held.Wait();
            using var source = new CancellationTokenSource(50);
            var cancelled = false;
            try
            {
                await realm.WriteAsync(() => order.Add("never"), source.Token);
            }
            catch (OperationCanceledException)
            {
                cancelled = true;
            }

            Check.True(cancelled, "cancelled while another one writes");
            var write = realm.WriteAsync(() =>
            {
                order.Add("write");
                Check.Equal(thread, Environment.CurrentManagedThreadId);
                realm.Find<Shop>(1)!.Stars += 1;
            });
            order.Add("goes on");
            release.Set();
            await write;
            await other;
            Check.Sequence(["goes on", "write"], order);
            Check.Equal(2f, realm.Find<Shop>(1)!.Stars);
            using var transaction = await realm.BeginWriteAsync();
            realm.RemoveAll<Shop>();
            await transaction.CommitAsync();
            Check.Equal(TransactionState.Committed, transaction.State);
            Check.Equal(0, realm.All<Shop>().Count());
        });
    }

    /// <summary>A thread that runs what is posted to it until its task has ended.</summary>
    private sealed class LoopContext : SynchronizationContext, IDisposable
    {
        private readonly System.Collections.Concurrent.BlockingCollection<(SendOrPostCallback Callback, object? State)> _posted = [];

        public override void Post(SendOrPostCallback d, object? state) => _posted.Add((d, state));

        public void Run(Func<Task> action)
        {
            var before = Current;
            SetSynchronizationContext(this);
            try
            {
                var task = action();
                while (!task.IsCompleted)
                {
                    Check.True(_posted.TryTake(out var item, TimeSpan.FromSeconds(20)), "nothing was posted for too long");
                    item.Callback(item.State);
                }

                task.GetAwaiter().GetResult();
            }
            finally
            {
                SetSynchronizationContext(before);
            }
        }

        public void Dispose() => _posted.Dispose();
    }
}
