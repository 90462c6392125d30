using Realms.Exceptions;
using Realms.Sync.Exceptions;

namespace Realms.Sync.Testing;

/// <summary>What tests of an app need: errors, cuts and clocks as no test could wait for.</summary>
public static class TestingExtensions
{
    /// <summary>Lets the session meet an error as if the server had sent it; ClientReset begins a client reset.</summary>
    public static void SimulateError(this Session session, ErrorCode errorCode, string message, bool isFatal = false)
        => (session ?? throw new ArgumentNullException(nameof(session))).Simulate(StatusOf(errorCode), message, isFatal);

    /// <summary>Cuts the network of the app's sessions, or restores it.</summary>
    public static void SetNetwork(this App app, bool isOn)
        => NativeMethods.atoll_testing_set_network((app ?? throw new ArgumentNullException(nameof(app))).Native.Value, isOn);

    /// <summary>Sets the wall clock of the process off by that much, for what is written and sent.</summary>
    public static void SetClockOffset(TimeSpan offset)
        => NativeMethods.atoll_testing_set_clock_offset((long)offset.TotalMilliseconds);

    private static int StatusOf(ErrorCode code)
    {
        for (var status = 1; status < 1000; status++)
        {
            if (code != ErrorCode.RuntimeError && SessionException.CodeOf(status) == code)
            {
                return status;
            }
        }

        return NativeStatus.Server;
    }
}
