"""The Python client of tools/demo: takes commands as lines of JSON, answers in lines of JSON (tools/demo.d/README.md)."""

import json
import sys

import atoll

LIMIT = 60  # seconds


class Airport(atoll.Object):
    _id: str = atoll.primary_key()
    name: str
    city: str | None
    state: str | None
    country: str
    latitude: float
    longitude: float
    visits: int
    tags: list[str]


class Client:
    def __init__(self, base_url, app_id, role):
        self.app = atoll.App(app_id, base_url=base_url, base_path=role["folder"])
        user = self.app.log_in(atoll.Credentials.anonymous()).result(LIMIT)
        self.realm = atoll.open(atoll.SyncConfiguration.flexible(user), schema=[Airport])
        self.airports = self.realm.objects(Airport)

    def count(self):
        self.realm.refresh()
        return {"count": len(self.airports)}

    def subscribe(self, query):
        with self.realm.subscriptions.update() as subscriptions:
            subscriptions.remove_all(remove_named=True)
            subscriptions.add(self.airports.where(query))
        self.realm.subscriptions.wait().result(LIMIT)
        return self.count()

    def stop(self):
        self.realm.session.stop()

    def start(self):
        self.realm.session.start()

    def create(self, values):
        with self.realm.write():
            self.realm.create(Airport, **values)

    def set(self, query, values):
        with self.realm.write():
            found = list(self.airports.where(query))
            for airport in found:
                for name, value in values.items():
                    setattr(airport, name, value)
        return {"count": len(found)}

    def tag(self, query, value):
        with self.realm.write():
            found = list(self.airports.where(query))
            for airport in found:
                airport.tags.append(value)
        return {"count": len(found)}

    def delete(self, query):
        with self.realm.write():
            found = self.airports.where(query)
            count = len(found)
            found.delete_all()
        return {"count": count}

    def wait(self):
        session = self.realm.session
        session.wait_for_upload().result(LIMIT)
        session.wait_for_download().result(LIMIT)
        return self.count()

    def dump(self):
        names = ["_id", "name", "city", "state", "country", "latitude", "longitude", "visits"]
        rows = [{**{name: getattr(a, name) for name in names}, "tags": list(a.tags)} for a in self.airports]
        return {"rows": rows}


def answer(**fields):
    print(json.dumps(fields), flush=True)


def main():
    base_url, app_id, role = sys.argv[1:]
    client = Client(base_url, app_id, json.loads(role))
    answer(ok=True, ready=True)
    for line in sys.stdin:
        command = json.loads(line)
        what = command.pop("do")
        if what == "quit":
            break
        try:
            answer(ok=True, **(getattr(client, what)(**command) or {}))
        except Exception as problem:  # the demo shows it and ends
            answer(ok=False, error=f"{type(problem).__name__}: {problem}")
    client.realm.close()


main()
