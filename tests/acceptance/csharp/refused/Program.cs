// This program must not compile: the lines that are marked query or subscribe to classes that are only sent.
// refuse.sh builds it and compares the errors of the compiler, their code and line, with the marks.
using System;
using System.Linq;
using Realms;

namespace Acceptance
{
    public class Measurement : AsymmetricObject
    {
        [PrimaryKey, MapTo("_id")]
        public Guid Id { get; private set; } = Guid.NewGuid();

        public double Value { get; set; }
    }

    public partial class Reading : IAsymmetricObject
    {
        [PrimaryKey, MapTo("_id")]
        public Guid Id { get; private set; } = Guid.NewGuid();

        public double Value { get; set; }
    }

    public static class Program
    {
        public static void Main()
        {
            var realm = Realm.GetInstance();
            realm.Write(() => realm.Add(new Measurement { Value = 9.876 }));
            realm.Write(() => realm.Add(new Reading { Value = 9.876 }));
            _ = realm.All<Measurement>(); // refused: CS0311
            _ = realm.All<Reading>(); // refused: CS0311
            realm.Subscriptions.Update(() =>
            {
                realm.Subscriptions.Add(realm.All<Measurement>()); // refused: CS0311
                realm.Subscriptions.Add(realm.All<Reading>()); // refused: CS0311
                realm.Subscriptions.Add(Enumerable.Empty<Measurement>().AsQueryable()); // refused: CS0311
                realm.Subscriptions.RemoveAll<Reading>(); // refused: CS0311
            });
            _ = realm.Find<Measurement>(Guid.NewGuid()); // refused: CS0311
        }
    }
}
