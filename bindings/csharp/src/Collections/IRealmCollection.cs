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
