"""Bodies of records: versions in full, and as what differs from what was predicted (section 7, Bodies)."""

from __future__ import annotations

import math

from .bits import BitReader, Malformed, signed
from .codes import TURN_SYMBOL, CodeBook, complete_residual
from .parts import HOLD, LINEAR, ROTATION, SYMBOLS, Block, Layout, Planned
from .rotation import expressed

Lanes = tuple[int, ...]
Version = tuple[int, Lanes]  # a mask, and the lanes of the components present

STILL, SLOW, MOVING, UNKNOWN = range(4)
MASK_SYMBOL = 32
_BY_SCALE = (STILL, SLOW, SLOW, *(MOVING,) * 14)
_CURVE_FAMILY = 6

_Motions = tuple[tuple[int, ...], int] | None  # the motion of each lane, and their scale; None without a second


def read_full(reader: BitReader, layout: Layout) -> Version:
    mask = reader.read(layout.mask_bits) if layout.mask_bits else 0
    lanes: list[int] = []
    for number in range(layout.mask_bits):
        if mask >> number & 1:
            lanes += _read_absolute(reader, layout, number)
    return mask, tuple(lanes)


def _read_absolute(reader: BitReader, layout: Layout, component: int) -> list[int]:
    lanes = []
    for lane in layout.lanes[component]:
        value = reader.read(lane.bits)
        if value > lane.max:
            raise Malformed("a lane above its maximum")
        lanes.append(value)
    return lanes


def read_delta(
    reader: BitReader, layout: Layout, book: CodeBook, first: Version, age: int, second: Version | None, between: int
) -> Version:
    """The version that a delta leads to: `first` is of `age` ticks ago, `second` of `between` before that."""
    return _Delta(reader, layout, book, first, age, second, between).read()


class _Delta:
    """One delta body while it is read."""

    __slots__ = ("age", "between", "book", "layout", "mask", "new", "old", "older", "older_mask", "reader")

    def __init__(
        self,
        reader: BitReader,
        layout: Layout,
        book: CodeBook,
        first: Version,
        age: int,
        second: Version | None,
        between: int,
    ) -> None:
        self.reader = reader
        self.layout = layout
        self.book = book
        self.mask, self.old = first
        self.older_mask, self.older = second or (0, ())
        self.age = age
        self.between = between
        self.new = list(self.old)

    def read(self) -> Version:
        mask = self.mask
        blocks = self.layout.plan(mask, mask, self.older_mask)
        if not self._block(blocks[0], may_mask=True):
            mask = self._change_mask()
            blocks = self.layout.plan(self.mask, mask, self.older_mask)
            self._block(blocks[0], may_mask=False)
        for block in blocks[1:]:
            self._block(block, may_mask=False)
        self.reader.check()
        return mask, tuple(self.new)

    def _change_mask(self) -> int:
        mask = self.reader.read(self.layout.mask_bits) if self.layout.mask_bits else 0
        offsets = self.layout.offsets(self.mask)
        new: list[int] = []
        for number, lanes in enumerate(self.layout.lanes):
            if mask >> number & 1:
                at = offsets[number]
                new += self.old[at : at + len(lanes)] if at >= 0 else _read_absolute(self.reader, self.layout, number)
        self.new = new
        return mask

    def _block(self, block: Block, may_mask: bool) -> bool:
        """Reads a block; False if it begins with MASK instead."""
        old, older = self.old, self.older
        motions: list[_Motions] = []
        unsure: list[int] = []
        still: list[int] = []
        group_codes = [0]
        for number, planned in enumerate(block):
            at, older_at = planned.at, planned.older_at
            motion: _Motions = None
            if older_at < 0:
                expected = UNKNOWN
            elif old[at : planned.end] == older[older_at : older_at + planned.count]:
                expected = STILL
                motion = _NO_MOTION
            elif planned.kind == SYMBOLS:
                expected = MOVING
            else:
                motion = self._motions(planned)
                expected = _BY_SCALE[motion[1]]
            motions.append(motion)
            if expected:
                place = len(unsure) & 3
                if place == 0 and unsure:
                    group_codes.append(0)
                group_codes[-1] += expected << 2 * place
                unsure.append(number)
            else:
                still.append(number)
        differs = self._patterns(group_codes, unsure, still, may_mask)
        if differs < 0:
            return False
        for number, planned in enumerate(block):
            kind = planned.kind
            if kind == SYMBOLS:
                if differs >> number & 1:
                    self._symbols(planned)
            elif kind == ROTATION:
                self._rotation(planned, motions[number], differs >> number & 1)
            elif planned.velocities:
                self._linked(planned, differs >> number & 1)
            elif differs >> number & 1:
                self._residuals(planned, motions[number])
            elif kind == LINEAR:
                motion = motions[number]
                if motion is not None and motion[1]:
                    self._go_on(planned, motion[0])
        return True

    def _patterns(self, group_codes: list[int], unsure: list[int], still: list[int], may_mask: bool) -> int:
        """Which parts differ, a bit for each; -1 for MASK."""
        reader = self.reader
        differs = 0
        surprise = 0
        for group, code in enumerate(group_codes):
            symbol = self.book.pattern(code).read(reader)
            if group == 0:
                if symbol == MASK_SYMBOL:
                    if may_mask:
                        return -1
                    raise Malformed("a mask that changes where it cannot")
                surprise = symbol >> 4
                symbol &= 15
            members = unsure[4 * group : 4 * group + 4]
            if symbol >> len(members):
                raise Malformed("a part differs that is not there")
            for bit, number in enumerate(members):
                if symbol >> bit & 1:
                    differs |= 1 << number
        if surprise:
            if not still:
                raise Malformed("a part differs that is not there")
            told = 1 if len(still) == 1 else reader.read(len(still))
            if not told:
                raise Malformed("a surprise that is none")
            for bit, number in enumerate(still):
                if told >> bit & 1:
                    differs |= 1 << number
        return differs

    def _motions(self, planned: Planned) -> tuple[tuple[int, ...], int]:
        """The motion of each lane (of a rotation: of the last three), and the scale of the largest."""
        part = planned.part
        old = self.old[planned.at : planned.end]
        older = self.older[planned.older_at : planned.older_at + planned.count]
        if part.kind == ROTATION:
            old, older = old[1:], expressed(older, old[0], part.rotation_bits)
        age, between = self.age, self.between
        motions = []
        largest = 0
        for new, past, width in zip(old, older, part.widths, strict=False):
            difference = signed(new - past, width) if part.is_circle else new - past
            magnitude = (2 * abs(difference) * age + between) // (2 * between)
            motions.append(magnitude if difference > 0 else -magnitude)
            if magnitude > largest:
                largest = magnitude
        return tuple(motions), min(16, largest.bit_length())

    def _go_on(self, planned: Planned, motions: tuple[int, ...]) -> None:
        at, new_at = planned.at, planned.new_at
        for n, motion in enumerate(motions):
            self.new[new_at + n] = min(max(self.old[at + n] + motion, 0), planned.part.maxes[n])

    def _symbols(self, planned: Planned) -> None:
        reader, part = self.reader, planned.part
        for n in range(part.count):
            if part.count == 1 or reader.bit():
                value = reader.read(part.widths[n])
                if value > part.maxes[n]:
                    raise Malformed("a lane above its maximum")
                self.new[planned.new_at + n] = value

    def _put(self, planned: Planned, n: int, value: int) -> None:
        most = planned.part.maxes[n]
        if planned.part.is_circle:
            value &= most
        elif not 0 <= value <= most:
            raise Malformed("a lane outside its range")
        self.new[planned.new_at + n] = value

    def _residuals(self, planned: Planned, motion: _Motions) -> None:
        """Of a part that is linear or held."""
        part = planned.part
        if motion is None:
            family, scale, motions = 0, part.order, _NO_MOTIONS
        else:
            motions, scale = motion
            family = 1 if part.kind == HOLD else 2
        if part.rests and part.count > 1:
            self._velocity(planned, family, scale, motions)
            return
        context = (family * 17 + scale) * 12
        place, largest = int(part.count > 1), 0
        for n in range(part.count):
            predicted = self.old[planned.at + n]
            if family == 2:
                predicted = min(max(predicted + motions[n], 0), part.maxes[n])
            residual = self.book.read_residual(self.reader, context + place, motions[n])
            largest = max(largest, abs(residual))
            place = min(11, 2 + largest.bit_length())
            self._put(planned, n, predicted + residual)

    def _velocity(self, planned: Planned, family: int, scale: int, motions: tuple[int, ...]) -> None:
        """Who runs a curve keeps its speed: of the first two lanes, the larger tells of the smaller."""
        part, old, at = planned.part, self.old, planned.at
        rests = part.rests
        u_first = abs(old[at + 1] - rests[1]) < abs(old[at] - rests[0])
        place, largest = 1, 0
        for turn in range(part.count):
            n = 1 - turn if u_first and turn < 2 else turn
            context = (family * 17 + scale) * 12
            predicted = old[at + n]
            if turn == 1:
                told = 1 - n
                w = old[at + told] - rests[told]
                v = self.new[planned.new_at + told] - rests[told]
                if v != w:
                    u = predicted - rests[n]
                    speed = math.isqrt(max(0, w * w + u * u - v * v))
                    predicted = min(max(rests[n] + (speed if u > 0 else -speed), 0), part.maxes[n])
                    context = (_CURVE_FAMILY * 17 + min(16, abs(v - w).bit_length())) * 12
            residual = self.book.read_residual(self.reader, context + place, motions[n])
            largest = max(largest, abs(residual))
            place = min(11, 2 + largest.bit_length())
            self._put(planned, n, predicted + residual)

    def _linked(self, planned: Planned, differs: int) -> None:
        part, layout, age = planned.part, self.layout, self.age
        old, new, at, maxes = self.old, self.new, planned.at, planned.part.maxes
        tick_time = layout.tick_time
        predictions, directions = [], []
        widest = 0
        for n, (link, (old_at, new_at)) in enumerate(zip(part.links, planned.velocities, strict=True)):
            w, v = old[old_at], new[new_at]
            rate, rest = link.rate, link.rest
            moved_v = ((((v - rest) * rate + 128) >> 8) * tick_time + 0x800000) >> 24
            if v == w:
                moved = age * moved_v
            else:
                moved_w = ((((w - rest) * rate + 128) >> 8) * tick_time + 0x800000) >> 24
                twice = (age - 1) * moved_w + (age + 1) * moved_v
                moved = (twice + 1) >> 1 if twice >= 0 else -((1 - twice) >> 1)
            predicted = old[at + n] + moved
            most = maxes[n]
            if part.is_circle:
                predicted &= most
            elif predicted < 0:
                predicted = 0
            elif predicted > most:
                predicted = most
            predictions.append(predicted)
            directions.append(v - w)
            if differs:
                reach = ((((abs(v - w) + 1) * rate) >> 8) * layout.time(age + 1) >> 24) // 2
                widest = max(widest, reach)
        if not differs:
            new[planned.new_at : planned.new_at + part.count] = predictions
            return
        context = (3 * 17 + min(16, widest.bit_length())) * 12
        place, largest = int(part.count > 1), 0
        for n in range(part.count):
            residual = self.book.read_residual(self.reader, context + place, directions[n])
            largest = max(largest, abs(residual))
            place = min(11, 2 + largest.bit_length())
            self._put(planned, n, predictions[n] + residual)

    def _rotation(self, planned: Planned, motion: _Motions, differs: int) -> None:
        part = planned.part
        old = self.old[planned.at : planned.end]
        if motion is None:
            family, scale, motions = 4, part.order, _NO_MOTIONS
        else:
            family, (motions, scale) = 5, motion
        most = part.maxes[1]
        predicted = tuple(min(max(o + m, 0), most) for o, m in zip(old[1:], motions, strict=False))
        largest_component = old[0]
        if not differs:
            self.new[planned.new_at : planned.new_at + 4] = [largest_component, *predicted]
            return
        reader = self.reader
        context = (family * 17 + scale) * 12
        symbol = self.book.residual(context + 1).read(reader)
        if symbol == TURN_SYMBOL:
            turn = reader.read(2)
            if turn == 0:
                raise Malformed("a turn to the same component")
            turned = (largest_component + turn) & 3
            predicted = expressed((largest_component, *predicted), turned, part.rotation_bits)
            largest_component = turned
            motions = _NO_MOTIONS
            symbol = self.book.residual(context + 1).read(reader)
        largest = 0
        self.new[planned.new_at] = largest_component
        for n in range(3):
            if n:
                symbol = self.book.residual(context + min(11, 2 + largest.bit_length())).read(reader)
            residual = complete_residual(reader, symbol, motions[n]) if symbol else 0
            largest = max(largest, abs(residual))
            self._put(planned, n + 1, predicted[n] + residual)


_NO_MOTIONS: tuple[int, ...] = (0, 0, 0, 0)
_NO_MOTION = (_NO_MOTIONS, 0)
