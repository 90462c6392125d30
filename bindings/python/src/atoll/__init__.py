"""Atoll: live objects in your own process, kept on the device, synced in the background.

::

    import atoll

    class Dog(atoll.Object):
        _id: atoll.ObjectId = atoll.primary_key()
        name: str
        age: int | None = None

    with atoll.open("dogs.realm", schema=[Dog]) as realm:
        with realm.write():
            realm.create(Dog, name="Rex", age=3)
        for dog in realm.objects(Dog).where("age > $0", 2).sort("name"):
            print(dog.name)

Calls that wait for the network return a Request: ``await`` it, or ask for its ``result(timeout)``. Errors are
classes of ``atoll.errors``, all derived from AtollError.
"""

from . import errors
from ._bridge import native as _native_module
from ._constants import (
    ConnectionState,
    Direction,
    LogLevel,
    ProgressMode,
    ResetMode,
    SessionState,
    SubscriptionsState,
    UserState,
)
from .app import ApiKey, App, Credentials, User
from .containers import Dictionary, Set
from .sequences import List, Results
from .errors import AtollError, InvalidObjectError
from .events import Changes, ObjectChange, Progress, Request, Token
from .log import log_categories, log_level, log_to_logging, set_log_level, set_log_sink
from .object_id import ObjectId
from .realm import (  # noqa: A004
    AsyncWriteTransaction,
    Migration,
    Realm,
    Reference,
    WriteTransaction,
    compact,
    delete_realm,
    open,
    open_async,
    realm_path,
    set_aside,
)
from .schema import AsymmetricObject, EmbeddedObject, Float32, Object, Property, backlinks, field, parent, primary_key
from .sync import ClientReset, Session, Subscription, SubscriptionSet, SubscriptionUpdate, SyncConfiguration

__version__: str = _native_module.atoll_version()

__all__ = [
    "ApiKey",
    "App",
    "AsymmetricObject",
    "AsyncWriteTransaction",
    "AtollError",
    "Changes",
    "ClientReset",
    "ConnectionState",
    "Credentials",
    "Dictionary",
    "Direction",
    "EmbeddedObject",
    "Float32",
    "InvalidObjectError",
    "List",
    "LogLevel",
    "Migration",
    "Object",
    "ObjectChange",
    "ObjectId",
    "Progress",
    "ProgressMode",
    "Property",
    "Realm",
    "Reference",
    "Request",
    "ResetMode",
    "Results",
    "Session",
    "SessionState",
    "Set",
    "Subscription",
    "SubscriptionSet",
    "SubscriptionsState",
    "SubscriptionUpdate",
    "SyncConfiguration",
    "Token",
    "User",
    "UserState",
    "WriteTransaction",
    "backlinks",
    "compact",
    "delete_realm",
    "errors",
    "field",
    "log_categories",
    "log_level",
    "log_to_logging",
    "open",
    "open_async",
    "parent",
    "primary_key",
    "realm_path",
    "set_aside",
    "set_log_level",
    "set_log_sink",
]
