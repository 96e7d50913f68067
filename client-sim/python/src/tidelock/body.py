"""Bodies of events, by their shapes: columns of values, packed (section 9)."""

from __future__ import annotations

import struct
from typing import Any

from .bits import Malformed, signed
from .messages import MESSAGE_TO_CLIENT_BYTES_MAX

# Of one body. The longest has no more values that take a bit; a few bytes can announce many that take none.
VALUES_MAX = 8 * MESSAGE_TO_CLIENT_BYTES_MAX
_WIDTH_BYTES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "i8": 1, "i16": 2, "i32": 4, "i64": 8}
_STATES = (16, 6, 4, 3, 2)
_SHARE = {2: 8, 3: 5, 4: 4, 6: 3, 16: 2}  # so many values of so many states share a byte
_SUM_WORTH = 6  # a sum pays from so many values on


def read_body(shape: Any, body: bytes) -> Any:
    """The value that a body holds, all of it."""
    reader = _Reader(body)
    value = reader.column(shape, 1)[0]
    if reader.at != len(body):
        raise Malformed("a body that is longer than its value")
    return value


def write_body(shape: Any, value: Any) -> bytes:
    """The body of a value; TypeError, ValueError or KeyError if the value is not of the shape."""
    out = bytearray()
    _write_column(out, shape, [value])
    return bytes(out)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.left = VALUES_MAX

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            raise Malformed("a body that is cut short")
        self.at += count
        return self.data[self.at - count : self.at]

    def column(self, shape: Any, n: int) -> list[Any]:
        self.left -= n
        if self.left < 0:
            raise Malformed("a body of too many values")
        if isinstance(shape, str):
            return self._simple(shape, n)
        ((kind, of),) = shape.items()
        if kind == "option":
            there = self.below(2, n)
            values = iter(self.column(of, sum(there)))
            return [next(values) if is_there else None for is_there in there]
        if kind == "list":
            lengths = self.lengths(n)
            return _cut(self.column(of, sum(lengths)), lengths)
        if kind == "array":
            length, element = of
            return _cut(self.column(element, n * length), [length] * n)
        if kind == "struct":
            columns = [self.column(member, n) for _, member in of]
            names = [name for name, _ in of]
            return [dict(zip(names, (c[i] for c in columns), strict=True)) for i in range(n)]
        if kind == "enum":
            return self._choices(of, n)
        raise Malformed(f"a shape that nobody knows: {kind}")

    def _simple(self, shape: str, n: int) -> list[Any]:
        if shape == "bool":
            return [bool(b) for b in self.below(2, n)]
        if shape == "f32":
            low, high = self.take(3 * n), self.take(n)
            return [struct.unpack("<f", low[3 * i : 3 * i + 3] + high[i : i + 1])[0] for i in range(n)]
        if shape == "text":
            lengths = self.lengths(n)
            try:
                return [self.take(length).decode() for length in lengths]
            except UnicodeDecodeError:
                raise Malformed("a text that is no UTF-8") from None
        width = _WIDTH_BYTES[shape]
        words = self.words(width, n)
        return [signed(w, 8 * width) for w in words] if shape[0] == "i" else words

    def _choices(self, variants: list[Any], n: int) -> list[Any]:
        chosen = self.below(len(variants), n) if len(variants) > 1 else [0] * n
        members_of: list[Any] = []
        for number, (_, members) in enumerate(variants):
            members_of.append(iter(self.column({"struct": members}, chosen.count(number))))
        values = []
        for number in chosen:
            name, members = variants[number]
            value = next(members_of[number])
            values.append({name: value} if members else name)
        return values

    def below(self, k: int, n: int) -> list[int]:
        states = next((s for s in reversed(_STATES) if s >= k), None)
        values = list(self.take(n)) if states is None else self.in_states(states, n)
        if any(value >= k for value in values):
            raise Malformed("a choice that there is not")
        return values

    def in_states(self, states: int, n: int) -> list[int]:
        share = _SHARE[states]
        values = []
        for byte in self.take((n + share - 1) // share):
            for _ in range(share):
                values.append(byte % states)
                byte //= states
        return values[:n]

    def bytes(self, n: int) -> list[int]:
        if n < 3:
            return list(self.take(n))
        (packing,) = self.take(1)
        if packing > 2 * len(_STATES):
            raise Malformed("bytes in an unknown packing")
        if packing == 0:
            return list(self.take(n))
        add = self.take(1)[0] if packing & 1 else 0
        return [(value + add) & 0xFF for value in self.in_states(_STATES[(packing - 1) // 2], n)]

    def words(self, width: int, n: int) -> list[int]:
        if width == 1:
            return self.bytes(n)
        if n == 0 or (n == 1 and width == 2):
            return self._plain(width, n)
        (packing,) = self.take(1)
        narrow = width >> (packing + 1) // 2
        if narrow == 0:
            raise Malformed("words in an unknown packing")
        add = int.from_bytes(self.take(width), "little") if packing & 1 else 0
        values = self.bytes(n) if narrow == 1 else self._plain(narrow, n)
        return [(value + add) & ((1 << 8 * width) - 1) for value in values] if add else values

    def _plain(self, width: int, n: int) -> list[int]:
        data = self.take(width * n)
        return [int.from_bytes(data[at : at + width], "little") for at in range(0, len(data), width)]

    def lengths(self, n: int) -> list[int]:
        lengths = self.bytes(n)
        long = iter(self.words(8, lengths.count(255)))
        return [next(long) if length == 255 else length for length in lengths]


def _cut(values: list[Any], lengths: list[int]) -> list[Any]:
    lists, at = [], 0
    for length in lengths:
        lists.append(values[at : at + length])
        at += length
    return lists


def _write_column(out: bytearray, shape: Any, values: list[Any]) -> None:
    if isinstance(shape, str):
        _write_simple(out, shape, values)
        return
    ((kind, of),) = shape.items()
    if kind == "option":
        _write_states(out, 2, [value is not None for value in values])
        _write_column(out, of, [value for value in values if value is not None])
    elif kind == "list":
        _write_lengths(out, [len(value) for value in values])
        _write_column(out, of, [element for value in values for element in value])
    elif kind == "array":
        if any(len(value) != of[0] for value in values):
            raise ValueError(f"an array has {of[0]} elements")
        _write_column(out, of[1], [element for value in values for element in value])
    elif kind == "struct":
        for name, member in of:
            _write_column(out, member, [value[name] for value in values])
    else:
        _write_choices(out, of, values)


def _write_simple(out: bytearray, shape: str, values: list[Any]) -> None:
    if shape == "bool":
        _write_states(out, 2, [bool(value) for value in values])
    elif shape == "f32":
        words = [struct.pack("<f", value) for value in values]
        out += b"".join(word[:3] for word in words) + b"".join(word[3:] for word in words)
    elif shape == "text":
        texts = [value.encode() for value in values]
        _write_lengths(out, [len(text) for text in texts])
        out += b"".join(texts)
    else:
        width, is_signed = _WIDTH_BYTES[shape], shape[0] == "i"
        for value in values:
            value.to_bytes(width, "little", signed=is_signed)  # OverflowError if it does not fit
        _write_words(out, width, values)


def _write_choices(out: bytearray, variants: list[Any], values: list[Any]) -> None:
    names = [name for name, _ in variants]
    pairs = [(value, {}) if isinstance(value, str) else next(iter(value.items())) for value in values]
    chosen = [names.index(name) for name, _ in pairs]
    if len(variants) > 1:
        states = next((s for s in reversed(_STATES) if s >= len(variants)), None)
        if states is None:
            out += bytes(chosen)
        else:
            _write_states(out, states, chosen)
    for number, (_, members) in enumerate(variants):
        of_variant = [value for (_, value), choice in zip(pairs, chosen, strict=True) if choice == number]
        _write_column(out, {"struct": members}, of_variant)


def _write_states(out: bytearray, states: int, values: list[Any]) -> None:
    share = _SHARE[states]
    for at in range(0, len(values), share):
        byte = 0
        for value in reversed(values[at : at + share]):
            byte = byte * states + int(value)
        out.append(byte)


def _write_bytes(out: bytearray, values: list[int]) -> None:
    raw = [value & 0xFF for value in values]
    if len(raw) < 3:
        out += bytes(raw)
        return
    plain, most = _narrowest(max(raw)), 0
    least = min(values)
    if len(values) >= _SUM_WORTH:
        most = _narrowest(max(values) - least)
    if most > plain:
        out += bytes([2 * most - 1, least & 0xFF])
        _write_states(out, _STATES[most - 1], [value - least for value in values])
    elif plain:
        out.append(2 * plain)
        _write_states(out, _STATES[plain - 1], raw)
    else:
        out += b"\0" + bytes(raw)


def _narrowest(largest: int) -> int:
    """Which packing suffices: 0 for bytes as they are."""
    return sum(largest < states for states in _STATES)


def _write_words(out: bytearray, width: int, values: list[int]) -> None:
    if width == 1:
        _write_bytes(out, values)
        return
    full = 8 * width
    raw = [value & ((1 << full) - 1) for value in values]
    if not raw or (len(raw) == 1 and width == 2):
        out += b"".join(value.to_bytes(width, "little") for value in raw)
        return
    plain = _halvings(width, max(raw))
    least = min(values)
    summed = _halvings(width, max(values) - least) if len(values) >= _SUM_WORTH else 0
    if summed > plain:
        out.append(2 * summed - 1)
        out += (least & ((1 << full) - 1)).to_bytes(width, "little")
        raw, plain = [value - least for value in values], summed
    else:
        out.append(2 * plain)
    narrow = width >> plain
    if narrow == 1:
        _write_bytes(out, raw)
    else:
        out += b"".join(value.to_bytes(narrow, "little") for value in raw)


def _halvings(width: int, largest: int) -> int:
    halvings = 0
    while width >> (halvings + 1) and largest >> (8 * (width >> (halvings + 1))) == 0:
        halvings += 1
    return halvings


def _write_lengths(out: bytearray, lengths: list[int]) -> None:
    _write_bytes(out, [min(length, 255) for length in lengths])
    _write_words(out, 8, [length for length in lengths if length >= 255])
