using System.Diagnostics;
using System.Reflection;
using Realms.Logging;

namespace Realms.Tests;

/// <summary>A method that is run as a test.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TestAttribute : Attribute
{
}

/// <summary>A class whose tests need the native library.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class NativeAttribute : Attribute
{
}

internal sealed class CheckFailedException(string message) : Exception(message);

/// <summary>What must hold; a failure names both sides.</summary>
internal static class Check
{
    public static void True(bool condition, string what)
    {
        if (!condition)
        {
            throw new CheckFailedException(what);
        }
    }

    public static void Equal<T>(T expected, T actual, string what = "")
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
        {
            throw new CheckFailedException($"{what}: expected <{expected}>, was <{actual}>");
        }
    }

    public static void Sequence<T>(IEnumerable<T> expected, IEnumerable<T> actual, string what = "")
        => Equal(string.Join(" | ", expected), string.Join(" | ", actual), what);

    public static TException Throws<TException>(Action action, string part = "")
        where TException : Exception
    {
        try
        {
            action();
        }
        catch (TException error)
        {
            True(error.Message.Contains(part, StringComparison.OrdinalIgnoreCase), $"'{error.Message}' does not say '{part}'");
            return error;
        }
        catch (Exception error)
        {
            throw new CheckFailedException($"expected {typeof(TException).Name}, was {error}");
        }

        throw new CheckFailedException($"expected {typeof(TException).Name}, nothing was thrown");
    }
}

internal static class Runner
{
    /// <summary>Arguments: "managed" leaves out what needs the native library; any other is a part of test names. "measure" prints costs.</summary>
    private static int Main(string[] arguments)
    {
        if (arguments.Contains("measure"))
        {
            Measure.Run();
            return 0;
        }

        var managedOnly = arguments.Contains("managed");
        var parts = arguments.Where(argument => argument != "managed").ToArray();
        if (!managedOnly)
        {
            RealmLogger.SetLogLevel(LogLevel.Warn);
        }

        var passed = 0;
        var failed = 0;
        foreach (var type in Assembly.GetExecutingAssembly().GetTypes().OrderBy(type => type.Name, StringComparer.Ordinal))
        {
            if (managedOnly && type.IsDefined(typeof(NativeAttribute)))
            {
                continue;
            }

            foreach (var method in type.GetMethods().Where(method => method.IsDefined(typeof(TestAttribute))))
            {
                var name = $"{type.Name}.{method.Name}";
                if (parts.Length > 0 && !parts.Any(part => name.Contains(part, StringComparison.OrdinalIgnoreCase)))
                {
                    continue;
                }

                if (Run(type, method, name))
                {
                    passed++;
                }
                else
                {
                    failed++;
                }
            }
        }

        Console.WriteLine($"{passed} passed, {failed} failed");
        return failed == 0 && passed > 0 ? 0 : 1;
    }

    private static bool Run(Type type, MethodInfo method, string name)
    {
        var watch = Stopwatch.StartNew();
        try
        {
            var target = method.IsStatic ? null : Activator.CreateInstance(type);
            (method.Invoke(target, null) as Task)?.GetAwaiter().GetResult();
            (target as IDisposable)?.Dispose();
            Console.WriteLine($"ok   {name} ({watch.ElapsedMilliseconds} ms)");
            return true;
        }
        catch (Exception error)
        {
            Console.WriteLine($"FAIL {name}: {(error as TargetInvocationException)?.InnerException ?? error}");
            return false;
        }
    }
}
