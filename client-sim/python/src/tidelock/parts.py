"""Parts: what the versions of a stream are made of, as the delta code sees them (section 7, Parts and Kinds)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .schema import Component, Field

LINEAR, HOLD, ROTATION, SYMBOLS = range(4)
LANES_MAX = 4
BLOCK_PARTS = 16
_RANGE_KINDS = ("range", "angle", "integer", "counter")
_MOTION_TICKS_MAX = 1 << 20


@dataclass(frozen=True)
class Link:
    """By which velocity a lane moves: its component, its lane there, and the constants of section 9, Motion."""

    component: int
    lane: int
    rest: int
    rate: int


@dataclass(frozen=True)
class Part:
    """Lanes side by side that are predicted, and told to differ, together."""

    component: int
    lane: int
    count: int
    kind: int
    order: int
    maxes: tuple[int, ...]
    widths: tuple[int, ...]
    is_circle: bool
    rotation_bits: int
    links: tuple[Link, ...]
    rests: tuple[int, ...]  # of a velocity that something is linked to: the lanes of 0


class Planned:
    """A part, and where its lanes are in the versions at hand: `older_at` is -1 where the second has none."""

    __slots__ = ("at", "count", "end", "kind", "new_at", "older_at", "part", "velocities")

    def __init__(self, part: Part, at: int, older_at: int, new_at: int, velocities: tuple[tuple[int, int], ...]):
        self.part = part
        self.kind = part.kind
        self.count = part.count
        self.at = at
        self.end = at + part.count
        self.older_at = older_at
        self.new_at = new_at
        self.velocities = velocities  # where each lane's is in the first baseline and in the new version; or none


Block = tuple[Planned, ...]


class Layout:
    """One audience's stream at one tick rate."""

    def __init__(self, components: Sequence[Component], audience: int, tick_hz: int) -> None:
        self.audience = audience
        self.components = tuple(components)
        self.mask_bits = len(components)
        self.lanes = tuple(component.lanes for component in components)
        self.tick_hz = tick_hz
        self.tick_time = self.time(1)
        parts = _parts_of(self.components)
        self._parts = [p for p in parts if not p.links] + [p for p in parts if p.links]
        self._plans: dict[tuple[int, int, int], tuple[Block, ...]] = {}
        self._offsets: dict[int, tuple[int, ...]] = {}

    def time(self, ticks: int) -> int:
        return min(((ticks << 16) + self.tick_hz // 2) // self.tick_hz, _MOTION_TICKS_MAX)

    def offsets(self, mask: int) -> tuple[int, ...]:
        """Where the lanes of each component begin in a version with this mask; -1 for those that are absent."""
        found = self._offsets.get(mask)
        if found is None:
            offsets, at = [], 0
            for number, lanes in enumerate(self.lanes):
                present = mask >> number & 1
                offsets.append(at if present else -1)
                at += len(lanes) if present else 0
            found = self._offsets[mask] = tuple(offsets)
        return found

    def plan(self, mask: int, new_mask: int, older_mask: int) -> tuple[Block, ...]:
        """The blocks of a delta between versions of these masks; an older mask of 0 is as good as none."""
        key = (mask, new_mask, older_mask)
        found = self._plans.get(key)
        if found is None:
            planned = self._planned(*key)
            blocks = [tuple(planned[at : at + BLOCK_PARTS]) for at in range(0, len(planned), BLOCK_PARTS)]
            found = self._plans[key] = tuple(blocks) or ((),)
        return found

    def _planned(self, mask: int, new_mask: int, older_mask: int) -> list[Planned]:
        old, new, older = self.offsets(mask), self.offsets(new_mask), self.offsets(older_mask)
        planned = []
        for part in self._parts:
            c = part.component
            if old[c] < 0 or new[c] < 0:
                continue
            velocities: tuple[tuple[int, int], ...] = ()
            if part.links and all(old[k.component] >= 0 and new[k.component] >= 0 for k in part.links):
                velocities = tuple((old[k.component] + k.lane, new[k.component] + k.lane) for k in part.links)
            older_at = older[c] + part.lane if older[c] >= 0 else -1
            planned.append(Planned(part, old[c] + part.lane, older_at, new[c] + part.lane, velocities))
        return planned


def _parts_of(components: tuple[Component, ...]) -> list[Part]:
    moving = {
        (field.velocity[0] or component.name, field.velocity[1])
        for component in components
        for field in component.fields
        if field.velocity
    }
    parts = []
    for number, component in enumerate(components):
        groups: list[list[Field]] = []
        for field in component.fields:
            name = component.name
            if groups and len(groups[-1]) < LANES_MAX and _go_together(name, groups[-1][-1], field, moving):
                groups[-1].append(field)
            else:
                groups.append([field])
        lane = 0
        for group in groups:
            parts.append(_part(components, number, lane, group, moving))
            lane += parts[-1].count
    return parts


def _go_together(component: str, one: Field, other: Field, moving: set[tuple[str, str]]) -> bool:
    return (
        one.kind == other.kind == "range"
        and one.step == other.step
        and bool(one.velocity) == bool(other.velocity)
        and _kind(component, one, moving) == _kind(component, other, moving)
    )


def _kind(component: str, field: Field, moving: set[tuple[str, str]]) -> int:
    if field.kind == "rotation":
        return ROTATION
    if field.kind == "range" and not field.held and (component, field.name) not in moving:
        return LINEAR
    return HOLD if field.kind in _RANGE_KINDS else SYMBOLS


def _part(
    components: tuple[Component, ...], number: int, lane: int, fields: list[Field], moving: set[tuple[str, str]]
) -> Part:
    first = fields[0]
    # Along the ground: its first two lanes say how something moves.
    is_velocity = len(fields) > 1 and all((components[number].name, field.name) in moving for field in fields[:2])
    lanes = [one for field in fields for one in field.lanes]
    kind = _kind(components[number].name, first, moving)
    return Part(
        component=number,
        lane=lane,
        count=len(lanes),
        kind=kind,
        order=min(16, max(field.order for field in fields)),
        maxes=tuple(one.max for one in lanes),
        widths=tuple(one.bits for one in lanes),
        is_circle=lanes[0].coding == "circle",
        rotation_bits=first.bits if kind == ROTATION else 0,
        links=tuple(_link(components, number, field) for field in fields if field.velocity),
        rests=tuple(rest_lane(field) for field in fields) if is_velocity else (),
    )


def rest_lane(velocity: Field) -> int:
    """The lane of the velocity 0."""
    return math.floor((min(max(0.0, velocity.min), velocity.max) - velocity.min) / velocity.step + 0.5)


def _link(components: tuple[Component, ...], own: int, field: Field) -> Link:
    assert field.velocity is not None
    component_name, field_name = field.velocity
    number = next((n for n, c in enumerate(components) if c.name == component_name), own)
    lane = 0
    for velocity in components[number].fields:
        if velocity.name == field_name:
            rate = math.floor(velocity.step / field.lane_step * 65536 + 0.5)
            return Link(number, lane, rest_lane(velocity), rate)
        lane += len(velocity.lanes)
    raise ValueError(f"{field.name} is linked to {component_name} {field_name}, which there is not")
