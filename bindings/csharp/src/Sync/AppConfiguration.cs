using Realms.Logging;

namespace Realms.Sync;

/// <summary>How long the client waits for the network.</summary>
public class SyncTimeoutOptions
{
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a connection stays open after its last session has ended.</summary>
    public TimeSpan ConnectionLingerTime { get; set; } = TimeSpan.FromSeconds(30);

    public TimeSpan PingKeepAlivePeriod { get; set; } = TimeSpan.FromMinutes(1);

    public TimeSpan PongKeepAliveTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>It changes nothing: no session waits with its uploads for downloads, whether it reconnects fast or not.</summary>
    public TimeSpan FastReconnectLimit { get; set; } = TimeSpan.FromMinutes(1);

    public ReconnectBackoffOptions ReconnectBackoffOptions { get; set; } = new();
}

/// <summary>How long a session waits between attempts to connect.</summary>
public class ReconnectBackoffOptions
{
    public TimeSpan MaxReconnectDelayInterval { get; set; } = TimeSpan.FromMinutes(5);

    public TimeSpan ReconnectDelayInterval { get; set; } = TimeSpan.FromSeconds(1);

    public int ReconnectDelayBackoffMultiplier { get; set; } = 2;

    /// <summary>A delay is shortened by at most one part in this many; 0: not at all.</summary>
    public int DelayJitterDivisor { get; set; } = 4;
}

/// <summary>How what is kept of users on the device is kept.</summary>
public enum MetadataPersistenceMode
{
    NotEncrypted = 0,
    Encrypted,
    Disabled,
}

/// <summary>Which app, where its server is, and how patient the client is.</summary>
public class AppConfiguration
{
    private const string DefaultBaseUrl = "http://127.0.0.1:7700";

    private Action<string, LogLevel>? _customLogger;
    private byte[]? _metadataEncryptionKey;

    public AppConfiguration(string appId)
    {
        ArgumentException.ThrowIfNullOrEmpty(appId);
        AppId = appId;
    }

    public string AppId { get; }

    /// <summary>Default: the environment variable ATOLL_BASE_URL, else http://127.0.0.1:7700.</summary>
    public Uri BaseUri { get; set; } = new(Environment.GetEnvironmentVariable("ATOLL_BASE_URL") is { Length: > 0 } url ? url : DefaultBaseUrl);

    public string BaseFilePath { get; set; } = InteropConfig.GetDefaultStorageFolder();

    public TimeSpan? DefaultRequestTimeout { get; set; }

    public SyncTimeoutOptions SyncTimeoutOptions { get; set; } = new();

    /// <summary>Encrypts what is kept of the users: 64 random bytes that the program keeps.</summary>
    public byte[]? MetadataEncryptionKey
    {
        get => _metadataEncryptionKey;
        set => _metadataEncryptionKey = value is null or { Length: 64 } ? value : throw new FormatException("A key has 64 bytes.");
    }

    /// <summary>Encrypted needs a key; Disabled is refused by App.Create.</summary>
    public MetadataPersistenceMode? MetadataPersistenceMode { get; set; }

    /// <summary>Its proxy is used, with user and password; anything else of it is refused by App.Create.</summary>
    public HttpMessageHandler? HttpClientHandler { get; set; }

    /// <summary>Certificates in PEM that are trusted for https addresses, and no others; null: those of the system.</summary>
    public string? TrustedCertificates { get; set; }

    /// <summary>Sent along with every call: names of small letters, digits, '-' and '_'.</summary>
    public IDictionary<string, string> CustomHeaders { get; } = new Dictionary<string, string>();

    /// <summary>Whether App.Create answers with the App that was made before for the same id.</summary>
    public bool UseAppCache { get; set; } = true;

    /// <summary>Sets the level of all logging; it was never one of the app alone.</summary>
    [Obsolete("Use RealmLogger.SetLogLevel.")]
    public LogLevel LogLevel
    {
        get => RealmLogger.GetLogLevel();
        set => RealmLogger.SetLogLevel(value);
    }

    /// <summary>Takes the place of the default logger.</summary>
    [Obsolete("Use RealmLogger.Default.")]
    public Action<string, LogLevel>? CustomLogger
    {
        get => _customLogger;
        set
        {
            _customLogger = value;
            RealmLogger.Default = value is null ? RealmLogger.Console : RealmLogger.Function((level, _, message) => value(message, level));
        }
    }

    internal NativeHandle CreateNative()
    {
        Directory.CreateDirectory(BaseFilePath);
        var native = new NativeHandle(NativeMethods.atoll_app_config_new(AppId), NativeMethods.atoll_app_config_free);
        var config = native.Value;
        var timeouts = SyncTimeoutOptions;
        var backoff = timeouts.ReconnectBackoffOptions;
        NativeMethods.atoll_app_config_set_base_url(config, BaseUri.OriginalString);
        NativeMethods.atoll_app_config_set_base_path(config, BaseFilePath);
        NativeMethods.atoll_app_config_set_connect_timeout_ms(config, Milliseconds(timeouts.ConnectTimeout));
        NativeMethods.atoll_app_config_set_ping_period_ms(config, Milliseconds(timeouts.PingKeepAlivePeriod));
        NativeMethods.atoll_app_config_set_pong_timeout_ms(config, Milliseconds(timeouts.PongKeepAliveTimeout));
        NativeMethods.atoll_app_config_set_connection_linger_ms(config, Milliseconds(timeouts.ConnectionLingerTime));
        NativeMethods.atoll_app_config_set_reconnect_delay_ms(config, Milliseconds(backoff.ReconnectDelayInterval));
        NativeMethods.atoll_app_config_set_reconnect_delay_max_ms(config, Milliseconds(backoff.MaxReconnectDelayInterval));
        NativeMethods.atoll_app_config_set_reconnect_multiplier(config, backoff.ReconnectDelayBackoffMultiplier);
        NativeMethods.atoll_app_config_set_reconnect_jitter_divisor(config, backoff.DelayJitterDivisor);
        if (DefaultRequestTimeout is { } timeout)
        {
            NativeMethods.atoll_app_config_set_request_timeout_ms(config, Milliseconds(timeout));
        }

        ConfigureNetwork(config);
        return native;
    }

    private void ConfigureNetwork(IntPtr config)
    {
        if (MetadataPersistenceMode == Sync.MetadataPersistenceMode.Disabled)
        {
            throw new NotSupportedException("not supported yet: MetadataPersistenceMode.Disabled");
        }

        if (MetadataEncryptionKey is { } key && MetadataPersistenceMode != Sync.MetadataPersistenceMode.NotEncrypted)
        {
            NativeMethods.atoll_app_config_set_metadata_encryption_key(config, key);
        }
        else if (MetadataPersistenceMode == Sync.MetadataPersistenceMode.Encrypted)
        {
            throw new ArgumentException("MetadataPersistenceMode.Encrypted needs a MetadataEncryptionKey.");
        }

        if (TrustedCertificates is { } pem)
        {
            NativeMethods.atoll_app_config_set_trusted_certificates(config, pem);
        }

        foreach (var (name, value) in CustomHeaders)
        {
            NativeMethods.atoll_app_config_add_header(config, name, value);
        }

        if (ProxyUrl() is { } proxy)
        {
            NativeMethods.atoll_app_config_set_proxy_url(config, proxy);
        }
    }

    private string? ProxyUrl()
    {
        var proxy = HttpClientHandler switch
        {
            null => null,
            System.Net.Http.HttpClientHandler handler => handler.Proxy,
            SocketsHttpHandler handler => handler.Proxy,
            _ => throw new NotSupportedException("not supported yet: an HttpClientHandler that is not one of .NET's own"),
        };
        if (proxy?.GetProxy(BaseUri) is not { } uri)
        {
            return null;
        }

        var given = proxy.Credentials?.GetCredential(uri, "Basic");
        var login = given is null ? "" : $"{Uri.EscapeDataString(given.UserName)}:{Uri.EscapeDataString(given.Password)}@";
        return $"http://{login}{uri.Host}:{uri.Port}";
    }

    private static long Milliseconds(TimeSpan span) => (long)span.TotalMilliseconds;
}
