"""Flow 2: a stopped session moves nothing either way, and start() does not wait for the backoff."""

import threading
import time

import atoll
from harness import LIMIT, Server, counters, until


class Task(atoll.Object):
    _id: atoll.ObjectId = atoll.primary_key()
    _partition: str
    name: str


def names(realm):
    realm.refresh()
    return {task.name for task in realm.objects(Task)}


def add(realm, partition, name):
    with realm.write():
        realm.create(Task, _partition=partition, name=name)


def upload(realm):
    realm.session.wait_for_upload().result(LIMIT)


def open_both(server, name):
    app = atoll.App("stops", base_url=server.url, base_path=server.folder / name, reconnect_delay=60)
    user = app.log_in(atoll.Credentials.anonymous()).result(LIMIT)
    work = atoll.open(atoll.SyncConfiguration.partition(user, "work"), schema=[Task])
    marks = atoll.open(atoll.SyncConfiguration.partition(user, "marks"), schema=[Task])
    for realm in (work, marks):
        realm.session.wait_for_download().result(LIMIT)
    return user, work, marks


def main(server):
    lines = []
    atoll.set_log_level(atoll.LogLevel.DEBUG)
    atoll.set_log_sink(lambda level, category, message: lines.append((time.monotonic(), message)))
    ann, ann_work, ann_marks = open_both(server, "ann")
    _, bob_work, bob_marks = open_both(server, "bob")
    states = []
    connected = threading.Event()

    def note(old, new):
        states.append(new)
        if new is atoll.ConnectionState.CONNECTED:
            connected.set()

    ann_work.session.observe_connection(note)

    # Nothing crosses while it is stopped, in either direction; another realm of the same user goes on.
    ann_work.session.stop()
    assert ann_work.session.state is not atoll.SessionState.ACTIVE
    assert ann_work.session.connection_state is atoll.ConnectionState.DISCONNECTED
    until(lambda: not any(s.open for s in server.sessions("stops", ann.id, "work")), "the server sees the stop")
    before = [counters(s) for s in server.sessions("stops", ann.id, "work")]
    add(ann_work, "work", "written while stopped")
    add(bob_work, "work", "written elsewhere")
    upload(bob_work)
    add(ann_marks, "marks", "marker of ann")
    add(bob_marks, "marks", "marker of bob")
    upload(ann_marks)
    upload(bob_marks)
    for realm in (ann_marks, bob_marks):
        realm.session.wait_for_download().result(LIMIT)
        assert names(realm) == {"marker of ann", "marker of bob"}
    bob_work.session.wait_for_download().result(LIMIT)
    assert names(ann_work) == {"written while stopped"}
    assert names(bob_work) == {"written elsewhere"}
    assert [counters(s) for s in server.sessions("stops", ann.id, "work")] == before, "the stopped session moved"

    ann_work.session.start()
    upload(ann_work)
    ann_work.session.wait_for_download().result(LIMIT)
    assert connected.wait(LIMIT)
    bob_work.session.wait_for_download().result(LIMIT)
    both = {"written while stopped", "written elsewhere"}
    assert names(ann_work) == both and names(bob_work) == both

    # The server goes away: the next attempt is a minute off. It comes back; start() connects at once.
    server.kill()
    until(lambda: ann_work.session.connection_state is atoll.ConnectionState.DISCONNECTED, "the loss is noticed")
    add(ann_work, "work", "written offline")
    server.start()
    waiting = ann_work.session.wait_for_upload()
    try:
        waiting.result(1.5)
        raise AssertionError("it connected although the next attempt was a minute away")
    except atoll.errors.TimeoutError:
        pass
    connected.clear()
    began = time.monotonic()
    ann_work.session.stop()
    ann_work.session.start()
    assert connected.wait(LIMIT) and time.monotonic() - began < 20
    upload(ann_work)
    attempts = [message for at, message in lines if at >= began and "resume" in message]
    assert attempts, "no attempt with reason resume was logged"
    for realm in (ann_work, ann_marks, bob_work, bob_marks):
        realm.close()
    atoll.set_log_sink(None)


with Server() as fresh:
    main(fresh)
print("flow 2: ok")
