"""Random edits of three devices that come and go: at the end all hold the same, and a narrower view its part of it."""

import random

import pytest

import atoll
from atoll import Credentials, SyncConfiguration
from models import Address, Dog, Person

LIMIT = 20  # seconds that a wait may take
NARROW = "age > 4 OR name == 'a'"


def edit(chance, realm):
    """One random write; needs a transaction."""
    dogs, people = list(realm.objects(Dog)), list(realm.objects(Person))
    kind = chance.random()
    if kind < 0.2 or not dogs:
        realm.create(Dog, name=chance.choice("abc"), age=chance.randrange(10), tags=[chance.choice("xyz")])
    elif kind < 0.25:
        realm.upsert(Person, _id=chance.randrange(5), name=chance.choice("ABC"))
    elif kind < 0.3:
        realm.delete(chance.choice(dogs))
    elif kind < 0.33 and people:
        realm.delete(chance.choice(people))
    else:
        edit_dog(chance, chance.choice(dogs), people)


def edit_dog(chance, dog, people):
    what = chance.randrange(9)
    if what == 0:
        dog.age = chance.choice([None, 1, 5, 9])
    elif what == 1:
        dog.name = chance.choice("adefg")
    elif what == 2:
        dog.tags.insert(chance.randrange(len(dog.tags) + 1), f"in {chance.randrange(100)}")
    elif what == 3 and len(dog.tags):
        del dog.tags[chance.randrange(len(dog.tags))]
    elif what == 4 and len(dog.tags):
        dog.tags[chance.randrange(len(dog.tags))] = f"set {chance.randrange(100)}"
    elif what == 5:
        dog.home = Address(street=chance.choice("st"), number=1) if chance.random() < 0.7 else None
    elif what == 6 and dog.home:
        dog.home.number = chance.randrange(50)
    elif what == 7:
        dog.former.append(Address(street=chance.choice("uv"), number=chance.randrange(9)))
    elif what == 8 and people:
        dog.owner = chance.choice(people)
        people[0].best = dog
        people[0].dogs.append(dog)


def address(one):
    return one and (one.street, one.number)


def held(realm, query="TRUEPREDICATE"):
    """Everything that a realm shows of the dogs that match, as plain values."""
    return {
        dog._id: (
            (dog.name, dog.age, dog.weight, tuple(dog.tags), address(dog.home))
            + (tuple(map(address, dog.former)), dog.owner and dog.owner._id)
        )
        for dog in realm.objects(Dog).where(query)
    }


def people_of(realm):
    return {
        one._id: (one.name, [dog._id for dog in one.dogs], one.best and one.best._id) for one in realm.objects(Person)
    }


@pytest.mark.parametrize("seed", range(6))
def test_devices_converge_after_random_edits_and_interruptions(device, seed):
    chance = random.Random(seed)
    realms = []
    for name in ("a", "b", "narrow"):
        user = device(name).log_in(Credentials.anonymous(reuse=False)).result(LIMIT)
        realm = atoll.open(SyncConfiguration.flexible(user), schema=[Dog], sync_commits=False)
        with realm.subscriptions.update() as subscriptions:
            subscriptions.add(realm.objects(Dog).where(NARROW if name == "narrow" else "TRUEPREDICATE"))
            subscriptions.add(realm.objects(Person))
        realm.subscriptions.wait().result(LIMIT)
        realms.append(realm)
    for _ in range(60):
        realm = chance.choice(realms)
        kind = chance.random()
        if kind < 0.1:
            realm.session.stop()
        elif kind < 0.25:
            realm.session.start()
        elif kind < 0.35:
            realm.refresh()
        else:
            with realm.write():
                for _ in range(chance.randrange(1, 6)):
                    edit(chance, realm)
    for realm in realms:
        realm.session.start()
    for _ in range(2):
        for realm in realms:
            realm.session.wait_for_upload().result(LIMIT)
        for realm in realms:
            realm.session.wait_for_download().result(LIMIT)
            realm.refresh()
    first, second, narrow = realms
    assert held(first) == held(second) and people_of(first) == people_of(second)
    assert held(narrow) == held(first, NARROW)
    assert len(held(first)) > 0
    for realm in realms:
        realm.close()


def test_two_devices_that_set_one_element_at_once_agree(device):
    """Over and over: the server may apply both sets before either writer has heard of the other's."""
    realms = []
    for name in ("a", "b"):
        user = device(name).log_in(Credentials.anonymous(reuse=False)).result(LIMIT)
        realm = atoll.open(SyncConfiguration.flexible(user), schema=[Dog], sync_commits=False)
        with realm.subscriptions.update() as subscriptions:
            subscriptions.add(realm.objects(Dog))
        realm.subscriptions.wait().result(LIMIT)
        realms.append(realm)
    with realms[0].write():
        key = realms[0].create(Dog, name="Rex", tags=["first", "second"])._id
    realms[0].session.wait_for_upload().result(LIMIT)
    realms[1].session.wait_for_download().result(LIMIT)
    realms[1].refresh()
    dogs = [realm.find(Dog, key) for realm in realms]
    chance = random.Random(1)
    for turn in range(80):
        for _ in range(chance.randrange(2, 7)):
            which = chance.randrange(2)
            with realms[which].write():
                dogs[which].tags[chance.randrange(2)] = f"{turn} by {which}"
        for _ in range(2):
            for realm in realms:
                realm.session.wait_for_upload().result(LIMIT)
            for realm in realms:
                realm.session.wait_for_download().result(LIMIT)
                realm.refresh()
        assert list(dogs[0].tags) == list(dogs[1].tags), turn
    for realm in realms:
        realm.close()
