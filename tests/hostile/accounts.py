"""Attacks on users: keys, roles and custom data of others, calls of the administrator, histories that never were."""

import concurrent.futures
import uuid

import grpc
from canary import APP, SCHEMA, Client, auth, auth_stubs, log_in
from harness import LIMIT
from stock import Stream, keys_column, sync, text_column

MB = 1 << 20
DENIED = (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED)

ROLES = """
apps:
- id: hostile
  sync: flexible
  log_in: [anonymous, email, api-key]
  development: true
  default_roles:
  - name: own
    document_filters:
      read: "_id == 'canary' || text == %%user.id"
      write: "_id == 'canary' || text == %%user.id"
    read: true
    write: true
    insert: true
    delete: true
    fields:
      count: {read: false}
"""


def _user(channel, name):
    """A user by email: (stub, access token, refresh token as metadata, id)."""
    stub = auth_stubs.AuthStub(channel)
    account = auth.EmailPassword(email=f"{name}@example.com", password="a password")
    stub.RegisterUser(auth.RegisterRequest(app_id=APP, email_password=account), timeout=LIMIT)
    tokens = stub.LogIn(auth.LogInRequest(app_id=APP, email_password=account), timeout=LIMIT)
    return stub, tokens.access_token, [("authorization", f"Bearer {tokens.refresh_token}")], tokens.user_id


def _code(call, *arguments, **named):
    try:
        call(*arguments, timeout=LIMIT, **named)
    except grpc.RpcError as refused:
        return refused.code()
    return grpc.StatusCode.OK


def attack_keys_of_others(server, canary, _):
    with canary.unharmed(96 * MB), grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub, _token, mine, _id = _user(channel, "victim")
        _stub, access, theirs, _id = _user(channel, "thief")
        made = stub.CreateKey(auth.KeyRequest(app_id=APP, name="backend"), metadata=mine, timeout=LIMIT).keys[0]
        key = auth.KeyRequest(app_id=APP, id=made.id)
        found = stub.FindKeys(key, metadata=theirs, timeout=LIMIT).keys
        assert not found, f"a key of somebody else was shown: {found}"
        disable = auth.KeyRequest(app_id=APP, id=made.id, disable=True)
        assert _code(stub.EnableKey, disable, metadata=theirs) is not grpc.StatusCode.OK
        _code(stub.DeleteKey, key, metadata=theirs)
        assert _code(stub.FindKeys, key, metadata=[("authorization", f"Bearer {access}")]) in DENIED
        assert _code(stub.FindKeys, key) in DENIED, "keys are listed without a token"
        for name in ("", "x" * 100_000, "\x00", "\x1b[2J"):
            _code(stub.CreateKey, auth.KeyRequest(app_id=APP, name=name), metadata=theirs)
        codes = [_code(stub.CreateKey, auth.KeyRequest(app_id=APP, name=f"k{n}"), metadata=theirs) for n in range(40)]
        assert codes.count(grpc.StatusCode.OK) <= 20, "keys without number"
        log_in_by_key = auth.LogInRequest(
            app_id=APP, provider_token=auth.ProviderToken(provider="api-key", token=made.secret)
        )
        assert _code(stub.LogIn, log_in_by_key) is grpc.StatusCode.OK, "the victim's key is gone"
        for wrong in ("", made.id, made.secret[:-1], made.secret + "0", "0" * 64, "x" * 1_000_000):
            log_in_by_key.provider_token.token = wrong
            assert _code(stub.LogIn, log_in_by_key) is not grpc.StatusCode.OK, wrong[:70]


def attack_calls_of_the_administrator(server, canary, _):
    """By nobody, by a user, by a refresh token: none of them is answered."""
    with canary.unharmed(64 * MB), grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        _stub, access, refresh, user_id = _user(channel, "user")
        wanted = auth.UserDataRequest(app_id=APP, user=user_id, json='{"admin": true}').SerializeToString()
        wrong = ("authorization", "Bearer x")
        for method in auth.DESCRIPTOR.services_by_name["Admin"].methods:
            call = channel.unary_unary(
                f"/atoll.auth.v1.Admin/{method.name}", request_serializer=lambda body: body, response_deserializer=bytes
            )
            for metadata in ([], [wrong], refresh, [("authorization", f"Bearer {access}")]):
                for body in (wanted, b""):
                    code = _code(call, body, metadata=metadata)
                    assert code in DENIED, f"{method.name} with {metadata} was answered by {code}"


def attack_one_password_at_many_doors(server, canary, _):
    """Guesses that begin at once are told no more than guesses one after the other."""
    with canary.unharmed(128 * MB), grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = _user(channel, "target")[0]

        def guess(number):
            password = "a password" if number == 39 else f"guess {number}"
            account = auth.EmailPassword(email="target@example.com", password=password)
            return _code(stub.LogIn, auth.LogInRequest(app_id=APP, email_password=account))

        with concurrent.futures.ThreadPoolExecutor(40) as pool:
            codes = list(pool.map(guess, range(40)))
        told = sum(code is not grpc.StatusCode.RESOURCE_EXHAUSTED for code in codes)
        assert told <= 8, f"{told} of 40 guesses were told whether they are right"


def attack_histories_that_never_were(server, canary, _):
    """Resets by forged idents, epochs, cursors and batches."""
    victim = Client(server)
    victim.upload([victim.rows(["victim"], ["kept"])])
    ident, secret, epoch = victim.bound.ident, victim.bound.secret, victim.bound.epoch
    forged = [
        {"ident": ident, "secret": secret, "epoch": epoch, "cursor": 2**64 - 1},
        {"ident": ident, "secret": secret, "epoch": 1, "cursor": 1},
        {"ident": 2**64 - 1, "secret": secret, "epoch": epoch, "cursor": 1},
        {"ident": 2**63, "secret": b"", "epoch": 0, "cursor": 0, "acknowledged_version": 2**64 - 1},
        {"previous_ident": ident, "previous_secret": b"x" * 16, "sent_bound": 1, "sent_batch": victim.batch},
        {"previous_ident": ident, "previous_secret": secret, "sent_bound": 1, "sent_batch": victim.batch},
        {"previous_ident": 2**64 - 1, "previous_secret": b"", "sent_bound": 2**64 - 1},
        {"run": 2**64 - 1, "ident": ident, "secret": b"y" * 16, "cursor": 1, "epoch": epoch},
    ]
    with canary.unharmed(64 * MB):
        for fields in forged * 25:
            stream = Stream(canary.client.channel, log_in(victim.channel))
            stream.send(bind=sync.Bind(protocol_version_min=1, protocol_version_max=1, app_id=APP, flexible=True, schema=[SCHEMA], **fields))
            message = stream._in.get(timeout=LIMIT)
            assert message is not None
            if message.WhichOneof("body") == "bound":
                assert fields.get("ident", 0) == 0, f"{fields} was bound"
                assert message.bound.previous_high_water == 0, f"{fields}: told of another user's batch"
            stream.close()
        victim.mark()
    victim.close()


def attack_roles(server, canary, _):
    """Fields and objects that may not be read, asked for in every way; more refused writes than a record holds."""
    with canary.unharmed(256 * MB), grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        _stub, access, _refresh, user_id = _user(channel, "spy")
        spy = Client(server, query=None, token=access)
        for text in ("count == 1", "count.@count > 0", "NOT count > 0", "NONE count == 1", "TRUEPREDICATE SORT(count ASC)",
                     "SUBQUERY(count, $x, $x == 1).@count > 0", "text == %%user.id", "count IN {1}"):  # fmt: skip
            state = spy.subscribe([text])
            assert state is not None and state.code != 0, f"taken: {text}"
        assert set(spy.values("TRUEPREDICATE")) == {"canary"}
        keys = [f"spy {number}" for number in range(30_000)]
        told = spy.upload([spy.rows(keys, ["somebody else"] * len(keys))])
        assert 0 < len(told.rejected) <= 10_000, len(told.rejected)
        # One reason whether or not there is such an object.
        assert {row.reason for row in told.rejected} == {"the object is outside of the current view"}, told.rejected[0]
        spy.upload([spy.rows(["mine"], [user_id])])
        again = Client(server, query=None, token=access)
        seen = again.values("TRUEPREDICATE")
        assert seen.get("mine") == user_id and set(seen) == {"mine", "canary"}, list(seen.items())[:5]
        again.close()
        for kind in (sync.ROW_KIND_EDIT, sync.ROW_KIND_REMOVE, sync.ROW_KIND_REPLACE):
            rows = sync.Rows(class_name="Item", key=keys_column(["unseen"]), kinds=bytes([kind]), lives=[1], bases=[1])
            if kind != sync.ROW_KIND_REMOVE:
                rows.columns.append(text_column("text", [user_id], spy.stamp()))
            spy.upload([rows])
        spy.close()


attack_roles.config = ROLES


def attack_names_of_batches_that_repeat(server, canary, _):
    """A batch whose name was used, parts that come twice, and a bound that goes back."""
    with canary.unharmed(32 * MB):
        for change in ({"bound": 0}, {"batch": b""}, {"batch": b"x"}, {"part": 1}, {"part": 2**32 - 1}):
            liar = Client(server, query=None)
            fields = {"batch": uuid.uuid4().bytes, "bound": 2**64 - 1, "part": 0, "last": True, **change}
            liar.stream.send(upload=sync.Upload(rows=[liar.rows(["liar"], ["x"])], **fields))
            left, code = liar.stream.end()
            assert code is grpc.StatusCode.INVALID_ARGUMENT, (change, code, left)
            liar.close()


def attack_with_a_server_key_that_was_disabled(server, canary, _):
    """Whoever had it is out, with all that he logged in for before."""
    with canary.unharmed(32 * MB):
        made = server.admin("CreateServerKey", "KeyRequest", app_id=APP, name="lost").keys[0]
        stub = auth_stubs.AuthStub(canary.client.channel)
        by_key = auth.LogInRequest(app_id=APP, provider_token=auth.ProviderToken(provider="api-key", token=made.secret))
        tokens = stub.LogIn(by_key, timeout=LIMIT)
        refresh = auth.RefreshRequest(app_id=APP, refresh_token=tokens.refresh_token)
        stub.Refresh(refresh, timeout=LIMIT)
        thief = Client(server, token=tokens.access_token)
        server.admin("EnableServerKey", "KeyRequest", app_id=APP, id=made.id, disable=True)
        _left, code = thief.stream.end()
        assert code in DENIED, code
        thief.close()
        assert _code(stub.Refresh, refresh) in DENIED
        assert _code(stub.LogIn, by_key) in DENIED
        server.admin("EnableServerKey", "KeyRequest", app_id=APP, id=made.id)
        assert _code(stub.LogIn, by_key) is grpc.StatusCode.OK
