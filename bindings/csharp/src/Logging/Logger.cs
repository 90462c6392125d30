using System.Text;

namespace Realms.Logging;

public enum LogLevel
{
    All = 0,
    Trace = 1,
    Debug = 2,
    Detail = 3,
    Info = 4,
    Warn = 5,
    Error = 6,
    Fatal = 7,
    Off = 8,
}

/// <summary>What a log line is about; a level set for a category holds for those below it.</summary>
public class LogCategory
{
    private static readonly Dictionary<string, LogCategory> Known = new(StringComparer.Ordinal);

    private protected LogCategory(string name, LogCategory? parent)
    {
        Name = parent is null ? name : $"{parent.Name}.{name}";
        Known[Name] = this;
    }

    public static RealmLogCategory Realm { get; } = new();

    public string Name { get; }

    public override string ToString() => Name;

    /// <summary>The category of that name, or the nearest one above it.</summary>
    internal static LogCategory FromNative(string name)
    {
        for (var text = name; ; text = text[..text.LastIndexOf('.')])
        {
            if (Known.TryGetValue(text, out var category))
            {
                return category;
            }

            if (!text.Contains('.', StringComparison.Ordinal))
            {
                return Realm;
            }
        }
    }

    public class RealmLogCategory : LogCategory
    {
        internal RealmLogCategory()
            : base("Realm", null)
        {
            Storage = new StorageLogCategory(this);
            Sync = new SyncLogCategory(this);
            App = new LogCategory("App", this);
            SDK = new LogCategory("SDK", this);
        }

        public StorageLogCategory Storage { get; }

        public SyncLogCategory Sync { get; }

        public LogCategory App { get; }

        public LogCategory SDK { get; }
    }

    public class StorageLogCategory : LogCategory
    {
        internal StorageLogCategory(LogCategory parent)
            : base("Storage", parent)
        {
            Transaction = new LogCategory("Transaction", this);
            Query = new LogCategory("Query", this);
            Object = new LogCategory("Object", this);
            Notification = new LogCategory("Notification", this);
        }

        public LogCategory Transaction { get; }

        public LogCategory Query { get; }

        public LogCategory Object { get; }

        public LogCategory Notification { get; }
    }

    public class SyncLogCategory : LogCategory
    {
        internal SyncLogCategory(LogCategory parent)
            : base("Sync", parent)
        {
            Client = new ClientLogCategory(this);
            Server = new LogCategory("Server", this);
        }

        public ClientLogCategory Client { get; }

        public LogCategory Server { get; }
    }

    public class ClientLogCategory : LogCategory
    {
        internal ClientLogCategory(LogCategory parent)
            : base("Client", parent)
        {
            Session = new LogCategory("Session", this);
            Changeset = new LogCategory("Changeset", this);
            Network = new LogCategory("Network", this);
            Reset = new LogCategory("Reset", this);
        }

        public LogCategory Session { get; }

        public LogCategory Changeset { get; }

        public LogCategory Network { get; }

        public LogCategory Reset { get; }
    }
}

/// <summary>Receives the log lines of the library.</summary>
public abstract class RealmLogger
{
    private static RealmLogger _default = new ConsoleLogger();

    protected RealmLogger()
    {
    }

    [Obsolete("Use SetLogLevel and GetLogLevel.")]
    public static LogLevel LogLevel
    {
        get => GetLogLevel();
        set => SetLogLevel(value);
    }

    public static RealmLogger Default
    {
        get => _default;
        set => _default = value ?? throw new ArgumentNullException(nameof(value));
    }

    public static RealmLogger Console { get; } = new ConsoleLogger();

    public static RealmLogger Null { get; } = new FunctionLogger((_, _, _) => { });

    public static RealmLogger File(string filePath, Encoding? encoding = null)
        => new FileLogger(filePath, encoding ?? Encoding.UTF8);

    public static RealmLogger Function(Action<string> logFunction)
    {
        ArgumentNullException.ThrowIfNull(logFunction);
        return new FunctionLogger((level, category, message) => logFunction(Format(level, category, message)));
    }

    [Obsolete("Use Function(Action<LogLevel, LogCategory, string>).")]
    public static RealmLogger Function(Action<LogLevel, string> logFunction)
    {
        ArgumentNullException.ThrowIfNull(logFunction);
        return new FunctionLogger((level, _, message) => logFunction(level, message));
    }

    public static RealmLogger Function(Action<LogLevel, LogCategory, string> logFunction)
        => new FunctionLogger(logFunction ?? throw new ArgumentNullException(nameof(logFunction)));

    /// <summary>The core keeps the levels: one set in another language of the same process counts too.</summary>
    public static LogLevel GetLogLevel(LogCategory? category = null)
        => (LogLevel)NativeMethods.atoll_log_category_level((category ?? LogCategory.Realm).Name);

    /// <summary>Sets the level of a category and of all below it; without one, of everything.</summary>
    public static void SetLogLevel(LogLevel level, LogCategory? category = null)
        => NativeMethods.atoll_log_set_category_level((category ?? LogCategory.Realm).Name, (int)level);

    public void Log(LogLevel level, string message) => Log(level, LogCategory.Realm.SDK, message);

    public void Log(LogLevel level, LogCategory category, string message)
    {
        if (level >= GetLogLevel(category) && level != LogLevel.Off)
        {
            LogImpl(level, category, message);
        }
    }

    internal static void Report(LogLevel level, LogCategory category, string message)
    {
        try
        {
            Default.Log(level, category, message);
        }
        catch (Exception error)
        {
            // A logger that fails has nowhere else to say it.
            System.Console.Error.WriteLine($"The logger failed ({error.Message}) on: {message}");
        }
    }

    protected abstract void LogImpl(LogLevel level, LogCategory category, string message);

    private protected static string Format(LogLevel level, LogCategory category, string message)
        => $"{DateTimeOffset.UtcNow:yyyy-MM-dd HH:mm:ss.fff} {level} {category}: {message}";

    private sealed class ConsoleLogger : RealmLogger
    {
        protected override void LogImpl(LogLevel level, LogCategory category, string message)
            => System.Console.WriteLine(Format(level, category, message));
    }

    private sealed class FileLogger(string path, Encoding encoding) : RealmLogger
    {
        private readonly Lock _gate = new();

        protected override void LogImpl(LogLevel level, LogCategory category, string message)
        {
            lock (_gate)
            {
                System.IO.File.AppendAllText(path, Format(level, category, message) + Environment.NewLine, encoding);
            }
        }
    }

    private sealed class FunctionLogger(Action<LogLevel, LogCategory, string> function) : RealmLogger
    {
        protected override void LogImpl(LogLevel level, LogCategory category, string message)
            => function(level, category, message);
    }
}

/// <summary>The older name of <see cref="RealmLogger"/>.</summary>
public abstract class Logger : RealmLogger
{
    protected abstract void LogImpl(LogLevel level, string message);

    protected override void LogImpl(LogLevel level, LogCategory category, string message) => LogImpl(level, message);
}
