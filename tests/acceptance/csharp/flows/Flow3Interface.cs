using System;
using System.IO;
using System.Linq;
using Realms;
using Realms.Exceptions;
using Realms.Sync;
using Async = System.Threading.Tasks.Task;

namespace Acceptance.Flow3Interface
{
    /// <summary>Measurements go one way: they arrive once, are gone from the device, and cannot be read there.</summary>
    public partial class Asymmetrics
    {
        private Realm realm = null!;

        public static async Async Run(Server server)
        {
            var app = App.Create(new AppConfiguration("weather-interface")
            {
                BaseUri = server.Uri,
                BaseFilePath = Path.Combine(server.Folder, "station"),
            });
            var user = await app.LogInAsync(Credentials.Anonymous());
            var config = new FlexibleSyncConfiguration(user)
            {
                Schema = new[] { typeof(Measurement), typeof(Sensor) },
                PopulateInitialSubscriptions = realm => realm.Subscriptions.Add(realm.All<Sensor>(), new SubscriptionOptions { Name = "sensors" }),
            };
            var here = new Asymmetrics { realm = await Realm.GetInstanceAsync(config) };
            Must.Equal(SubscriptionSetState.Complete, here.realm.Subscriptions.State, "the first subscription");
            Must.Equal("TRUEPREDICATE", here.realm.Subscriptions.Find("sensors")!.Query, "its query");
            var id = here.SendMeasurementToRealm();
            await here.realm.SyncSession.WaitForUploadAsync();
            var arrived = server.Ingested("weather-interface");
            Must.Equal(1, arrived.Length, "measurements at the server");
            var text = arrived[0].GetRawText();
            Must.Be(text.Contains(id.ToString(), StringComparison.Ordinal) && text.Contains("9.876", StringComparison.Ordinal), text);
            Must.Equal(1, here.realm.All<Sensor>().Count(), "the normal object of the same write stays");
            here.realm.Dispose();

            // It is gone from the device: opened again, there is nothing left to send.
            using var again = Realm.GetInstance(config);
            await again.SyncSession.WaitForUploadAsync();
            await again.SyncSession.WaitForDownloadAsync();
            Must.Equal(1, server.Ingested("weather-interface").Length, "measurements after opening again");
            Must.Equal(0L, server.Sessions("weather-interface", user.Id).MaxBy(s => s.Number)!.RowsIn, "rows that the new session sent");
        }

        [Realms.Explicit]
        private partial class Measurement : IAsymmetricObject
        {
            [PrimaryKey, MapTo("_id")]
            public Guid Id { get; private set; } = Guid.NewGuid();

            public double Value { get; set; }

            public DateTimeOffset Timestamp { get; private set; } = DateTimeOffset.UtcNow;
        }

        public Guid SendMeasurementToRealm()
        {
            var measurement = new Measurement
            {
                Value = 9.876
            };
            var id = measurement.Id;

            realm.Write(() =>
            {
                realm.Add(measurement);
                realm.Add(new Sensor { Id = "s1", Name = "roof" });
                Must.Equal(9.876, measurement.Value, "it can be read until the write ends");
            });

            try
            {
                _ = measurement.Value;
                throw new FailedException("a measurement was read after its write");
            }
            catch (RealmInvalidObjectException)
            {
                Must.Be(measurement.IsManaged && !measurement.IsValid, "managed, and not valid any more");
            }

            return id;
        }
    }
}
