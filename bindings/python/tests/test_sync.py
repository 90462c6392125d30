"""Realms that sync through a server: log-in, partitions, subscriptions, sessions, asymmetric objects."""

import asyncio
import datetime
import threading
import time
import uuid

import pytest

import atoll
from atoll import ConnectionState, Credentials, SessionState, SubscriptionsState, SyncConfiguration, errors
from models import UTC, Address, Dog, Measurement, Person, Reading, Task

LIMIT = 20  # seconds that a wait may take before the test fails


def log_in(app):
    return app.log_in(Credentials.anonymous(reuse=False)).result(LIMIT)


def upload(realm):
    realm.session.wait_for_upload().result(LIMIT)


def download(realm):
    realm.session.wait_for_download().result(LIMIT)
    realm.refresh()


def open_flexible(app, *queries, schema=(Dog,), user=None):
    realm = atoll.open(SyncConfiguration.flexible(user or log_in(app)), schema=schema)
    if queries:
        with realm.subscriptions.update() as subscriptions:
            for cls, query, *arguments in queries:
                subscriptions.add(realm.objects(cls).where(query, *arguments))
        realm.subscriptions.wait().result(LIMIT)
        realm.refresh()
    return realm


def eventually(realm, check):
    """Refresh until a change of the server has arrived."""
    deadline = time.monotonic() + LIMIT
    while not check():
        left = deadline - time.monotonic()
        assert left > 0, "it did not arrive"
        realm.wait_for_change(left)


# ---------- log-in ----------


def test_anonymous_users_are_remembered(device):
    app = device("a")
    assert app.current_user is None
    user = log_in(app)
    assert user.id and user.provider == "anon-user" and user.state is atoll.UserState.LOGGED_IN
    assert user.access_token.count(".") == 2
    assert app.current_user == user and app.users == [user]
    other = log_in(app)
    assert other != user and app.current_user == other
    app.switch_user(user)
    assert app.current_user == user
    assert app.log_in(Credentials.anonymous()).result(LIMIT) in (user, other)


def test_email_and_password(device):
    app = device("a")
    app.register("ann@example.org", "correct horse").result(LIMIT)
    user = app.log_in(Credentials.email_password("ann@example.org", "correct horse")).result(LIMIT)
    assert user.provider == "local-userpass"
    with pytest.raises(errors.InvalidCredentialsError):
        app.log_in(Credentials.email_password("ann@example.org", "wrong horse")).result(LIMIT)
    with pytest.raises(errors.UserExistsError):
        app.register("ann@example.org", "another horse").result(LIMIT)
    again = device("b").log_in(Credentials.email_password("ann@example.org", "correct horse")).result(LIMIT)
    assert again.id == user.id


def test_log_out(device):
    app = device("a")
    user = log_in(app)
    user.log_out().result(LIMIT)
    assert user.state is not atoll.UserState.LOGGED_IN
    assert app.current_user is None


def test_a_server_that_is_not_there_is_an_error(tmp_path):
    app = atoll.App("x", base_url="http://127.0.0.1:9", base_path=tmp_path, connect_timeout=2)
    with pytest.raises(errors.AtollError) as caught:
        app.log_in(Credentials.anonymous()).result(LIMIT)
    assert isinstance(caught.value, (errors.ConnectionFailedError, errors.TimeoutError)) and caught.value.retryable


def test_a_request_that_nobody_waits_for_is_reported(device):
    app = device("a")
    with pytest.warns(RuntimeWarning, match="log_in"):
        app.log_in(Credentials.anonymous())


def test_log_lines_reach_a_sink(tmp_path):
    lines = []
    before = atoll.log_level()
    atoll.set_log_level(atoll.LogLevel.ALL)
    assert atoll.log_level() is atoll.LogLevel.ALL
    arrived = threading.Event()

    def sink(level, category, message):
        lines.append((level, category, message))
        arrived.set()

    atoll.set_log_sink(sink)
    try:
        app = atoll.App("x", base_url="http://127.0.0.1:9", base_path=tmp_path)
        with pytest.raises(errors.AtollError):
            app.log_in(Credentials.anonymous()).result(LIMIT)
        assert arrived.wait(10)
        assert all(isinstance(level, atoll.LogLevel) and category for level, category, _ in lines)
    finally:
        atoll.set_log_sink(None)
        atoll.set_log_level(before)


# ---------- flexible sync ----------


def test_objects_travel_with_lists_links_and_embedded_objects(device):
    with open_flexible(device("a"), (Dog, "TRUEPREDICATE"), (Person, "TRUEPREDICATE")) as one:
        with one.write():
            ann = one.create(Person, _id=1, name="Ann 🌴")
            home = Address(street="Main", resident=ann)
            rex = one.create(Dog, name="Rex", age=3, owner=ann, tags=["a", "b"], home=home)
            rex.former.append(Address(street="Old", number=1))
            ann.dogs.append(rex)
        key = rex._id
        upload(one)
        with open_flexible(device("b"), (Dog, "TRUEPREDICATE"), (Person, "TRUEPREDICATE")) as two:
            dog = two.find(Dog, key)
            assert (dog.name, dog.age, dog.tags, dog.weight) == ("Rex", 3, ["a", "b"], 1.5)
            assert dog.owner.name == "Ann 🌴" and dog.owner.dogs[0] == dog
            assert dog.home.street == "Main" and dog.home.resident == dog.owner and dog.former[0].number == 1
            with two.write():
                dog.age = None
                dog.tags.insert(1, "x")
                dog.home.street = "Side"
            upload(two)
            eventually(one, lambda: rex.age is None)
            assert rex.tags == ["a", "x", "b"] and rex.home.street == "Side"


def test_only_what_is_subscribed_to_arrives_and_a_row_that_leaves_goes(device):
    with open_flexible(device("a"), (Task, "TRUEPREDICATE"), schema=[Task]) as one:
        with one.write():
            for i in range(10):
                one.create(Task, _partition="p", name=f"task {i}", done=i % 2 == 0)
        upload(one)
        with open_flexible(device("b"), (Task, "done == true"), schema=[Task]) as two:
            assert len(two.objects(Task)) == 5
            with one.write():
                one.objects(Task).where("name == $0", "task 0")[0].done = False
                one.objects(Task).where("name == $0", "task 1")[0].done = True
            upload(one)
            eventually(two, lambda: {t.name for t in two.objects(Task)} == {f"task {i}" for i in (1, 2, 4, 6, 8)})
            assert len(one.objects(Task)) == 10


def test_subscription_sets_change_as_a_whole(device):
    realm = open_flexible(device("a"))
    with realm:
        first = realm.subscriptions
        assert len(first) == 0
        dogs = realm.objects(Dog)
        with first.update() as update:
            update.add(dogs.where("age > $0", 3), name="old")
            update.add(dogs.where("name == $0", "Rex"))
        first.wait().result(LIMIT)
        assert first.state is SubscriptionsState.COMPLETE and first.error is None and len(first) == 2
        old = first.find("old")
        assert old.class_name == "Dog" and "age" in old.query and old.created_at <= old.updated_at
        assert first.find_results(dogs.where("name == 'Rex'")).name is None
        assert first.find("none") is None
        with pytest.raises(ZeroDivisionError):
            with realm.subscriptions.update() as update:
                update.remove_all(remove_named=True)
                1 / 0
        assert len(realm.subscriptions) == 2
        with realm.subscriptions.update() as update:
            with pytest.raises(errors.InvalidArgumentError):
                update.add(dogs, name="old", update_existing=False)
            assert update.remove("old") and not update.remove("old")
            assert update.remove_all() == 1
        newest = realm.subscriptions
        assert len(newest) == 0 and newest.version > first.version
        newest.wait().result(LIMIT)
        assert first.state is SubscriptionsState.SUPERSEDED
        with pytest.raises(errors.ClosedError):
            update.add(dogs)


def test_writing_a_class_without_subscription_is_refused(device):
    with open_flexible(device("a")) as realm:
        with pytest.raises(errors.NoSubscriptionError):
            with realm.write():
                realm.create(Dog, name="Rex")
        assert not realm.is_in_transaction


def test_offline_edits_of_two_devices_converge(device):
    everything = (Dog, "TRUEPREDICATE")
    with open_flexible(device("a"), everything) as one, open_flexible(device("b"), everything) as two:
        with one.write():
            rex = one.create(Dog, name="Rex", age=1, tags=["m"])
            max_ = one.create(Dog, name="Max")
        upload(one)
        download(two)
        mine = two.find(Dog, rex._id)
        other = two.find(Dog, max_._id)
        two.session.stop()
        with two.write():
            mine.age = 2
            mine.tags.append("two")
            other.name = "Maxim"
        with one.write():
            rex.name = "Rexy"
            rex.tags.insert(0, "one")
            one.delete(max_)
        upload(one)
        assert mine.name == "Rex" and rex.age == 1
        two.session.start()
        upload(two)
        download(two)
        download(one)
        for dog in (rex, mine):
            assert (dog.name, dog.age, dog.tags) == ("Rexy", 2, ["one", "m", "two"])
        assert len(one.objects(Dog)) == len(two.objects(Dog)) == 1


# ---------- partitions ----------


@pytest.mark.parametrize("value", ["mine", 42, None, atoll.ObjectId("507f1f77bcf86cd799439011"), uuid.UUID(int=7)])
def test_partitions_are_separate(device, value):
    kind = type(value)

    class Note(atoll.Object):
        _id: atoll.ObjectId = atoll.primary_key()
        text: str
        _partition: kind | None if value is not None else str | None

    a, b, c = device("a"), device("b"), device("c")
    others = {str: "other", int: 43, atoll.ObjectId: atoll.ObjectId(), uuid.UUID: uuid.UUID(int=8), type(None): "x"}
    other = others[kind]
    with atoll.open(SyncConfiguration.partition(log_in(a), value), schema=[Note]) as one:
        with one.write():
            one.create(Note, text="hello", _partition=value)
        upload(one)
        with atoll.open(SyncConfiguration.partition(log_in(b), value), schema=[Note]) as two:
            download(two)
            assert [n.text for n in two.objects(Note)] == ["hello"]
            assert two.path != one.path
        with atoll.open(SyncConfiguration.partition(log_in(c), other), schema=[Note]) as three:
            download(three)
            assert len(three.objects(Note)) == 0


def test_wrong_partition_values_are_refused(device):
    user = log_in(device("a"))
    for bad in (1.5, True, b"x"):
        with pytest.raises(errors.BadPartitionValueError):
            SyncConfiguration.partition(user, bad)


# ---------- sessions ----------


def test_local_realms_have_no_session(tmp_path):
    with atoll.open(tmp_path / "r", schema=[Dog]) as realm:
        assert realm.session is None
        with pytest.raises(errors.NotSupportedError):
            realm.subscriptions


def test_stop_and_start(device):
    with open_flexible(device("a"), (Dog, "TRUEPREDICATE")) as realm:
        session = realm.session
        assert session == realm.session and session.path == realm.path
        assert session.state is SessionState.ACTIVE
        states = []
        changed = threading.Event()

        def note(old, new):
            states.append((old, new))
            if new is ConnectionState.CONNECTED:
                changed.set()

        token = session.observe_connection(note)
        session.stop()
        session.stop()
        assert session.state in (SessionState.PAUSED, SessionState.INACTIVE)
        assert session.connection_state is ConnectionState.DISCONNECTED
        with realm.write():
            realm.create(Dog, name="offline")
        waiting = session.wait_for_upload()
        with pytest.raises(errors.TimeoutError):
            waiting.result(0.2)
        assert not waiting.is_done
        session.start()
        waiting.result(LIMIT)
        assert waiting.is_done and changed.wait(LIMIT)
        assert session.state is SessionState.ACTIVE and session.connection_state is ConnectionState.CONNECTED
        assert states[0][1] is ConnectionState.DISCONNECTED
        token.stop()


def test_a_wait_fails_when_its_session_is_stopped(device, tmp_path):
    with open_flexible(device("a"), (Dog, "TRUEPREDICATE")) as realm:
        # Nobody answers a wait whose upload can't have reached the server yet.
        with realm.write():
            for i in range(2000):
                realm.create(Dog, name=f"dog {i}", tags=["x"] * 20)
        waiting = realm.session.wait_for_upload()
        realm.session.stop()
        try:
            waiting.result(LIMIT)
        except errors.SessionInactiveError:
            pass  # the usual case; a fast upload may have been quicker


def test_progress_reaches_the_end(device):
    with open_flexible(device("a"), (Dog, "TRUEPREDICATE")) as realm:
        with realm.write():
            for i in range(500):
                realm.create(Dog, name=f"dog {i}")
        reports = []
        done = threading.Event()

        def note(progress):
            reports.append(progress)
            if progress.is_complete:
                done.set()

        realm.session.observe_progress(atoll.Direction.UPLOAD, note, atoll.ProgressMode.CURRENT_WORK)
        assert done.wait(LIMIT)
        fractions = [report.fraction for report in reports]
        assert fractions[-1] == 1.0 and all(0.0 <= fraction <= 1.0 for fraction in fractions)
        assert fractions == sorted(fractions)


def test_asyncio(device):
    async def main():
        app = device("a")
        user = await app.log_in(Credentials.anonymous())
        realm = await atoll.open_async(SyncConfiguration.flexible(user), schema=[Dog])
        with realm:
            with realm.subscriptions.update() as update:
                update.add(realm.objects(Dog))
            await realm.subscriptions.wait()
            with realm.write():
                realm.create(Dog, name="Rex")
            await realm.session.wait_for_upload()

            other_app = device("b")
            other = await other_app.log_in(Credentials.anonymous(reuse=False))
            with atoll.open(SyncConfiguration.flexible(other), schema=[Dog]) as second:
                arrived = asyncio.Queue()
                second.objects(Dog).observe(lambda results, changes: arrived.put_nowait(len(results)))
                with second.subscriptions.update() as update:
                    update.add(second.objects(Dog))
                await second.subscriptions.wait()
                while await asyncio.wait_for(arrived.get(), LIMIT) != 1:
                    pass
                assert second.objects(Dog)[0].name == "Rex"
                with pytest.raises(asyncio.TimeoutError):
                    second.session.stop()
                    await asyncio.wait_for(second.session.wait_for_download(), 0.1)

    asyncio.run(main())


def test_a_refused_write_is_reported_once_after_it_is_reverted(device):
    with open_flexible(device("a"), (Task, "done == true"), schema=[Task]) as realm:
        reports = []
        reported = threading.Event()

        def note(error):
            reports.append(error)
            reported.set()

        realm.session.observe_errors(note)
        with realm.write():
            bad = realm.create(Task, _partition="p", name="outside", done=False)
            realm.create(Task, _partition="p", name="inside", done=True)
        key = bad._id
        upload(realm)
        assert reported.wait(LIMIT)
        download(realm)
        assert [task.name for task in realm.objects(Task)] == ["inside"] and not bad.is_valid
        assert len(reports) == 1 and isinstance(reports[0], errors.CompensatingWriteError)
        assert str(key) in reports[0].message and "Task" in reports[0].message
        assert reports[0].writes == (errors.RefusedWrite("Task", key, "the object is outside of the current view"),)


def test_download_progress_reaches_the_end(device):
    with open_flexible(device("a"), (Dog, "TRUEPREDICATE")) as one:
        with one.write():
            for i in range(3000):
                one.create(Dog, name=f"dog {i}", tags=["x", "y"])
        upload(one)
    with open_flexible(device("b")) as two:
        reports = []
        done = threading.Event()
        with two.subscriptions.update() as update:
            update.add(two.objects(Dog))

        def note(progress):
            reports.append(progress.fraction)
            if progress.is_complete:
                done.set()

        two.session.observe_progress(atoll.Direction.DOWNLOAD, note, atoll.ProgressMode.CURRENT_WORK)
        assert done.wait(LIMIT)
        two.refresh()
        assert len(two.objects(Dog)) == 3000 and reports[-1] == 1.0 and reports == sorted(reports)


# ---------- asymmetric ----------


def test_asymmetric_objects_are_sent_and_gone(device):
    realm = open_flexible(device("a"), schema=[Measurement])
    with realm:
        sent = Measurement(value=9.876, at=datetime.datetime.now(UTC), detail=Reading(value=1.0))
        assert sent.value == 9.876
        with realm.write():
            realm.add(sent)
        with pytest.raises(atoll.InvalidObjectError):
            sent.value
        assert not sent.is_valid
        with pytest.raises(errors.AsymmetricError):
            realm.objects(Measurement)
        with pytest.raises(errors.AsymmetricError):
            realm.find(Measurement, uuid.UUID(int=1))
        upload(realm)


def test_asymmetric_classes_are_refused_in_partition_realms(device):
    with pytest.raises(errors.AtollError) as caught:
        atoll.open(SyncConfiguration.partition(log_in(device("a")), "p"), schema=[Measurement])
    assert caught.type in (errors.AsymmetricError, errors.SchemaInvalidError)
