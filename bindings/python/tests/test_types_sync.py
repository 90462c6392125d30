"""Values of every type between devices: what two of them change at once merges as docs/merge.md says."""

from __future__ import annotations

import time
import typing

import atoll
from atoll import SyncConfiguration
from test_sync import download, log_in, upload


class Shelf(atoll.Object):
    _id: int = atoll.primary_key()
    _partition: str
    hits: int
    labels: set[str]
    prices: dict[str, int]
    anything: typing.Any
    many: list[typing.Any]
    steps: list[str]


def open_shelves(app, user):
    return atoll.open(SyncConfiguration.partition(user, "p"), schema=[Shelf])


def test_sets_dictionaries_counters_and_values_of_any_type_converge(device):
    devices = [device("a"), device("b")]
    first, second = (open_shelves(app, log_in(app)) for app in devices)
    with first.write():
        shelf = first.add(Shelf(_id=1, _partition="p", hits=10))
        shelf.labels.update({"x", "y"})
        shelf.prices["x"] = 1
        shelf.anything = [1, {"k": 2}]
        shelf.steps.extend(["a", "b", "c"])
    upload(first)
    download(second)
    for realm in (first, second):
        realm.session.stop()
    for number, realm in enumerate((first, second)):
        shelf = realm.find(Shelf, 1)
        assert shelf.labels == {"x", "y"} and dict(shelf.prices) == {"x": 1} and shelf.hits == 10
        with realm.write():
            shelf.increment("hits", 5 + number)
            shelf.labels.add(f"of {number}")
            shelf.labels.discard("x" if number == 0 else "y")
            shelf.prices[f"of {number}"] = number
            shelf.anything[1][f"of {number}"] = number
            shelf.many.append(f"from {number}")
            shelf.steps.move(0, 1 + number)
        time.sleep(0.2)  # the later move counts: two devices' clocks agree to a few milliseconds only
    for realm in (first, second):
        realm.session.start()
        upload(realm)
    for realm in (first, second):
        download(realm)
        shelf = realm.find(Shelf, 1)
        assert shelf.hits == 21
        assert shelf.labels == {"of 0", "of 1"}
        assert dict(shelf.prices) == {"x": 1, "of 0": 0, "of 1": 1}
        assert list(shelf.anything)[0] == 1
        assert dict(shelf.anything[1]) == {"k": 2, "of 0": 0, "of 1": 1}
        assert sorted(shelf.many) == ["from 0", "from 1"]
        assert list(shelf.steps) == ["b", "c", "a"]
    first.close()
    second.close()
