// The low level of C#: values there and back, and an error.
using System;
using System.Linq;
using System.Threading.Tasks;
using Atoll.Native;

const string Palm = "palm \U0001F334\0\u00e9";

static void Check(bool fact, string what)
{
    if (!fact)
    {
        throw new InvalidOperationException("failed: " + what);
    }
}

static T ExpectError<T>(Action call)
    where T : Exception
{
    try
    {
        call();
    }
    catch (T error)
    {
        return error;
    }

    throw new InvalidOperationException("the call did not fail");
}

IntPtr values = NativeMethods.atoll_values_new();
string big = string.Concat(Enumerable.Repeat(Palm, 1000));
NativeMethods.atoll_values_add_string(values, Palm);
NativeMethods.atoll_values_add_binary(values, new byte[] { 0, 255 });
NativeMethods.atoll_values_add_timestamp(values, new AtollTimestamp(-5, 999999999));
NativeMethods.atoll_values_add_int(values, long.MinValue);
NativeMethods.atoll_values_add_bool(values, true);
NativeMethods.atoll_values_add_string(values, big);
NativeMethods.atoll_values_add_string(values, string.Empty);
Check(NativeMethods.atoll_values_count(values) == 7, "count");
Check(NativeMethods.atoll_values_get_string(values, 0) == Palm, "text");
Check(NativeMethods.atoll_values_get_binary(values, 1)!.SequenceEqual(new byte[] { 0, 255 }), "binary");
AtollTimestamp timestamp = NativeMethods.atoll_values_get_timestamp(values, 2);
Check(timestamp.Seconds == -5 && timestamp.Nanoseconds == 999999999, "timestamp");
Check(NativeMethods.atoll_values_get_int(values, 3) == long.MinValue, "int");
Check(NativeMethods.atoll_values_get_bool(values, 4), "bool");
Check(NativeMethods.atoll_values_get_string(values, 5) == big, "long text");
Check(NativeMethods.atoll_values_get_string(values, 6) == string.Empty, "empty text");

var error = ExpectError<OutOfRangeException>(() => NativeMethods.atoll_values_get_int(values, 99));
Check(error.Status == NativeStatus.OutOfRange && !error.IsRetryable && error.Message.Length > 0, error.ToString());
ExpectError<AtollNativeException>(() => NativeMethods.atoll_values_add_uuid(values, new byte[5]));
NativeError.Factory = (status, message, retryable) => new InvalidTimeZoneException(status + message);
Check(ExpectError<InvalidTimeZoneException>(() => NativeMethods.atoll_values_get_int(values, 99)).Message.StartsWith("105"), "factory");

// An error of one thread is never thrown in another.
Parallel.For(0, 4, part =>
{
    IntPtr own = NativeMethods.atoll_values_new();
    NativeMethods.atoll_values_add_int(own, part);
    for (int i = 0; i < 2000; i++)
    {
        if (part % 2 == 0)
        {
            ExpectError<InvalidTimeZoneException>(() => NativeMethods.atoll_values_get_int(own, 1));
        }
        else
        {
            Check(NativeMethods.atoll_values_get_int(own, 0) == part, "value beside errors");
        }
    }

    NativeMethods.atoll_values_free(own);
});
NativeMethods.atoll_values_free(values);
NativeMethods.atoll_values_free(IntPtr.Zero);
Check(NativeMethods.atoll_status_name(105) == "OUT_OF_RANGE", "status name");
Console.WriteLine("csharp ok");
