using System.Linq;
using Microsoft.CodeAnalysis;

namespace Atoll.Realms.Generator;

/// <summary>The rules for one stored property.</summary>
internal static class PropertyRules
{
    private const string List = "System.Collections.Generic.IList<T>";
    private const string Set = "System.Collections.Generic.ISet<T>";
    private const string Dictionary = "System.Collections.Generic.IDictionary<TKey, TValue>";
    private const string Query = "System.Linq.IQueryable<T>";
    private const string Counter = "Realms.RealmInteger<T>";
    private const string AnyValue = "Realms.RealmValue";

    /// <summary>Classes that are often written where their interface is meant.</summary>
    private static readonly string[] Concrete =
    [
        "System.Collections.Generic.List<T>", "System.Collections.Generic.HashSet<T>",
        "System.Collections.Generic.Dictionary<TKey, TValue>",
    ];

    public static bool Has(ISymbol symbol, string attribute)
        => symbol.GetAttributes().Any(item => item.AttributeClass?.Name == attribute
            && item.AttributeClass.ContainingNamespace.ToDisplayString() == "Realms");

    public static bool IsCollection(ITypeSymbol type)
        => type is INamedTypeSymbol { IsGenericType: true } named
            && (Original(named) is List or Set or Dictionary or Query || Concrete.Contains(Original(named)));

    public static Complaint? Check(INamedTypeSymbol owner, IPropertySymbol property)
        => CheckType(owner, property) ?? CheckAttributes(owner, property);

    private static Complaint? CheckType(INamedTypeSymbol owner, IPropertySymbol property)
    {
        if (property.Type is not INamedTypeSymbol { IsGenericType: true } named)
        {
            return Has(property, "BacklinkAttribute")
                ? Complain(Diagnostics.BacklinkType, owner, property)
                : CheckValue(owner, property, property.Type);
        }

        if (Concrete.Contains(Original(named)))
        {
            return Complain(Diagnostics.ListType, owner, property, named.Name);
        }

        return Original(named) switch
        {
            List or Set or Dictionary or Query => CheckCollection(owner, property, named),
            Counter => CheckCounter(owner, property, named),
            _ => CheckValue(owner, property, property.Type),
        };
    }

    private static Complaint? CheckCollection(INamedTypeSymbol owner, IPropertySymbol property, INamedTypeSymbol type)
    {
        var element = type.TypeArguments[type.TypeArguments.Length - 1];
        var isQuery = Original(type) == Query;
        if (Has(property, "BacklinkAttribute") != isQuery)
        {
            return Complain(isQuery ? Diagnostics.QueryType : Diagnostics.BacklinkType, owner, property);
        }

        if (property.SetMethod is not null)
        {
            return Complain(isQuery ? Diagnostics.BacklinkSetter : Diagnostics.ListSetter, owner, property);
        }

        if (isQuery)
        {
            return CheckBacklink(owner, property, element);
        }

        if (Original(type) == Dictionary && type.TypeArguments[0].SpecialType != SpecialType.System_String)
        {
            return Complain(Diagnostics.DictionaryKey, owner, property);
        }

        if (Original(type) == Set && IsModel(element, "IEmbeddedObject"))
        {
            return Complain(Diagnostics.EmbeddedSet, owner, property);
        }

        return Bare(element) is INamedTypeSymbol { IsGenericType: true } counter && Original(counter) == Counter
            ? Complain(Diagnostics.CounterCollection, owner, property)
            : CheckValue(owner, property, element);
    }

    /// <summary>The attribute names a link, or a collection of links, to the class that has it.</summary>
    private static Complaint? CheckBacklink(INamedTypeSymbol owner, IPropertySymbol property, ITypeSymbol origin)
    {
        var name = property.GetAttributes().First(item => item.AttributeClass?.Name == "BacklinkAttribute")
            .ConstructorArguments.FirstOrDefault().Value as string ?? "";
        var link = origin.GetMembers(name).OfType<IPropertySymbol>().FirstOrDefault()?.Type;
        if (link is INamedTypeSymbol { IsGenericType: true } many)
        {
            link = many.TypeArguments[many.TypeArguments.Length - 1];
        }

        return SymbolEqualityComparer.Default.Equals(link, owner)
            ? null
            : Complain(Diagnostics.BacklinkTarget, owner, property, name, origin.Name);
    }

    private static Complaint? CheckCounter(INamedTypeSymbol owner, IPropertySymbol property, INamedTypeSymbol type)
        => FullName(type.TypeArguments[0]) is "System.Byte" or "System.Int16" or "System.Int32" or "System.Int64"
            ? null
            : Complain(Diagnostics.CounterType, owner, property, type.TypeArguments[0].Name);

    private static Complaint? CheckValue(INamedTypeSymbol owner, IPropertySymbol property, ITypeSymbol type)
    {
        var bare = Bare(type);
        var name = FullName(bare);
        var text = type.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat);
        if (name == "System.DateTime")
        {
            return Complain(Diagnostics.DateType, owner, property);
        }

        if (name == AnyValue)
        {
            return SymbolEqualityComparer.Default.Equals(type, bare) ? null : Complain(Diagnostics.Nullability, owner, property, text, "a RealmValue can be null by itself and takes no question mark");
        }

        if (bare is INamedTypeSymbol { IsGenericType: true } counter && Original(counter) == Counter)
        {
            return CheckCounter(owner, property, counter);
        }

        if (IsModel(bare, "IAsymmetricObject"))
        {
            return Complain(Diagnostics.Asymmetric, owner, property, text.TrimEnd('?'));
        }

        return IsScalar(bare, name) || IsModel(bare, "IRealmObject") || IsModel(bare, "IEmbeddedObject")
            ? null
            : Complain(IsCollection(property.Type) ? Diagnostics.ElementType : Diagnostics.OtherType, owner, property, text);
    }

    private static Complaint? CheckAttributes(INamedTypeSymbol owner, IPropertySymbol property)
    {
        var name = FullName(Bare(property.Type));
        var text = property.Type.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat);
        var isKey = Has(property, "PrimaryKeyAttribute");
        if (isKey && name is not ("System.Byte" or "System.Char" or "System.Int16" or "System.Int32" or "System.Int64"
            or "System.String" or "MongoDB.Bson.ObjectId" or "System.Guid"))
        {
            return Complain(Diagnostics.KeyType, owner, property, text);
        }

        if (Has(property, "IndexedAttribute"))
        {
            if (isKey)
            {
                return Complain(Diagnostics.IndexedKey, owner, property);
            }

            var isText = property.GetAttributes().First(item => item.AttributeClass?.Name == "IndexedAttribute")
                .ConstructorArguments.FirstOrDefault().Value is 2;
            if (isText ? name != "System.String" : !CanBeIndexed(property.Type, name))
            {
                return Complain(Diagnostics.IndexType, owner, property, text);
            }
        }

        return Has(property, "RequiredAttribute") && name is not ("System.String" or "System.Byte[]") && !IsCollection(property.Type)
            ? Complain(Diagnostics.RequiredType, owner, property, text)
            : null;
    }

    private static bool CanBeIndexed(ITypeSymbol type, string name)
        => name == AnyValue || name == "Realms.RealmInteger`1"
            || (IsScalar(type, name) && name is not ("System.Byte[]" or "System.Single" or "System.Double" or "System.Decimal"
                or "MongoDB.Bson.Decimal128"));

    private static Complaint Complain(DiagnosticDescriptor rule, INamedTypeSymbol owner, IPropertySymbol property, params string[] more)
        => Complaint.At(property, rule, [owner.Name, property.Name, .. more]);

    public static bool IsModel(ITypeSymbol type, string name)
        => type is INamedTypeSymbol { TypeKind: TypeKind.Class } && type.AllInterfaces.Any(item =>
            item.Name == name && item.ContainingNamespace.ToDisplayString() == "Realms");

    private static bool IsScalar(ITypeSymbol type, string name)
        => name is "System.Boolean" or "System.Byte" or "System.Int16" or "System.Int32" or "System.Int64" or "System.Char"
            or "System.Double" or "System.Single" or "System.Decimal" or "MongoDB.Bson.Decimal128" or "System.String" or "System.Byte[]" or "System.DateTimeOffset" or "System.Guid"
            or "MongoDB.Bson.ObjectId" && type.TypeKind != TypeKind.Error;

    private static ITypeSymbol Bare(ITypeSymbol type)
        => type is INamedTypeSymbol { OriginalDefinition.SpecialType: SpecialType.System_Nullable_T } optional
            ? optional.TypeArguments[0]
            : type;

    private static string Original(INamedTypeSymbol type) => type.OriginalDefinition.ToDisplayString();

    private static string FullName(ITypeSymbol type)
        => type is IArrayTypeSymbol { Rank: 1 } array
            ? FullName(array.ElementType) + "[]"
            : $"{type.ContainingNamespace?.ToDisplayString()}.{type.MetadataName}";
}
