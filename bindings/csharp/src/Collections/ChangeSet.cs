namespace Realms;

/// <summary>
/// What changed in a collection. Apply deletions from the end, then insertions, then modifications by their new indices.
/// </summary>
public class ChangeSet
{
    internal ChangeSet(EventData data)
    {
        InsertedIndices = data.Indices(NativeConstants.ChangeInsertions);
        ModifiedIndices = data.Indices(NativeConstants.ChangeModifications);
        NewModifiedIndices = data.Indices(NativeConstants.ChangeModificationsNew);
        DeletedIndices = data.Indices(NativeConstants.ChangeDeletions);
        IsCleared = data.IsDeleted;
    }

    public int[] InsertedIndices { get; }

    public int[] ModifiedIndices { get; }

    public int[] NewModifiedIndices { get; }

    public int[] DeletedIndices { get; }

    /// <summary>Moves are reported as a deletion and an insertion for now.</summary>
    public Move[] Moves => [];

    public bool IsCleared { get; }

    public readonly struct Move
    {
        internal Move(int from, int to)
        {
            From = from;
            To = to;
        }

        public int From { get; }

        public int To { get; }
    }
}

/// <summary>Called with null changes at first, then after each change.</summary>
public delegate void NotificationCallbackDelegate<in T>(IRealmCollection<T> sender, ChangeSet? changes);
