using Realms.Sync.Exceptions;

namespace Realms.Sync;

/// <summary>An app on a server: its users and their log-in. It may be used from any thread.</summary>
public class App
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, App> Cache = new(StringComparer.Ordinal);

    private readonly NativeHandle _native;

    private App(AppConfiguration config)
    {
        Config = config;
        BaseUri = config.BaseUri;
        using var native = config.CreateNative();
        _native = new NativeHandle(NativeMethods.atoll_app_open(native.Value), NativeMethods.atoll_app_free);
    }

    public string Id => Config.AppId;

    public Uri BaseUri { get; private set; }

    public string BaseFilePath => Config.BaseFilePath;

    public SyncClient Sync => new(this);

    public EmailPasswordClient EmailPasswordAuth => new(this);

    /// <summary>The user that logged in last and is logged in still.</summary>
    public User? CurrentUser => User.Wrap(this, NativeMethods.atoll_app_current_user(_native.Value));

    public User[] AllUsers
    {
        get
        {
            var users = new User[NativeMethods.atoll_app_user_count(_native.Value)];
            for (var i = 0; i < users.Length; i++)
            {
                users[i] = User.Wrap(this, NativeMethods.atoll_app_user(_native.Value, i))!;
            }

            return users;
        }
    }

    internal NativeHandle Native => _native;

    internal AppConfiguration Config { get; }

    public static App Create(string appId) => Create(new AppConfiguration(appId));

    public static App Create(AppConfiguration config)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (!config.UseAppCache)
        {
            return new App(config);
        }

        lock (Gate)
        {
            if (!Cache.TryGetValue(config.AppId, out var app))
            {
                app = new App(config);
                Cache[config.AppId] = app;
            }

            return app;
        }
    }

    public async Task<User> LogInAsync(Credentials credentials)
    {
        ArgumentNullException.ThrowIfNull(credentials);
        var done = await EventPump.Request(queue => credentials.Start(_native.Value, queue), ToException).ConfigureAwait(false);
        return User.Wrap(this, done.User) ?? throw new AppException("The log-in gave no user.", 0);
    }

    public void SwitchUser(User user)
    {
        ArgumentNullException.ThrowIfNull(user);
        NativeMethods.atoll_app_switch_user(_native.Value, user.Native.Value);
    }

    /// <summary>Logs a user out and takes it off this device. What was not sent stays on disk for its next log-in.</summary>
    public Task RemoveUserAsync(User user)
    {
        ArgumentNullException.ThrowIfNull(user);
        return user.Ask((native, queue) => NativeMethods.atoll_user_remove(native, queue));
    }

    /// <summary>Deletes the user on the server, and its realms on this device at the next start of the app.</summary>
    public Task DeleteUserFromServerAsync(User user)
    {
        ArgumentNullException.ThrowIfNull(user);
        return user.Ask((native, queue) => NativeMethods.atoll_user_delete(native, queue));
    }

    /// <summary>Moves the app to another server; all users are logged out. Null: the default address.</summary>
    public async Task UpdateBaseUriAsync(Uri? newUri)
    {
        var uri = newUri ?? new AppConfiguration(Id).BaseUri;
        var native = _native;
        await EventPump.Request(queue => NativeMethods.atoll_app_set_base_url(native.Value, uri.OriginalString, queue), ToException)
            .ConfigureAwait(false);
        BaseUri = uri;
    }

    public override bool Equals(object? obj) => obj is App other && other._native == _native;

    public override int GetHashCode() => Id.GetHashCode(StringComparison.Ordinal);

    public static bool operator ==(App? app1, App? app2) => Equals(app1, app2);

    public static bool operator !=(App? app1, App? app2) => !Equals(app1, app2);

    internal string DeviceId => User.Texts(NativeMethods.atoll_app_device_id(_native.Value)) is [{ } id, ..] ? id : "";

    internal static Exception ToException(EventData data) => data.Status switch
    {
        NativeStatus.Cancelled => new TaskCanceledException(data.Message),
        _ => new AppException(data.Message, data.Status),
    };

    /// <summary>The sync client that all sessions of the app share.</summary>
    public readonly struct SyncClient
    {
        private readonly App _app;

        internal SyncClient(App app) => _app = app;

        /// <summary>Lets every session try to connect at once.</summary>
        public void Reconnect() => NativeMethods.atoll_app_reconnect(_app._native.Value);
    }

    /// <summary>Users by email address and password.</summary>
    public readonly struct EmailPasswordClient
    {
        private readonly App _app;

        internal EmailPasswordClient(App app) => _app = app;

        public Task RegisterUserAsync(string email, string password)
        {
            ArgumentException.ThrowIfNullOrEmpty(email);
            ArgumentException.ThrowIfNullOrEmpty(password);
            var native = _app._native;
            return EventPump.Request(queue => NativeMethods.atoll_app_register_email(native.Value, email, password, queue), ToException);
        }

        public Task ConfirmUserAsync(string token, string tokenId)
            => Ask((app, queue) => NativeMethods.atoll_app_confirm_email(app, Some(token), Some(tokenId), queue));

        public Task ResendConfirmationEmailAsync(string email)
            => Ask((app, queue) => NativeMethods.atoll_app_resend_confirmation(app, Some(email), queue));

        public Task RetryCustomConfirmationAsync(string email)
            => Task.FromException(NotOffered.By("Confirmation by a function"));

        public Task SendResetPasswordEmailAsync(string email)
            => Ask((app, queue) => NativeMethods.atoll_app_send_password_reset(app, Some(email), queue));

        public Task ResetPasswordAsync(string password, string token, string tokenId)
            => Ask((app, queue) => NativeMethods.atoll_app_reset_password(app, Some(password), Some(token), Some(tokenId), queue));

        public Task CallResetPasswordFunctionAsync(string email, string password, params object?[] functionArgs)
            => Task.FromException(NotOffered.By("A new password by a function"));

        private Task<EventData> Ask(Func<IntPtr, IntPtr, ulong> start)
        {
            var native = _app._native;
            return EventPump.Request(queue => start(native.Value, queue), ToException);
        }

        private static string Some(string text)
        {
            ArgumentException.ThrowIfNullOrEmpty(text);
            return text;
        }
    }
}
