using System.Text.Json.Nodes;
using Realms;
using Realms.Logging;
using Realms.Sync;

namespace Demo;

/// <summary>The C# client of tools/demo: takes and answers lines of JSON (tools/demo.d/README.md).</summary>
public sealed class Program
{
    private readonly Realm realm;

    private Program(string baseUrl, string appId, JsonNode role)
    {
        var app = App.Create(new AppConfiguration(appId)
        {
            BaseUri = new Uri(baseUrl),
            BaseFilePath = role["folder"]!.GetValue<string>(),
        });
        var user = app.LogInAsync(Credentials.Anonymous()).GetAwaiter().GetResult();
        realm = Realm.GetInstance(new FlexibleSyncConfiguration(user) { Schema = new[] { typeof(Airport) } });
    }

    private Session Session => realm.SyncSession;

    public static void Main(string[] arguments)
    {
        RealmLogger.SetLogLevel(LogLevel.Off); // The standard output carries answers only.
        var program = new Program(arguments[0], arguments[1], JsonNode.Parse(arguments[2])!);
        Answer(new JsonObject { ["ready"] = true }, true);
        while (Console.ReadLine() is { } line)
        {
            var command = JsonNode.Parse(line)!.AsObject();
            var what = command["do"]!.GetValue<string>();
            if (what == "quit")
            {
                break;
            }

            try
            {
                Answer(program.Do(what, command), true);
            }
            catch (Exception problem)
            {
                Answer(new JsonObject { ["error"] = $"{problem.GetType().Name}: {problem.Message}" }, false);
            }
        }

        program.realm.Dispose();
    }

    private static void Answer(JsonObject fields, bool ok)
    {
        fields["ok"] = ok;
        Console.WriteLine(fields.ToJsonString());
    }

    private JsonObject Do(string what, JsonObject command) => what switch
    {
        "subscribe" => Subscribe(Query(command)),
        "stop" => Run(Session.Stop),
        "start" => Run(Session.Start),
        "create" => Run(() => realm.Write(() => Create(command["values"]!.AsObject()))),
        "set" => Edit(command, found => found.ForEach(airport => airport.Set(command["values"]!.AsObject()))),
        "tag" => Edit(command, found => found.ForEach(one => one.Tags.Add(command["value"]!.GetValue<string>()))),
        "delete" => Edit(command, found => found.ForEach(airport => realm.Remove(airport))),
        "wait" => Wait(),
        "dump" => Dump(),
        _ => throw new ArgumentException($"unknown command {what}"),
    };

    private static string Query(JsonObject command) => command["query"]!.GetValue<string>();

    private static JsonObject Run(Action action)
    {
        action();
        return new JsonObject();
    }

    private JsonObject Count()
    {
        realm.Refresh();
        return new JsonObject { ["count"] = realm.All<Airport>().Count() };
    }

    private JsonObject Subscribe(string query)
    {
        realm.Subscriptions.Update(() =>
        {
            realm.Subscriptions.RemoveAll(removeNamed: true);
            realm.Subscriptions.Add(realm.All<Airport>().Filter(query));
        });
        realm.Subscriptions.WaitForSynchronizationAsync().GetAwaiter().GetResult();
        return Count();
    }

    private void Create(JsonObject values)
    {
        var airport = new Airport();
        airport.Set(values);
        realm.Add(airport);
    }

    private JsonObject Edit(JsonObject command, Action<List<Airport>> edit)
    {
        var found = new List<Airport>();
        realm.Write(() =>
        {
            found.AddRange(realm.All<Airport>().Filter(Query(command)));
            edit(found);
        });
        return new JsonObject { ["count"] = found.Count };
    }

    private JsonObject Dump()
    {
        var rows = realm.All<Airport>().AsEnumerable().Select(airport => (JsonNode)airport.ToJson());
        return new JsonObject { ["rows"] = new JsonArray(rows.ToArray()) };
    }

    private JsonObject Wait()
    {
        Session.WaitForUploadAsync().GetAwaiter().GetResult();
        Session.WaitForDownloadAsync().GetAwaiter().GetResult();
        return Count();
    }
}
