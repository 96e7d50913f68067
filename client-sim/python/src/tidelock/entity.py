"""Entities: what a client sees, put together of the streams of all audiences."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from .delta import Version
from .fields import Reference, component_value
from .schema import AUDIENCES, Schema
from .store import Store

PUBLIC, TEAM, OWNER = range(3)


class Entity:
    """An entity as of the newest snapshot. Its components are read when they are first asked for."""

    def __init__(self, schema: Schema, index: int, generation: int, versions: dict[int, Version]) -> None:
        self.index = index
        self.generation = generation
        self.versions = versions  # by audience: a mask, and lanes
        self._schema = schema

    @property
    def reference(self) -> Reference:
        return Reference(self.index, self.generation)

    @property
    def is_own(self) -> bool:
        """Whether this client owns it."""
        return OWNER in self.versions

    @property
    def is_of_team(self) -> bool:
        return TEAM in self.versions

    @cached_property
    def components(self) -> dict[str, dict[str, Any]]:
        """By name, of all audiences that this client is of."""
        values = {}
        for audience, (mask, lanes) in self.versions.items():
            at = 0
            for bit, component in enumerate(self._schema.streams[audience]):
                if mask >> bit & 1:
                    values[component.name] = component_value(component, lanes[at : at + len(component.lanes)])
                    at += len(component.lanes)
        return values

    def __repr__(self) -> str:
        audiences = ", ".join(AUDIENCES[audience] for audience in self.versions)
        return f"<Entity {self.index} generation {self.generation} {audiences}>"


def entities_of(schema: Schema, store: Store) -> Iterator[Entity]:
    found: dict[int, tuple[int, dict[int, Version]]] = {}
    for audience, stream in store.shown():
        generation, versions = found.setdefault(stream.index, (stream.generation, {}))
        if generation == stream.generation:
            versions[audience] = stream.versions[-1]
    for index, (generation, versions) in found.items():
        yield Entity(schema, index, generation, versions)
