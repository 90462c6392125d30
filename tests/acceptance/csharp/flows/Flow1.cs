using System;
using System.IO;
using System.Linq;
using MongoDB.Bson;
using Realms;
using Realms.Exceptions;
using Realms.Sync;
using Async = System.Threading.Tasks.Task;
using RealmSchema = Realms.Schema.RealmSchema;

namespace Acceptance
{
    public class Task : RealmObject
    {
        [PrimaryKey]
        [MapTo("_id")]
        public ObjectId Id { get; set; } = ObjectId.GenerateNewId();

        [MapTo("_partition")]
        [Required]
        public string Partition { get; set; } = "";

        [MapTo("name")]
        [Required]
        public string Name { get; set; } = "";

        [MapTo("status")]
        [Required]
        public string Status { get; set; } = "Open";
    }

    /// <summary>Two clients of one partition see each other's task; a client of another partition does not.</summary>
    public static class Flow1
    {
        private static readonly RealmSchema Schema = new[] { typeof(Task) };

        public static Async Run(Server server)
            => Run(server, (partition, user) => new PartitionSyncConfiguration(partition, user) { Schema = Schema });

#pragma warning disable CS0618 // The older configuration is what is tried.
        public static Async RunOldConfiguration(Server server)
            => Run(server, (partition, user) => new SyncConfiguration(partition, user) { Schema = Schema });
#pragma warning restore CS0618

        private static async Async Run(Server server, Func<string, User, SyncConfigurationBase> configure)
        {
            var ann = await LogIn(server, "ann");
            var bob = await LogIn(server, "bob");
            var cid = await LogIn(server, "cid");

            // Opening at once shows what is on the device.
            using var first = Realm.GetInstance(configure("ours", ann));
            Must.Equal(0, first.All<Task>().Count(), "a fresh realm");
            var task = new Task { Partition = "ours", Name = "Do this thing" };
            first.Write(() =>
            {
                first.Add(task);
            });
            await first.SyncSession.WaitForUploadAsync();

            // Opening asynchronously waits for what the server has.
            Realm second;
            try
            {
                second = await Realm.GetInstanceAsync(configure("ours", bob));
            }
            catch (RealmFileAccessErrorException error)
            {
                Console.WriteLine($"Error creating or opening the realm file. {error.Message}");
                throw;
            }

            using var third = await Realm.GetInstanceAsync(configure("theirs", cid));
            Must.Set(new[] { "Do this thing" }, second.All<Task>().AsEnumerable().Select(t => t.Name), "the second client");
            Must.Equal("Open", second.Find<Task>(task.Id)!.Status, "the status");
            Must.Equal(0, third.All<Task>().Count(), "the third client");

            // And back, live: the first is told without asking.
            var seen = new System.Threading.Tasks.TaskCompletionSource();
            task.PropertyChanged += (_, e) =>
            {
                if (e.PropertyName == nameof(Task.Status))
                {
                    seen.TrySetResult();
                }
            };
            second.Write(() =>
            {
                second.Find<Task>(task.Id)!.Status = "Done";
                second.Add(new Task { Partition = "ours", Name = "marker of ours" });
            });
            await second.SyncSession.WaitForUploadAsync();
            await seen.Task.WaitAsync(Must.Limit);
            Must.Equal("Done", task.Status, "the status came back");

            // A marker of its own partition reaches the third client after all of that; nothing else does.
            using var fourth = Realm.GetInstance(configure("theirs", ann));
            fourth.Write(() => fourth.Add(new Task { Partition = "theirs", Name = "marker of theirs" }));
            await fourth.SyncSession.WaitForUploadAsync();
            await third.SyncSession.WaitForDownloadAsync();
            third.Refresh();
            Must.Set(new[] { "marker of theirs" }, third.All<Task>().AsEnumerable().Select(t => t.Name), "the third client");
            await first.SyncSession.WaitForDownloadAsync();
            first.Refresh();
            Must.Set(new[] { "Do this thing", "marker of ours" }, first.All<Task>().AsEnumerable().Select(t => t.Name), "the first client");

            long RowsOut(User user, string partition) => server.Sessions("tasks", user.Id, partition).Sum(s => s.RowsOut);
            Must.Equal(1, RowsOut(cid, "theirs"), "rows sent to the third client");
            Must.Equal(1, RowsOut(bob, "ours"), "rows sent to the second client");
            Must.Equal(2, RowsOut(ann, "ours"), "rows sent to the first client");
            Must.Equal(0, RowsOut(ann, "theirs"), "rows sent back to the author of the marker");
            second.Dispose();
        }

        private static System.Threading.Tasks.Task<User> LogIn(Server server, string device)
            => App.Create(new AppConfiguration("tasks")
            {
                BaseUri = server.Uri,
                BaseFilePath = Path.Combine(server.Folder, device),
                UseAppCache = false,
            }).LogInAsync(Credentials.Anonymous());
    }
}
