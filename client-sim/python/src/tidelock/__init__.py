"""A client of the Tidelock protocol."""

from .aio import World, connect, fetch_schema, fetch_token
from .client import Client, Joined
from .entity import Entity
from .errors import (
    BrokenProtocol,
    Closed,
    ConnectionEnded,
    Denied,
    Disconnected,
    FetchFailed,
    Left,
    Rejected,
    SchemaInvalid,
    TidelockError,
    TimedOut,
    TokenExpired,
    TokenInvalid,
)
from .fields import Quaternion, Reference
from .held import Held
from .inbox import Event
from .mint import mint
from .schema import Schema
from .snapshots import Snapshot
from .stats import Stats
from .token import Address, Token

__all__ = [
    "Address",
    "BrokenProtocol",
    "Client",
    "Closed",
    "ConnectionEnded",
    "Denied",
    "Disconnected",
    "Entity",
    "Event",
    "FetchFailed",
    "Held",
    "Joined",
    "Left",
    "Quaternion",
    "Reference",
    "Rejected",
    "Schema",
    "SchemaInvalid",
    "Snapshot",
    "Stats",
    "TidelockError",
    "TimedOut",
    "Token",
    "TokenExpired",
    "TokenInvalid",
    "World",
    "connect",
    "fetch_schema",
    "fetch_token",
    "mint",
]
