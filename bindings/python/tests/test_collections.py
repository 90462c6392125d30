"""Sets, dictionaries, and lists that move their elements."""

from __future__ import annotations

import pytest

import atoll


class Tag(atoll.Object):
    _id: int = atoll.primary_key()
    name: str


class Spot(atoll.EmbeddedObject):
    x: int


class Box(atoll.Object):
    _id: int = atoll.primary_key()
    numbers: set[int]
    tags: set[Tag]
    words: dict[str, str | None]
    links: dict[str, Tag]
    spots: dict[str, Spot]
    order: list[str]


def opened(folder):
    return atoll.open(folder / "boxes", schema=[Box])


def test_sets_behave_as_python_sets(tmp_path):
    with opened(tmp_path) as realm:
        with realm.write():
            box = realm.add(Box(_id=1, numbers={3, 1, 2}))
            box.numbers.add(1)
            box.numbers |= {7}
            box.numbers.discard(2)
        assert list(box.numbers) == [1, 3, 7] and box.numbers == {1, 3, 7} and 3 in box.numbers
        assert 2 not in box.numbers and "no number" not in box.numbers
        assert box.numbers & {1, 9} == {1} and box.numbers.isdisjoint({2})
        with realm.write():
            box.numbers = {5}
            with pytest.raises(KeyError):
                box.numbers.remove(6)
            with pytest.raises(atoll.errors.TypeMismatchError):
                box.numbers.add("six")
        assert box.numbers == {5}
        with pytest.raises(atoll.errors.NoTransactionError):
            box.numbers.add(8)


def test_a_set_of_objects_holds_each_once_and_forgets_the_deleted(tmp_path):
    with opened(tmp_path) as realm:
        with realm.write():
            tag = Tag(_id=1, name="red")
            box = realm.add(Box(_id=1, tags={tag}))
            box.tags.add(tag)
            box.tags.add(Tag(_id=2, name="blue"))
        assert len(box.tags) == 2 and tag in box.tags and realm.find(Tag, 2) in box.tags
        with realm.write():
            realm.delete(tag)
        assert [left.name for left in box.tags] == ["blue"]


def test_dictionaries_behave_as_python_dicts(tmp_path):
    with opened(tmp_path) as realm:
        with realm.write():
            box = realm.add(Box(_id=1, words={"b": "two", "a": "one"}))
            box.words["c"] = None
            box.words.update(d="four", a="uno")
            del box.words["b"]
        assert dict(box.words) == {"a": "uno", "c": None, "d": "four"} and list(box.words) == ["a", "c", "d"]
        assert box.words == {"a": "uno", "c": None, "d": "four"} and "b" not in box.words
        assert box.words.get("b", "none") == "none" and box.words.pop is not None
        with pytest.raises(KeyError):
            box.words["b"]
        with realm.write():
            assert box.words.pop("a") == "uno"
            for key in ("$no", "a.b"):
                with pytest.raises(atoll.errors.NotSupportedError, match="key"):
                    box.words[key] = "refused"
        with opened(tmp_path) as again:
            assert dict(again.find(Box, 1).words) == {"c": None, "d": "four"}


def test_dictionaries_of_objects(tmp_path):
    with opened(tmp_path) as realm:
        with realm.write():
            tag = Tag(_id=1, name="red")
            box = realm.add(Box(_id=1, links={"one": tag, "none": None}, spots={"here": Spot(x=1)}))
            box.spots["there"] = Spot(x=2)
        assert box.links["one"] == tag and box.links["none"] is None
        assert {key: spot.x for key, spot in box.spots.items()} == {"here": 1, "there": 2}
        with realm.write():
            realm.delete(tag)
            del box.spots["here"]
        assert box.links["one"] is None and list(box.spots) == ["there"]


def test_an_element_of_a_list_can_be_moved(tmp_path):
    with opened(tmp_path) as realm:
        with realm.write():
            box = realm.add(Box(_id=1, order=["a", "b", "c", "d"]))
            box.order.move(0, 2)
            box.order.move(-1, 0)
            with pytest.raises(IndexError):
                box.order.move(0, 4)
        assert list(box.order) == ["d", "b", "c", "a"]


def test_changes_of_sets_and_dictionaries_are_told(tmp_path):
    with opened(tmp_path) as realm:
        with realm.write():
            box = realm.add(Box(_id=1, numbers={1, 3}, words={"a": "one"}))
        seen = []
        tokens = [
            box.numbers.observe(lambda numbers, changes: seen.append(changes)),
            box.words.observe(lambda words, changes: seen.append(changes)),
        ]
        realm.refresh()
        assert seen == [None, None]
        seen.clear()
        with realm.write():
            box.numbers.add(2)
            box.words["b"] = "two"
        assert [changes.insertions for changes in seen] == [(1,), (1,)]
        for token in tokens:
            token.stop()


def test_declarations_of_collections_are_checked():
    def declared(name, annotation):
        cls = type(name, (atoll.Object,), {"__annotations__": {"a": annotation}, "__module__": __name__})
        return atoll.open("unused", schema=[cls], in_memory=True)

    for name, annotation, message in (
        ("D1", dict[int, str], "keys of a dict are str"),
        ("D2", set[Spot], "declare a list"),
        ("D3", dict, "say of what"),
        ("D4", set[Tag | None], "holds no None"),
    ):
        with pytest.raises(atoll.errors.SchemaInvalidError, match=message):
            declared(name, annotation)
