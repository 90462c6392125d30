"""Apps, credentials and users: who may sync.

Objects of this module may be used from any thread.
"""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Any, Callable, Mapping, Optional, Union

from . import errors
from ._bridge import Handle, get_value, native, take_value
from ._constants import EventType, UserState
from .events import Event, Request, Token, pump


class Credentials:
    """What a user proves to be by; one of its static methods makes it. Since: 0.1"""

    def __init__(self, kind: str, **values: Any) -> None:
        self._kind = kind
        self._values = values

    @staticmethod
    def anonymous(reuse: bool = True) -> "Credentials":
        """An account without a name; ``reuse`` takes the anonymous user that is logged in already. Since: 0.1"""
        return Credentials("anonymous", reuse=reuse)

    @staticmethod
    def api_key(key: str) -> "Credentials":
        """A key that a user or the server's command line made. Since: 0.1"""
        return Credentials("token", provider="api-key", token=key)

    @staticmethod
    def jwt(token: str) -> "Credentials":
        """A token that the server's configured provider signed. Since: 0.1"""
        return Credentials("token", provider="custom-token", token=token)

    @staticmethod
    def google(id_token: str) -> "Credentials":
        """An identity token of Google. Since: 0.1"""
        return Credentials("token", provider="oauth2-google", token=id_token)

    @staticmethod
    def apple(id_token: str) -> "Credentials":
        """An identity token of Apple. Since: 0.1"""
        return Credentials("token", provider="oauth2-apple", token=id_token)

    @staticmethod
    def facebook(access_token: str) -> "Credentials":
        """Not offered by the server: logging in raises NotSupportedError. Since: 0.1"""
        return Credentials("token", provider="oauth2-facebook", token=access_token)

    @staticmethod
    def function(payload: Any) -> "Credentials":
        """Not offered by the server: logging in raises NotSupportedError. Since: 0.1"""
        return Credentials("token", provider="custom-function", token=json.dumps(payload))

    @staticmethod
    def email_password(email: str, password: str) -> "Credentials":
        """An account made by ``App.register``. Since: 0.1"""
        return Credentials("email_password", email=email, password=password)

    def __repr__(self) -> str:
        return f"<Credentials {self._kind}>"


class App:
    """An app on a server, with the users that logged in on this device.

    ``base_url`` defaults to the environment variable ATOLL_BASE_URL, else ``http://127.0.0.1:7700``; ``base_path``
    is the folder of users and synced realms, by default the working folder. Times are in seconds:
    ``connect_timeout`` of one attempt, ``request_timeout`` of log-ins and the like, ``ping_period`` and
    ``pong_timeout`` of an idle connection, which closes ``connection_linger`` (30 s) after its last session; the wait before the next attempt starts at ``reconnect_delay`` (1 s),
    grows by ``reconnect_multiplier`` (2) up to ``reconnect_delay_max`` (300 s), less a random part of up to one
    ``reconnect_jitter_divisor``-th (4; 0: none). For ``https://`` addresses ``trusted_certificates`` (PEM) take the place
    of the system's. ``proxy`` is ``http://HOST:PORT``, with ``USER:PASSWORD@`` before the host if it asks for that, ``headers`` go along with every call, and
    ``metadata_encryption_key`` (64 random bytes) encrypts what is kept of the users.

    Errors: InvalidArgumentError, FileAccessError. Thread: any. Since: 0.1
    """

    def __init__(
        self,
        app_id: str,
        *,
        base_url: Optional[str] = None,
        base_path: Union[str, "os.PathLike[str]", None] = None,
        connect_timeout: Optional[float] = None,
        request_timeout: Optional[float] = None,
        ping_period: Optional[float] = None,
        pong_timeout: Optional[float] = None,
        connection_linger: Optional[float] = None,
        reconnect_delay: Optional[float] = None,
        reconnect_delay_max: Optional[float] = None,
        reconnect_multiplier: Optional[int] = None,
        reconnect_jitter_divisor: Optional[int] = None,
        trusted_certificates: Optional[str] = None,
        proxy: Optional[str] = None,
        headers: Optional[Mapping[str, str]] = None,
        metadata_encryption_key: Optional[bytes] = None,
    ) -> None:
        config = Handle(native.atoll_app_config_new(app_id), native.atoll_app_config_free)
        if base_url is not None:
            native.atoll_app_config_set_base_url(config.pointer, base_url)
        if base_path is not None:
            native.atoll_app_config_set_base_path(config.pointer, os.path.abspath(os.fspath(base_path)))
        for set_time, seconds in (
            (native.atoll_app_config_set_connect_timeout_ms, connect_timeout),
            (native.atoll_app_config_set_request_timeout_ms, request_timeout),
            (native.atoll_app_config_set_ping_period_ms, ping_period),
            (native.atoll_app_config_set_pong_timeout_ms, pong_timeout),
            (native.atoll_app_config_set_connection_linger_ms, connection_linger),
            (native.atoll_app_config_set_reconnect_delay_ms, reconnect_delay),
            (native.atoll_app_config_set_reconnect_delay_max_ms, reconnect_delay_max),
        ):
            if seconds is not None:
                set_time(config.pointer, round(seconds * 1000))
        if reconnect_multiplier is not None:
            native.atoll_app_config_set_reconnect_multiplier(config.pointer, reconnect_multiplier)
        if reconnect_jitter_divisor is not None:
            native.atoll_app_config_set_reconnect_jitter_divisor(config.pointer, reconnect_jitter_divisor)
        if trusted_certificates is not None:
            native.atoll_app_config_set_trusted_certificates(config.pointer, trusted_certificates)
        if proxy is not None:
            native.atoll_app_config_set_proxy_url(config.pointer, proxy)
        for name, value in (headers or {}).items():
            native.atoll_app_config_add_header(config.pointer, name, value)
        if metadata_encryption_key is not None:
            native.atoll_app_config_set_metadata_encryption_key(config.pointer, bytes(metadata_encryption_key))
        self._handle = Handle(native.atoll_app_open(config.pointer), native.atoll_app_free)

    @property
    def id(self) -> str:
        """The name of the app on its server. Since: 0.1"""
        return native.atoll_app_id(self._handle.pointer)

    def log_in(self, credentials: Credentials) -> Request["User"]:
        """Log in; the user becomes the current one and is remembered on this device.

        ``user = await app.log_in(...)``, or ``app.log_in(...).result()`` outside of asyncio.
        Errors of the request: InvalidCredentialsError, LoginMethodDisabledError, UnknownAppError, UserDisabledError,
        ConnectionFailedError, TimeoutError. Since: 0.1
        """
        pointer = self._handle.pointer
        values = credentials._values
        if credentials._kind == "anonymous":
            return Request(
                lambda queue: native.atoll_app_log_in_anonymous(pointer, values["reuse"], queue), self._user, "log_in"
            )
        if credentials._kind == "token":
            return Request(
                lambda queue: native.atoll_app_log_in_token(pointer, values["provider"], values["token"], queue),
                self._user,
                "log_in",
            )
        return Request(
            lambda queue: native.atoll_app_log_in_email(pointer, values["email"], values["password"], queue),
            self._user,
            "log_in",
        )

    def register(self, email: str, password: str) -> Request[None]:
        """Make an account for email and password; the server may ask to confirm it. Log in with it afterwards.

        Errors of the request: UserExistsError, InvalidArgumentError, LoginMethodDisabledError, ConnectionFailedError.
        Since: 0.1
        """
        return Request(
            lambda queue: native.atoll_app_register_email(self._handle.pointer, email, password, queue),
            lambda event: None,
            "register",
        )

    def _ask(self, start: Callable[[int, int], int], what: str) -> Request[None]:
        pointer = self._handle.pointer
        return Request(lambda queue: start(pointer, queue), lambda event: None, what)

    def confirm(self, token: str, token_id: str) -> Request[None]:
        """Confirm an address with what was sent to it. Errors of the request: BadTokenError. Since: 0.1"""
        return self._ask(lambda app, queue: native.atoll_app_confirm_email(app, token, token_id, queue), "confirm")

    def resend_confirmation(self, email: str) -> Request[None]:
        """Have the confirmation sent again; succeeds for unknown addresses too. Since: 0.1"""
        return self._ask(
            lambda app, queue: native.atoll_app_resend_confirmation(app, email, queue), "resend_confirmation"
        )

    def send_password_reset(self, email: str) -> Request[None]:
        """Have sent what allows to set a new password; succeeds for unknown addresses too. Since: 0.1"""
        return self._ask(
            lambda app, queue: native.atoll_app_send_password_reset(app, email, queue), "send_password_reset"
        )

    def reset_password(self, password: str, token: str, token_id: str) -> Request[None]:
        """Set a new password with what was sent; all log-ins of the user end. Errors: BadTokenError. Since: 0.1"""
        return self._ask(
            lambda app, queue: native.atoll_app_reset_password(app, password, token, token_id, queue), "reset_password"
        )

    def set_base_url(self, url: str) -> Request[None]:
        """Move the app to another server; all users are logged out. Since: 0.1"""
        return self._ask(lambda app, queue: native.atoll_app_set_base_url(app, url, queue), "set_base_url")

    @property
    def device_id(self) -> Optional[str]:
        """What the server calls this device; None before the first log-in. Since: 0.1"""
        return next(iter(_texts(native.atoll_app_device_id(self._handle.pointer))), None)

    def _user(self, event: Event) -> "User":
        return User(native.atoll_event_user(event.pointer), self)

    @property
    def current_user(self) -> Optional["User"]:
        """The user that logged in or was switched to last; works offline. Since: 0.1"""
        pointer = native.atoll_app_current_user(self._handle.pointer)
        return User(pointer, self) if pointer else None

    @property
    def users(self) -> list["User"]:
        """All users known on this device. Since: 0.1"""
        count = native.atoll_app_user_count(self._handle.pointer)
        return [User(native.atoll_app_user(self._handle.pointer, index), self) for index in range(count)]

    def switch_user(self, user: "User") -> None:
        """Make a logged-in user the current one. Errors: NotLoggedInError. Since: 0.1"""
        native.atoll_app_switch_user(self._handle.pointer, user._handle.pointer)

    def reconnect(self) -> None:
        """Let every session of this app that waits to try again do so at once. Since: 0.1"""
        native.atoll_app_reconnect(self._handle.pointer)

    def __repr__(self) -> str:
        return f"<App {self.id}>"


def _texts(pointer: int) -> list[Any]:
    """Owned values, which are freed, as a list."""
    if not pointer:
        return []
    try:
        return [get_value(pointer, index) for index in range(native.atoll_values_count(pointer))]
    finally:
        native.atoll_values_free(pointer)


@dataclasses.dataclass(frozen=True)
class ApiKey:
    """A key by which programs log in as a user; ``value`` is there only when it was made. Since: 0.1"""

    id: str
    name: str
    is_enabled: bool
    value: Optional[str] = None


def _keys(event: Event) -> list[ApiKey]:
    texts = _texts(native.atoll_event_values(event.pointer))
    return [
        ApiKey(texts[at], texts[at + 1], texts[at + 2] == "true", texts[at + 3]) for at in range(0, len(texts), 4)
    ]


class User:
    """A user of an app, as this device knows it. Equal to any other handle of the same user. Since: 0.1"""

    def __init__(self, pointer: int, app: Optional[App] = None) -> None:
        self._handle = Handle(pointer, native.atoll_user_free)
        self._app = app

    @property
    def id(self) -> str:
        """The server's name for this user. Since: 0.1"""
        return native.atoll_user_id(self._handle.pointer)

    @property
    def state(self) -> UserState:
        """Since: 0.1"""
        return UserState(native.atoll_user_state(self._handle.pointer))

    @property
    def provider(self) -> str:
        """How it logged in first: ``anon-user``, ``local-userpass``, ``api-key``, ``custom-token``, ... Since: 0.1"""
        return native.atoll_user_provider(self._handle.pointer)

    @property
    def access_token(self) -> str:
        """The token that the server knows it by now; it changes as it is refreshed. Since: 0.1"""
        return take_value(native.atoll_user_access_token(self._handle.pointer))

    def log_out(self) -> Request[None]:
        """Log out; its sessions stop, what was not uploaded stays in its realms. Since: 0.1"""
        return Request(
            lambda queue: native.atoll_user_log_out(self._handle.pointer, queue), lambda event: None, "log_out"
        )

    @property
    def refresh_token(self) -> Optional[str]:
        """The token that renews the log-in. Since: 0.1"""
        return next(iter(_texts(native.atoll_user_refresh_token(self._handle.pointer))), None)

    @property
    def custom_data(self) -> Optional[dict[str, Any]]:
        """The custom data as of the last log-in or ``refresh``; None: there are none. Since: 0.1"""
        texts = _texts(native.atoll_user_custom_data(self._handle.pointer))
        return json.loads(texts[0]) if texts else None

    @property
    def identities(self) -> list[tuple[str, str]]:
        """Providers, and what each calls the user. Since: 0.1"""
        texts = _texts(native.atoll_user_identities(self._handle.pointer))
        return list(zip(texts[::2], texts[1::2]))

    @property
    def profile(self) -> dict[str, str]:
        """What providers tell of the user: name, email, first_name, ... Since: 0.1"""
        texts = _texts(native.atoll_user_profile(self._handle.pointer))
        return dict(zip(texts[::2], texts[1::2]))

    def _ask(self, start: Callable[[int, int], int], what: str, finish: Callable[[Event], Any] = lambda event: None) -> Any:
        pointer = self._handle.pointer
        return Request(lambda queue: start(pointer, queue), finish, what)

    def observe(self, callback: Callable[["User"], Any]) -> Token:
        """Call ``callback(user)`` when state, tokens, profile or custom data changed; it may come more often than that.

        Called on the asyncio loop that runs where this is called, else on a background thread. Since: 0.1
        """
        handle = self._handle
        return pump.observe(
            EventType.USER_CHANGED,
            lambda queue: native.atoll_user_observe(handle.pointer, queue),
            lambda event: (self,),
            callback,
            lambda registration: native.atoll_user_unobserve(handle.pointer, registration),
        )

    def refresh(self) -> Request[Optional[dict[str, Any]]]:
        """Ask for profile and custom data anew; the request gives the custom data. Since: 0.1"""
        return self._ask(native.atoll_user_refresh, "refresh", lambda event: self.custom_data)

    def link(self, credentials: Credentials) -> Request[None]:
        """Add another way to log in as this user. An address must be registered and not have logged in yet.

        Errors of the request: UserExistsError, InvalidCredentialsError. Since: 0.1
        """
        values = credentials._values
        if credentials._kind == "email_password":
            return self._ask(
                lambda user, queue: native.atoll_user_link_email(user, values["email"], values["password"], queue),
                "link",
            )
        if credentials._kind == "token":
            return self._ask(
                lambda user, queue: native.atoll_user_link_token(user, values["provider"], values["token"], queue),
                "link",
            )
        raise ValueError("an anonymous identity cannot be linked")

    def remove(self) -> Request[None]:
        """Log out and take the user off this device; what was not uploaded stays in its realms. Since: 0.1"""
        return self._ask(native.atoll_user_remove, "remove")

    def delete(self) -> Request[None]:
        """Delete the user on the server, and its realms here at the next start of the app. Since: 0.1"""
        return self._ask(native.atoll_user_delete, "delete")

    def create_api_key(self, name: str) -> Request[ApiKey]:
        """Make a key by which programs log in as this user. Errors: PermissionDeniedError, LimitExceededError. Since: 0.1"""
        return self._ask(
            lambda user, queue: native.atoll_user_create_api_key(user, name, queue),
            "create_api_key",
            lambda event: _keys(event)[0],
        )

    def api_key(self, key_id: str) -> Request[Optional[ApiKey]]:
        """A key by its id, or None. Since: 0.1"""
        return self._ask(
            lambda user, queue: native.atoll_user_find_api_keys(user, key_id, queue),
            "api_key",
            lambda event: next(iter(_keys(event)), None),
        )

    def api_keys(self) -> Request[list[ApiKey]]:
        """All keys of the user. Since: 0.1"""
        return self._ask(
            lambda user, queue: native.atoll_user_find_api_keys(user, "", queue), "api_keys", _keys
        )

    def enable_api_key(self, key_id: str, on: bool = True) -> Request[None]:
        """Enable or disable a key. Errors of the request: InvalidArgumentError. Since: 0.1"""
        return self._ask(
            lambda user, queue: native.atoll_user_enable_api_key(user, key_id, on, queue), "enable_api_key"
        )

    def delete_api_key(self, key_id: str) -> Request[None]:
        """Delete a key; one that is not there is fine. Since: 0.1"""
        return self._ask(lambda user, queue: native.atoll_user_delete_api_key(user, key_id, queue), "delete_api_key")

    def call_function(self, name: str, *arguments: Any) -> Any:
        """Functions run on no server of this kind: raises NotSupportedError. Since: 0.1"""
        raise errors.new(errors.NotSupportedError, f"the function {name} is not offered by this server")

    def mongo_client(self, service_name: str) -> Any:
        """No server of this kind has such a service: raises NotSupportedError. Since: 0.1"""
        raise errors.new(errors.NotSupportedError, f"the service {service_name} is not offered by this server")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, User):
            return NotImplemented
        return native.atoll_user_equals(self._handle.pointer, other._handle.pointer)

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<User {self.id}>"
