import copy
import datetime
import pickle
import time

import pytest

from atoll import ObjectId


def test_new_ids_differ_and_carry_the_time():
    ids = [ObjectId() for _ in range(1000)]
    assert len(set(ids)) == 1000
    age = time.time() - ids[0].generation_time.timestamp()
    assert -1 < age < 5
    assert ids[0].generation_time.tzinfo is datetime.timezone.utc


def test_text_and_bytes_round_trip():
    text = "507f1f77bcf86cd799439011"
    one = ObjectId(text)
    assert str(one) == text
    assert ObjectId(one.binary) == one
    assert ObjectId(one) == one
    assert one.binary == bytes.fromhex(text)
    assert repr(one) == f"ObjectId('{text}')"
    assert copy.deepcopy(one) == one
    assert pickle.loads(pickle.dumps(one)) == one


@pytest.mark.parametrize("bad", ["", "507f1f77bcf86cd79943901", "507f1f77bcf86cd79943901z", b"short", bytes(13)])
def test_malformed_ids_are_refused(bad):
    with pytest.raises(ValueError):
        ObjectId(bad)


def test_other_types_are_refused():
    with pytest.raises(TypeError):
        ObjectId(5)


def test_order_is_by_bytes_and_ids_do_not_change():
    low, high = ObjectId(bytes(12)), ObjectId(b"\xff" * 12)
    assert low < high and high > low and low <= low and high >= low
    assert low != "000000000000000000000000"
    with pytest.raises(AttributeError):
        low.other = 1
