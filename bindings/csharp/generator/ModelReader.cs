using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Atoll.Realms.Generator;

/// <summary>Reads a class declaration: is it a model, and which rules does it break.</summary>
internal static class ModelReader
{
    private static readonly string[] Interfaces = ["IRealmObject", "IEmbeddedObject", "IAsymmetricObject"];
    private static readonly string[] Bases = ["RealmObject", "EmbeddedObject", "AsymmetricObject"];

    /// <summary>A class in several parts is read once: at the first part that names a base.</summary>
    public static ModelInfo? Read(GeneratorSyntaxContext context, CancellationToken cancellation)
    {
        if (context.SemanticModel.GetDeclaredSymbol(context.Node, cancellation) is not INamedTypeSymbol { IsAbstract: false, IsStatic: false } symbol)
        {
            return null;
        }

        var first = symbol.DeclaringSyntaxReferences
            .Select(reference => reference.GetSyntax(cancellation))
            .OfType<ClassDeclarationSyntax>()
            .First(part => part.BaseList is not null);
        return first == context.Node ? ReadSymbol(symbol) : null;
    }

    private static ModelInfo? ReadSymbol(INamedTypeSymbol symbol)
    {
        var classStyle = System.Array.FindIndex(Bases, name => IsLibraryType(symbol.BaseType, name));
        var interfaces = Interfaces.Where(name => symbol.Interfaces.Any(item => IsLibraryType(item, name))).ToArray();
        if (classStyle < 0 && interfaces.Length == 0)
        {
            return null;
        }

        var kind = (ModelKind)(classStyle >= 0 ? classStyle : System.Array.IndexOf(Interfaces, interfaces[0]));
        var complaints = new List<Complaint>();
        if (classStyle < 0)
        {
            CheckDeclaration(symbol, interfaces.Length, complaints);
        }

        var generate = classStyle < 0 && complaints.Count == 0;
        CheckProperties(symbol, kind, complaints);
        if (classStyle < 0)
        {
            complaints.AddRange(InterfaceRules.Check(symbol, property => IsStored(symbol, property)));
        }

        return new ModelInfo(
            symbol.ContainingNamespace.IsGlobalNamespace ? "" : symbol.ContainingNamespace.ToDisplayString(),
            symbol.Name,
            new EquatableList(EnclosingTypes(symbol).Select(Declare)),
            kind,
            generate,
            symbol.GetMembers("Equals").OfType<IMethodSymbol>().Any(method => method.IsOverride),
            symbol.GetMembers("PropertyChanged").Length > 0,
            new ComplaintList(complaints));
    }

    private static bool IsLibraryType(INamedTypeSymbol? symbol, string name)
        => symbol is not null && symbol.Name == name && symbol.ContainingNamespace.ToDisplayString() == "Realms";

    private static IEnumerable<INamedTypeSymbol> EnclosingTypes(INamedTypeSymbol symbol)
    {
        var types = new Stack<INamedTypeSymbol>();
        for (var at = symbol.ContainingType; at is not null; at = at.ContainingType)
        {
            types.Push(at);
        }

        return types;
    }

    private static string Declare(INamedTypeSymbol type)
    {
        var keyword = type.IsRecord ? type.IsValueType ? "record struct" : "record" : type.IsValueType ? "struct"
            : type.TypeKind == TypeKind.Interface ? "interface" : "class";
        var parameters = type.TypeParameters.Length == 0 ? "" : $"<{string.Join(", ", type.TypeParameters.Select(item => item.Name))}>";
        return $"partial {keyword} {type.Name}{parameters}";
    }

    private static bool IsPartial(INamedTypeSymbol type)
        => type.DeclaringSyntaxReferences.Select(item => item.GetSyntax()).OfType<TypeDeclarationSyntax>()
            .All(item => item.Modifiers.Any(SyntaxKind.PartialKeyword));

    private static void CheckDeclaration(INamedTypeSymbol symbol, int interfaces, List<Complaint> complaints)
    {
        var options = symbol.DeclaringSyntaxReferences[0].SyntaxTree.Options;
        if (options is CSharpParseOptions { LanguageVersion: < LanguageVersion.CSharp8 })
        {
            complaints.Add(Complaint.At(symbol, Diagnostics.OldLanguage, symbol.Name));
        }

        if (interfaces > 1)
        {
            complaints.Add(Complaint.At(symbol, Diagnostics.SeveralInterfaces, symbol.Name));
        }

        if (!IsPartial(symbol))
        {
            complaints.Add(Complaint.At(symbol, Diagnostics.NotPartial, symbol.Name));
        }

        if (symbol.BaseType is { SpecialType: not SpecialType.System_Object })
        {
            complaints.Add(Complaint.At(symbol, Diagnostics.OtherBase, symbol.Name));
        }

        foreach (var outer in EnclosingTypes(symbol).Where(type => !IsPartial(type)))
        {
            complaints.Add(Complaint.At(symbol, Diagnostics.OuterNotPartial, symbol.Name, outer.Name));
        }
    }

    private static void CheckProperties(INamedTypeSymbol symbol, ModelKind kind, List<Complaint> complaints)
    {
        var stored = symbol.GetMembers().OfType<IPropertySymbol>().Where(property => IsStored(symbol, property)).ToArray();
        var keys = stored.Where(property => Has(property, "PrimaryKeyAttribute")).ToArray();
        if (keys.Length > 1)
        {
            complaints.Add(Complaint.At(symbol, Diagnostics.SeveralKeys, symbol.Name));
        }

        if (kind == ModelKind.Embedded && keys.Length > 0)
        {
            complaints.Add(Complaint.At(keys[0], Diagnostics.EmbeddedKey, symbol.Name, keys[0].Name));
        }

        foreach (var property in stored)
        {
            if (PropertyRules.Check(symbol, property) is { } complaint)
            {
                complaints.Add(complaint);
            }
        }
    }

    private static bool IsStored(INamedTypeSymbol type, IPropertySymbol property)
        => !property.IsStatic && !property.IsIndexer && !Has(property, "IgnoredAttribute")
            && type.GetMembers().OfType<IFieldSymbol>().Any(field => SymbolEqualityComparer.Default.Equals(field.AssociatedSymbol, property))
            && (property.SetMethod is not null || PropertyRules.IsCollection(property.Type));

    private static bool Has(ISymbol symbol, string attribute) => PropertyRules.Has(symbol, attribute);
}
