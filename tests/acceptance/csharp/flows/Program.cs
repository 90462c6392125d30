using System;
using System.Collections.Generic;
using System.Diagnostics;
using Async = System.Threading.Tasks.Task;

namespace Acceptance
{
    public static class Program
    {
        private static readonly Dictionary<string, Func<Server, Async>> Flows = new()
        {
            ["flow1"] = Flow1.Run,
            ["flow1-old"] = Flow1.RunOldConfiguration,
            ["flow2"] = Flow2.Run,
            ["flow4"] = Flow4.Run,
            ["flow5"] = Flow5.Run,
            ["flow6"] = Flow6.Run,
            ["flow7"] = Flow7.Run,
            ["flow8"] = Flow8.Run,
            ["flow3-class"] = Flow3Class.Asymmetrics.Run,
            ["flow3-interface"] = Flow3Interface.Asymmetrics.Run,
        };

        /// <summary>Runs the flow that is named; its exit code says whether it passed.</summary>
        public static int Main(string[] arguments)
        {
            using var server = new Server();
            var watch = Stopwatch.StartNew();
            try
            {
                Loop.Run(() => Flows[arguments[0]](server).WaitAsync(TimeSpan.FromSeconds(90)));
                Console.WriteLine($"{arguments[0]}: ok ({watch.ElapsedMilliseconds} ms)");
                return 0;
            }
            catch (Exception error)
            {
                Console.WriteLine($"{arguments[0]}: {error}\n{server.ReadLog()}");
                return 1;
            }
        }
    }
}
