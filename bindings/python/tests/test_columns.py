"""Properties of all results as NumPy arrays."""

import datetime

import numpy
import pytest

import atoll
from models import UTC, Address, Dog, Everything, Person

SCHEMA = [Dog, Person, Address, Everything]


@pytest.fixture
def realm(tmp_path):
    with atoll.open(tmp_path / "test.realm", schema=SCHEMA) as opened:
        yield opened


def test_a_column_is_what_the_attributes_are(realm):
    with realm.write():
        for i in range(3000):
            one = realm.create(Everything, _id=str(i), b=i % 3 == 0, i=i - 1500, d=i / 8)
            one.t = datetime.datetime(1960, 1, 1, tzinfo=UTC) + datetime.timedelta(days=i, microseconds=i)
            if i % 5:
                one.ni, one.nd, one.nt, one.nb = i, -i / 4, one.t, i % 2 == 0
    for query in ("i >= 0", "TRUEPREDICATE SORT(d DESC)"):
        results = realm.objects(Everything).where(query)
        objects = list(results)
        assert results.column("i").dtype == "int64" and results.column("b").dtype == bool
        for name in ("b", "i", "d"):
            assert results.column(name).tolist() == [getattr(one, name) for one in objects]
        times = [one.t.replace(tzinfo=None) for one in objects]
        assert results.column("t").tolist() == times
        for name in ("ni", "nb"):
            column = results.column(name)
            assert isinstance(column, numpy.ma.MaskedArray)
            assert column.tolist() == [getattr(one, name) for one in objects]
        doubles, instants = results.column("nd"), results.column("nt")
        for i, one in enumerate(objects):
            assert numpy.isnan(doubles[i]) if one.nd is None else doubles[i] == one.nd
            assert numpy.isnat(instants[i]) if one.nt is None else instants[i] == numpy.datetime64(times[i])
    assert realm.objects(Everything).column("d").sum() == realm.objects(Everything).sum("d")
    assert len(realm.objects(Dog).column("weight")) == 0


def test_texts_links_and_lists_are_no_columns(realm):
    for name in ("name", "owner", "tags"):
        with pytest.raises(atoll.errors.TypeMismatchError):
            realm.objects(Dog).column(name)
    with pytest.raises(atoll.errors.UnknownPropertyError):
        realm.objects(Dog).column("nothing")
