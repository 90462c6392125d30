using System.Net;

namespace Realms.Sync.Exceptions;

/// <summary>The server, or the way to it, refused a log-in, a registration or another call of an app.</summary>
public class AppException : Exception
{
    internal AppException(string message, int status, Exception? inner = null)
        : base(message, inner)
        => StatusCode = ToHttp(status);

    public HttpStatusCode? StatusCode { get; }

    private static HttpStatusCode? ToHttp(int status) => status switch
    {
        NativeStatus.InvalidCredentials or NativeStatus.BadToken or NativeStatus.NotLoggedIn => HttpStatusCode.Unauthorized,
        NativeStatus.UserExists => HttpStatusCode.Conflict,
        NativeStatus.UserDisabled or NativeStatus.LoginMethodDisabled => HttpStatusCode.Forbidden,
        NativeStatus.UnknownApp => HttpStatusCode.NotFound,
        NativeStatus.InvalidArgument => HttpStatusCode.BadRequest,
        NativeStatus.PermissionDenied => HttpStatusCode.Forbidden,
        NativeStatus.LimitExceeded => HttpStatusCode.TooManyRequests,
        NativeStatus.NotSupported => HttpStatusCode.NotImplemented,
        NativeStatus.Server => HttpStatusCode.InternalServerError,
        _ => null,
    };
}

/// <summary>Why a session failed.</summary>
public enum ErrorCode
{
    RuntimeError = 1000,
    BadPartitionValue = 1029,
    ProtocolInvariantFailed = 1038,
    BadChangeset = 1015,
    SubscriptionFailed = 1016,
    BadQuery = 1031,
    ClientReset = 1032,
    InvalidSchemaChange = 1036,
    PermissionDenied = 1037,
    ServerPermissionsChanged = 1040,
    UserMismatch = 1041,
    WriteNotAllowed = 1044,
    AutoClientResetFailed = 1028,
    WrongSyncType = 1043,
    CompensatingWrite = 1033,
    [Obsolete("Use RuntimeError.")]
    Unknown = RuntimeError,
    [Obsolete("Use RuntimeError.")]
    OtherSessionError = RuntimeError,
    [Obsolete("Use BadPartitionValue.")]
    IllegalRealmPath = BadPartitionValue,
    [Obsolete("Use ClientReset.")]
    BadClientFileIdentifier = ClientReset,
    [Obsolete("Use ProtocolInvariantFailed.")]
    BadServerVersion = ProtocolInvariantFailed,
    [Obsolete("Use ProtocolInvariantFailed.")]
    BadClientVersion = ProtocolInvariantFailed,
    [Obsolete("Use ClientReset.")]
    DivergingHistories = ClientReset,
    [Obsolete("Use ClientReset.")]
    BadClientFile = ClientReset,
    [Obsolete("Use ClientReset.")]
    ClientFileExpired = ClientReset,
    [Obsolete("It is not raised any more.")]
    TooManySessions = -2,
    [Obsolete("It is not raised any more.")]
    ObjectAlreadyExists = -3,
    [Obsolete("It is not raised any more.")]
    InitialSyncNotCompleted = -4,
    [Obsolete("Use ProtocolInvariantFailed.")]
    BadProgress = ProtocolInvariantFailed,
}

/// <summary>A session failed.</summary>
public class SessionException : Exception
{
    internal SessionException(string message, ErrorCode errorCode, Exception? inner = null)
        : base(message, inner)
        => ErrorCode = errorCode;

    public ErrorCode ErrorCode { get; }

    internal static SessionException From(EventData data) => data.Status == NativeStatus.CompensatingWrite
        ? new CompensatingWriteException(data.Message, data.RefusedWrites)
        : From(data.Status, data.Message);

    internal static SessionException From(int status, string message) => status switch
    {
        NativeStatus.ClientReset or NativeStatus.CopiedFolder or NativeStatus.AutoClientResetFailed
            => new ClientResetException(message, CodeOf(status)),
        _ => new SessionException(message, CodeOf(status)),
    };

    internal static ErrorCode CodeOf(int status) => status switch
    {
        NativeStatus.Protocol or NativeStatus.ProtocolVersion => ErrorCode.ProtocolInvariantFailed,
        NativeStatus.BadPartitionValue => ErrorCode.BadPartitionValue,
        NativeStatus.WrongSyncType => ErrorCode.WrongSyncType,
        NativeStatus.BadQuery => ErrorCode.BadQuery,
        NativeStatus.SubscriptionFailed => ErrorCode.SubscriptionFailed,
        NativeStatus.ClientReset or NativeStatus.CopiedFolder => ErrorCode.ClientReset,
        NativeStatus.AutoClientResetFailed => ErrorCode.AutoClientResetFailed,
        NativeStatus.PermissionDenied => ErrorCode.PermissionDenied,
        NativeStatus.CompensatingWrite => ErrorCode.CompensatingWrite,
        NativeStatus.InvalidSchemaChange => ErrorCode.InvalidSchemaChange,
        NativeStatus.BadChangeset => ErrorCode.BadChangeset,
        NativeStatus.UserMismatch => ErrorCode.UserMismatch,
        _ => ErrorCode.RuntimeError,
    };
}

/// <summary>The server took back writes that were not permitted.</summary>
public class CompensatingWriteException : SessionException
{
    internal CompensatingWriteException(string message, IEnumerable<CompensatingWriteInfo> writes)
        : base(message, ErrorCode.CompensatingWrite)
        => CompensatingWrites = writes;

    /// <summary>What was taken back, at most 10,000 of them. The realm shows the server's state already.</summary>
    public IEnumerable<CompensatingWriteInfo> CompensatingWrites { get; }
}

/// <summary>One write that was taken back.</summary>
public class CompensatingWriteInfo
{
    internal CompensatingWriteInfo(string objectType, RealmValue primaryKey, string reason)
    {
        ObjectType = objectType;
        PrimaryKey = primaryKey;
        Reason = reason;
    }

    public string ObjectType { get; }

    public RealmValue PrimaryKey { get; }

    public string Reason { get; }
}

/// <summary>The realm cannot go on syncing as it is.</summary>
public class ClientResetException : SessionException
{
    private SyncConfigurationBase? _config;

    internal ClientResetException(string message, ErrorCode code = ErrorCode.ClientReset)
        : base(message, code)
    {
    }

    /// <summary>Where the folder of the realm goes when the reset is initiated.</summary>
    public string BackupFilePath { get; private set; } = "";

    /// <summary>
    /// Moves the folder of the realm to <see cref="BackupFilePath"/>; the next opening begins with an empty one. All instances of
    /// the realm must be disposed before. False: it is still in use, and is moved before it is opened the next time after that.
    /// </summary>
    public bool InitiateClientReset()
    {
        if (_config is not { } config)
        {
            return false;
        }

        try
        {
            return config.SetAside(BackupFilePath);
        }
        catch (Exception)
        {
            return false;
        }
    }

    internal ClientResetException Of(SyncConfigurationBase config)
    {
        _config = config;
        var name = System.IO.Path.GetFileName(config.DatabasePath.TrimEnd('/'));
        var time = DateTime.UtcNow.ToString("yyyyMMdd-HHmmss-fff", System.Globalization.CultureInfo.InvariantCulture);
        BackupFilePath = System.IO.Path.Combine(config.User.App.BaseFilePath, "recovered-realms", $"{name}-{time}");
        return this;
    }
}

/// <summary>The server refused a set of subscriptions.</summary>
public class SubscriptionException : Exception
{
    internal SubscriptionException(string message)
        : base(message)
    {
    }
}
