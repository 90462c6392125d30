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
    private readonly Func<IntPtr, IntPtr, ulong> _link;

    private Credentials(AuthProvider provider, Func<IntPtr, IntPtr, ulong> start, Func<IntPtr, IntPtr, ulong> link)
    {
        Provider = provider;
        _start = start;
        _link = link;
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
        => new(
            AuthProvider.Anonymous,
            (app, queue) => NativeMethods.atoll_app_log_in_anonymous(app, reuseExisting, queue),
            (_, _) => throw new Exceptions.AppException("an anonymous identity cannot be linked", NativeStatus.InvalidCredentials));

    public static Credentials EmailPassword(string email, string password)
    {
        ArgumentException.ThrowIfNullOrEmpty(email);
        ArgumentException.ThrowIfNullOrEmpty(password);
        return new(
            AuthProvider.EmailPassword,
            (app, queue) => NativeMethods.atoll_app_log_in_email(app, email, password, queue),
            (user, queue) => NativeMethods.atoll_user_link_email(user, email, password, queue));
    }

    /// <summary>Answered by the server: it offers no such log-in.</summary>
    public static Credentials Facebook(string accessToken) => Token(AuthProvider.Facebook, "oauth2-facebook", accessToken);

    /// <summary>An identity token; authorization codes are not offered by this server.</summary>
    public static Credentials Google(string credential, GoogleCredentialType type)
        => Token(AuthProvider.Google, type == GoogleCredentialType.IdToken ? "oauth2-google" : "oauth2-google-code", credential);

    public static Credentials Apple(string accessToken) => Token(AuthProvider.Apple, "oauth2-apple", accessToken);

    public static Credentials JWT(string customToken) => Token(AuthProvider.JWT, "custom-token", customToken);

    /// <summary>Answered by the server: it offers no such log-in.</summary>
    public static Credentials Function(object payload)
    {
        ArgumentNullException.ThrowIfNull(payload);
        return Token(AuthProvider.Function, "custom-function", "{}");
    }

    public static Credentials ApiKey(string key) => Token(AuthProvider.ApiKey, "api-key", key);

    [Obsolete("Use ApiKey.")]
    public static Credentials ServerApiKey(string serverApiKey) => Token(AuthProvider.ServerApiKey, "api-key", serverApiKey);

    internal static AuthProvider ProviderOf(string? name) => name switch
    {
        "anon-user" => AuthProvider.Anonymous,
        "local-userpass" => AuthProvider.EmailPassword,
        "custom-token" => AuthProvider.JWT,
        "oauth2-google" => AuthProvider.Google,
        "oauth2-apple" => AuthProvider.Apple,
        "api-key" => AuthProvider.ApiKey,
        _ => AuthProvider.Unknown,
    };

    internal ulong Start(IntPtr app, IntPtr queue) => _start(app, queue);

    internal ulong Link(IntPtr user, IntPtr queue) => _link(user, queue);

    private static Credentials Token(AuthProvider provider, string name, string token)
    {
        ArgumentException.ThrowIfNullOrEmpty(token);
        return new(
            provider,
            (app, queue) => NativeMethods.atoll_app_log_in_token(app, name, token, queue),
            (user, queue) => NativeMethods.atoll_user_link_token(user, name, token, queue));
    }
}
