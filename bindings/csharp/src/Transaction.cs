namespace Realms;

/// <summary>How far a transaction is.</summary>
public enum TransactionState
{
    Running,
    Committed,
    RolledBack,
}

/// <summary>An explicit write transaction; disposing one that was not committed rolls it back.</summary>
public class Transaction : IDisposable
{
    private readonly Realm _realm;

    internal Transaction(Realm realm)
    {
        _realm = realm;
        realm.Begin();
    }

    public TransactionState State { get; private set; } = TransactionState.Running;

    public void Dispose()
    {
        if (State == TransactionState.Running)
        {
            Rollback();
        }

        GC.SuppressFinalize(this);
    }

    public void Rollback()
    {
        EnsureRunning("roll back");
        _realm.Rollback();
        State = TransactionState.RolledBack;
    }

    public void Commit()
    {
        EnsureRunning("commit");
        _realm.Commit();
        State = TransactionState.Committed;
    }

    /// <summary>
    /// Commits. With a synchronization context the thread does not wait for the disk: the task ends when the commit is
    /// there. Once it has begun, cancelling ends the wait only.
    /// </summary>
    public async Task CommitAsync(CancellationToken cancellationToken = default)
    {
        EnsureRunning("commit");
        cancellationToken.ThrowIfCancellationRequested();
        if (SynchronizationContext.Current is null)
        {
            Commit();
            return;
        }

        var done = _realm.CommitAsync();
        State = TransactionState.Committed;
        await done.WaitAsync(cancellationToken);
    }

    private void EnsureRunning(string what)
    {
        if (State != TransactionState.Running)
        {
            throw new InvalidOperationException($"Cannot {what}: the transaction was already closed ({State}).");
        }
    }
}
