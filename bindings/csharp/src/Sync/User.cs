namespace Realms.Sync;

public enum UserState
{
    LoggedOut,
    LoggedIn,
    Removed,
}

/// <summary>A user of an app. It may be used from any thread.</summary>
public class User : IEquatable<User>
{
    private User(App app, IntPtr native)
    {
        App = app;
        Native = new NativeHandle(native, NativeMethods.atoll_user_free);
        Id = NativeMethods.atoll_user_id(native) ?? "";
    }

    public string Id { get; }

    public App App { get; }

    public UserState State => (UserState)NativeMethods.atoll_user_state(Native.Value);

    public string AccessToken
    {
        get
        {
            using var token = new NativeValues(NativeMethods.atoll_user_access_token(Native.Value));
            return token.Read(0).AsNullableString() ?? "";
        }
    }

    [Obsolete("A user can have several identities.")]
    public Credentials.AuthProvider Provider => NativeMethods.atoll_user_provider(Native.Value) switch
    {
        "anon-user" => Credentials.AuthProvider.Anonymous,
        "local-userpass" => Credentials.AuthProvider.EmailPassword,
        _ => Credentials.AuthProvider.Unknown,
    };

    internal NativeHandle Native { get; }

    /// <summary>Ends the log-in, here and on the server.</summary>
    public Task LogOutAsync()
        => EventPump.Request(queue => NativeMethods.atoll_user_log_out(Native.Value, queue), App.ToException);

    public Task<User> LinkCredentialsAsync(Credentials credentials)
        => throw new NotSupportedException("not supported yet: LinkCredentialsAsync");

    public bool Equals(User? other)
        => other is not null && (ReferenceEquals(this, other) || NativeMethods.atoll_user_equals(Native.Value, other.Native.Value));

    public override bool Equals(object? obj) => Equals(obj as User);

    public override int GetHashCode() => Id.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => $"User {Id}, state: {State}";

    public static bool operator ==(User? user1, User? user2) => user1 is null ? user2 is null : user1.Equals(user2);

    public static bool operator !=(User? user1, User? user2) => !(user1 == user2);

    internal static User? Wrap(App app, IntPtr native) => native == IntPtr.Zero ? null : new User(app, native);
}
