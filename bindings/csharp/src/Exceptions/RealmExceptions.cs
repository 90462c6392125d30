namespace Realms.Exceptions;

/// <summary>The base of what goes wrong in the database.</summary>
public class RealmException : Exception
{
    internal RealmException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

/// <summary>The realm's files cannot be created, opened or read.</summary>
public class RealmFileAccessErrorException : RealmException
{
    internal RealmFileAccessErrorException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

public class RealmPermissionDeniedException : RealmFileAccessErrorException
{
    internal RealmPermissionDeniedException(string message)
        : base(message)
    {
    }
}

public class RealmFileExistsException : RealmFileAccessErrorException
{
    internal RealmFileExistsException(string message)
        : base(message)
    {
    }
}

public class RealmFileNotFoundException : RealmFileAccessErrorException
{
    internal RealmFileNotFoundException(string message)
        : base(message)
    {
    }
}

public class RealmInvalidDatabaseException : RealmFileAccessErrorException
{
    internal RealmInvalidDatabaseException(string message)
        : base(message)
    {
    }
}

public class RealmDecryptionFailedException : RealmFileAccessErrorException
{
    internal RealmDecryptionFailedException(string message)
        : base(message)
    {
    }
}

public class RealmMigrationNeededException : RealmFileAccessErrorException
{
    internal RealmMigrationNeededException(string message)
        : base(message)
    {
    }
}

public class RealmMigrationException : Exception
{
    internal RealmMigrationException(string message)
        : base(message)
    {
    }
}

public class RealmMismatchedConfigException : RealmException
{
    internal RealmMismatchedConfigException(string message)
        : base(message)
    {
    }
}

public class RealmSchemaValidationException : RealmException
{
    internal RealmSchemaValidationException(string message)
        : base(message)
    {
    }
}

public class RealmClassLacksPrimaryKeyException : RealmException
{
    internal RealmClassLacksPrimaryKeyException(string message)
        : base(message)
    {
    }
}

public class RealmDuplicatePrimaryKeyValueException : RealmException
{
    internal RealmDuplicatePrimaryKeyValueException(string message)
        : base(message)
    {
    }
}

public class RealmInvalidTransactionException : RealmException
{
    internal RealmInvalidTransactionException(string message)
        : base(message)
    {
    }
}

public class RealmInvalidObjectException : RealmException
{
    internal RealmInvalidObjectException(string message)
        : base(message)
    {
    }
}

public class RealmObjectManagedByAnotherRealmException : RealmException
{
    internal RealmObjectManagedByAnotherRealmException(string message)
        : base(message)
    {
    }
}

public class RealmFrozenException : RealmException
{
    internal RealmFrozenException(string message)
        : base(message)
    {
    }
}

public class RealmClosedException : RealmException
{
    internal RealmClosedException(string message)
        : base(message)
    {
    }
}

public class RealmInUseException : RealmException
{
    internal RealmInUseException(string message)
        : base(message)
    {
    }
}

public class RealmOutOfMemoryException : RealmException
{
    internal RealmOutOfMemoryException(string message)
        : base(message)
    {
    }
}
