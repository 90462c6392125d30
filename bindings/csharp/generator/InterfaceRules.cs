using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Atoll.Realms.Generator;

/// <summary>The rules that only models in interface style have: their annotations say what may be null, and collections are the
/// realm's alone. Where annotations are off they say nothing, and nothing is asked of them.</summary>
internal static class InterfaceRules
{
    public static IEnumerable<Complaint> Check(INamedTypeSymbol owner, Func<IPropertySymbol, bool> isStored)
    {
        foreach (var property in owner.GetMembers().OfType<IPropertySymbol>().Where(item => !item.IsStatic && !item.IsIndexer))
        {
            var complaint = isStored(property) ? CheckStored(owner, property) : CheckLeftOut(owner, property);
            if (complaint is not null)
            {
                yield return complaint;
            }
        }

        foreach (var (property, at) in Assigned(owner, isStored))
        {
            yield return Complaint.At(at, Diagnostics.ListAssigned, owner.Name, property.Name);
        }
    }

    private static Complaint? CheckStored(INamedTypeSymbol owner, IPropertySymbol property)
    {
        if (PropertyRules.Has(property, "RequiredAttribute") && property.Type.NullableAnnotation != NullableAnnotation.None
            && property.Type.IsReferenceType)
        {
            return Complaint.At(property, Diagnostics.RequiredAnnotated, owner.Name, property.Name);
        }

        if (WrongNullability(property.Type) is { } wrong)
        {
            var text = property.Type.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat);
            return Complaint.At(property, Diagnostics.Nullability, owner.Name, property.Name, text, wrong);
        }

        return PropertyRules.IsCollection(property.Type) && Declaration(property)?.Initializer is { } initializer
            && !IsNothing(initializer.Value)
            ? Complaint.At(property, Diagnostics.ListInitializer, owner.Name, property.Name)
            : null;
    }

    private static Complaint? CheckLeftOut(INamedTypeSymbol owner, IPropertySymbol property)
        => IsLink(property.Type) && !PropertyRules.Has(property, "IgnoredAttribute") && property.ExplicitInterfaceImplementations.IsEmpty
            ? Complaint.At(property, Diagnostics.LinkNotStored, owner.Name, property.Name, property.Type.Name)
            : null;

    private static string? WrongNullability(ITypeSymbol type)
    {
        if (!PropertyRules.IsCollection(type))
        {
            return IsLink(type) && type.NullableAnnotation == NullableAnnotation.NotAnnotated
                ? "a link can always be null, when its object is deleted, and takes a question mark"
                : null;
        }

        if (type.NullableAnnotation == NullableAnnotation.Annotated)
        {
            return "a collection is never null, it is empty, and takes no question mark";
        }

        var named = (INamedTypeSymbol)type;
        var element = named.TypeArguments[named.TypeArguments.Length - 1];
        if (!IsLink(element))
        {
            return null;
        }

        var isDictionary = named.TypeArguments.Length == 2;
        return isDictionary && element.NullableAnnotation == NullableAnnotation.NotAnnotated
            ? "the objects of a dictionary can be null, when they are deleted, and take a question mark"
            : !isDictionary && element.NullableAnnotation == NullableAnnotation.Annotated
            ? "the objects of a collection are never null and take no question mark"
            : null;
    }

    private static bool IsLink(ITypeSymbol type)
        => PropertyRules.IsModel(type, "IRealmObject") || PropertyRules.IsModel(type, "IEmbeddedObject");

    private static PropertyDeclarationSyntax? Declaration(IPropertySymbol property)
        => property.DeclaringSyntaxReferences.Select(item => item.GetSyntax()).OfType<PropertyDeclarationSyntax>().FirstOrDefault();

    /// <summary>null, null!, default or default!.</summary>
    private static bool IsNothing(ExpressionSyntax value)
        => value is PostfixUnaryExpressionSyntax { RawKind: (int)SyntaxKind.SuppressNullableWarningExpression } suppressed
            ? IsNothing(suppressed.Operand)
            : value.IsKind(SyntaxKind.NullLiteralExpression) || value.IsKind(SyntaxKind.DefaultLiteralExpression);

    /// <summary>The collections that a constructor of the class sets, with the constructor.</summary>
    private static IEnumerable<(IPropertySymbol Property, ISymbol At)> Assigned(INamedTypeSymbol owner, Func<IPropertySymbol, bool> isStored)
    {
        foreach (var constructor in owner.InstanceConstructors)
        {
            var assignments = constructor.DeclaringSyntaxReferences.SelectMany(item => item.GetSyntax().DescendantNodes())
                .OfType<AssignmentExpressionSyntax>().Where(item => !IsNothing(item.Right));
            foreach (var assignment in assignments)
            {
                var name = assignment.Left is MemberAccessExpressionSyntax { Expression: ThisExpressionSyntax } member
                    ? member.Name.Identifier.Text
                    : (assignment.Left as IdentifierNameSyntax)?.Identifier.Text;
                var property = name is null ? null : owner.GetMembers(name).OfType<IPropertySymbol>().FirstOrDefault();
                if (property is not null && PropertyRules.IsCollection(property.Type) && isStored(property))
                {
                    yield return (property, constructor);
                }
            }
        }
    }
}
