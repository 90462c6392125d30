using System;
using System.Collections.Concurrent;
using System.IO;
using System.Linq;
using System.Net;
using Realms;
using Realms.Exceptions;
using Realms.Sync;
using Realms.Sync.Exceptions;
using Async = System.Threading.Tasks.Task;

namespace Acceptance
{
    public partial class Part : IEmbeddedObject
    {
        public string Name { get; set; } = "";

        public double? Weight { get; set; }
    }

    public partial class Machine : IRealmObject
    {
        [PrimaryKey, MapTo("_id")]
        public Guid Id { get; private set; } = Guid.NewGuid();

        public string Name { get; set; } = "unnamed";

        public string Hall { get; set; } = "";

        public int? Year { get; set; }

        public DateTimeOffset Built { get; set; }

        public byte[]? Photo { get; set; }

        public Machine? Next { get; set; }

        public Part? Motor { get; set; }

        public System.Collections.Generic.IList<string> Log { get; } = null!;

        public System.Collections.Generic.IList<Part> Parts { get; } = null!;
    }

    /// <summary>Users by email, subscriptions, and two devices that edit apart and converge.</summary>
    public static class Flow4
    {
        public static async Async Run(Server server)
        {
            var ann = await Users(server);
            var bob = await App(server, "bob").LogInAsync(Credentials.EmailPassword("bob@example.org", "secret 2"));
            using var first = Realm.GetInstance(Configure(ann));
            await Subscriptions(first);
            using var second = await Realm.GetInstanceAsync(new FlexibleSyncConfiguration(bob)
            {
                Schema = new[] { typeof(Machine), typeof(Part) },
                PopulateInitialSubscriptions = realm => realm.Subscriptions.Add(realm.All<Machine>()),
            });
            await Converge(server, first, second);
        }

        private static App App(Server server, string device) => Realms.Sync.App.Create(new AppConfiguration("halls")
        {
            BaseUri = server.Uri,
            BaseFilePath = Path.Combine(server.Folder, device),
            UseAppCache = false,
        });

        private static FlexibleSyncConfiguration Configure(User user) => new(user) { Schema = new[] { typeof(Machine), typeof(Part) } };

        private static async System.Threading.Tasks.Task<User> Users(Server server)
        {
            var app = App(server, "ann");
            Must.Be(app.CurrentUser is null, "nobody is logged in");
            await app.EmailPasswordAuth.RegisterUserAsync("ann@example.org", "secret 1");
            await app.EmailPasswordAuth.RegisterUserAsync("bob@example.org", "secret 2");
            var again = await Fails<AppException>(app.EmailPasswordAuth.RegisterUserAsync("ann@example.org", "secret 3"));
            Must.Equal(HttpStatusCode.Conflict, again.StatusCode, "a second registration");
            var wrong = await Fails<AppException>(app.LogInAsync(Credentials.EmailPassword("ann@example.org", "wrong")));
            Must.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode, "a wrong password");
            var jwt = await Fails<AppException>(app.LogInAsync(Credentials.JWT("x")));
            Must.Equal(HttpStatusCode.Forbidden, jwt.StatusCode, "no provider of tokens");
            var user = await app.LogInAsync(Credentials.EmailPassword("ann@example.org", "secret 1"));
            Must.Be(app.CurrentUser == user && user.State == UserState.LoggedIn && user.AccessToken.Length > 0, "logged in");
            var guest = await app.LogInAsync(Credentials.Anonymous());
            Must.Be(guest != user && app.CurrentUser == guest && app.AllUsers.Length == 2, "two users");
            Must.Be(await app.LogInAsync(Credentials.Anonymous()) == guest, "the same guest");
            await guest.LogOutAsync();
            Must.Be(guest.State != UserState.LoggedIn, "logged out");
            app.SwitchUser(user);
            return user;
        }

        private static async Async Subscriptions(Realm realm)
        {
            var subscriptions = realm.Subscriptions;
            Must.Equal(0, subscriptions.Count, "subscriptions of a fresh realm");
            Throws<RealmException>(() => realm.Write(() => realm.Add(new Machine())));
            Throws<InvalidOperationException>(() => subscriptions.Add(realm.All<Machine>()));
            subscriptions.Update(() =>
            {
                var added = subscriptions.Add(realm.All<Machine>().Where(m => m.Hall == "north"), new SubscriptionOptions { Name = "north" });
                Must.Equal("Hall == \"north\"", added.Query, "the text of the query");
                subscriptions.Add(realm.All<Machine>().Where(m => m.Year > 1900 && m.Name == "x"));
                Throws<InvalidOperationException>(() => subscriptions.Update(() => { }));
            });
            Must.Equal(2, subscriptions.Count, "subscriptions");
            await subscriptions.WaitForSynchronizationAsync();
            Must.Equal(SubscriptionSetState.Complete, subscriptions.State, "the state");
            Must.Equal("Machine", subscriptions.Find("north")!.ObjectType, "the class");
            Must.Be(subscriptions.Find(realm.All<Machine>().Where(m => m.Hall == "north")) is { Name: "north" }, "found by its query");
            Throws<FormatException>(() => subscriptions.Update(() =>
            {
                subscriptions.RemoveAll(true);
                throw new FormatException("stop");
            }));
            Must.Equal(2, subscriptions.Count, "an update that failed changed nothing");
            subscriptions.Update(() =>
            {
                Must.Equal(1, subscriptions.RemoveAll<Machine>(), "unnamed ones");
                Must.Be(subscriptions.Remove("north") && !subscriptions.Remove("nothing"), "by name");
                subscriptions.Add(realm.All<Machine>(), new SubscriptionOptions { Name = "all" });
            });
            await subscriptions.WaitForSynchronizationAsync();
            Must.Equal("TRUEPREDICATE", realm.Subscriptions.Single().Query, "all");
            var query = await realm.All<Machine>().Where(m => m.Hall == "south").SubscribeAsync(new SubscriptionOptions { Name = "south" });
            Must.Equal(0, query.Count(), "nothing yet");
            Must.Equal(2, realm.Subscriptions.Count, "by the shortcut");
        }

        private static async Async Converge(Server server, Realm first, Realm second)
        {
            var progress = new ConcurrentQueue<double>();
            var completed = new System.Threading.Tasks.TaskCompletionSource();
            var machine = new Machine
            {
                Name = "lathe", Hall = "north", Year = 1954, Built = DateTimeOffset.UnixEpoch.AddDays(-3.25), Photo = new byte[5000],
                Motor = new Part { Name = "motor", Weight = 2.5 }, Next = new Machine { Name = "press", Hall = "south" },
            };
            machine.Log.Add("built");
            machine.Parts.Add(new Part { Name = "belt" });
            first.SyncSession.Stop();
            first.Write(() => first.Add(machine));
            using var token = first.SyncSession.GetProgressObservable(ProgressDirection.Upload, ProgressMode.ForCurrentlyOutstandingWork)
                .Subscribe(new Observer(progress, completed));
            first.SyncSession.Start();
            await first.SyncSession.WaitForUploadAsync();
            await completed.Task.WaitAsync(Must.Limit);
            Must.Be(progress.All(value => value is >= 0 and <= 1) && progress.Last() == 1, $"progress: {string.Join(' ', progress)}");
            await second.SyncSession.WaitForDownloadAsync();
            second.Refresh();
            var copy = second.Find<Machine>(machine.Id)!;
            Must.Be(copy is { Name: "lathe", Year: 1954, Motor: { Name: "motor", Weight: 2.5 }, Next.Name: "press" }, "values, embedded and link");
            Must.Equal(machine.Built, copy.Built, "the time");
            Must.Equal(5000, copy.Photo!.Length, "binary");
            Must.Set(new[] { "built" }, copy.Log, "list");
            Must.Set(new[] { "belt" }, copy.Parts.Select(part => part.Name), "list of embedded objects");

            // Apart: different fields, both ends of a list, one delete.
            first.SyncSession.Stop();
            second.SyncSession.Stop();
            first.Write(() =>
            {
                machine.Name = "old lathe";
                machine.Log.Add("oiled");
                machine.Motor!.Weight = null;
            });
            second.Write(() =>
            {
                copy.Year = null;
                copy.Log.Insert(0, "planned");
                copy.Parts.Add(new Part { Name = "wheel" });
                second.Remove(copy.Next!);
            });
            foreach (var realm in new[] { first, second, first })
            {
                realm.SyncSession.Start();
                await realm.SyncSession.WaitForUploadAsync();
            }

            await first.SyncSession.WaitForDownloadAsync();
            await second.SyncSession.WaitForDownloadAsync();
            foreach (var realm in new[] { first, second })
            {
                realm.Refresh();
                var there = realm.Find<Machine>(machine.Id)!;
                Must.Be(there is { Name: "old lathe", Year: null, Next: null, Motor: { Weight: null, Name: "motor" } }, "both edits");
                Must.Equal("planned built oiled", string.Join(' ', there.Log), "the list");
                Must.Equal("belt wheel", string.Join(' ', there.Parts.Select(part => part.Name)), "the embedded objects");
                Must.Equal(1, realm.All<Machine>().Count(), "the deleted one is gone");
            }
        }

        private static void Throws<T>(Action action)
            where T : Exception
        {
            try
            {
                action();
            }
            catch (T)
            {
                return;
            }

            throw new FailedException($"{typeof(T).Name} was expected");
        }

        private static async System.Threading.Tasks.Task<T> Fails<T>(Async task)
            where T : Exception
        {
            try
            {
                await task;
            }
            catch (T error)
            {
                return error;
            }

            throw new FailedException($"{typeof(T).Name} was expected");
        }

        private sealed class Observer : IObserver<SyncProgress>
        {
            private readonly ConcurrentQueue<double> _seen;
            private readonly System.Threading.Tasks.TaskCompletionSource _completed;

            public Observer(ConcurrentQueue<double> seen, System.Threading.Tasks.TaskCompletionSource completed)
            {
                _seen = seen;
                _completed = completed;
            }

            public void OnCompleted() => _completed.TrySetResult();

            public void OnError(Exception error) => _completed.TrySetException(error);

            public void OnNext(SyncProgress value) => _seen.Enqueue(value.ProgressEstimate);
        }
    }
}
