"""Apps, credentials and users: who may sync.

Objects of this module may be used from any thread.
"""

from __future__ import annotations

import os
from typing import Any, Optional, Union

from ._bridge import Handle, native, take_value
from ._constants import UserState
from .events import Event, Request


class Credentials:
    """What a user proves to be by. Make one by ``anonymous`` or ``email_password``. Since: 0.1"""

    def __init__(self, kind: str, **values: Any) -> None:
        self._kind = kind
        self._values = values

    @staticmethod
    def anonymous(reuse: bool = True) -> "Credentials":
        """An account without a name; ``reuse`` takes the anonymous user that is logged in already. Since: 0.1"""
        return Credentials("anonymous", reuse=reuse)

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
    ``pong_timeout`` of an idle connection; the wait before the next attempt starts at ``reconnect_delay`` (1 s),
    grows by ``reconnect_multiplier`` (2) up to ``reconnect_delay_max`` (300 s), less a random part of up to one
    ``reconnect_jitter_divisor``-th (4; 0: none).

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
        reconnect_delay: Optional[float] = None,
        reconnect_delay_max: Optional[float] = None,
        reconnect_multiplier: Optional[int] = None,
        reconnect_jitter_divisor: Optional[int] = None,
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
            (native.atoll_app_config_set_reconnect_delay_ms, reconnect_delay),
            (native.atoll_app_config_set_reconnect_delay_max_ms, reconnect_delay_max),
        ):
            if seconds is not None:
                set_time(config.pointer, round(seconds * 1000))
        if reconnect_multiplier is not None:
            native.atoll_app_config_set_reconnect_multiplier(config.pointer, reconnect_multiplier)
        if reconnect_jitter_divisor is not None:
            native.atoll_app_config_set_reconnect_jitter_divisor(config.pointer, reconnect_jitter_divisor)
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
        return Request(
            lambda queue: native.atoll_app_log_in_email(pointer, values["email"], values["password"], queue),
            self._user,
            "log_in",
        )

    def register(self, email: str, password: str) -> Request[None]:
        """Make an account for email and password; it is confirmed at once. Log in with it afterwards.

        Errors of the request: UserExistsError, InvalidArgumentError, LoginMethodDisabledError, ConnectionFailedError.
        Since: 0.1
        """
        return Request(
            lambda queue: native.atoll_app_register_email(self._handle.pointer, email, password, queue),
            lambda event: None,
            "register",
        )

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
        """How it logged in: ``anon-user`` or ``local-userpass``. Since: 0.1"""
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

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, User):
            return NotImplemented
        return native.atoll_user_equals(self._handle.pointer, other._handle.pointer)

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<User {self.id}>"
