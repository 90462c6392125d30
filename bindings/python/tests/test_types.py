"""Floats of 32 bits, decimals, values of any type, counters, aggregates, copies."""

from __future__ import annotations

import datetime
import decimal
import typing
import uuid

import pytest

import atoll


class Sample(atoll.Object):
    _id: int = atoll.primary_key()
    ratio: atoll.Float32
    price: decimal.Decimal
    maybe: decimal.Decimal | None
    count: int
    anything: typing.Any
    many: list[typing.Any]
    named: dict[str, typing.Any]
    other: Sample | None


@pytest.fixture
def realm(tmp_path):
    with atoll.open(tmp_path / "samples", schema=[Sample]) as realm:
        yield realm


def test_floats_are_rounded_to_32_bits_and_decimals_are_exact(realm):
    with realm.write():
        sample = realm.add(Sample(_id=1, ratio=0.1, price=decimal.Decimal("12.50")))
    assert sample.ratio == pytest.approx(0.1, rel=1e-6) and sample.ratio != 0.1
    assert sample.price == decimal.Decimal("12.5") and sample.maybe is None
    with realm.write():
        sample.price += decimal.Decimal("0.01")
        sample.maybe = 3
        with pytest.raises(atoll.errors.TypeMismatchError):
            sample.price = 1.5
    assert str(sample.price) == "12.51" and sample.maybe == 3
    assert len(realm.objects(Sample).where("price == $0", decimal.Decimal("12.51"))) == 1


def test_a_value_of_any_type_keeps_its_type(realm):
    now = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.timezone.utc)
    values = [None, True, 7, 1.5, "text", b"bytes", now, uuid.uuid4(), atoll.ObjectId(), decimal.Decimal("1.10")]
    with realm.write():
        sample = realm.add(Sample(_id=1))
        for value in values:
            sample.anything = value
            assert sample.anything == value and type(sample.anything) is type(value)
        sample.anything = Sample(_id=2)
        sample.many = values
    assert sample.anything == realm.find(Sample, 2) and list(sample.many) == values
    with realm.write():
        realm.delete(realm.find(Sample, 2))
        with pytest.raises(atoll.errors.TypeMismatchError):
            sample.anything = object()
    assert sample.anything is None


def test_lists_and_dicts_nest_in_a_value_of_any_type(realm, tmp_path):
    tree = {"list": [1, "two", [3.0, None]], "dict": {"a": {"b": "c"}}, "plain": 5}
    with realm.write():
        sample = realm.add(Sample(_id=1, anything=tree, many=[[1, 2], {"k": "v"}], named={"x": [1]}))
    found = sample.anything
    assert list(found["list"][2]) == [3.0, None] and found["dict"]["a"]["b"] == "c" and found["plain"] == 5
    assert list(sample.many[0]) == [1, 2] and sample.many[1] == {"k": "v"} and list(sample.named["x"]) == [1]
    with realm.write():
        found["list"].append("more")
        found["dict"]["a"]["b"] = [9]
        del found["plain"]
    with atoll.open(tmp_path / "samples", schema=[Sample]) as again:
        seen = again.find(Sample, 1).anything
        assert seen["list"][-1] == "more" and list(seen["dict"]["a"]["b"]) == [9] and "plain" not in seen
    with realm.write():
        sample.anything = 1
    assert sample.anything == 1 and not found.is_valid


def test_counters_are_incremented(realm):
    with realm.write():
        sample = realm.add(Sample(_id=1, count=5))
        sample.increment("count")
        sample.increment("count", -3)
        with pytest.raises(atoll.errors.TypeMismatchError):
            sample.increment("price")
    assert sample.count == 3
    with pytest.raises(atoll.errors.NoTransactionError):
        sample.increment("count")


def test_aggregates_of_results(realm):
    with realm.write():
        for number in (1, 4, 7):
            realm.add(Sample(_id=number, count=number, price=decimal.Decimal(number)))
    samples = realm.objects(Sample)
    assert (samples.minimum("count"), samples.maximum("count"), samples.average("count")) == (1, 7, 4.0)
    assert samples.sum("price") == 12 and samples.where("count > 9").maximum("count") is None


def test_a_realm_can_be_copied_and_compacted(realm, tmp_path):
    with realm.write():
        realm.add(Sample(_id=1, count=1))
    realm.write_copy(tmp_path / "copy", encryption_key=bytes(64))
    with pytest.raises(atoll.errors.FileExistsError):
        realm.write_copy(tmp_path / "copy")
    with atoll.open(tmp_path / "copy", schema=[Sample], encryption_key=bytes(64)) as copy:
        assert copy.find(Sample, 1).count == 1
    assert atoll.compact(tmp_path / "samples") is False
    realm.close()
    assert atoll.compact(tmp_path / "samples") is True
