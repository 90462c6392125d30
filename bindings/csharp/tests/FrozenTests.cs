using Realms.Exceptions;

namespace Realms.Tests;

/// <summary>Frozen realms, and references for other threads.</summary>
[Native]
internal sealed class FrozenTests : IDisposable
{
    private readonly TempRealm _temp = new(typeof(Everything), typeof(Address));

    private Realm Realm => _temp.Realm;

    public void Dispose() => _temp.Dispose();

    [Test]
    public void WhatIsFrozenStaysAndIsReadOnAnyThread()
    {
        var item = Realm.Write(() => Realm.Add(new Everything { Int = 1 }));
        Realm.Write(() => item.Numbers.Add(5));
        using var realm = Realm.Freeze();
        var (frozen, numbers, all) = (item.Freeze(), item.Numbers.Freeze(), Realm.All<Everything>().Where(e => e.Int > 0).Freeze());
        Realm.Write(() =>
        {
            item.Int = 2;
            item.Numbers.Add(6);
            Realm.Add(new Everything { Int = 3 });
        });
        Task.Run(() =>
        {
            Check.Equal(1, frozen.Int);
            Check.Equal(1, numbers.Count);
            Check.Equal(1, all.Count());
            Check.Equal(1, realm.All<Everything>().Count());
            Check.Equal(1, all.First().Int);
        }).Wait();
        Check.True(realm.IsFrozen && frozen.IsFrozen && all.AsRealmCollection().IsFrozen && !item.IsFrozen && !Realm.IsFrozen, "IsFrozen");
        Check.True(ReferenceEquals(realm, realm.Freeze()) && ReferenceEquals(frozen, frozen.Freeze()), "frozen already");
        Check.Throws<RealmFrozenException>(() => realm.Write(() => { }));
        Check.Throws<RealmFrozenException>(() => all.SubscribeForNotifications((_, _) => { }));
        Check.Throws<RealmFrozenException>(() => realm.RealmChanged += (_, _) => { });
        Check.Throws<ArgumentException>(() => new Everything().Freeze());
        Check.Equal(2, item.Int, "the live one went on");
    }

    [Test]
    public void AReferenceIsResolvedOnceOnAnotherThread()
    {
        var item = Realm.Write(() => Realm.Add(new Everything { Int = 1 }));
        Realm.Write(() => item.Numbers.Add(5));
        var (of, list, query) = (ThreadSafeReference.Create(item), ThreadSafeReference.Create(item.Numbers),
            ThreadSafeReference.Create(Realm.All<Everything>()));
        Task.Run(() =>
        {
            using var other = Realm.GetInstance(_temp.Config);
            Check.Equal(1, other.ResolveReference(of)!.Int);
            Check.Equal(5, other.ResolveReference(list)![0]);
            Check.Equal(1, other.ResolveReference(query).Count());
            Check.Throws<RealmException>(() => other.ResolveReference(of), "once");
        }).Wait();
        var gone = ThreadSafeReference.Create(item);
        Realm.Write(() => Realm.Remove(item));
        Check.True(Task.Run(() =>
        {
            using var other = Realm.GetInstance(_temp.Config);
            return other.ResolveReference(gone) is null;
        }).Result, "the object is gone");
        Check.Throws<ArgumentException>(() => ThreadSafeReference.Create(new Everything()));
    }

    [Test]
    public void ElementsOfAListMoveAndKeepTheirIdentity()
    {
        var item = Realm.Write(() => Realm.Add(new Everything()));
        Realm.Write(() =>
        {
            foreach (var number in new[] { 1, 2, 3 })
            {
                item.Numbers.Add(number);
            }

            item.Numbers.Move(0, 2);
        });
        Check.Equal("2 3 1", string.Join(' ', item.Numbers));
        Check.Throws<ArgumentOutOfRangeException>(() => Realm.Write(() => item.Numbers.Move(0, 3)));
    }
}
