"""Flow 1: two clients of one partition see each other's Task, a client of another partition does not."""

import asyncio

import atoll
from harness import LIMIT, Server, until


class Task(atoll.Object):
    _id: atoll.ObjectId = atoll.primary_key()
    _partition: str
    name: str
    status: str = "Open"


def device(server, name):
    return atoll.App("tasks", base_url=server.url, base_path=server.folder / name)


async def main(server):
    ann = await device(server, "ann").log_in(atoll.Credentials.anonymous())
    bob = await device(server, "bob").log_in(atoll.Credentials.anonymous())
    cid = await device(server, "cid").log_in(atoll.Credentials.anonymous())

    first = atoll.open(atoll.SyncConfiguration.partition(ann, "ours"), schema=[Task])
    with first.write():
        task = first.create(Task, _partition="ours", name="Do this thing")
    await first.session.wait_for_upload()

    # Opening at once shows what is on the device; opening asynchronously waits for what the server has.
    second = await atoll.open_async(atoll.SyncConfiguration.partition(bob, "ours"), schema=[Task])
    assert [t.name for t in second.objects(Task)] == ["Do this thing"]
    assert second.find(Task, task._id).status == "Open"

    third = await atoll.open_async(atoll.SyncConfiguration.partition(cid, "theirs"), schema=[Task])
    assert len(third.objects(Task)) == 0

    # And back, live: the second changes the task, the first sees it without asking.
    seen = asyncio.Event()
    token = task.observe(lambda changed, change: "status" in change.properties and seen.set())
    with second.write():
        second.find(Task, task._id).status = "Done"
        second.create(Task, _partition="ours", name="marker of ours")
    await second.session.wait_for_upload()
    await asyncio.wait_for(seen.wait(), LIMIT)
    assert task.status == "Done"
    token.stop()

    # A marker of its own partition reaches the third client after all of that; nothing else does.
    fourth = atoll.open(atoll.SyncConfiguration.partition(ann, "theirs"), schema=[Task])
    with fourth.write():
        fourth.create(Task, _partition="theirs", name="marker of theirs")
    await fourth.session.wait_for_upload()
    await third.session.wait_for_download()
    third.refresh()
    assert [t.name for t in third.objects(Task)] == ["marker of theirs"]
    await first.session.wait_for_download()
    first.refresh()
    assert {t.name for t in first.objects(Task)} == {"Do this thing", "marker of ours"}

    def rows_out(user, partition):
        return sum(s.rows_out for s in server.sessions("tasks", user.id, partition))

    assert rows_out(cid, "theirs") == 1, "the server sent the third client more than its marker"
    assert rows_out(bob, "ours") == 1, "the server sent the second client more than the task"
    assert until(lambda: rows_out(ann, "ours") == 2, "the first client is sent one change and one marker")
    assert rows_out(ann, "theirs") == 0, "the author of the marker was sent it back"
    for realm in (first, second, third, fourth):
        realm.close()


with Server() as fresh:
    asyncio.run(main(fresh))
print("flow 1: ok")
