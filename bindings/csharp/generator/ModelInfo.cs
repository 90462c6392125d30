using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace Atoll.Realms.Generator;

/// <summary>A complaint, kept without the syntax tree so that unchanged files are not generated again.</summary>
internal sealed record Complaint(string Title, string Path, TextSpan Span, LinePositionSpan Lines, EquatableList Arguments)
{
    public static Complaint At(ISymbol symbol, DiagnosticDescriptor rule, params string[] arguments)
    {
        var location = symbol.Locations.First();
        return new Complaint(
            rule.Title.ToString(System.Globalization.CultureInfo.InvariantCulture),
            location.SourceTree?.FilePath ?? "",
            location.SourceSpan,
            location.GetLineSpan().Span,
            new EquatableList(arguments));
    }

    public Diagnostic ToDiagnostic()
        => Diagnostic.Create(
            Rules.Single(rule => rule.Title.ToString(System.Globalization.CultureInfo.InvariantCulture) == Title),
            Location.Create(Path, Span, Lines),
            Arguments.Items.Cast<object>().ToArray());

    private static readonly DiagnosticDescriptor[] Rules = typeof(Diagnostics).GetFields()
        .Select(field => field.GetValue(null)).OfType<DiagnosticDescriptor>().ToArray();
}

/// <summary>Texts that compare one by one.</summary>
internal sealed class EquatableList(IEnumerable<string> items) : IEquatable<EquatableList>
{
    public ImmutableArray<string> Items { get; } = items.ToImmutableArray();

    public bool Equals(EquatableList? other) => other is not null && Items.SequenceEqual(other.Items);

    public override bool Equals(object? obj) => Equals(obj as EquatableList);

    public override int GetHashCode() => Items.Aggregate(17, (hash, item) => (hash * 31) + item.GetHashCode());
}

/// <summary>What the generator needs to know of a model class.</summary>
internal sealed record ModelInfo(
    string Namespace,
    string Name,
    EquatableList Enclosing,
    ModelKind Kind,
    bool Generate,
    bool OwnEquals,
    bool OwnPropertyChanged,
    ComplaintList Complaints);

internal enum ModelKind
{
    Normal,
    Embedded,
    Asymmetric,
}

/// <summary>Complaints that compare one by one.</summary>
internal sealed class ComplaintList(IEnumerable<Complaint> items) : IEquatable<ComplaintList>
{
    public ImmutableArray<Complaint> Items { get; } = items.ToImmutableArray();

    public bool Equals(ComplaintList? other) => other is not null && Items.SequenceEqual(other.Items);

    public override bool Equals(object? obj) => Equals(obj as ComplaintList);

    public override int GetHashCode() => Items.Length;
}
