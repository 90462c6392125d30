using System.Linq;
using Microsoft.CodeAnalysis;

namespace Atoll.Realms.Generator;

/// <summary>The rules for one stored property.</summary>
internal static class PropertyRules
{
    private static readonly string[] NotYetTypes =
    [
        "System.Single", "System.Decimal", "MongoDB.Bson.Decimal128", "Realms.RealmValue",
    ];

    private static readonly string[] NotYetGenerics =
    [
        "System.Collections.Generic.ISet<T>", "System.Collections.Generic.IDictionary<TKey, TValue>",
        "System.Linq.IQueryable<T>", "Realms.RealmInteger<T>",
    ];

    public static bool Has(ISymbol symbol, string attribute)
        => symbol.GetAttributes().Any(item => item.AttributeClass?.Name == attribute
            && item.AttributeClass.ContainingNamespace.ToDisplayString() == "Realms");

    public static bool IsCollection(ITypeSymbol type)
        => type is INamedTypeSymbol { IsGenericType: true } named
            && (Original(named) is "System.Collections.Generic.IList<T>" or "System.Collections.Generic.List<T>"
                || NotYetGenerics.Contains(Original(named)));

    public static Complaint? Check(INamedTypeSymbol owner, IPropertySymbol property)
        => CheckType(owner, property) ?? CheckAttributes(owner, property);

    private static Complaint? CheckType(INamedTypeSymbol owner, IPropertySymbol property)
    {
        var type = property.Type;
        if (type is INamedTypeSymbol { IsGenericType: true } named)
        {
            switch (Original(named))
            {
                case "System.Collections.Generic.List<T>":
                    return Complain(Diagnostics.ListType, owner, property);
                case "System.Collections.Generic.IList<T>" when property.SetMethod is not null:
                    return Complain(Diagnostics.ListSetter, owner, property);
                case "System.Collections.Generic.IList<T>":
                    type = named.TypeArguments[0];
                    break;
            }

            if (NotYetGenerics.Contains(Original(named)))
            {
                return Complain(Diagnostics.NotYet, owner, property, named.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat));
            }
        }

        return CheckValue(owner, property, type);
    }

    private static Complaint? CheckValue(INamedTypeSymbol owner, IPropertySymbol property, ITypeSymbol type)
    {
        var bare = Bare(type);
        var name = FullName(bare);
        var text = type.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat);
        if (name == "System.DateTime")
        {
            return Complain(Diagnostics.DateType, owner, property);
        }

        if (NotYetTypes.Contains(name))
        {
            return Complain(Diagnostics.NotYet, owner, property, text.TrimEnd('?'));
        }

        if (IsModel(bare, "IAsymmetricObject"))
        {
            return Complain(Diagnostics.Asymmetric, owner, property, text.TrimEnd('?'));
        }

        return IsScalar(bare, name) || IsModel(bare, "IRealmObject") || IsModel(bare, "IEmbeddedObject")
            ? null
            : Complain(Diagnostics.OtherType, owner, property, text);
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

            if (!IsScalar(property.Type, name) || name is "System.Byte[]" or "System.Double")
            {
                return Complain(Diagnostics.IndexType, owner, property, text);
            }
        }

        return Has(property, "RequiredAttribute") && name is not ("System.String" or "System.Byte[]") && !IsCollection(property.Type)
            ? Complain(Diagnostics.RequiredType, owner, property, text)
            : null;
    }

    private static Complaint Complain(DiagnosticDescriptor rule, INamedTypeSymbol owner, IPropertySymbol property, params string[] more)
        => Complaint.At(property, rule, [owner.Name, property.Name, .. more]);

    private static bool IsModel(ITypeSymbol type, string name)
        => type is INamedTypeSymbol { TypeKind: TypeKind.Class } && type.AllInterfaces.Any(item =>
            item.Name == name && item.ContainingNamespace.ToDisplayString() == "Realms");

    private static bool IsScalar(ITypeSymbol type, string name)
        => name is "System.Boolean" or "System.Byte" or "System.Int16" or "System.Int32" or "System.Int64" or "System.Char"
            or "System.Double" or "System.String" or "System.Byte[]" or "System.DateTimeOffset" or "System.Guid"
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
