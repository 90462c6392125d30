using System.ComponentModel;
using System.Reflection;
using Realms.Exceptions;

namespace Realms.Tests;

[Explicit]
public partial class BoundNote : IRealmObject
{
    [PrimaryKey]
    public int Id { get; set; }

    public string Text { get; set; } = "";

    public int Length => Text.Length;
}

[Explicit]
public class BoundCard : RealmObject
{
    public string? Title { get; set; }
}

/// <summary>Objects as data binding uses them: through what IReflectableType says of their class.</summary>
[Native]
public class DataBindingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("atoll-binding-").FullName;
    private readonly Realm _realm;

    public DataBindingTests() => _realm = Realm.GetInstance(
        new RealmConfiguration(Path.Combine(_folder, "a.realm")) { Schema = new[] { typeof(BoundNote), typeof(BoundCard) } });

    public void Dispose()
    {
        _realm.Dispose();
        Directory.Delete(_folder, true);
    }

    [Test]
    public void SettersOfDataBindingOpenTransactions()
    {
        var note = _realm.Write(() => _realm.Add(new BoundNote { Id = 1 }));
        var card = _realm.Write(() => _realm.Add(new BoundCard()));
        var raised = new List<string?>();
        note.PropertyChanged += (_, e) => raised.Add(e.PropertyName);
        var text = ((IReflectableType)note).GetTypeInfo().GetDeclaredProperty("Text")!;
        text.SetValue(note, "bound");
        Check.Equal("bound", (string)text.GetValue(note)!);
        text.SetMethod!.Invoke(note, ["again"]);
        ((IReflectableType)card).GetTypeInfo().GetProperty("Title")!.SetValue(card, "a card");
        Check.True(!_realm.IsInTransaction, "each has ended");
        Check.Equal("again", note.Text);
        Check.Equal("a card", card.Title);
        _realm.Refresh();
        Check.Sequence(["Text", "Text"], raised);

        // In a transaction of the program nothing is committed.
        using (var transaction = _realm.BeginWrite())
        {
            text.SetValue(note, "undone");
            transaction.Rollback();
        }

        Check.Equal("again", note.Text);
        Check.Throws<RealmInvalidTransactionException>(() => note.Text = "outside");
        var id = ((IReflectableType)note).GetTypeInfo().DeclaredProperties.Single(property => property.Name == "Length");
        Check.True(!id.CanWrite && (int)id.GetValue(note)! == 5, "other properties are as they are");
    }

    [Test]
    public void UnmanagedAndFrozenObjectsAreSetAsEver()
    {
        var note = new BoundNote();
        var text = ((IReflectableType)note).GetTypeInfo().GetProperty("Text")!;
        text.SetValue(note, "plain");
        Check.Equal("plain", note.Text);
        var frozen = _realm.Write(() => _realm.Add(note)).Freeze();
        Check.Throws<TargetInvocationException>(() => text.SetValue(frozen, "never"));
        Check.Equal("plain", frozen.Text);
        Check.True(note is INotifyPropertyChanged, "interface style raises PropertyChanged too");
    }
}
