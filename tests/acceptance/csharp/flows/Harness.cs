using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading;
using Async = System.Threading.Tasks.Task;

namespace Acceptance
{
    public sealed class FailedException : Exception
    {
        public FailedException(string message)
            : base(message)
        {
        }
    }

    /// <summary>What must hold.</summary>
    public static class Must
    {
        public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

        public static void Be(bool condition, string what)
        {
            if (!condition)
            {
                throw new FailedException(what);
            }
        }

        public static void Equal<T>(T expected, T actual, string what)
            => Be(EqualityComparer<T>.Default.Equals(expected, actual), $"{what}: expected <{expected}>, was <{actual}>");

        public static void Set(IEnumerable<string> expected, IEnumerable<string> actual, string what)
            => Equal(string.Join(" | ", expected.OrderBy(x => x)), string.Join(" | ", actual.OrderBy(x => x)), what);

        /// <summary>Waits for what another process does.</summary>
        public static async Async Until(Func<bool> check, string what)
        {
            var watch = Stopwatch.StartNew();
            while (!check())
            {
                Be(watch.Elapsed < Limit, $"it did not happen in time: {what}");
                await Async.Delay(20);
            }
        }
    }

    /// <summary>One line of the server's list of sessions.</summary>
    public sealed record ServerSession(string User, string Partition, bool Open, long Number, long MessagesIn, long MessagesOut, long RowsIn, long RowsOut);

    /// <summary>A server of our own: starts, is killed, starts again on the same port and data.</summary>
    public sealed class Server : IDisposable
    {
        private static readonly string Build = Environment.GetEnvironmentVariable("ATOLL_BUILD")!;
        private static readonly string Here = Environment.GetEnvironmentVariable("ATOLL_ACCEPTANCE")!;

        private Process? _process;

        public Server() => Start();

        public string Folder { get; } = Directory.CreateTempSubdirectory("atoll-acceptance-").FullName;

        public int Port { get; private set; }

        public Uri Uri => new($"http://127.0.0.1:{Port}");

        private string Data => Path.Combine(Folder, "data");

        public void Start()
        {
            var portFile = Path.Combine(Folder, "port");
            File.Delete(portFile);
            var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false };
            start.ArgumentList.Add("-c");
            start.ArgumentList.Add("exec \"$0\" --data \"$1\" --listen \"$2\" --port-file \"$3\" >>\"$4\" 2>&1");
            start.ArgumentList.Add(Path.Combine(Build, "tools/atolld/atolld"));
            start.ArgumentList.Add(Data);
            start.ArgumentList.Add($"127.0.0.1:{Port}");
            start.ArgumentList.Add(portFile);
            start.ArgumentList.Add(Path.Combine(Folder, "atolld.log"));
            _process = Process.Start(start)!;
            var watch = Stopwatch.StartNew();
            while (!File.Exists(portFile) || File.ReadAllText(portFile).Trim().Length == 0)
            {
                Must.Be(!_process.HasExited && watch.Elapsed < Must.Limit, $"atolld did not start:\n{ReadLog()}");
                Thread.Sleep(20);
            }

            Port = int.Parse(File.ReadAllText(portFile).Trim().Split(':')[^1], System.Globalization.CultureInfo.InvariantCulture);
        }

        public void Kill()
        {
            _process!.Kill();
            _process.WaitForExit();
        }

        public string ReadLog()
        {
            var text = File.Exists(Path.Combine(Folder, "atolld.log")) ? File.ReadAllText(Path.Combine(Folder, "atolld.log")) : "";
            return text.Length > 4000 ? text[^4000..] : text;
        }

        /// <summary>The streams of a user, ended ones too, of one partition if it is given.</summary>
        public ServerSession[] Sessions(string app, string user, string? partition = null)
            => Admin("sessions", app)
                .Select(item => new ServerSession(
                    item.GetProperty("user").GetString()!, item.GetProperty("partition").GetString()!, item.GetProperty("open").GetBoolean(),
                    Number(item, "number"), Number(item, "messages_in"), Number(item, "messages_out"), Number(item, "rows_in"),
                    Number(item, "rows_out")))
                .Where(item => item.User == user && (partition is null || item.Partition == JsonSerializer.Serialize(partition)))
                .ToArray();

        /// <summary>All asymmetric objects that arrived.</summary>
        public JsonElement[] Ingested(string app) => Admin("ingest", app);

        /// <summary>Runs the command line against this server.</summary>
        public void Command(params string[] arguments)
        {
            var start = new ProcessStartInfo(Path.Combine(Build, "tools/atoll/atoll")) { RedirectStandardOutput = true, UseShellExecute = false };
            foreach (var argument in arguments.Concat(new[] { "--data", Data }))
            {
                start.ArgumentList.Add(argument);
            }

            using var process = Process.Start(start)!;
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Must.Be(process.ExitCode == 0, $"atoll {string.Join(' ', arguments)} failed");
        }

        public void Dispose()
        {
            if (_process is { HasExited: false })
            {
                _process.Kill();
                _process.WaitForExit();
            }

            Directory.Delete(Folder, true);
        }

        private static long Number(JsonElement item, string name) => item.GetProperty(name).GetInt64();

        private JsonElement[] Admin(string what, string app)
        {
            var start = new ProcessStartInfo("/usr/bin/python3") { RedirectStandardOutput = true, UseShellExecute = false };
            foreach (var argument in new[] { Path.Combine(Here, "admin.py"), $"{Port}", Data, what, app })
            {
                start.ArgumentList.Add(argument);
            }

            using var process = Process.Start(start)!;
            var text = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Must.Be(process.ExitCode == 0, $"admin.py {what} failed");
            return JsonDocument.Parse(text).RootElement.EnumerateArray().ToArray();
        }
    }

    /// <summary>One thread with a loop, as the main thread of an app with windows has it.</summary>
    public sealed class Loop : SynchronizationContext
    {
        private readonly BlockingCollection<(SendOrPostCallback Callback, object? State)> _work = new();

        public override void Post(SendOrPostCallback d, object? state) => _work.TryAdd((d, state));

        public static void Run(Func<Async> main)
        {
            var loop = new Loop();
            SetSynchronizationContext(loop);
            try
            {
                var task = main();
                task.ContinueWith(_ => loop.Post(_ => loop._work.CompleteAdding(), null));
                foreach (var (callback, state) in loop._work.GetConsumingEnumerable())
                {
                    callback(state);
                }

                task.GetAwaiter().GetResult();
            }
            finally
            {
                SetSynchronizationContext(null);
            }
        }
    }
}
