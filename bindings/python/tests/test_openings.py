"""Openings of synced realms: first subscriptions, progress of the first download; what users and sessions tell."""

import asyncio
import threading

import pytest

import atoll
from atoll import Credentials, SyncConfiguration, errors, testing
from models import Dog
from test_sync import LIMIT, log_in, open_flexible, upload


def fill(app, count):
    with open_flexible(app, (Dog, "TRUEPREDICATE")) as realm:
        with realm.write():
            for i in range(count):
                realm.create(Dog, name=f"dog {i}", tags=["x", "y"])
        upload(realm)


def test_initial_subscriptions_are_made_once_or_at_each_opening(device):
    app = device("a")
    user = log_in(app)
    calls = []

    def subscribe(realm, update):
        calls.append(realm.path)
        update.add(realm.objects(Dog).where("age > 3"), name="old dogs")

    once = SyncConfiguration.flexible(user, initial_subscriptions=subscribe)
    with atoll.open(once, schema=[Dog]) as realm:
        assert [item.name for item in realm.subscriptions] == ["old dogs"] and realm.subscriptions.version == 1
        realm.subscriptions.wait().result(LIMIT)
        with realm.subscriptions.update() as update:
            update.remove_all(remove_named=True)
    with atoll.open(once, schema=[Dog]) as realm:
        assert len(realm.subscriptions) == 0 and len(calls) == 1  # It had some once.
    again = SyncConfiguration.flexible(user, initial_subscriptions=subscribe, rerun_on_open=True)
    with atoll.open(again, schema=[Dog]) as realm:
        assert len(realm.subscriptions) == 1 and len(calls) == 2


def test_initial_subscriptions_that_raise_leave_nothing_behind(device):
    user = log_in(device("a"))
    fails = [True]

    def subscribe(realm, update):
        update.add(realm.objects(Dog))
        if fails:
            raise LookupError("not today")

    config = SyncConfiguration.flexible(user, initial_subscriptions=subscribe)
    with pytest.raises(LookupError, match="not today"):
        atoll.open(config, schema=[Dog])
    with atoll.open(SyncConfiguration.flexible(user), schema=[Dog]) as realm:
        assert len(realm.subscriptions) == 0 and realm.subscriptions.version == 0
    fails.clear()
    with atoll.open(config, schema=[Dog]) as realm:
        assert len(realm.subscriptions) == 1


def test_an_asynchronous_opening_tells_its_progress_and_has_all(device):
    fill(device("a"), 3000)

    async def main():
        app = device("b")
        user = await app.log_in(Credentials.anonymous())
        reports = []
        config = SyncConfiguration.flexible(
            user, initial_subscriptions=lambda realm, update: update.add(realm.objects(Dog))
        )
        realm = await atoll.open_async(config, schema=[Dog], on_progress=reports.append)
        with realm:
            assert len(realm.objects(Dog)) == 3000
        fractions = [report.fraction for report in reports]
        assert fractions and fractions[-1] == 1.0 and fractions == sorted(fractions)
        assert reports[-1].is_complete and reports[-1].transferred == reports[-1].transferable > 3000

    asyncio.run(main())


def test_progress_without_end_begins_anew_and_counts_bytes(device):
    with open_flexible(device("a"), (Dog, "TRUEPREDICATE")) as realm:
        upload(realm)
        reports = []
        ends = threading.Semaphore(0)

        def note(progress):
            reports.append(progress)
            if progress.fraction == 1.0:
                ends.release()

        token = realm.session.observe_progress(atoll.Direction.UPLOAD, note)
        assert ends.acquire(timeout=LIMIT)  # What is known is told at once: nothing is left.
        for _ in range(2):
            with realm.write():
                for i in range(500):
                    realm.create(Dog, name=f"dog {i}")
            upload(realm)
            assert ends.acquire(timeout=LIMIT)
        token.stop()
        transferred = [report.transferred for report in reports]
        assert transferred == sorted(transferred) and transferred[-1] > transferred[0] + 1000 * 16
        assert all(0 <= report.transferred <= report.transferable for report in reports)
        runs = [report.fraction for report in reports]
        assert runs.count(1.0) == 3 and runs[-1] == 1.0
        for before, after in zip(runs, runs[1:]):
            assert after >= before or before == 1.0
        assert not any(report.is_complete for report in reports)


def test_what_changes_of_a_user_is_told(device):
    user = log_in(device("a"))
    states = []
    told = threading.Event()

    def note(who):
        states.append(who.state)
        if who.state is not atoll.UserState.LOGGED_IN:
            told.set()

    token = user.observe(note)
    user.log_out().result(LIMIT)
    assert told.wait(LIMIT)
    token.stop()


def test_errors_say_whether_the_session_ended_by_them(device):
    with open_flexible(device("a"), (Dog, "TRUEPREDICATE")) as realm:
        told = []
        twice = threading.Semaphore(0)

        def note(error):
            told.append((type(error), error.is_fatal))
            twice.release()

        realm.session.observe_errors(note)
        testing.simulate_error(realm.session, errors.ServerError, "busy", fatal=False)
        assert twice.acquire(timeout=LIMIT)
        testing.simulate_error(realm.session, errors.PermissionDeniedError, "no", fatal=True)
        assert twice.acquire(timeout=LIMIT)
        assert told == [(errors.ServerError, False), (errors.PermissionDeniedError, True)]
        assert realm.session.state is atoll.SessionState.INACTIVE
