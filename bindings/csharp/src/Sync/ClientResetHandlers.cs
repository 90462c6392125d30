using Realms.Sync.Exceptions;

namespace Realms.Sync.ErrorHandling;

/// <summary>
/// What happens when the server cannot go on with a realm: it was restored from a backup, sync was terminated, the realm was
/// away for too long, its folder is a copy. The callbacks are called on a thread of their own; the realms that they are
/// given are theirs only while they run. When one throws, the reset has failed: ManualResetFallback is called.
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

    internal abstract int Mode { get; }

    internal virtual BeforeResetCallback? Before => null;

    internal virtual AfterResetCallback? After(bool recovered) => null;

    internal bool Asks => (Before ?? (object?)After(true) ?? After(false)) is not null;
}

public sealed class DiscardUnsyncedChangesHandler : ClientResetHandlerBase
{
    public BeforeResetCallback? OnBeforeReset { get; set; }

    public AfterResetCallback? OnAfterReset { get; set; }

    public ClientResetCallback? ManualResetFallback { get; set; }

    internal override int Mode => NativeConstants.ResetDiscard;

    internal override BeforeResetCallback? Before => OnBeforeReset;

    internal override AfterResetCallback? After(bool recovered) => OnAfterReset;

    internal override ClientResetCallback? Fallback => ManualResetFallback;
}

public sealed class RecoverUnsyncedChangesHandler : ClientResetHandlerBase
{
    public BeforeResetCallback? OnBeforeReset { get; set; }

    public AfterResetCallback? OnAfterReset { get; set; }

    public ClientResetCallback? ManualResetFallback { get; set; }

    internal override int Mode => NativeConstants.ResetRecover;

    internal override BeforeResetCallback? Before => OnBeforeReset;

    internal override AfterResetCallback? After(bool recovered) => OnAfterReset;

    internal override ClientResetCallback? Fallback => ManualResetFallback;
}

public sealed class RecoverOrDiscardUnsyncedChangesHandler : ClientResetHandlerBase
{
    public BeforeResetCallback? OnBeforeReset { get; set; }

    public AfterResetCallback? OnAfterRecovery { get; set; }

    public AfterResetCallback? OnAfterDiscard { get; set; }

    public ClientResetCallback? ManualResetFallback { get; set; }

    internal override int Mode => NativeConstants.ResetRecoverOrDiscard;

    internal override BeforeResetCallback? Before => OnBeforeReset;

    internal override AfterResetCallback? After(bool recovered) => recovered ? OnAfterRecovery : OnAfterDiscard;

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

    internal override int Mode => NativeConstants.ResetManual;

    internal override ClientResetCallback? Fallback => OnClientReset;
}

/// <summary>The older name of <see cref="DiscardUnsyncedChangesHandler"/>.</summary>
[Obsolete("Use DiscardUnsyncedChangesHandler.")]
public sealed class DiscardLocalResetHandler : ClientResetHandlerBase
{
    public BeforeResetCallback? OnBeforeReset { get; set; }

    public AfterResetCallback? OnAfterReset { get; set; }

    public ClientResetCallback? ManualResetFallback { get; set; }

    internal override int Mode => NativeConstants.ResetDiscard;

    internal override BeforeResetCallback? Before => OnBeforeReset;

    internal override AfterResetCallback? After(bool recovered) => OnAfterReset;

    internal override ClientResetCallback? Fallback => ManualResetFallback;
}
