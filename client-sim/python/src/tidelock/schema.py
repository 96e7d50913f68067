"""The schema: what streams, inputs and events are made of (sections 9 and 17)."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import SchemaInvalid

AUDIENCES = ("public", "team", "owner")
WIRE_VERSION = 1
SCHEMA_VERSION = 1


def as_f32(value: float) -> float:
    """The nearest 32-bit float."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


TURN = as_f32(2 * math.pi)


@dataclass(frozen=True)
class Lane:
    max: int
    coding: str
    bits: int
    order: int


@dataclass(frozen=True)
class Field:
    name: str
    kind: str
    order: int
    held: bool
    velocity: tuple[str, str] | None
    lanes: tuple[Lane, ...]
    min: float = 0.0
    max: float = 0.0
    step: float = 0.0
    bits: int = 0
    count: int = 0
    bytes: int = 0

    @property
    def lane_step(self) -> float:
        """By how much a lane's value differs from the next one's, in the field's unit."""
        return TURN / (1 << self.bits) if self.kind == "angle" else self.step


@dataclass(frozen=True)
class Component:
    name: str
    fields: tuple[Field, ...]
    lanes: tuple[Lane, ...]


@dataclass(frozen=True)
class EventType:
    id: int
    name: str
    reliable: bool
    from_client: bool
    shape: Any

    @property
    def is_struct(self) -> bool:
        return isinstance(self.shape, dict) and "struct" in self.shape


@dataclass(frozen=True)
class Input:
    name: str
    component: Component
    default: tuple[int, ...]


@dataclass(frozen=True)
class Codes:
    """Lengths of the words of all codes, by symbol."""

    residual_of_context: tuple[int, ...]
    residual: tuple[tuple[int, ...], ...]
    pattern: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Schema:
    game: str
    hash: int
    streams: tuple[tuple[Component, ...], ...]
    input: Input
    events: tuple[EventType, ...]
    codes: Codes

    @classmethod
    def load(cls, source: Schema | Mapping[str, Any] | str | Path) -> Schema:
        """From the parsed JSON, from its text, or from a file of it."""
        if isinstance(source, Schema):
            return source
        try:
            if isinstance(source, Path) or (isinstance(source, str) and not source.lstrip().startswith("{")):
                source = Path(source).read_text(encoding="utf-8")
            document = json.loads(source) if isinstance(source, str) else source
            return _parse(document)
        except (KeyError, TypeError, ValueError, IndexError) as e:
            raise SchemaInvalid(f"the schema does not read: {type(e).__name__} {e}") from e
        except OSError as e:
            raise SchemaInvalid(f"the schema cannot be read: {e}") from e

    def event_named(self, name: str) -> EventType:
        for event in self.events:
            if event.name == name:
                return event
        raise SchemaInvalid(f"the game has no event {name!r}; it has {', '.join(e.name for e in self.events)}")


def _parse(document: Mapping[str, Any]) -> Schema:
    if document["schema"] != SCHEMA_VERSION:
        raise SchemaInvalid(f"a schema document of version {document['schema']}, not {SCHEMA_VERSION}")
    if document["wire_version"] != WIRE_VERSION:
        raise SchemaInvalid(f"the server speaks version {document['wire_version']}, this client {WIRE_VERSION}")
    input_document = document["input"]
    codes = document["codes"]
    return Schema(
        game=document["game"],
        hash=int(document["hash"], 16),
        streams=tuple(tuple(parse_component(c) for c in document["streams"][a]) for a in AUDIENCES),
        input=Input(input_document["name"], parse_component(input_document), tuple(input_document["default"])),
        events=tuple(
            EventType(e["id"], e["name"], e["reliable"], e["from_client"] is not None, e["shape"])
            for e in document["events"]
        ),
        codes=Codes(
            tuple(codes["residual_of_context"]),
            tuple(tuple(lengths) for lengths in codes["residual"]),
            tuple(tuple(lengths) for lengths in codes["pattern"]),
        ),
    )


def parse_component(document: Mapping[str, Any]) -> Component:
    fields = tuple(_parse_field(f) for f in document["fields"])
    return Component(document["name"], fields, tuple(lane for f in fields for lane in f.lanes))


def _parse_field(document: Mapping[str, Any]) -> Field:
    order = document["order"]
    velocity = document.get("velocity")
    return Field(
        name=document["name"],
        kind=document["kind"],
        order=order,
        held=document.get("held", False),
        velocity=(velocity[0], velocity[1]) if velocity else None,
        lanes=tuple(
            Lane(lane["max"], lane["coding"], int(lane["max"]).bit_length(), order) for lane in document["lanes"]
        ),
        **{key: document[key] for key in ("min", "max", "step", "bits", "count", "bytes") if key in document},
    )
