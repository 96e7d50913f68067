"""Prefix codes: canonical words by their lengths, and the residuals that they tell (section 7, Codes)."""

from __future__ import annotations

from collections.abc import Sequence

from .bits import BitReader, Malformed
from .schema import Codes

TURN_SYMBOL = 52
ESCAPE_SYMBOL = 51
ESCAPE_BASE = 8192
_TABLE_BITS = 9
_LENGTH_MAX = 15


def _magnitude(symbol: int) -> tuple[int, int]:
    """The least magnitude of a symbol's class, and how many bits complete it."""
    magnitude_class = (symbol - 1) // 2 + 1
    if magnitude_class < 4:
        return magnitude_class, 0
    bits = magnitude_class // 2 - 1
    return (2 + magnitude_class % 2) << bits, bits


_MAGNITUDES = ((0, 0), *(_magnitude(symbol) for symbol in range(1, ESCAPE_SYMBOL)))


class Code:
    """One code. A word of up to 9 bits is found at once, by whatever 9 bits begin with it."""

    __slots__ = ("_long", "table")

    def __init__(self, lengths: Sequence[int]) -> None:
        self.table = [0] * (1 << _TABLE_BITS)  # symbol << 4 | length of its word, or 0
        self._long: dict[tuple[int, int], int] = {}
        word, previous = 0, 0
        for length, symbol in sorted((length, symbol) for symbol, length in enumerate(lengths) if length):
            word <<= length - previous
            reversed_word = int(f"{word:0{length}b}"[::-1], 2)
            if length <= _TABLE_BITS:
                self.table[reversed_word :: 1 << length] = [symbol << 4 | length] * (1 << (_TABLE_BITS - length))
            else:
                self._long[length, reversed_word] = symbol
            word += 1
            previous = length

    def read(self, reader: BitReader) -> int:
        position = reader.position
        window = reader.windows[position >> 5] >> (position & 31)
        entry = self.table[window & 511]
        if entry:
            reader.position = position + (entry & 15)
            return entry >> 4
        for length in range(_TABLE_BITS + 1, _LENGTH_MAX + 1):
            symbol = self._long.get((length, window & ((1 << length) - 1)))
            if symbol is not None:
                reader.position = position + length
                return symbol
        raise Malformed("a word that no code has")


class CodeBook:
    """All codes of the protocol's version, each made when it is first needed."""

    def __init__(self, codes: Codes) -> None:
        self._codes = codes
        self._patterns: dict[int, Code] = {}
        self._residuals: dict[int, Code] = {}
        self.by_context: dict[int, Code] = {}

    def pattern(self, number: int) -> Code:
        code = self._patterns.get(number)
        if code is None:
            code = self._patterns[number] = Code(self._codes.pattern[number])
        return code

    def residual(self, context: int) -> Code:
        code = self.by_context.get(context)
        if code is None:
            number = self._codes.residual_of_context[context]
            if number not in self._residuals:
                self._residuals[number] = Code(self._codes.residual[number])
            code = self.by_context[context] = self._residuals[number]
        return code

    def read_residual(self, reader: BitReader, context: int, direction: int) -> int:
        """A residual, in a lane that goes in this direction."""
        symbol = (self.by_context.get(context) or self.residual(context)).read(reader)
        return complete_residual(reader, symbol, direction) if symbol else 0


def complete_residual(reader: BitReader, symbol: int, direction: int) -> int:
    """What follows a symbol, and the sign."""
    if symbol < ESCAPE_SYMBOL:
        magnitude, bits = _MAGNITUDES[symbol]
        if bits:
            magnitude += reader.read(bits)
        against = not symbol & 1
    elif symbol == ESCAPE_SYMBOL:
        against = bool(reader.bit())
        magnitude = ESCAPE_BASE + reader.golomb(12)
        if magnitude >> 31:
            raise Malformed("a residual beyond any lane")
    else:
        raise Malformed("a turn where none can be")
    return -magnitude if against != (direction < 0) else magnitude
