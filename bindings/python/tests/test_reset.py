"""Client resets against a real server: a backup restored, sync terminated, a folder copied; and what tests of apps have."""

import datetime
import queue
import shutil
import subprocess

import pytest

import atoll
from atoll import ClientReset, Credentials, ResetMode, SyncConfiguration, errors, testing
from conftest import BUILD, start_server
from models import Dog

LIMIT = 40


@pytest.fixture
def server(tmp_path):
    """A server of its own, which can be stopped and started again at the same address."""

    class Server:
        def __init__(self):
            self.folder = tmp_path / "server"
            self.process, self.url = start_server(self.folder)

        def stop(self):
            self.process.terminate()
            assert self.process.wait(20) == 0

        def start(self):
            (self.folder / "port").unlink()
            self.process, url = start_server(self.folder, "--listen", self.url[len("http://") :])
            assert url == self.url

        def command(self, *arguments):
            subprocess.run([BUILD / "tools/atoll/atoll", *arguments, "--data", self.folder / "data"], check=True)

    made = Server()
    yield made
    made.stop()


def open_app(server, tmp_path, name):
    app = atoll.App("resets", base_url=server.url, base_path=tmp_path / name, reconnect_delay=0.2, reconnect_delay_max=0.5)
    return app, app.log_in(Credentials.anonymous()).result(LIMIT)


def open_dogs(user, **settings):
    realm = atoll.open(SyncConfiguration.flexible(user, **settings), schema=[Dog])
    if len(realm.subscriptions) == 0:
        with realm.subscriptions.update() as subscriptions:
            subscriptions.add(realm.objects(Dog))
        realm.subscriptions.wait().result(LIMIT)
    return realm


def settle(realm):
    realm.session.wait_for_upload().result(LIMIT)
    realm.session.wait_for_download().result(LIMIT)
    realm.refresh()


def names(realm):
    return sorted(dog.name for dog in realm.objects(Dog))


def add(realm, name):
    with realm.write():
        return realm.create(Dog, name=name)


def test_a_restored_backup_loses_nothing_of_a_client_that_comes_back(server, tmp_path):
    _, user = open_app(server, tmp_path, "a")
    with open_dogs(user) as realm:
        first = add(realm, "before the backup")
        settle(realm)
        server.stop()
        shutil.copytree(server.folder / "data", tmp_path / "backup")
        server.start()
        realm.session.wait_for_download().result(LIMIT)
        add(realm, "after the backup")
        with realm.write():
            first.name = "renamed after the backup"
        settle(realm)
        server.stop()
        add(realm, "never sent")
        shutil.rmtree(server.folder / "data")
        shutil.copytree(tmp_path / "backup", server.folder / "data")
        server.start()
        settle(realm)
        wanted = ["after the backup", "never sent", "renamed after the backup"]
        assert names(realm) == wanted
        assert first.name == "renamed after the backup"  # the same live object
        _, other = open_app(server, tmp_path, "b")
        with open_dogs(other) as fresh:
            settle(fresh)
            assert names(fresh) == wanted


def test_handlers_see_the_realm_before_and_after_sync_was_terminated(server, tmp_path):
    seen = []

    def before(frozen):
        seen.append(("before", frozen.is_frozen, names(frozen)))

    def after(frozen, realm, recovered):
        seen.append(("after", names(frozen), names(realm), recovered))

    app, user = open_app(server, tmp_path, "a")
    with open_dogs(user, client_reset=ClientReset(ResetMode.DISCARD, before, after)) as realm:
        add(realm, "sent")
        settle(realm)
        with testing.no_network(app):
            add(realm, "unsent")
            server.command("sync", "terminate", "--app", "resets")
        settle(realm)
        assert names(realm) == ["sent"]
    assert seen == [
        ("before", True, ["sent", "unsent"]),
        ("after", ["sent", "unsent"], ["sent"], False),
    ]


def test_a_handler_that_raises_ends_the_session(server, tmp_path):
    def before(frozen):
        raise ValueError("not now")

    heard = []
    _, user = open_app(server, tmp_path, "a")
    with open_dogs(user, client_reset=ClientReset(before=before)) as realm:
        add(realm, "kept")
        settle(realm)
        realm.session.observe_errors(heard.append)
        testing.simulate_client_reset(realm.session)
        with pytest.raises(errors.AutoClientResetFailedError):
            realm.session.wait_for_download().result(LIMIT)
        assert names(realm) == ["kept"]


def test_a_copied_folder_recovers_what_it_has(server, tmp_path):
    app, user = open_app(server, tmp_path, "a")
    with open_dogs(user) as realm:
        add(realm, "shared")
        settle(realm)
        path = realm.path
        with testing.no_network(app):
            add(realm, "of the original")
    # The session of a closed realm lives until it has sent everything.
    with open_dogs(user) as realm:
        settle(realm)
    shutil.copytree(path, tmp_path / "copy")
    with open_dogs(user) as realm:
        add(realm, "after the copy")
        settle(realm)
    with open_dogs(user, path=tmp_path / "copy") as copy:
        add(copy, "of the copy")
        settle(copy)
        assert names(copy) == ["after the copy", "of the copy", "of the original", "shared"]


def test_a_simulated_error_ends_a_session_and_the_clock_can_be_wrong(server, tmp_path):
    _, user = open_app(server, tmp_path, "a")
    with open_dogs(user) as realm, testing.clock_offset(datetime.timedelta(days=-3)):
        add(realm, "of another time")
        settle(realm)
        testing.simulate_error(realm.session, errors.PermissionDeniedError, "by a test")
        with pytest.raises(errors.PermissionDeniedError):
            realm.session.wait_for_download().result(LIMIT)
        assert realm.session.state is atoll.SessionState.INACTIVE


def test_waits_end_with_the_connection_where_that_is_wanted(server, tmp_path):
    app, user = open_app(server, tmp_path, "a")
    with open_dogs(user, cancel_waits_on_errors=True) as realm, testing.no_network(app):
        with pytest.raises(errors.AtollError):
            realm.session.wait_for_download().result(LIMIT)
        assert realm.session.state is atoll.SessionState.ACTIVE
    with atoll.open(SyncConfiguration.flexible(user, path=tmp_path / "patient"), schema=[Dog]) as patient:
        with testing.no_network(app):
            waiting = patient.session.wait_for_download()
            with pytest.raises(TimeoutError):
                waiting.result(1)
        waiting.result(LIMIT)


def test_a_connection_closes_soon_after_its_last_session_where_that_is_wanted(server, tmp_path):
    lines = queue.Queue()
    category = "Realm.Sync.Client.Network"
    level = atoll.log_level(category)
    atoll.set_log_level(atoll.LogLevel.ALL, category)
    atoll.set_log_sink(lambda level, category, message: lines.put(message))
    try:
        app = atoll.App("resets", base_url=server.url, base_path=tmp_path / "a", connection_linger=0.05)
        with open_dogs(app.log_in(Credentials.anonymous()).result(LIMIT)) as realm:
            settle(realm)
            while not lines.empty():
                lines.get()
        while not lines.get(timeout=10).endswith("idle"):
            pass
    finally:
        atoll.set_log_sink(None)
        atoll.set_log_level(level, category)
