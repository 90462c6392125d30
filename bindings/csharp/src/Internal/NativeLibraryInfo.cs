using System.Runtime.CompilerServices;
using Realms.Exceptions;

namespace Realms;

/// <summary>Ties the native library to the library's exceptions, before the first native call.</summary>
internal static class NativeLibraryInfo
{
#pragma warning disable CA2255 // The factory must be in place before any call, whichever class is touched first.
    [ModuleInitializer]
    internal static void Initialize()
    {
        try
        {
            NativeError.Factory = ToException;
        }
        catch (TypeInitializationException)
        {
            // Without the native library models and schemas work still; the first native call says what is missing.
        }
    }
#pragma warning restore CA2255

    /// <summary>The exception for what an event says went wrong.</summary>
    internal static Exception FromEvent(EventData data) => ToException(data.Status, data.Message, false);

    internal static Exception ToException(int status, string message, bool retryable) => status switch
    {
        NativeStatus.InvalidArgument => new ArgumentException(message),
        NativeStatus.Frozen => new RealmFrozenException(message),
        NativeStatus.Closed => new RealmClosedException(message),
        NativeStatus.NotSupported => new NotSupportedException(message),
        NativeStatus.OutOfRange => new ArgumentOutOfRangeException(null, message),
        NativeStatus.SchemaInvalid => new RealmSchemaValidationException(message),
        NativeStatus.SchemaMismatch or NativeStatus.MigrationRequired => new RealmMigrationNeededException(message),
        NativeStatus.UnknownClass => new ArgumentException(message),
        NativeStatus.UnknownProperty => new MissingMemberException(message),
        NativeStatus.TypeMismatch => new ArgumentException(message),
        NativeStatus.NullNotAllowed => new ArgumentException(message),
        NativeStatus.DuplicatePrimaryKey => new RealmDuplicatePrimaryKeyValueException(message),
        NativeStatus.NoPrimaryKey => new RealmClassLacksPrimaryKeyException(message),
        NativeStatus.ObjectInvalid => new RealmInvalidObjectException(message),
        NativeStatus.NoTransaction => new RealmInvalidTransactionException(message),
        NativeStatus.TransactionActive => new RealmInvalidTransactionException(message),
        NativeStatus.WrongRealm => new RealmObjectManagedByAnotherRealmException(message),
        NativeStatus.PrimaryKeyImmutable => new InvalidOperationException(message),
        NativeStatus.Asymmetric => new RealmInvalidObjectException(message),
        NativeStatus.QuerySyntax or NativeStatus.QueryType or NativeStatus.QueryArgument
            => new ArgumentException(message),
        NativeStatus.FileAccess => new RealmFileAccessErrorException(message),
        NativeStatus.FileNotRealm or NativeStatus.FileNewerFormat or NativeStatus.FileCorrupt or NativeStatus.WrongKey
            => new RealmInvalidDatabaseException(message),
        NativeStatus.FileInUse => new RealmInUseException(message),
        NativeStatus.DiskFull => new RealmFileAccessErrorException(message),
        NativeStatus.FileNotFound => new RealmFileNotFoundException(message),
        NativeStatus.FileExists => new RealmFileExistsException(message),
        NativeStatus.MismatchedConfig => new RealmMismatchedConfigException(message),
        NativeStatus.FilePermission => new RealmPermissionDeniedException(message),
        NativeStatus.OutOfMemory => new RealmOutOfMemoryException(message),
        >= 700 and < 800 => new Sync.Exceptions.AppException(message, status),
        _ => new RealmException(message),
    };
}
