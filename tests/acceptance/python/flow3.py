"""Flow 3: measurements go one way: they arrive once, are gone from the device, and can't be read or queried there."""

import datetime
import uuid

import atoll
from harness import LIMIT, Server


class Place(atoll.EmbeddedObject):
    room: str
    floor: int | None


class Sensor(atoll.Object):
    _id: str = atoll.primary_key()
    name: str
    sent: int = 0


class Measurement(atoll.AsymmetricObject):
    _id: uuid.UUID = atoll.primary_key()
    value: float
    timestamp: datetime.datetime
    place: Place | None
    sensor: Sensor | None


def expect(kind, function):
    try:
        function()
    except kind:
        return
    raise AssertionError(f"expected {kind.__name__}")


def main(server):
    app = atoll.App("weather", base_url=server.url, base_path=server.folder / "station")
    user = app.log_in(atoll.Credentials.anonymous()).result(LIMIT)
    configuration = atoll.SyncConfiguration.flexible(user)
    schema = [Measurement, Sensor]
    realm = atoll.open(configuration, schema=schema)
    with realm.subscriptions.update() as subscriptions:
        subscriptions.add(realm.objects(Sensor))
    realm.subscriptions.wait().result(LIMIT)

    # One write with a normal object beside it.
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, datetime.timezone.utc)
    with realm.write():
        sensor = realm.create(Sensor, _id="s1", name="roof", sent=1)
        measurement = realm.create(
            Measurement, value=9.876, timestamp=moment, place=Place(room="attic", floor=3), sensor=sensor
        )
        key = measurement._id
        assert measurement.value == 9.876
    expect(atoll.InvalidObjectError, lambda: measurement.value)
    assert not measurement.is_valid and sensor.sent == 1
    expect(atoll.errors.AsymmetricError, lambda: realm.objects(Measurement))
    expect(atoll.errors.AsymmetricError, lambda: realm.find(Measurement, key))
    realm.session.wait_for_upload().result(LIMIT)

    arrived = server.ingested("weather")
    assert len(arrived) == 1, arrived
    text = str(arrived[0])
    assert str(key) in text and "9.876" in text and "attic" in text and "s1" in text, text

    # It is gone from the device: a new session, in a new process's place, has nothing to send.
    realm.close()
    realm = atoll.open(configuration, schema=schema)
    realm.session.wait_for_upload().result(LIMIT)
    realm.session.wait_for_download().result(LIMIT)
    assert len(server.ingested("weather")) == 1
    latest = max(server.sessions("weather", user.id), key=lambda s: s.number)
    assert latest.rows_in == 0, "the measurement was sent again"

    # Many at once, in order, while the server is away; each arrives once.
    server.kill()
    for start in range(0, 500, 100):
        with realm.write():
            for i in range(start, start + 100):
                realm.create(Measurement, value=float(i), timestamp=moment)
    server.start()
    app.reconnect()
    realm.session.wait_for_upload().result(LIMIT)
    arrived = server.ingested("weather")[1:]
    assert len(arrived) == 500 and [find_value(row) for row in arrived] == [float(i) for i in range(500)]
    realm.close()


def find_value(row):
    """The value of a measurement, wherever the line keeps the object's fields."""
    if "value" in row:
        return row["value"]
    return next(find_value(inner) for inner in row.values() if isinstance(inner, dict) and "value" in inner)


with Server() as fresh:
    main(fresh)
print("flow 3: ok")
