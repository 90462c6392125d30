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

    /// <summary>Commits on the calling thread; the task has ended when it is returned.</summary>
    public Task CommitAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled(cancellationToken);
        }

        Commit();
        return Task.CompletedTask;
    }

    private void EnsureRunning(string what)
    {
        if (State != TransactionState.Running)
        {
            throw new InvalidOperationException($"Cannot {what}: the transaction was already closed ({State}).");
        }
    }
}
