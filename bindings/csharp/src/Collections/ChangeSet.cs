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
        IsCleared = data.IsCleared || data.IsDeleted;
        Moves = [.. data.Indices(NativeConstants.ChangeMovesFrom).Zip(
            data.Indices(NativeConstants.ChangeMovesTo), (from, to) => new Move(from, to))];
    }

    public int[] InsertedIndices { get; }

    public int[] ModifiedIndices { get; }

    public int[] NewModifiedIndices { get; }

    public int[] DeletedIndices { get; }

    /// <summary>What moved; each is among the deletions and the insertions too.</summary>
    public Move[] Moves { get; }

    /// <summary>Whether everything that was there is gone and nothing came instead.</summary>
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
