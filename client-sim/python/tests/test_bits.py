"""Section 1: its examples, and that what was written reads back."""

from __future__ import annotations

import random
import unittest

from tidelock.bits import BitReader, BitWriter, Malformed, nearest, signed, unzigzag, zigzag


def drawn(write) -> str:
    """The bits in the order of writing."""
    writer = BitWriter()
    write(writer)
    return "".join(str(writer.value >> n & 1) for n in range(writer.bits))


class Bits(unittest.TestCase):
    def test_examples(self) -> None:
        for value, order, bits in [(0, 0, "1"), (2, 0, "011"), (3, 2, "111"), (4, 2, "01000")]:
            self.assertEqual(bits, drawn(lambda w, v=value, k=order: w.golomb(v, k)))
        self.assertEqual([0, -1, 1, -2, 2], [unzigzag(n) for n in range(5)])
        self.assertEqual(list(range(5)), [zigzag(n) for n in (0, -1, 1, -2, 2)])

    def test_what_was_written_reads_back(self) -> None:
        chance = random.Random(1)
        fields = []
        for _ in range(2000):
            bits = chance.randint(1, 32)
            fields.append((chance.choice("ugs"), chance.getrandbits(bits), bits, chance.randint(0, 16)))
        writer = BitWriter()
        for kind, value, bits, order in fields:
            if kind == "u":
                writer.write(value, bits)
            elif kind == "g":
                writer.golomb(value, order)
            else:
                writer.signed_golomb(value >> 1, order)
        reader = BitReader(writer.to_bytes(), writer.bits)
        for kind, value, bits, order in fields:
            if kind == "u":
                self.assertEqual(value, reader.read(bits))
            elif kind == "g":
                self.assertEqual(value, reader.golomb(order))
            else:
                self.assertEqual(value >> 1, reader.signed_golomb(order))
        self.assertEqual(writer.bits, reader.position)
        with self.assertRaises(Malformed):
            reader.bit()

    def test_numbers_beyond_32_bits_are_malformed(self) -> None:
        writer = BitWriter()
        writer.golomb((1 << 32) - 1, 3)
        self.assertEqual((1 << 32) - 1, BitReader(writer.to_bytes()).golomb(3))
        for order in range(17):
            too_large = BitWriter()
            too_large.golomb(1 << 32, order)
            with self.assertRaises(Malformed):
                BitReader(too_large.to_bytes()).golomb(order)
        with self.assertRaises(Malformed):
            BitReader(bytes(20)).golomb(0)

    def test_bytes_at_any_bit(self) -> None:
        for offset in range(9):
            writer = BitWriter()
            writer.write(0, offset)
            writer.write_bytes(b"tide")
            reader = BitReader(writer.to_bytes())
            reader.read(offset)
            self.assertEqual(b"tide", reader.read_bytes(4))

    def test_low_bits_mean_the_nearest(self) -> None:
        self.assertEqual(65537, nearest(1, 16, 65530))
        self.assertEqual(65530, nearest(65530, 16, 65537))
        self.assertEqual(-1, nearest(65535, 16, 0))
        self.assertEqual([-128, 127, -1], [signed(v, 8) for v in (128, 127, 255)])
