"""The schema hash (section 9). What `schema --json` prints lacks rates and priorities, so only tests can make it."""

from __future__ import annotations

import struct
from typing import Any

from tidelock.hashes import fnv_1a

_KINDS = ["range", "angle", "rotation", "integer", "flags", "choice", "counter", "reference", "text", "blob"]
_AUDIENCES = ["public", "team", "owner"]
_SHAPES = ["bool", "u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "f32", "text"]


def schema_hash(schema: dict[str, Any]) -> int:
    data = schema["game"].encode()
    for declaration in schema["declarations"]:
        data += _declaration(declaration)
    return fnv_1a(data)


def _name(name: str) -> bytes:
    data = name.encode()
    return bytes([len(data) & 0xFF]) + data


def _declaration(told: dict[str, Any]) -> bytes:
    if told["kind"] == "component":
        rate = told["rate"]
        head = bytes([1, _AUDIENCES.index(told["audience"])])
        head += bytes([0, rate["ticks"]] if rate["kind"] == "ticks" else [1, rate["hz"]])
        return head + bytes([told["priority"]]) + _name(told["name"]) + _fields(told)
    if told["kind"] == "input":
        return b"\x02" + _name(told["name"]) + _fields(told)
    return bytes([3 if told["reliable"] else 4]) + _name(told["name"]) + _shape(told["shape"])


def _fields(told: dict[str, Any]) -> bytes:
    return bytes([len(told["fields"])]) + b"".join(_field(field, told["name"]) for field in told["fields"])


def _field(field: dict[str, Any], component: str) -> bytes:
    kind = field["kind"]
    data = bytes([_KINDS.index(kind) + 128 * field["held"], field["order"]]) + _name(field["name"])
    if kind == "range":
        data += struct.pack("<fff", field["min"], field["max"], field["step"])
    elif kind == "integer":
        data += struct.pack("<iiI", field["min"], field["max"], 0)
    else:
        parameter = next((field[key] for key in ("bits", "count", "bytes") if key in field), 0)
        data += struct.pack("<III", parameter, 0, 0)
    if field["velocity"] is None:
        return data + b"\0"
    of, name = field["velocity"]
    return data + b"\x01" + _name("" if of == component else of) + _name(name)


def _shape(shape: Any) -> bytes:
    if isinstance(shape, str):
        return bytes([_SHAPES.index(shape)])
    ((kind, of),) = shape.items()
    if kind == "option":
        return b"\x0b" + _shape(of)
    if kind == "list":
        return b"\x0c" + _shape(of)
    if kind == "array":
        return b"\x0d" + struct.pack("<I", of[0]) + _shape(of[1])
    if kind == "struct":
        return b"\x0e" + _members(of)
    return b"\x0f" + bytes([len(of)]) + b"".join(_name(name) + _members(members) for name, members in of)


def _members(members: Any) -> bytes:
    return bytes([len(members)]) + b"".join(_name(name) + _shape(shape) for name, shape in members)
