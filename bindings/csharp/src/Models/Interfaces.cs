using Realms.Schema;
using System.ComponentModel;

namespace Realms;

/// <summary>What every stored object can say about itself.</summary>
public interface IRealmObjectBase : ISettableManagedAccessor
{
    IRealmAccessor Accessor { get; }

    bool IsManaged { get; }

    bool IsValid { get; }

    bool IsFrozen { get; }

    Realm? Realm { get; }

    ObjectSchema? ObjectSchema { get; }

    DynamicObjectApi DynamicApi { get; }

    int BacklinksCount { get; }
}

/// <summary>A stand-alone object: it can be queried, linked to and observed.</summary>
public interface IRealmObject : IRealmObjectBase
{
}

/// <summary>An object that lives in exactly one parent.</summary>
public interface IEmbeddedObject : IRealmObjectBase
{
    IRealmObjectBase? Parent { get; }
}

/// <summary>
/// An object that is only sent: it leaves the device once the server has it, and can be neither queried nor read after
/// the write that added it. It is deliberately no <see cref="IRealmObject"/>, so that queries of it do not compile.
/// </summary>
public interface IAsymmetricObject : IRealmObjectBase
{
}

/// <summary>Lets the library turn an object of the program's own into a stored one.</summary>
public interface ISettableManagedAccessor
{
    [EditorBrowsable(EditorBrowsableState.Never)]
    void SetManagedAccessor(IRealmAccessor accessor, IRealmObjectHelper? helper = null, bool update = false, bool skipDefaults = false);
}

/// <summary>Kept for source compatibility: models need no helper here.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public interface IRealmObjectHelper
{
}
