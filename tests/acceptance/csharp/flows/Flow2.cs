using System;
using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Linq;
using Realms;
using Realms.Logging;
using Realms.Sync;
using Async = System.Threading.Tasks.Task;

namespace Acceptance
{
    /// <summary>A stopped session moves nothing either way, and Start does not wait for the backoff.</summary>
    public static class Flow2
    {
        public static async Async Run(Server server)
        {
            var lines = new ConcurrentQueue<(long At, string Text)>();
            RealmLogger.SetLogLevel(LogLevel.Debug);
            RealmLogger.Default = RealmLogger.Function((_, _, message) => lines.Enqueue((Stopwatch.GetTimestamp(), message)));
            var (ann, annWork, annMarks) = await Open(server, "ann");
            var (_, bobWork, bobMarks) = await Open(server, "bob");
            var states = new BlockingCollection<ConnectionState>();
            var session = annWork.SyncSession;
            PropertyChangedEventHandler note = (sender, e) =>
            {
                Must.Equal("ConnectionState", e.PropertyName, "the property that changed");
                states.Add(((Session)sender!).ConnectionState);
            };
            session.PropertyChanged += note;

            // Nothing crosses while it is stopped, in either direction; another realm of the same user goes on.
            session.Stop();
            session.Stop();
            Must.Equal(SessionState.Inactive, session.State, "the state after Stop");
            Must.Equal(ConnectionState.Disconnected, session.ConnectionState, "the connection after Stop");
            await Must.Until(() => !server.Sessions("stops", ann.Id, "work").Any(s => s.Open), "the server sees the stop");
            var before = server.Sessions("stops", ann.Id, "work");
            Add(annWork, "work", "written while stopped");
            Add(bobWork, "work", "written elsewhere");
            await bobWork.SyncSession.WaitForUploadAsync();
            Add(annMarks, "marks", "marker of ann");
            Add(bobMarks, "marks", "marker of bob");
            await annMarks.SyncSession.WaitForUploadAsync();
            await bobMarks.SyncSession.WaitForUploadAsync();
            foreach (var realm in new[] { annMarks, bobMarks })
            {
                await realm.SyncSession.WaitForDownloadAsync();
                Must.Set(new[] { "marker of ann", "marker of bob" }, Names(realm), "the other session goes on");
            }

            await bobWork.SyncSession.WaitForDownloadAsync();
            Must.Set(new[] { "written while stopped" }, Names(annWork), "nothing came in");
            Must.Set(new[] { "written elsewhere" }, Names(bobWork), "nothing went out");
            Must.Be(before.SequenceEqual(server.Sessions("stops", ann.Id, "work")), "the server's counters of the stopped session moved");

            session.Start();
            Must.Equal(SessionState.Active, session.State, "the state after Start");
            await session.WaitForUploadAsync();
            await session.WaitForDownloadAsync();
            await bobWork.SyncSession.WaitForDownloadAsync();
            foreach (var realm in new[] { annWork, bobWork })
            {
                Must.Set(new[] { "written while stopped", "written elsewhere" }, Names(realm), "both after Start");
            }

            Must.Be(await WaitFor(states, ConnectionState.Connected), "a handler hears of the connection");
            await LoseServer(server, annWork, lines, states);
            session.PropertyChanged -= note;
            foreach (var realm in new[] { annWork, annMarks, bobWork, bobMarks })
            {
                realm.Dispose();
            }
        }

        /// <summary>The server goes away: the next attempt is a minute off. It comes back; Start connects at once.</summary>
        private static async Async LoseServer(
            Server server, Realm realm, ConcurrentQueue<(long At, string Text)> lines, BlockingCollection<ConnectionState> states)
        {
            var session = realm.SyncSession;
            server.Kill();
            await Must.Until(() => session.ConnectionState == ConnectionState.Disconnected, "the loss is noticed");
            Add(realm, "work", "written offline");
            server.Start();
            var waiting = session.WaitForUploadAsync();
            Must.Be(await Async.WhenAny(waiting, Async.Delay(1500)) != waiting, "it connected although the next attempt is a minute away");
            while (states.TryTake(out _))
            {
            }

            var began = Stopwatch.GetTimestamp();
            session.Stop();
            session.Start();
            await session.WaitForUploadAsync().WaitAsync(TimeSpan.FromSeconds(20));
            Must.Be(await WaitFor(states, ConnectionState.Connected), "a handler hears of the new connection");
            Must.Be(lines.Any(line => line.At >= began && line.Text.Contains("resume", StringComparison.Ordinal)),
                "no attempt with the reason resume was logged:\n" + string.Join("\n", lines.TakeLast(30).Select(line => line.Text)));
        }

        private static async System.Threading.Tasks.Task<bool> WaitFor(BlockingCollection<ConnectionState> states, ConnectionState wanted)
        {
            var found = false;
            await Must.Until(() => found |= states.TryTake(out var state) && state == wanted, $"the state {wanted}");
            return found;
        }

        private static async System.Threading.Tasks.Task<(User User, Realm Work, Realm Marks)> Open(Server server, string device)
        {
            var minute = TimeSpan.FromMinutes(1);
            var app = App.Create(new AppConfiguration("stops")
            {
                BaseUri = server.Uri,
                BaseFilePath = Path.Combine(server.Folder, device),
                UseAppCache = false,
                SyncTimeoutOptions = new SyncTimeoutOptions
                {
                    ReconnectBackoffOptions = new ReconnectBackoffOptions { ReconnectDelayInterval = minute, MaxReconnectDelayInterval = minute },
                },
            });
            var user = await app.LogInAsync(Credentials.Anonymous());
            var realms = new[] { "work", "marks" }
                .Select(partition => Realm.GetInstance(new PartitionSyncConfiguration(partition, user) { Schema = new[] { typeof(Task) } }))
                .ToArray();
            foreach (var realm in realms)
            {
                await realm.SyncSession.WaitForDownloadAsync();
            }

            return (user, realms[0], realms[1]);
        }

        private static void Add(Realm realm, string partition, string name)
            => realm.Write(() => realm.Add(new Task { Partition = partition, Name = name }));

        private static string[] Names(Realm realm)
        {
            realm.Refresh();
            return realm.All<Task>().AsEnumerable().Select(task => task.Name).ToArray();
        }
    }
}
