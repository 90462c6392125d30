"""What users do with their accounts: keys, identities, custom data, confirmation, deletion."""

import base64
import hashlib
import hmac
import json
import subprocess
import time

import pytest
from conftest import BUILD, start_server

import atoll
from atoll import Credentials, errors

LIMIT = 20
SECRET = "a secret of more than thirty-two bytes"


def signed(**claims):
    """A JWT of the test's own provider."""

    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    head = part(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    body = part(json.dumps({"exp": int(time.time()) + 600, "aud": "us", **claims}).encode())
    mark = part(hmac.new(SECRET.encode(), head + b"." + body, hashlib.sha256).digest())
    return b".".join((head, body, mark)).decode()


@pytest.fixture
def server(tmp_path):
    """A server that confirms addresses by a program and takes tokens of a provider."""
    (tmp_path / "secret").write_text(SECRET)
    send = tmp_path / "send"
    send.write_text(f"#!/bin/sh\necho $ATOLL_TOKEN $ATOLL_TOKEN_ID > {tmp_path}/half\nmv {tmp_path}/half {tmp_path}/letter\n")
    send.chmod(0o700)
    (tmp_path / "config.yaml").write_text(
        f"apps:\n- id: shop\n  sync: flexible\n  development: true\n  email: {{confirm: sent, command: {send}}}\n"
        f"  tokens:\n  - {{provider: custom-token, secret: {tmp_path}/secret, audience: us}}\n"
    )
    process, url = start_server(tmp_path / "server", "--config", tmp_path / "config.yaml")
    yield url
    process.terminate()
    assert process.wait(20) == 0


@pytest.fixture
def app(server, tmp_path):
    return atoll.App("shop", base_url=server, base_path=tmp_path / "device")


def letter(tmp_path):
    """Token and token id of what was sent last."""
    deadline = time.monotonic() + LIMIT
    while not (tmp_path / "letter").exists():
        assert time.monotonic() < deadline, "nothing was sent"
        time.sleep(0.01)
    texts = (tmp_path / "letter").read_text().split()
    (tmp_path / "letter").unlink()
    return texts


def registered(app, tmp_path):
    app.register("ann@example.org", "correct horse").result(LIMIT)
    app.confirm(*letter(tmp_path)).result(LIMIT)
    return app.log_in(Credentials.email_password("ann@example.org", "correct horse")).result(LIMIT)


def test_addresses_are_confirmed_and_passwords_reset(app, tmp_path):
    app.register("ann@example.org", "correct horse").result(LIMIT)
    credentials = Credentials.email_password("ann@example.org", "correct horse")
    with pytest.raises(errors.InvalidCredentialsError, match="not confirmed"):
        app.log_in(credentials).result(LIMIT)
    token, token_id = letter(tmp_path)
    with pytest.raises(errors.BadTokenError):
        app.confirm("wrong", token_id).result(LIMIT)
    app.confirm(token, token_id).result(LIMIT)
    user = app.log_in(credentials).result(LIMIT)
    assert user.identities == [("local-userpass", "ann@example.org")] and user.profile == {"email": "ann@example.org"}
    app.send_password_reset("ann@example.org").result(LIMIT)
    app.reset_password("another horse", *letter(tmp_path)).result(LIMIT)
    with pytest.raises(errors.InvalidCredentialsError):
        app.log_in(credentials).result(LIMIT)
    assert app.log_in(Credentials.email_password("ann@example.org", "another horse")).result(LIMIT) == user


def test_keys_log_in_as_their_user(app, tmp_path):
    user = registered(app, tmp_path)
    key = user.create_api_key("build").result(LIMIT)
    assert key.is_enabled and key.value and user.api_key(key.id).result(LIMIT).value is None
    assert app.log_in(Credentials.api_key(key.value)).result(LIMIT) == user
    user.enable_api_key(key.id, False).result(LIMIT)
    assert [found.is_enabled for found in user.api_keys().result(LIMIT)] == [False]
    with pytest.raises(errors.InvalidCredentialsError):
        app.log_in(Credentials.api_key(key.value)).result(LIMIT)
    user.delete_api_key(key.id).result(LIMIT)
    assert user.api_keys().result(LIMIT) == [] and user.api_key(key.id).result(LIMIT) is None
    with pytest.raises(errors.InvalidArgumentError):
        user.enable_api_key(key.id).result(LIMIT)


def test_tokens_of_a_provider_log_in_and_are_linked(app):
    user = app.log_in(Credentials.jwt(signed(sub="77", name="Ann"))).result(LIMIT)
    assert user.provider == "custom-token" and user.profile == {"name": "Ann"}
    guest = app.log_in(Credentials.anonymous()).result(LIMIT)
    with pytest.raises(errors.UserExistsError):
        guest.link(Credentials.jwt(signed(sub="77"))).result(LIMIT)
    guest.link(Credentials.jwt(signed(sub="78"))).result(LIMIT)
    assert guest.identities == [("custom-token", "78")]
    with pytest.raises(errors.InvalidCredentialsError, match="aud"):
        app.log_in(Credentials.jwt(signed(sub="77", aud="them"))).result(LIMIT)
    for credentials in (Credentials.facebook("x"), Credentials.function({"a": 1})):
        with pytest.raises(errors.NotSupportedError, match="not offered by this server"):
            app.log_in(credentials).result(LIMIT)


def test_functions_and_remote_collections_are_not_offered(app):
    user = app.log_in(Credentials.anonymous()).result(LIMIT)
    with pytest.raises(errors.NotSupportedError, match="the function sum is not offered by this server"):
        user.call_function("sum", 1, 2)
    with pytest.raises(errors.NotSupportedError, match="the service atlas is not offered by this server"):
        user.mongo_client("atlas")


def test_custom_data_arrives_with_a_refresh(app, tmp_path):
    user = app.log_in(Credentials.anonymous()).result(LIMIT)
    assert user.custom_data is None and user.refresh_token and app.device_id
    command = [BUILD / "tools/atoll/atoll", "user", "data", "set", user.id, '{"team": 3}']
    subprocess.run([*command, "--app", "shop", "--data", tmp_path / "server/data"], check=True, stdout=subprocess.DEVNULL)
    assert user.refresh().result(LIMIT) == {"team": 3} == user.custom_data


def test_a_deleted_user_is_gone(app):
    user = app.log_in(Credentials.jwt(signed(sub="77"))).result(LIMIT)
    user.delete().result(LIMIT)
    assert user.state is atoll.UserState.REMOVED and app.users == [] and app.current_user is None
    assert app.log_in(Credentials.jwt(signed(sub="77"))).result(LIMIT).id != user.id


def test_the_users_of_a_device_are_encrypted(server, tmp_path):
    key = bytes(range(64))
    app = atoll.App("shop", base_url=server, base_path=tmp_path / "b", metadata_encryption_key=key)
    user = app.log_in(Credentials.anonymous()).result(LIMIT)
    assert user.id.encode() not in (tmp_path / "b/shop/users.json").read_bytes()
    with pytest.raises(errors.WrongKeyError):
        atoll.App("shop", base_url=server, base_path=tmp_path / "b")


def test_a_relative_path_lies_in_the_folder_of_its_user(app, tmp_path):
    users = [app.log_in(Credentials.anonymous(reuse=False)).result(LIMIT) for _ in range(2)]
    places = [atoll.realm_path(atoll.SyncConfiguration.flexible(user, path="notes.atoll")) for user in users]
    assert places == [str(tmp_path / "device" / "shop" / user.id / "notes.atoll") for user in users]
    assert atoll.realm_path(atoll.SyncConfiguration.flexible(users[0], path=tmp_path / "x")) == str(tmp_path / "x")
