namespace Realms;

/// <summary>What changed in a dictionary, by its keys.</summary>
public class DictionaryChangeSet
{
    internal DictionaryChangeSet(EventData data)
    {
        DeletedKeys = data.Keys(NativeConstants.ChangeDeletions);
        InsertedKeys = data.Keys(NativeConstants.ChangeInsertions);
        ModifiedKeys = data.Keys(NativeConstants.ChangeModifications);
    }

    public string[] DeletedKeys { get; }

    public string[] InsertedKeys { get; }

    public string[] ModifiedKeys { get; }
}

/// <summary>Called with null changes at first, then after each change.</summary>
public delegate void DictionaryNotificationCallbackDelegate<T>(IDictionary<string, T> sender, DictionaryChangeSet? changes);
