"""Errors: how a connection can end, each named by its type and its reason."""

from __future__ import annotations


class TidelockError(Exception):
    """Whatever this package raises on purpose."""


class TokenInvalid(TidelockError):
    """The connect token does not read as one."""


class SchemaInvalid(TidelockError):
    """The schema document does not read as one, or is of a version that this client does not speak."""


class FetchFailed(TidelockError):
    """An admin endpoint did not answer, or not with what it was asked for."""


class ConnectionEnded(TidelockError):
    """The connection is over. `reason` is a short name for logs, `text` may be shown to a player."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


class Denied(ConnectionEnded):
    """Netcode denied the connection: no place, not even to be told why."""

    def __init__(self) -> None:
        super().__init__("denied", "the server denied the connection")


class TimedOut(ConnectionEnded):
    """Nothing was heard for the token's timeout: of a request, a response, or in the session."""


class TokenExpired(ConnectionEnded):
    """Connecting took longer than the token lives."""

    def __init__(self) -> None:
        super().__init__("token_expired", "the connect token expired before a server answered")


class Rejected(ConnectionEnded):
    """The server did not let the client join, and said why."""


class Closed(ConnectionEnded):
    """The server ended the connection of a client that played, and said why."""


class Disconnected(ConnectionEnded):
    """The server disconnected without a word."""

    def __init__(self) -> None:
        super().__init__("disconnected", "the server disconnected")


class BrokenProtocol(ConnectionEnded):
    """The server sent reliable messages that do not read: nobody can say what was missed."""

    def __init__(self, why: str) -> None:
        super().__init__("protocol_error", f"the server broke the protocol: {why}")


class Left(ConnectionEnded):
    """This client left."""

    def __init__(self) -> None:
        super().__init__("left", "this client left")
