using System.Collections.Specialized;
using System.ComponentModel;
using Realms.Schema;

namespace Realms;

/// <summary>A live collection of a realm.</summary>
public interface IRealmCollection<out T> : IReadOnlyList<T>, INotifyCollectionChanged, INotifyPropertyChanged
{
    bool IsValid { get; }

    Realm Realm { get; }

    ObjectSchema? ObjectSchema { get; }

    bool IsFrozen { get; }

    int IndexOf(object? item);

    bool Contains(object? item);

    IRealmCollection<T> Freeze();

    IDisposable SubscribeForNotifications(NotificationCallbackDelegate<T> callback, KeyPathsCollection? keyPathCollection = null);
}

/// <summary>Names the properties whose changes count; only all of them is supported yet.</summary>
public class KeyPathsCollection
{
    private KeyPathsCollection(bool full) => IsFull = full;

    public static KeyPathsCollection Full { get; } = new(true);

    public static KeyPathsCollection Shallow { get; } = new(false);

    internal bool IsFull { get; }

    internal static void Check(KeyPathsCollection? paths)
    {
        if (paths is { IsFull: false })
        {
            throw new NotSupportedException("not supported yet: key paths in notifications");
        }
    }
}
