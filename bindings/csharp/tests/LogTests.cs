using Realms.Logging;

namespace Realms.Tests;

/// <summary>Levels of the log, which the core keeps for each category.</summary>
[Native]
public class LogTests
{
    [Test]
    public void LevelsAreKeptByCategory()
    {
        var before = RealmLogger.GetLogLevel(LogCategory.Realm.Sync);
        var seen = new List<string>();
        var logger = RealmLogger.Function((level, category, message) => seen.Add($"{level} {category} {message}"));
        try
        {
            RealmLogger.SetLogLevel(LogLevel.Debug, LogCategory.Realm.Sync);
            Check.Equal(LogLevel.Debug, RealmLogger.GetLogLevel(LogCategory.Realm.Sync.Client.Session));
            Check.True(RealmLogger.GetLogLevel(LogCategory.Realm.Storage) != LogLevel.Debug, "others stay");
            RealmLogger.SetLogLevel(LogLevel.Off, LogCategory.Realm.Sync.Server);
            Check.Equal(LogLevel.Debug, RealmLogger.GetLogLevel(LogCategory.Realm.Sync.Client.Network));
            logger.Log(LogLevel.Debug, LogCategory.Realm.Sync.Client.Network, "told");
            logger.Log(LogLevel.Fatal, LogCategory.Realm.Sync.Server, "silent");
            logger.Log(LogLevel.Trace, LogCategory.Realm.Sync, "below");
            Check.Sequence(["Debug Realm.Sync.Client.Network told"], seen);
        }
        finally
        {
            RealmLogger.SetLogLevel(before, LogCategory.Realm.Sync);
        }
    }
}
