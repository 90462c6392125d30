using Realms.Sync.Exceptions;

namespace Realms.Sync.ErrorHandling;

/// <summary>
/// What happens when a realm cannot go on syncing. A reset itself is not supported yet: the session stops, reports a
/// ClientResetException (to a ManualRecoveryHandler if there is one), and the realm stays usable offline with all that it
/// has. Opening a realm with a handler of another kind throws NotSupportedException.
/// </summary>
public abstract class ClientResetHandlerBase
{
    internal ClientResetHandlerBase()
    {
    }

    public delegate void ClientResetCallback(ClientResetException clientResetException);

    public delegate void BeforeResetCallback(Realm beforeFrozen);

    public delegate void AfterResetCallback(Realm beforeFrozen, Realm after);

    internal virtual ClientResetCallback? Fallback => null;
}

public sealed class DiscardUnsyncedChangesHandler : ClientResetHandlerBase
{
    public BeforeResetCallback? OnBeforeReset { get; set; }

    public AfterResetCallback? OnAfterReset { get; set; }

    public ClientResetCallback? ManualResetFallback { get; set; }

    internal override ClientResetCallback? Fallback => ManualResetFallback;
}

public sealed class RecoverUnsyncedChangesHandler : ClientResetHandlerBase
{
    public BeforeResetCallback? OnBeforeReset { get; set; }

    public AfterResetCallback? OnAfterReset { get; set; }

    public ClientResetCallback? ManualResetFallback { get; set; }

    internal override ClientResetCallback? Fallback => ManualResetFallback;
}

public sealed class RecoverOrDiscardUnsyncedChangesHandler : ClientResetHandlerBase
{
    public BeforeResetCallback? OnBeforeReset { get; set; }

    public AfterResetCallback? OnAfterRecovery { get; set; }

    public AfterResetCallback? OnAfterDiscard { get; set; }

    public ClientResetCallback? ManualResetFallback { get; set; }

    internal bool HasCallbacks => (OnBeforeReset ?? (object?)OnAfterRecovery ?? OnAfterDiscard ?? (object?)ManualResetFallback) is not null;

    internal override ClientResetCallback? Fallback => ManualResetFallback;
}

public sealed class ManualRecoveryHandler : ClientResetHandlerBase
{
    /// <summary>A handler that does nothing: the reset is only an error of the session.</summary>
    [Obsolete("Use the constructor with a callback.")]
    public ManualRecoveryHandler()
        : this(_ => { })
    {
    }

    public ManualRecoveryHandler(ClientResetCallback onClientReset)
        => OnClientReset = onClientReset ?? throw new ArgumentNullException(nameof(onClientReset));

    public ClientResetCallback OnClientReset { get; }

    internal override ClientResetCallback? Fallback => OnClientReset;
}

/// <summary>The older name of <see cref="DiscardUnsyncedChangesHandler"/>.</summary>
[Obsolete("Use DiscardUnsyncedChangesHandler.")]
public sealed class DiscardLocalResetHandler : ClientResetHandlerBase
{
    public BeforeResetCallback? OnBeforeReset { get; set; }

    public AfterResetCallback? OnAfterReset { get; set; }

    public ClientResetCallback? ManualResetFallback { get; set; }

    internal override ClientResetCallback? Fallback => ManualResetFallback;
}
