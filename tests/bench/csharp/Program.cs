using System;
using System.Diagnostics;
using System.Globalization;
using Realms;

namespace Bench;

public partial class Item : IRealmObject
{
    [PrimaryKey, MapTo("_id")]
    public long Id { get; set; }

    [MapTo("name")]
    public string Name { get; set; } = "";

    [MapTo("score")]
    public double Score { get; set; }
}

/// <summary>Attribute access through the .NET binding, in nanoseconds a call.</summary>
public static class Program
{
    private const int Rounds = 2_000_000;

    public static void Main(string[] arguments)
    {
        using var realm = Realm.GetInstance(new RealmConfiguration(arguments[0]) { Schema = new[] { typeof(Item) } });
        var item = realm.Write(() => realm.Add(new Item { Id = 1, Name = "a text of 16 by", Score = 1.5 }, update: true));
        double sum = 0;
        Report("get_double", () =>
        {
            for (var i = 0; i < Rounds; i++)
            {
                sum += item.Score;
            }
        });
        Report("get_string", () =>
        {
            for (var i = 0; i < Rounds; i++)
            {
                sum += item.Name.Length;
            }
        });
        Report("set_double", () => realm.Write(() =>
        {
            for (var i = 0; i < Rounds; i++)
            {
                item.Score = 2.5;
            }
        }));
        if (sum == 0)
        {
            throw new InvalidOperationException("nothing was read");
        }
    }

    private static void Report(string name, Action action)
    {
        var best = double.MaxValue;
        for (var round = 0; round < 5; round++)
        {
            var watch = Stopwatch.StartNew();
            action();
            best = Math.Min(best, watch.Elapsed.TotalNanoseconds / Rounds);
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"csharp.{name} {best:F1} ns"));
    }
}
