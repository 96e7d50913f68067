"""Inputs: what the player does, tick by tick, until the server has it (section 6)."""

from __future__ import annotations

from collections import deque

from .bits import BitReader, BitWriter, Malformed, nearest, signed, unzigzag, zigzag
from .schema import Lane

INPUTS_MAX = 64

Lanes = tuple[int, ...]


def write_input(writer: BitWriter, lanes: tuple[Lane, ...], new: Lanes, old: Lanes) -> None:
    """An input, coded against another one."""
    if new == old:
        writer.write(0, 1)
        return
    writer.write(1, 1)
    for lane, new_value, old_value in zip(lanes, new, old, strict=True):
        if len(lanes) > 1:
            writer.write(new_value != old_value, 1)
        if new_value == old_value:
            continue
        if lane.coding == "symbol":
            writer.write(new_value, lane.bits)
            continue
        difference = new_value - old_value
        if lane.coding == "circle":
            difference = signed(difference, lane.bits)
        writer.golomb(zigzag(difference) - 1, lane.order)


def read_input(reader: BitReader, lanes: tuple[Lane, ...], old: Lanes) -> Lanes:
    """What a server reads: here to prove what this client writes."""
    if not reader.bit():
        return old
    new = []
    for lane, value in zip(lanes, old, strict=True):
        if len(lanes) > 1 and not reader.bit():
            pass
        elif lane.coding == "symbol":
            value = reader.read(lane.bits)
        else:
            folded = reader.golomb(lane.order) + 1
            if folded >> 32:
                raise Malformed("a change beyond any lane")
            value += unzigzag(folded)
            if lane.coding == "circle":
                value %= lane.max + 1
        if not 0 <= value <= lane.max:
            raise Malformed("an input outside its range")
        new.append(value)
    return tuple(new)


def write_inputs(
    writer: BitWriter, lanes: tuple[Lane, ...], default: Lanes, newest_tick: int, inputs: list[Lanes], bits_max: int
) -> int:
    """Writes as many of the inputs, newest first, as fit; gives how many."""
    if not inputs:
        writer.write(0, 1)
        return 0
    begun = writer.bits + 1 + 16
    body = BitWriter()
    count = 0
    previous = default
    for lanes_of_tick in inputs[:INPUTS_MAX]:
        one = BitWriter()
        write_input(one, lanes, lanes_of_tick, previous)
        # The count takes at most 11 bits of golomb 2.
        if count and begun + 11 + body.bits + one.bits > bits_max:
            break
        body.append(one)
        previous = lanes_of_tick
        count += 1
    writer.write(1, 1)
    writer.write(newest_tick & 0xFFFF, 16)
    writer.golomb(count - 1, 2)
    writer.append(body)
    return count


def read_inputs(
    reader: BitReader, lanes: tuple[Lane, ...], default: Lanes, known_tick: int
) -> tuple[int, list[Lanes]] | None:
    """What a server reads: the newest tick, and the inputs from it on back."""
    if not reader.bit():
        return None
    newest = nearest(reader.read(16), 16, known_tick)
    older = reader.golomb(2)
    if older >= INPUTS_MAX:
        raise Malformed("too many inputs")
    inputs = [read_input(reader, lanes, default)]
    for _ in range(older):
        inputs.append(read_input(reader, lanes, inputs[-1]))
    return newest, inputs


class Unconfirmed:
    """The inputs of consecutive ticks that the server may not have yet."""

    def __init__(self) -> None:
        self.newest_tick = 0
        self._newest_first: deque[Lanes] = deque()

    def __len__(self) -> int:
        return len(self._newest_first)

    def add(self, tick: int, lanes: Lanes) -> None:
        if self._newest_first and tick != self.newest_tick + 1:
            self._newest_first.clear()
        self.newest_tick = tick
        self._newest_first.appendleft(lanes)
        while len(self._newest_first) > INPUTS_MAX:
            self._newest_first.pop()

    def confirm(self, tick: int) -> None:
        """All up to this tick are there, or too late."""
        while self._newest_first and self.newest_tick - len(self._newest_first) + 1 <= tick:
            self._newest_first.pop()

    def newest_first(self) -> list[Lanes]:
        return list(self._newest_first)
