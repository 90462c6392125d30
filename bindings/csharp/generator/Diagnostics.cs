using Microsoft.CodeAnalysis;

namespace Atoll.Realms.Generator;

/// <summary>The rules of model classes, under the numbers that they have had in Realm .NET.</summary>
internal static class Diagnostics
{
    public static readonly DiagnosticDescriptor SeveralInterfaces = Rule(
        "RLM002", "Only one base interface", "Class {0} can implement only one of IRealmObject, IEmbeddedObject and IAsymmetricObject.");

    public static readonly DiagnosticDescriptor NotPartial = Rule(
        "RLM003", "Model class must be partial", "Class {0} must be declared partial: the rest of it is generated.");

    public static readonly DiagnosticDescriptor OtherBase = Rule(
        "RLM004", "Model class with another base", "Class {0} cannot have a base class other than object.");

    public static readonly DiagnosticDescriptor SeveralKeys = Rule(
        "RLM005", "Several primary keys", "Class {0} has more than one property marked with [PrimaryKey].");

    public static readonly DiagnosticDescriptor EmbeddedKey = Rule(
        "RLM006", "Embedded class with a primary key", "Class {0} is embedded and cannot have a primary key, but {1} is marked with [PrimaryKey].");

    public static readonly DiagnosticDescriptor IndexType = Rule(
        "RLM007", "Property cannot be indexed", "{0}.{1} is marked with [Indexed], which its type {2} does not allow.");

    public static readonly DiagnosticDescriptor RequiredType = Rule(
        "RLM008", "[Required] on a wrong type", "{0}.{1} is marked with [Required], which only string and byte[] can be, not {2}.");

    public static readonly DiagnosticDescriptor RequiredAnnotated = Rule(
        "RLM009", "[Required] beside nullable annotations", "{0}.{1} is marked with [Required], but its annotation says already whether it can be null: remove [Required].");

    public static readonly DiagnosticDescriptor KeyType = Rule(
        "RLM011", "Wrong type of primary key", "{0}.{1} is marked with [PrimaryKey], which a property of type {2} cannot be.");

    public static readonly DiagnosticDescriptor ElementType = Rule(
        "RLM018", "Collection of a type that cannot be stored", "{0}.{1} is a collection of {2}, which cannot be stored.");

    public static readonly DiagnosticDescriptor ListSetter = Rule(
        "RLM019", "Collection with a setter", "{0}.{1} is a collection and cannot have a setter: change its elements instead.");

    public static readonly DiagnosticDescriptor Nullability = Rule(
        "RLM010", "Wrong nullability", "{0}.{1} is a {2}: {3}.");

    public static readonly DiagnosticDescriptor BacklinkType = Rule(
        "RLM012", "Backlink of a wrong type", "{0}.{1} is marked with [Backlink] and must be an IQueryable<T>.");

    public static readonly DiagnosticDescriptor BacklinkSetter = Rule(
        "RLM013", "Backlink with a setter", "{0}.{1} is marked with [Backlink] and cannot have a setter.");

    public static readonly DiagnosticDescriptor BacklinkTarget = Rule(
        "RLM014", "Backlink without its link", "{0}.{1} is the backlink of {3}.{2}, which is no link to {0}.");

    public static readonly DiagnosticDescriptor QueryType = Rule(
        "RLM015", "IQueryable without [Backlink]", "{0}.{1} is an IQueryable, which can be used with [Backlink] only.");

    public static readonly DiagnosticDescriptor CounterType = Rule(
        "RLM016", "RealmInteger of a wrong type", "{0}.{1} is a RealmInteger of {2}, which can be of byte, short, int or long only.");

    public static readonly DiagnosticDescriptor CounterCollection = Rule(
        "RLM017", "Collection of RealmInteger", "{0}.{1} is a collection of RealmInteger, which cannot be stored.");

    public static readonly DiagnosticDescriptor DictionaryKey = Rule(
        "RLM020", "Dictionary without string keys", "{0}.{1} is a dictionary, whose keys must be strings.");

    public static readonly DiagnosticDescriptor EmbeddedSet = Rule(
        "RLM021", "Set of embedded objects", "{0}.{1} is a set of embedded objects, which cannot be stored: use a list.");

    public static readonly DiagnosticDescriptor ListType = Rule(
        "RLM022", "Class instead of its interface", "{0}.{1} is declared as {2} but only I{2} can be stored.");

    public static readonly DiagnosticDescriptor DateType = Rule(
        "RLM023", "DateTime instead of DateTimeOffset", "{0}.{1} is a DateTime, which cannot be stored: use DateTimeOffset.");

    public static readonly DiagnosticDescriptor OtherType = Rule(
        "RLM024", "Type cannot be stored", "{0}.{1} is of type {2}, which cannot be stored.");

    public static readonly DiagnosticDescriptor Asymmetric = Rule(
        "RLM024", "Asymmetric property", "{0}.{1} is of the asymmetric class {2}, which no class can hold.");

    public static readonly DiagnosticDescriptor LinkNotStored = Rule(
        "RLM025", "Link that is not stored", "{0}.{1} is of the model class {2} but no automatic property, so that it is not stored.", DiagnosticSeverity.Warning);

    public static readonly DiagnosticDescriptor OuterNotPartial = Rule(
        "RLM027", "Enclosing class must be partial", "Class {0} is nested, so that its enclosing class {1} must be partial too.");

    public static readonly DiagnosticDescriptor IndexedKey = Rule(
        "RLM028", "[Indexed] on a primary key", "{0}.{1} is the primary key, which always has an index: remove [Indexed].");

    public static readonly DiagnosticDescriptor ListInitializer = Rule(
        "RLM029", "Collection with an initializer", "{0}.{1} is a collection and can be initialized with null! only: the realm makes it.");

    public static readonly DiagnosticDescriptor ListAssigned = Rule(
        "RLM030", "Collection assigned in a constructor", "{0}.{1} is a collection, which a constructor can initialize with null! only: the realm makes it.");

    public static readonly DiagnosticDescriptor OldLanguage = Rule(
        "RLM100", "C# is too old", "Class {0} needs C# 8 or newer: set LangVersion in the project.");

    private static DiagnosticDescriptor Rule(string id, string title, string message, DiagnosticSeverity severity = DiagnosticSeverity.Error)
        => new(id, title, message, "Atoll.Realms", severity, true);
}
