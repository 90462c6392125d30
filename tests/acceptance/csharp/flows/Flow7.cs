using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Realms;
using Realms.Sync;
using Async = System.Threading.Tasks.Task;

namespace Acceptance
{
    public partial class Shelf : IRealmObject
    {
        [PrimaryKey]
        [MapTo("_id")]
        public int Id { get; set; }

        [MapTo("_partition")]
        public string Partition { get; set; } = "p";

        public RealmInteger<int> Hits { get; set; }

        public ISet<string> Labels { get; } = null!;

        public IDictionary<string, int> Prices { get; } = null!;

        public RealmValue Any { get; set; }

        public IList<RealmValue> Many { get; } = null!;
    }

    /// <summary>Sets, dictionaries, counters and values of any type that two devices change at once.</summary>
    public static class Flow7
    {
        public static async Async Run(Server server)
        {
            var realms = new[] { await Open(server, "ann"), await Open(server, "bob") };
            realms[0].Write(() =>
            {
                var shelf = realms[0].Add(new Shelf { Id = 1, Hits = 10 });
                shelf.Labels.Add("x");
                shelf.Labels.Add("y");
                shelf.Prices["x"] = 1;
                shelf.Any = new List<RealmValue> { 1, new Dictionary<string, RealmValue> { ["k"] = 2 } };
            });
            await realms[0].SyncSession.WaitForUploadAsync();
            await realms[1].SyncSession.WaitForDownloadAsync();
            foreach (var realm in realms)
            {
                realm.SyncSession.Stop();
            }

            for (var number = 0; number < 2; number++)
            {
                var realm = realms[number];
                realm.Refresh();
                var shelf = realm.Find<Shelf>(1)!;
                realm.Write(() =>
                {
                    shelf.Hits.Increment(5 + number);
                    shelf.Labels.Add($"of {number}");
                    shelf.Labels.Remove(number == 0 ? "x" : "y");
                    shelf.Prices[$"of {number}"] = number;
                    shelf.Any.AsList()[1].AsDictionary()[$"of {number}"] = number;
                    shelf.Many.Add($"from {number}");
                });
            }

            foreach (var realm in realms)
            {
                realm.SyncSession.Start();
                await realm.SyncSession.WaitForUploadAsync();
            }

            foreach (var realm in realms)
            {
                await realm.SyncSession.WaitForDownloadAsync();
                realm.Refresh();
                var shelf = realm.Find<Shelf>(1)!;
                Must.Equal(21, (int)shelf.Hits, "the counter");
                Must.Set(new[] { "of 0", "of 1" }, shelf.Labels, "the set");
                Must.Set(new[] { "x 1", "of 0 0", "of 1 1" }, shelf.Prices.Select(pair => $"{pair.Key} {pair.Value}"), "the dictionary");
                Must.Equal(1, shelf.Any.AsList()[0].AsInt32(), "the list in a value");
                Must.Set(new[] { "k 2", "of 0 0", "of 1 1" },
                    shelf.Any.AsList()[1].AsDictionary().Select(pair => $"{pair.Key} {pair.Value.AsInt32()}"), "the dictionary in it");
                Must.Set(new[] { "from 0", "from 1" }, shelf.Many.Select(value => value.AsString()), "the list of values");
                realm.Dispose();
            }
        }

        private static async System.Threading.Tasks.Task<Realm> Open(Server server, string device)
        {
            var app = App.Create(new AppConfiguration("shelves")
            {
                BaseUri = server.Uri,
                BaseFilePath = Path.Combine(server.Folder, device),
                UseAppCache = false,
            });
            var user = await app.LogInAsync(Credentials.Anonymous());
            var realm = Realm.GetInstance(new PartitionSyncConfiguration("p", user) { Schema = new[] { typeof(Shelf) } });
            await realm.SyncSession.WaitForDownloadAsync();
            return realm;
        }
    }
}
