"""What all live collections do: back links, words, change sets, key paths, queries, frozen forms, references; async writes."""

from __future__ import annotations

import asyncio

import pytest

import atoll
from test_frozen import on_a_thread


class Spot(atoll.EmbeddedObject):
    x: int


class Tree(atoll.Object):
    _id: int = atoll.primary_key()
    text: str = atoll.field(full_text=True, default="")
    height: int = atoll.field(map_to="height_m", default=0)
    gardens: atoll.Results["Garden"] = atoll.backlinks("trees")
    favourites: atoll.Results["Garden"] = atoll.backlinks("best")


class Garden(atoll.Object):
    _id: int = atoll.primary_key()
    best: Tree | None
    trees: list[Tree]
    bag: set[Tree]
    named: dict[str, Tree]
    spots: list[Spot]
    numbers: set[int]
    words: dict[str, str]


@pytest.fixture
def realm(tmp_path):
    with atoll.open(tmp_path / "gardens", schema=[Garden]) as realm:
        with realm.write():
            oak, elm, palm = Tree(_id=1, height=20), Tree(_id=2, height=9), Tree(_id=3, text="A palm tree", height=15)
            realm.add(
                Garden(
                    _id=1, best=oak, trees=[oak, elm, palm], bag={oak, palm}, named={"small": elm, "big": oak},
                    spots=[Spot(x=1), Spot(x=5)], numbers={1, 2}, words={"en": "garden"},
                )
            )
        yield realm


def test_backlinks_are_live_results(realm):
    oak, elm = realm.find(Tree, 1), realm.find(Tree, 2)
    garden = realm.find(Garden, 1)
    assert list(oak.gardens) == [garden] and list(oak.favourites) == [garden] and len(elm.favourites) == 0
    assert oak.backlink_count == 4 and elm.backlink_count == 2
    with realm.write():
        garden.best = elm
    assert len(oak.favourites) == 0 and len(elm.favourites.where("_id == 1")) == 1
    with pytest.raises(AttributeError):
        oak.gardens = []
    with pytest.raises(atoll.errors.InvalidArgumentError):
        Tree(_id=9).gardens
    with pytest.raises(TypeError):
        Tree(_id=9, gardens=[])


def test_backlinks_that_lead_nowhere_are_refused(tmp_path):
    class Wrong(atoll.Object):
        _id: int = atoll.primary_key()
        gardens: atoll.Results[Garden] = atoll.backlinks("numbers")

    with pytest.raises(atoll.errors.SchemaInvalidError, match="numbers"):
        atoll.open(tmp_path / "wrong", schema=[Wrong])


def test_text_is_searched_by_its_words(realm):
    assert [tree._id for tree in realm.objects(Tree).where("text TEXT $0", "palm")] == [3]
    assert len(realm.objects(Tree).where("text TEXT 'palm -tree'")) == 0


def test_collections_of_objects_are_queried(realm):
    garden = realm.find(Garden, 1)
    tall = garden.trees.where("height_m > $0", 10)
    assert [tree._id for tree in tall.sort("-height")] == [1, 3] and tall.sum("height") == 35
    assert garden.bag.as_results().minimum("height") == 15
    assert [tree._id for tree in garden.named.where("height_m < 10")] == [2]
    assert garden.spots.where("x > 1").first().x == 5
    with realm.write():
        garden.trees.remove(realm.find(Tree, 1))
    assert len(tall) == 1
    with pytest.raises(atoll.errors.NotSupportedError):
        garden.numbers.where("TRUEPREDICATE")


def test_change_sets_tell_moves_clearing_and_keys(realm):
    garden = realm.find(Garden, 1)
    seen = {"trees": [], "words": []}
    garden.trees.observe(lambda _, changes: seen["trees"].append(changes))
    garden.words.observe(lambda _, changes: seen["words"].append(changes))
    realm.refresh()
    with realm.write():
        garden.trees.move(0, 2)
        garden.words["de"] = "Garten"
        garden.words["en"] = "yard"
    assert seen["trees"][-1].moves == ((0, 2),) and not seen["trees"][-1].is_cleared
    assert seen["words"][-1].inserted_keys == ("de",) and seen["words"][-1].modified_keys == ("en",)
    with realm.write():
        garden.trees.clear()
        del garden.words["de"]
    assert seen["trees"][-1].is_cleared and seen["trees"][-1].deletions == (0, 1, 2)
    assert seen["words"][-1].deleted_keys == ("de",)
    assert seen["trees"][0] is None and len(seen["trees"]) == 3


def test_key_paths_choose_what_is_told(realm):
    garden, oak = realm.find(Garden, 1), realm.find(Tree, 1)
    heard = []
    garden.trees.observe(lambda *_: heard.append("trees"), key_paths=["height"])
    garden.bag.observe(lambda *_: heard.append("bag"), key_paths=[])
    garden.observe(lambda *_: heard.append("garden"), key_paths=["best.height"])
    realm.objects(Tree).observe(lambda *_: heard.append("results"), key_paths=["text"])
    realm.refresh()
    heard.clear()
    with realm.write():
        oak.text = "an oak"
    assert heard == ["results"]
    heard.clear()
    with realm.write():
        oak.height = 21
    assert sorted(heard) == ["garden", "trees"]
    with pytest.raises(atoll.errors.UnknownPropertyError):
        garden.trees.observe(print, key_paths=["nothing"])
    with pytest.raises(atoll.errors.InvalidArgumentError):
        garden.trees.observe(print, key_paths="height")


def test_sets_and_dictionaries_freeze_and_cross_threads(realm):
    garden = realm.find(Garden, 1)
    numbers, words = garden.numbers.freeze(), garden.words.freeze()
    references = [atoll.Reference(garden.numbers), atoll.Reference(garden.words), atoll.Reference(garden.trees)]
    with realm.write():
        garden.numbers.clear()
        garden.words.clear()
    assert numbers.is_frozen and not garden.numbers.is_frozen
    assert on_a_thread(lambda: (set(numbers), dict(words))) == ({1, 2}, {"en": "garden"})
    assert set(realm.resolve(numbers)) == set() and realm.resolve(words).realm is realm
    path = realm.path

    def elsewhere():
        with atoll.open(path, schema=[Garden]) as mine:
            numbers, words, trees = (mine.resolve(reference) for reference in references)
            with mine.write():
                numbers.add(7)
                words["fr"] = "jardin"
            return set(numbers), dict(words), len(trees)

    assert on_a_thread(elsewhere) == ({7}, {"fr": "jardin"}, 3)
    realm.refresh()
    assert set(garden.numbers) == {7}


def test_async_writes_wait_without_holding_up_the_loop(tmp_path):
    async def main():
        path = tmp_path / "gardens"
        with atoll.open(path, schema=[Tree]) as realm, atoll.open(path, schema=[Tree]) as other:
            seen = []
            realm.objects(Tree).observe(lambda trees, _: seen.append(len(trees)))
            async with realm.write_async():
                realm.create(Tree, _id=1)
            with pytest.raises(ZeroDivisionError):
                async with realm.write_async():
                    realm.create(Tree, _id=2)
                    raise ZeroDivisionError
            assert len(realm.objects(Tree)) == 1 and not realm.is_in_transaction and seen[-1] == 1

            # While another instance holds the turn, the loop goes on; a cancelled task gives its own back.
            other.begin_write()
            other.create(Tree, _id=3)
            cancelled = asyncio.ensure_future(add(realm, 5))
            waiting = asyncio.ensure_future(add(realm, 4))
            never = asyncio.ensure_future(add(realm, 7))
            await asyncio.sleep(0.05)
            assert not waiting.done() and not cancelled.done()
            cancelled.cancel()
            never.cancel()
            other.commit()
            await asyncio.wait_for(waiting, 10)
            assert cancelled.cancelled() and never.cancelled()
            assert sorted(tree._id for tree in realm.objects(Tree)) == [1, 3, 4]
            async with realm.write_async():
                realm.create(Tree, _id=6)

    async def add(realm, key):
        async with realm.write_async():
            realm.create(Tree, _id=key)

    asyncio.run(main())


def test_levels_are_kept_by_category():
    names = atoll.log_categories()
    assert names[0] == "Realm" and "Realm.Sync" in names
    before = atoll.log_level("Realm.Sync")
    try:
        atoll.set_log_level(atoll.LogLevel.DEBUG, "Realm.Sync")
        assert atoll.log_level("Realm.Sync.Client.Session") == atoll.LogLevel.DEBUG
        assert atoll.log_level("Realm.Storage") != atoll.LogLevel.DEBUG
    finally:
        atoll.set_log_level(before, "Realm.Sync")
    with pytest.raises(atoll.errors.InvalidArgumentError):
        atoll.log_level("Nothing")
