using MongoDB.Bson;

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
    private readonly List<EventHandler> _changed = [];
    private ulong _observation;

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

    public string RefreshToken => Texts(NativeMethods.atoll_user_refresh_token(Native.Value)) is [{ } token, ..] ? token : "";

    /// <summary>What the server calls this device.</summary>
    public string DeviceId => App.DeviceId;

    [Obsolete("A user can have several identities.")]
    public Credentials.AuthProvider Provider => Credentials.ProviderOf(NativeMethods.atoll_user_provider(Native.Value));

    public UserIdentity[] Identities
    {
        get
        {
            var texts = Texts(NativeMethods.atoll_user_identities(Native.Value));
            return [.. texts.Chunk(2).Select(pair => new UserIdentity(pair[1], Credentials.ProviderOf(pair[0])))];
        }
    }

    public UserProfile Profile
        => new(Texts(NativeMethods.atoll_user_profile(Native.Value)).Chunk(2).ToDictionary(pair => pair[0], pair => pair[1]));

    public ApiKeyClient ApiKeys => new(this);

    public FunctionsClient Functions => new(this);

    /// <summary>Raised on another thread when something of the user changed; it may come more often than that.</summary>
    public event EventHandler? Changed
    {
        add
        {
            lock (_changed)
            {
                if (_changed.Count == 0)
                {
                    _observation = EventPump.Observe(queue => NativeMethods.atoll_user_observe(Native.Value, queue), OnChanged);
                }

                _changed.Add(value!);
            }
        }

        remove
        {
            lock (_changed)
            {
                if (_changed.Remove(value!) && _changed.Count == 0)
                {
                    EventPump.Forget(_observation);
                    NativeMethods.atoll_user_unobserve(Native.Value, _observation);
                }
            }
        }
    }

    internal NativeHandle Native { get; }

    /// <summary>The custom data as of the last log-in or refresh; null: none.</summary>
    public BsonDocument? GetCustomData() => CustomData is { } json ? BsonDocument.Parse(json) : null;

    public T? GetCustomData<T>()
        where T : class
        => CustomData is { } json ? Documents.Read<T>(json) : null;

    public async Task<BsonDocument?> RefreshCustomDataAsync()
    {
        await Ask((user, queue) => NativeMethods.atoll_user_refresh(user, queue)).ConfigureAwait(false);
        return GetCustomData();
    }

    public async Task<T?> RefreshCustomDataAsync<T>()
        where T : class
    {
        await Ask((user, queue) => NativeMethods.atoll_user_refresh(user, queue)).ConfigureAwait(false);
        return GetCustomData<T>();
    }

    public MongoClient GetMongoClient(string serviceName) => new(serviceName);

    /// <summary>Ends the log-in, here and on the server, and takes the user off this device.</summary>
    public Task LogOutAsync() => App.RemoveUserAsync(this);

    /// <summary>Adds another way to log in as this user.</summary>
    public async Task<User> LinkCredentialsAsync(Credentials credentials)
    {
        ArgumentNullException.ThrowIfNull(credentials);
        await Ask(credentials.Link).ConfigureAwait(false);
        return this;
    }

    public bool Equals(User? other)
        => other is not null && (ReferenceEquals(this, other) || NativeMethods.atoll_user_equals(Native.Value, other.Native.Value));

    public override bool Equals(object? obj) => Equals(obj as User);

    public override int GetHashCode() => Id.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => $"User {Id}, state: {State}";

    public static bool operator ==(User? user1, User? user2) => user1 is null ? user2 is null : user1.Equals(user2);

    public static bool operator !=(User? user1, User? user2) => !(user1 == user2);

    internal Task<EventData> Ask(Func<IntPtr, IntPtr, ulong> start)
        => EventPump.Request(queue => start(Native.Value, queue), App.ToException);

    internal static string[] Texts(IntPtr native)
    {
        if (native == IntPtr.Zero)
        {
            return [];
        }

        using var values = new NativeValues(native);
        var texts = new string[NativeMethods.atoll_values_count(native)];
        for (var i = 0; i < texts.Length; i++)
        {
            texts[i] = values.TypeAt(i) == NativeConstants.TypeNull ? null! : values.Read(i).AsString();
        }

        return texts;
    }

    private string? CustomData => Texts(NativeMethods.atoll_user_custom_data(Native.Value)) is [{ } json, ..] ? json : null;

    private void OnChanged(EventData data)
    {
        EventHandler[] handlers;
        lock (_changed)
        {
            handlers = [.. _changed];
        }

        Task.Run(() => Array.ForEach(handlers, handler => handler(this, EventArgs.Empty)));
    }

    internal static User? Wrap(App app, IntPtr native) => native == IntPtr.Zero ? null : new User(app, native);

    /// <summary>The keys by which programs log in as the user.</summary>
    public readonly struct ApiKeyClient
    {
        private readonly User _user;

        internal ApiKeyClient(User user) => _user = user;

        /// <summary>Makes a key; its value is told this once.</summary>
        public async Task<ApiKey> CreateAsync(string name)
        {
            ArgumentNullException.ThrowIfNull(name);
            var done = await _user.Ask((user, queue) => NativeMethods.atoll_user_create_api_key(user, name, queue)).ConfigureAwait(false);
            return new ApiKey(done.Values, 0);
        }

        public async Task<ApiKey?> FetchAsync(ObjectId id)
        {
            var text = id.ToString();
            var done = await _user.Ask((user, queue) => NativeMethods.atoll_user_find_api_keys(user, text, queue)).ConfigureAwait(false);
            return done.Values.Length == 0 ? null : new ApiKey(done.Values, 0);
        }

        public async Task<IEnumerable<ApiKey>> FetchAllAsync()
        {
            var done = await _user.Ask((user, queue) => NativeMethods.atoll_user_find_api_keys(user, "", queue)).ConfigureAwait(false);
            return [.. Enumerable.Range(0, done.Values.Length / 4).Select(i => new ApiKey(done.Values, 4 * i))];
        }

        public Task DeleteAsync(ObjectId id)
            => _user.Ask((user, queue) => NativeMethods.atoll_user_delete_api_key(user, id.ToString(), queue));

        public Task DisableAsync(ObjectId id) => Enable(id, false);

        public Task EnableAsync(ObjectId id) => Enable(id, true);

        private Task<EventData> Enable(ObjectId id, bool on)
            => _user.Ask((user, queue) => NativeMethods.atoll_user_enable_api_key(user, id.ToString(), on, queue));
    }

    /// <summary>Functions that run on the server: none here.</summary>
    public readonly struct FunctionsClient
    {
        internal FunctionsClient(User user) => _ = user;

        public Task<BsonValue> CallAsync(string name, params object?[] args)
            => Task.FromException<BsonValue>(NotOffered.By($"The function {name}"));

        public Task<T> CallAsync<T>(string name, params object?[] args)
            => Task.FromException<T>(NotOffered.By($"The function {name}"));
    }
}
