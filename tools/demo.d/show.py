"""The course of the demo: what happens, in order, and the table at the end."""

import concurrent.futures
import csv
import datetime
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time

import atoll
from clients import Client
from digest import AIRPORT, ZIP_CODE, digest
from server import ROOT, Server
from tqdm import tqdm

APP = "demo"
LIMIT = 60  # seconds that a single wait may take
VIEWS = {
    "csharp": "state == 'WA' OR state == 'OR' OR state == 'CA'",
    "java": "latitude > 45",
    "cpp": "state == 'TX' OR visits > 0",
    "python": "longitude < -120",
}
OFFLINE = "java"  # who is without a connection while all edit; its view has what it edits then
ZIP_VIEW = "state == 'WA' OR state == 'OR'"


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


class ZipCode(atoll.Object):
    _id: str = atoll.primary_key()
    latitude: float | None
    longitude: float | None
    city: str | None
    state: str | None
    county: str | None


class Conditions(atoll.EmbeddedObject):
    precipitation_mm: float
    temperature_max: float
    temperature_min: float
    wind: float


class Weather(atoll.AsymmetricObject):
    _id: str = atoll.primary_key()
    day: datetime.datetime
    kind: str
    conditions: Conditions | None


def table(name):
    with open(ROOT / "tests/data" / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def known(text):
    """The data set writes an unknown value as NA."""
    return None if text in ("", "NA") else text


def rows_of(objects, types):
    """What a client holds, as plain values."""
    return [
        {name: list(getattr(one, name)) if name == "tags" else getattr(one, name) for name in types} for one in objects
    ]


def bar(total, text):
    return tqdm(total=total, desc=f"{text:<34}", unit="obj", ncols=100, leave=True)


class Station(threading.Thread):
    """A weather station: its own device, streaming a measurement at a time while everything else goes on."""

    def __init__(self, server, folder):
        super().__init__(name="station")
        self.server = server
        self.folder = folder
        self.days = table("seattle-weather.csv")
        self.user_id = None
        self.seconds = 0.0
        self.problem = None

    def run(self):
        try:
            self._stream()
        except BaseException as problem:
            self.problem = problem

    def _stream(self):
        began = time.monotonic()
        app = atoll.App(APP, base_url=self.server.url, base_path=self.folder)
        user = app.log_in(atoll.Credentials.anonymous()).result(LIMIT)
        self.user_id = user.id
        with atoll.open(atoll.SyncConfiguration.flexible(user), schema=[Weather]) as realm:
            for start in range(0, len(self.days), 20):
                with realm.write():
                    for day in self.days[start : start + 20]:
                        realm.create(Weather, **self.measurement(day))
            realm.session.wait_for_upload().result(LIMIT)
        self.seconds = time.monotonic() - began

    @staticmethod
    def measurement(day):
        return {
            "_id": day["date"],
            "day": datetime.datetime.fromisoformat(day["date"]).replace(tzinfo=datetime.timezone.utc),
            "kind": day["weather"],
            "conditions": Conditions(
                precipitation_mm=float(day["precipitation"]),
                temperature_max=float(day["temp_max"]),
                temperature_min=float(day["temp_min"]),
                wind=float(day["wind"]),
            ),
        }


class Demo:
    def __init__(self, build, languages, keep):
        self.build = build
        self.keep = keep
        self.languages = []
        self.skipped = []
        for language in languages:
            (self.languages if Client.program(language).exists() else self.skipped).append(language)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="atoll-demo-"))
        self.clients = []
        self.times = {}
        self.pool = concurrent.futures.ThreadPoolExecutor()

    def run(self):
        began = time.monotonic()
        self.server = Server(self.build, self.folder)
        print(f"atolld serves {self.server.url}, its data is in {self.server.data}")
        is_equal = False
        try:
            is_equal = self._course()
        finally:
            began_to_end = time.monotonic()
            for client in self.clients:
                client.close()
            self.pool.shutdown()
            if self.keep:
                self._say_how_to_connect()
            else:
                code = self.server.stop()
                if is_equal:
                    shutil.rmtree(self.folder, ignore_errors=True)
                else:
                    print(f"what was left behind is in {self.folder}")
                if code != 0:
                    print(f"atolld ended with {code}")
                    is_equal = False
        ended = time.monotonic()
        verdict = "all agree" if is_equal else "NOT EQUAL"
        print(f"{verdict}, {ended - began:.1f} s in all, {ended - began_to_end:.1f} s of them to end")
        return 0 if is_equal else 1

    def _course(self):
        atoll.set_log_level(atoll.LogLevel.WARN)
        self._import_airports()
        self._import_zip_codes()
        self.station = Station(self.server, self._new_folder("station"))
        self.station.start()
        self._timed("start of the clients", self._start_clients)
        self._timed("edits", self._edit_at_once)
        self.station.join()
        if self.station.problem is not None:
            raise self.station.problem
        with bar(1, "everybody catches up") as progress:
            self._timed("converge", self._converge)
            progress.update()
        return self._compare()

    def _new_folder(self, name):
        folder = self.folder / name
        folder.mkdir()
        return folder

    def _timed(self, name, work):
        began = time.monotonic()
        result = work()
        self.times[name] = time.monotonic() - began
        return result

    # ---------- the parts ----------

    def _import_airports(self):
        app = atoll.App(APP, base_url=self.server.url, base_path=self._new_folder("importer"))
        self.user = app.log_in(atoll.Credentials.anonymous()).result(LIMIT)
        self.realm = atoll.open(atoll.SyncConfiguration.flexible(self.user), schema=[Airport])
        self.airports = self.realm.objects(Airport)
        with self.realm.subscriptions.update() as subscriptions:
            subscriptions.add(self.airports, name="all airports")
        self.realm.subscriptions.wait().result(LIMIT)
        rows = table("airports.csv")
        began = time.monotonic()
        with bar(len(rows), "import airports (Python)") as progress:
            for start in range(0, len(rows), 500):
                part = rows[start : start + 500]
                with self.realm.write():
                    for row in part:
                        self.realm.create(Airport, **self._airport(row))
                progress.update(len(part))
        self.times["import"] = time.monotonic() - began
        session = self.realm.session
        with tqdm(total=100, desc=f"{'upload them':<34}", unit="%", ncols=100) as progress:
            token = session.observe_progress(
                atoll.Direction.UPLOAD, lambda report: self._advance(progress, report.fraction)
            )
            self._timed("upload", lambda: session.wait_for_upload().result(LIMIT))
            token.stop()
            self._advance(progress, 1.0)

    def _import_zip_codes(self):
        """The command line imports a big table; a client subscribes to a part of it."""
        command = [self.build / "tools/atoll/atoll", "import", ROOT / "tests/data/zipcodes.csv", "--app", APP]
        command += ["--class", "ZipCode", "--key", "zip_code", "--data", self.server.data]
        self._timed("import of zip codes", lambda: subprocess.run(command, check=True))
        folder = self.folder / "importer" / "zip-codes"
        self.zip_realm = atoll.open(atoll.SyncConfiguration.flexible(self.user, path=folder), schema=[ZipCode])
        self.zip_codes = self.zip_realm.objects(ZipCode)
        with self.zip_realm.subscriptions.update() as subscriptions:
            subscriptions.add(self.zip_codes.where(ZIP_VIEW))
        self._timed("download zip codes", lambda: self.zip_realm.subscriptions.wait().result(LIMIT))
        self.zip_realm.refresh()

    @staticmethod
    def _airport(row):
        return {
            "_id": row["iata"],
            "name": row["name"],
            "city": known(row["city"]),
            "state": known(row["state"]),
            "country": row["country"],
            "latitude": float(row["latitude"]),
            "longitude": float(row["longitude"]),
        }

    @staticmethod
    def _advance(progress, fraction):
        progress.update(max(0, round(fraction * 100) - progress.n))

    def _start_clients(self):
        for language in self.languages:
            self.clients.append(Client(language, self.build, self.server.url, APP, self.folder / language))

        def begin(client):
            client.ready()
            began = time.monotonic()
            count = client.do("subscribe", query=VIEWS[client.name])["count"]
            self.times[f"download {client.name}"] = time.monotonic() - began
            return count

        waiting = {self.pool.submit(begin, client): client for client in self.clients}
        with bar(0, "first downloads") as progress:
            for done in concurrent.futures.as_completed(waiting):
                count = done.result()
                progress.total += count
                progress.update(count)
                progress.set_postfix_str(waiting[done].name)

    def _edit_at_once(self):
        """One client is offline while all edit what they share; it comes back with edits of its own."""
        if not self.clients:
            return
        offline = next((client for client in self.clients if client.name == OFFLINE), self.clients[-1])
        offline.do("stop")
        edits = []
        for number, client in enumerate(self.clients):
            edits.append((client, "set", {"query": "state == 'WA'", "values": {"visits": number + 1}}))
            edits.append((client, "tag", {"query": "_id == 'SEA' OR _id == 'DFW'", "value": client.name}))
            edits.append((client, "create", {"values": self._new_airport(client, number)}))
        edits.append((offline, "set", {"query": "latitude > 47 AND latitude < 48", "values": {"city": "offline"}}))
        edits.append((offline, "delete", {"query": "state == 'ND'"}))
        edits.append((self.clients[0], "set", {"query": "state == 'OR'", "values": {"state": "WA"}}))
        with bar(len(edits), f"edits at once, {offline.name} offline") as progress:
            by_client = {}
            for client, what, fields in edits:
                by_client.setdefault(client, []).append((what, fields))

            def work(client):
                for what, fields in by_client[client]:
                    client.do(what, **fields)
                    progress.update()

            list(self.pool.map(work, by_client))
        with self.realm.write():
            for airport in self.airports.where("state == 'TX'"):
                airport.name += " (Texas)"
            self.realm.delete(self.airports.where("state == 'AK'"))
            for airport in self.airports.where("state == 'CA' AND latitude > 40"):
                airport.latitude -= 1.0
        offline.do("start")

    @staticmethod
    def _new_airport(client, number):
        return {
            "_id": f"NEW-{client.name}",
            "name": f"Made by {client.name} 🛬",
            "state": ["WA", "ND", "TX", "CA"][number % 4],
            "country": "USA",
            "latitude": 46.5,
            "longitude": -121.25,
            "visits": 9,
        }

    def _converge(self):
        """First everybody uploads, then everybody downloads what the others uploaded."""
        for _ in range(2):
            session = self.realm.session
            list(self.pool.map(lambda client: client.do("wait"), self.clients))
            session.wait_for_upload().result(LIMIT)
            session.wait_for_download().result(LIMIT)
        self.realm.refresh()

    # ---------- the end ----------

    def _compare(self):
        lines = []
        is_equal = True
        holders = [
            ("importer", "Airport", "", rows_of(self.airports, AIRPORT), "upload"),
            ("importer", "ZipCode", ZIP_VIEW, rows_of(self.zip_codes, ZIP_CODE), "download zip codes"),
        ]
        for client in self.clients:
            holders.append((client.name, "Airport", client.query, client.rows(), f"download {client.name}"))
        for name, kind, query, rows, timed in holders:
            mine = digest(rows, AIRPORT if kind == "Airport" else ZIP_CODE)
            theirs, count = self.server.hash(APP, kind, query)
            same = mine == theirs and count == len(rows)
            is_equal = is_equal and same
            shown = (f"{len(rows):,}", f"{mine:016x}", f"{theirs:016x}", self.times[timed])
            lines.append((name, kind, query or "all", *shown, same))
        sent, stored, same = self._compare_weather()
        is_equal = is_equal and same
        shown = (f"{len(sent):,}", f"{hash_lines(sent):016x}", f"{hash_lines(stored):016x}", self.station.seconds)
        lines.append(("station", "Weather", "(one way)", *shown, same))
        self._print(lines)
        return is_equal

    def _compare_weather(self):
        """What the station sent and what the server stored: the same days, once each, in order."""
        rows = self.server.ingested(APP)
        stored = [weather_line(find_object(row)) for row in rows]
        sent = [
            "|".join(
                [day["date"], day["weather"]]
                + [repr(float(day[name])) for name in ("precipitation", "temp_max", "temp_min", "wind")]
            )
            for day in self.station.days
        ]
        return sent, stored, sent == stored

    def _print(self, lines):
        sessions = self.server.sessions(APP)
        total_in = sum(session.bytes_in for session in sessions)
        total_out = sum(session.bytes_out for session in sessions)
        print()
        heads = ("client", "class", "subscribed to", "objects", "hash here", "hash there", "s")
        print("{:<9} {:<8} {:<30} {:>7}  {:<16}   {:<16} {:>6}".format(*heads))
        for name, kind, query, count, mine, theirs, seconds, same in lines:
            mark = "=" if same else "≠"
            print(f"{name:<9} {kind:<8} {query[:30]:<30} {count:>7}  {mine} {mark} {theirs} {seconds:6.2f}")
        print()
        print(f"on the wire: {total_in:,} bytes to the server, {total_out:,} from it, in {len(sessions)} sessions")
        shown = ("import", "upload", "import of zip codes", "start of the clients", "edits", "converge")
        print("times: " + ", ".join(f"{name} {self.times[name]:.2f} s" for name in shown if name in self.times))
        for language in self.skipped:
            print(f"skipped: {language}, which has no bindings/{language}/examples/demo/run.sh")

    def _say_how_to_connect(self):
        print(f"\natolld goes on as process {self.server.process.pid}; end it by: kill {self.server.process.pid}")
        print(f"connect: export ATOLL_BASE_URL={self.server.url}   the app is {APP!r}, log in anonymously")
        print(f"look:    {self.build}/tools/atoll/atoll --data {self.server.data} app list")
        print(f"its data and log are in {self.folder}")


def hash_lines(lines):
    """FNV-1a, 64 bits, over lines in order: the measurements are the same, once each, in one order."""
    value = 0xCBF29CE484222325
    for byte in "\n".join(lines).encode():
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def find_object(row):
    """The fields of an ingested object, wherever its line keeps them."""
    if "kind" in row and "conditions" in row:
        return row
    for inner in row.values():
        if isinstance(inner, dict):
            found = find_object(inner)
            if found is not None:
                return found
    return None


def weather_line(fields):
    inner = fields["conditions"]
    names = ("precipitation_mm", "temperature_max", "temperature_min", "wind")
    return "|".join([fields["_id"], fields["kind"]] + [repr(float(inner[name])) for name in names])
