using Realms.Sync.Exceptions;

namespace Realms.Tests;

/// <summary>What programs see of the errors of sessions.</summary>
internal sealed class ErrorTests
{
    /// <summary>The numbers of the error table, and those that programs know from before.</summary>
    private static readonly Dictionary<int, int> Codes = new()
    {
        [504] = 1038, [505] = 1038, // the protocol
        [603] = 1029, // a partition value of a wrong type
        [604] = 1043, // the other kind of sync
        [605] = 1031, [606] = 1016, // a query, a set of subscriptions
        [607] = 1032, [608] = 1032, [614] = 1028, // client resets
        [609] = 1037, [610] = 1033, // permissions
        [611] = 1036, [612] = 1015, // schema, changesets
        [613] = 1041, // another user
    };

    [Test]
    public void StatusesOfSessionsHaveTheCodesOfBefore()
    {
        for (var status = 1; status < 1000; status++)
        {
            var error = SessionException.From(status, "why");
            Check.Equal(Codes.GetValueOrDefault(status, 1000), (int)error.ErrorCode, $"status {status}");
            Check.Equal("why", error.Message);
            Check.Equal(status is 607 or 608 or 614, error is ClientResetException, $"status {status} is a client reset");
        }
    }

    [Test]
    public void OlderNamesAreTheSameCodes()
    {
#pragma warning disable CS0618 // That they are old is what is tested.
        Check.Equal(ErrorCode.RuntimeError, ErrorCode.Unknown);
        Check.Equal(ErrorCode.ClientReset, ErrorCode.ClientFileExpired);
        Check.Equal(ErrorCode.ProtocolInvariantFailed, ErrorCode.BadProgress);
#pragma warning restore CS0618
        Check.Equal(1040, (int)ErrorCode.ServerPermissionsChanged);
        Check.Equal(1044, (int)ErrorCode.WriteNotAllowed);
    }
}
