"""Rotations, expressed with another largest component (section 7, Predictions)."""

from __future__ import annotations

import math

_ROOT_HALF = math.sqrt(0.5)
_ROOT_TWO = math.sqrt(2.0)


def expressed(lanes: tuple[int, ...], largest: int, bits: int) -> tuple[int, ...]:
    """The three lanes after the first, had `largest` been the largest component.

    The order of operations is part of the protocol: both ends must round alike.
    """
    if lanes[0] == largest:
        return lanes[1:]
    most = (1 << bits) - 1
    unit = _ROOT_HALF / most
    a, b, c = ((2 * lane - most) * unit for lane in lanes[1:])
    rest = 1.0 - ((a * a + b * b) + c * c)
    components = [a, b, c]
    components.insert(lanes[0], math.sqrt(rest) if rest > 0.0 else 0.0)
    half = most / 2
    scale = _ROOT_TWO * half
    if components[largest] < 0.0:
        scale = -scale
    del components[largest]
    return tuple(min(max(math.floor(u * scale + half + 0.5), 0), most) for u in components)
