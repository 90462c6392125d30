namespace Realms.Sync;

public enum GoogleCredentialType
{
    AuthCode,
    IdToken,
}

/// <summary>How a user says who they are.</summary>
public class Credentials
{
    private readonly Func<IntPtr, IntPtr, ulong> _start;

    private Credentials(AuthProvider provider, Func<IntPtr, IntPtr, ulong> start)
    {
        Provider = provider;
        _start = start;
    }

    public enum AuthProvider
    {
        Anonymous = 0,
        Facebook = 2,
        Google = 3,
        Apple = 4,
        JWT = 5,
        EmailPassword = 6,
        Function = 7,
        ApiKey = 8,
        [Obsolete("Use ApiKey.")]
        ServerApiKey = 9,
        Unknown = 999,
    }

    public AuthProvider Provider { get; }

    /// <summary>A user without a name; with reuse, the one that is logged in already.</summary>
    public static Credentials Anonymous(bool reuseExisting = true)
        => new(AuthProvider.Anonymous, (app, queue) => NativeMethods.atoll_app_log_in_anonymous(app, reuseExisting, queue));

    public static Credentials EmailPassword(string email, string password)
    {
        ArgumentException.ThrowIfNullOrEmpty(email);
        ArgumentException.ThrowIfNullOrEmpty(password);
        return new(AuthProvider.EmailPassword, (app, queue) => NativeMethods.atoll_app_log_in_email(app, email, password, queue));
    }

    public static Credentials Facebook(string accessToken) => NotYet(AuthProvider.Facebook);

    public static Credentials Google(string credential, GoogleCredentialType type) => NotYet(AuthProvider.Google);

    public static Credentials Apple(string accessToken) => NotYet(AuthProvider.Apple);

    public static Credentials JWT(string customToken) => NotYet(AuthProvider.JWT);

    public static Credentials Function(object payload) => NotYet(AuthProvider.Function);

    public static Credentials ApiKey(string key) => NotYet(AuthProvider.ApiKey);

    internal ulong Start(IntPtr app, IntPtr queue) => _start(app, queue);

    private static Credentials NotYet(AuthProvider provider)
        => new(provider, (_, _) => throw new NotSupportedException($"not supported yet: log-in by {provider}"));
}
