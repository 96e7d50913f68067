"""Fields: values to lanes and lanes to values (section 9)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from .bits import signed
from .schema import TURN, Component, Field, as_f32

_ROOT_HALF = as_f32(math.sqrt(0.5))
_CLOSE = 5e-7


@dataclass(frozen=True)
class Reference:
    """An entity, by the number and generation that all clients know it by."""

    index: int
    generation: int


class Quaternion(NamedTuple):
    x: float
    y: float
    z: float
    w: float


NO_ROTATION = Quaternion(0.0, 0.0, 0.0, 1.0)


def to_lanes(field: Field, value: Any) -> tuple[int, ...]:
    """The lanes that a value becomes; what is out of range is clamped."""
    return _TO_LANES[field.kind](field, value)


def to_value(field: Field, lanes: tuple[int, ...]) -> Any:
    return _TO_VALUE[field.kind](field, lanes)


def component_value(component: Component, lanes: tuple[int, ...]) -> dict[str, Any]:
    """A component as a dictionary. Flags are a member each; see `member_names`."""
    value: dict[str, Any] = {}
    at = 0
    for field, name in zip(component.fields, member_names(component), strict=True):
        own = lanes[at : at + len(field.lanes)]
        at += len(field.lanes)
        if field.kind == "flags" and "|" in field.name:
            for bit, flag in enumerate(field.name.split("|")):
                value[flag] = bool(own[0] >> bit & 1)
        elif field.kind == "choice" and "|" in field.name:
            choices = field.name.split("|")
            value[name] = choices[own[0]] if own[0] < len(choices) else own[0]
        else:
            value[name] = to_value(field, own)
    return value


def component_lanes(component: Component, value: Mapping[str, Any], default: tuple[int, ...]) -> tuple[int, ...]:
    """The other way round; what `value` does not have is as in `default`. KeyError for a name that is none."""
    lanes = list(default)
    left = dict(value)
    at = 0
    for field, name in zip(component.fields, member_names(component), strict=True):
        if field.kind == "flags" and "|" in field.name:
            for bit, flag in enumerate(field.name.split("|")):
                if flag in left:
                    lanes[at] = lanes[at] & ~(1 << bit) | bool(left.pop(flag)) << bit
        elif name in left:
            member = left.pop(name)
            if field.kind == "choice" and isinstance(member, str):
                member = field.name.split("|").index(member)
            lanes[at : at + len(field.lanes)] = to_lanes(field, member)
        at += len(field.lanes)
    if left:
        raise KeyError(f"{component.name} has no {', '.join(left)}")
    return tuple(lanes)


def member_names(component: Component) -> tuple[str, ...]:
    """What the fields are called: `0.x` of a wrapped vector is `x`; a lone field without a name of its own
    is called as its component."""
    names = [field.name for field in component.fields]
    if len(names) == 1 and (names[0].isdigit() or "|" in names[0]):
        return (component.name,)
    if all(name.startswith("0.") for name in names):
        return tuple(name[2:] for name in names)
    return tuple(names)


def _round(value: float) -> int:
    return math.floor(value + 0.5)


def _clamp(value: float, least: float, most: float) -> float:
    return min(max(value, least), most)


def _range_to_lanes(field: Field, value: Any) -> tuple[int, ...]:
    number = 0.0 if math.isnan(value) else float(value)
    return (_round((_clamp(number, field.min, field.max) - field.min) / field.step),)


def _range_to_value(field: Field, lanes: tuple[int, ...]) -> float:
    return as_f32(min(field.min + lanes[0] * field.step, field.max))


def _angle_to_lanes(field: Field, value: Any) -> tuple[int, ...]:
    if not math.isfinite(value):
        return (0,)
    turn = 1 << field.bits
    return (_round((math.fmod(value / TURN, 1.0) + 1.0) * turn) % turn,)


def _angle_to_value(field: Field, lanes: tuple[int, ...]) -> float:
    return as_f32(signed(lanes[0], field.bits) * TURN / (1 << field.bits))


def _integer_to_lanes(field: Field, value: Any) -> tuple[int, ...]:
    return (int(_clamp(int(value), int(field.min), int(field.max))) - int(field.min),)


def _integer_to_value(field: Field, lanes: tuple[int, ...]) -> int:
    return int(field.min) + lanes[0]


def _bits_to_lanes(field: Field, value: Any) -> tuple[int, ...]:
    return (int(value) & ((1 << field.bits) - 1),)


def _choice_to_lanes(field: Field, value: Any) -> tuple[int, ...]:
    return (min(int(value), field.count - 1),)


def _lane_to_value(field: Field, lanes: tuple[int, ...]) -> int:
    return lanes[0]


def _reference_to_lanes(field: Field, value: Any) -> tuple[int, ...]:
    return (0, 0) if value is None else (value.index + 1, value.generation)


def _reference_to_value(field: Field, lanes: tuple[int, ...]) -> Reference | None:
    return Reference(lanes[0] - 1, lanes[1]) if lanes[0] else None


def _text_to_lanes(field: Field, value: Any) -> tuple[int, ...]:
    data = str(value).encode()[: field.bytes]
    return _blob_to_lanes(field, data.decode(errors="ignore").encode())


def _text_to_value(field: Field, lanes: tuple[int, ...]) -> str:
    data = _blob_to_value(field, lanes)
    try:
        return data.decode()
    except UnicodeDecodeError as e:
        return data[: e.start].decode()


def _blob_to_lanes(field: Field, value: Any) -> tuple[int, ...]:
    data = bytes(value)[: field.bytes]
    padded = data.ljust(3 * (len(field.lanes) - 1), b"\0")
    return (len(data), *(int.from_bytes(padded[at : at + 3], "little") for at in range(0, len(padded), 3)))


def _blob_to_value(field: Field, lanes: tuple[int, ...]) -> bytes:
    return b"".join(lane.to_bytes(3, "little") for lane in lanes[1:])[: lanes[0]]


def _rotation_to_lanes(field: Field, value: Any) -> tuple[int, ...]:
    length = math.sqrt(sum(float(u) * float(u) for u in value))
    unit = tuple(float(u) / length for u in value) if length >= 1e-9 and math.isfinite(length) else NO_ROTATION
    again = _read_back_lanes(field, unit)
    if again is not None:
        return again
    rounded = _rounded_rotation(field, unit, max(range(4), key=lambda n: abs(unit[n])))
    return _read_back_lanes(field, _rotation_to_value(field, rounded)) or rounded


def _read_back_lanes(field: Field, unit: tuple[float, ...]) -> tuple[int, ...] | None:
    """The lanes that read back as this quaternion, if there are any."""
    for largest in range(4):
        if abs(unit[largest]) > 0.4:
            lanes = _rounded_rotation(field, unit, largest)
            value = _rotation_to_value(field, lanes)
            for sign in (1.0, -1.0):
                if all(abs(u * sign - v) <= _CLOSE for u, v in zip(unit, value, strict=True)):
                    return lanes
    return None


def _rounded_rotation(field: Field, unit: tuple[float, ...], largest: int) -> tuple[int, ...]:
    most = (1 << field.bits) - 1
    centre = most / 2
    sign = -1.0 if unit[largest] < 0 else 1.0
    others = (u for n, u in enumerate(unit) if n != largest)
    return (largest, *(int(_clamp(_round(centre + centre * u * sign / _ROOT_HALF), 0, most)) for u in others))


def _rotation_to_value(field: Field, lanes: tuple[int, ...]) -> Quaternion:
    centre = ((1 << field.bits) - 1) / 2
    others = [(lane - centre) / centre * _ROOT_HALF for lane in lanes[1:]]
    others.insert(lanes[0], math.sqrt(max(0.0, 1.0 - sum(u * u for u in others))))
    return Quaternion(*(as_f32(u) for u in others))


_TO_LANES: dict[str, Callable[[Field, Any], tuple[int, ...]]] = {
    "range": _range_to_lanes,
    "angle": _angle_to_lanes,
    "rotation": _rotation_to_lanes,
    "integer": _integer_to_lanes,
    "flags": _bits_to_lanes,
    "choice": _choice_to_lanes,
    "counter": _bits_to_lanes,
    "reference": _reference_to_lanes,
    "text": _text_to_lanes,
    "blob": _blob_to_lanes,
}
_TO_VALUE: dict[str, Callable[[Field, tuple[int, ...]], Any]] = {
    "range": _range_to_value,
    "angle": _angle_to_value,
    "rotation": _rotation_to_value,
    "integer": _integer_to_value,
    "flags": _lane_to_value,
    "choice": _lane_to_value,
    "counter": _lane_to_value,
    "reference": _reference_to_value,
    "text": _text_to_value,
    "blob": _blob_to_value,
}
