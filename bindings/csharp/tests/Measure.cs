using System.Diagnostics;

namespace Realms.Tests;

/// <summary>What the crossings cost, for those who change them: run the program with the argument "measure".</summary>
internal static class Measure
{
    public static void Run()
    {
        using var temp = new TempRealm();
        var realm = temp.Realm;
        var person = realm.Write(() => realm.Add(new Person { Score = 0.5, Name = "a name of some length", Age = 3 }));
        var handle = ((Weaving.IModel)person).Core.Accessor!.Handle;
        Report("one crossing", 10_000_000, count => Sum(count, () => Atoll.Native.NativeMethods.atoll_object_class(handle)));
        Report("get double", 10_000_000, count => Sum(count, () => person.Score));
        Report("get int", 10_000_000, count => Sum(count, () => person.Age));
        Report("get string", 3_000_000, count => Sum(count, () => person.Name.Length));
        using (var transaction = realm.BeginWrite())
        {
            Report("set double", 1_000_000, count => Repeat(count, () => person.Score = 1));
            transaction.Rollback();
        }

        Report("add object", 100_000, count => realm.Write(() => Repeat(count, () => realm.Add(new Person { Age = 1, Name = "x" }))));
        Report("read all, one field", 100_000, _ => Check.True(realm.All<Person>().AsEnumerable().Sum(item => item.Age) > 0, "a sum"));
    }

    private static void Sum(int count, Func<double> read)
    {
        var sum = 0.0;
        for (var i = 0; i < count; i++)
        {
            sum += read();
        }

        Check.True(sum > 0, "a sum");
    }

    private static void Repeat(int count, Action action)
    {
        for (var i = 0; i < count; i++)
        {
            action();
        }
    }

    private static void Report(string what, int count, Action<int> run)
    {
        var best = double.MaxValue;
        for (var round = 0; round < 3; round++)
        {
            var began = Stopwatch.GetTimestamp();
            run(count);
            best = Math.Min(best, Stopwatch.GetElapsedTime(began).TotalNanoseconds / count);
        }

        Console.WriteLine($"{what,-22}{best,10:F1} ns");
    }
}
