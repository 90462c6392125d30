using System;
using System.Collections.Concurrent;
using System.IO;
using System.Linq;
using System.Threading;
using Realms;
using Realms.Sync;
using Realms.Sync.Exceptions;
using Async = System.Threading.Tasks.Task;

namespace Acceptance
{
    /// <summary>Writes that are refused are taken back and named; subscriptions by the shortcut and at the first opening.</summary>
    public static class Flow8
    {
        public static async Async Run(Server server)
        {
            var app = Realms.Sync.App.Create(new AppConfiguration("refusals")
            {
                BaseUri = server.Uri,
                BaseFilePath = Path.Combine(server.Folder, "device"),
            });
            var user = await app.LogInAsync(Credentials.Anonymous());
            await Refused(user);
            await Modes(user);
            InitialSubscriptionsThatFail(user);
        }

        private static FlexibleSyncConfiguration Configure(User user, string path)
            => new(user, path) { Schema = new[] { typeof(Machine), typeof(Part) } };

        private static async Async Refused(User user)
        {
            var errors = new BlockingCollection<SessionException>();
            var config = Configure(user, "refused");
            config.PopulateInitialSubscriptions = realm => realm.Subscriptions.Add(realm.All<Machine>().Where(m => m.Hall == "north"));
            config.OnSessionError = (_, error) => errors.Add(error);
            using var realm = await Realm.GetInstanceAsync(config);
            var outside = new Machine { Name = "outside", Hall = "south" };
            realm.Write(() =>
            {
                realm.Add(outside);
                realm.Add(new Machine { Name = "inside", Hall = "north" });
            });
            var id = outside.Id;
            SessionException? error = null;
            await Must.Until(() => errors.TryTake(out error), "the refusal");
            var refused = (CompensatingWriteException)error!;
            Must.Equal(ErrorCode.CompensatingWrite, refused.ErrorCode, "its code");
            var write = refused.CompensatingWrites.Single();
            Must.Equal("Machine", write.ObjectType, "the class");
            Must.Equal(id, write.PrimaryKey.AsGuid(), "the key");
            Must.Equal("the object is outside of the current view", write.Reason, "the reason");
            realm.Refresh();
            Must.Be(!outside.IsValid, "it is gone before it is told");
            Must.Set(new[] { "inside" }, realm.All<Machine>().AsEnumerable().Select(m => m.Name), "the others are kept");
            Must.Be(errors.Count == 0 && realm.SyncSession.State == SessionState.Active, "told once, and the session goes on");
        }

        private static async Async Modes(User user)
        {
            using var realm = Realm.GetInstance(Configure(user, "modes"));
            realm.SyncSession.Stop();

            // Never: added, and nobody waits.
            await realm.All<Machine>().Where(m => m.Hall == "east").SubscribeAsync(waitForSync: WaitForSyncMode.Never);
            Must.Equal(1, realm.Subscriptions.Count, "added without waiting");
            Must.Equal(SubscriptionSetState.Pending, realm.Subscriptions.State, "nothing was sent");

            // FirstTime waits for what is new; the subscription is there even if the wait is cancelled.
            var query = realm.All<Machine>().Where(m => m.Hall == "north");
            using (var cancel = new CancellationTokenSource(100))
            {
                var wait = query.SubscribeAsync(new SubscriptionOptions { Name = "north" }, cancellationToken: cancel.Token);
                await Cancelled(wait);
            }

            Must.Equal(2, realm.Subscriptions.Count, "added although the wait was cancelled");
            await query.SubscribeAsync(new SubscriptionOptions { Name = "north" }); // known: no wait
            using (var cancel = new CancellationTokenSource(100))
            {
                await Cancelled(query.SubscribeAsync(new SubscriptionOptions { Name = "north" }, WaitForSyncMode.Always, cancel.Token));
            }

            realm.SyncSession.Start();
            var found = await query.SubscribeAsync(new SubscriptionOptions { Name = "north" }, WaitForSyncMode.Always);
            Must.Set(new[] { "inside" }, found.AsEnumerable().Select(m => m.Name), "what is subscribed to is here");
            Must.Equal(SubscriptionSetState.Complete, realm.Subscriptions.State, "after the wait");
        }

        private static async Async Cancelled(Async wait)
        {
            try
            {
                await wait;
            }
            catch (OperationCanceledException)
            {
                return;
            }

            throw new FailedException("the wait was not cancelled");
        }

        private static void InitialSubscriptionsThatFail(User user)
        {
            var times = 0;
            var config = Configure(user, "initial");
            config.PopulateInitialSubscriptions = _ =>
            {
                times++;
                throw new FormatException("no");
            };
            try
            {
                Realm.GetInstance(config).Dispose();
                throw new FailedException("the exception was swallowed");
            }
            catch (AggregateException error)
            {
                Must.Be(error.InnerException is FormatException, "the cause");
            }

            config.PopulateInitialSubscriptions = realm =>
            {
                times++;
                realm.Subscriptions.Add(realm.All<Machine>());
            };
            using (var realm = Realm.GetInstance(config))
            {
                Must.Equal(1, realm.Subscriptions.Count, "the next opening begins anew");
            }

            using (var realm = Realm.GetInstance(config))
            {
                Must.Equal(2, times, "only at the first opening");
            }
        }
    }
}
