"""Hashes: of a version of a stream, and FNV-1a (sections 7 and 9)."""

from __future__ import annotations

from collections.abc import Iterable

_MULTIPLIER = 0x9E3779B97F4A7C15
_MASK_64 = 0xFFFFFFFFFFFFFFFF


def version_hash(index: int, generation: int, audience: int, mask: int, lanes: Iterable[int]) -> int:
    """64 bits over who it is, and all that is in the version."""
    h = (index * _MULTIPLIER) & _MASK_64
    h ^= h >> 32
    h = ((h ^ generation) * _MULTIPLIER) & _MASK_64
    h ^= h >> 32
    h = ((h ^ audience) * _MULTIPLIER) & _MASK_64
    h ^= h >> 32
    h = ((h ^ mask) * _MULTIPLIER) & _MASK_64
    h ^= h >> 32
    for lane in lanes:
        h = ((h ^ lane) * _MULTIPLIER) & _MASK_64
        h ^= h >> 32
    return h


def fold_32(total: int) -> int:
    """A sum of hashes as an audit carries it."""
    return (total ^ ((total & _MASK_64) >> 32)) & 0xFFFFFFFF


def fold_16(total: int) -> int:
    """A sum of hashes as the checksum of a datagram carries it."""
    folded = fold_32(total)
    return (folded ^ (folded >> 16)) & 0xFFFF


def fnv_1a(data: bytes) -> int:
    h = 0xCBF29CE484222325
    for byte in data:
        h = ((h ^ byte) * 0x100000001B3) & _MASK_64
    return h
