"""The test vectors: found, read, and held against what reads and writes them."""

from __future__ import annotations

import json
import os
import unittest
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

RELATIVE = Path(__file__).resolve().parent / "../../../shared/vectors"


def folder() -> Path:
    """Where the vectors are: TIDELOCK_VECTORS, or beside this client in the repository."""
    path = Path(os.environ.get("TIDELOCK_VECTORS") or RELATIVE)
    if not path.is_dir():
        raise unittest.SkipTest(f"no vectors in {path}; TIDELOCK_VECTORS names another folder")
    return path


def field(name: str, kind: str, lanes: list[tuple[int, str]], order: int, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "order": order,
        "held": False,
        "velocity": None,
        "lanes": [{"max": most, "coding": coding} for most, coding in lanes],
        **more,
    }


def range_field(
    name: str, least: float, most: float, step: float, velocity: list[str] | None = None, order: int = 4
) -> dict[str, Any]:
    lanes = [(round((most - least) / step), "number")]
    return field(name, "range", lanes, order, min=least, max=most, step=step, velocity=velocity)


def angle_field(name: str, bits: int) -> dict[str, Any]:
    return field(name, "angle", [((1 << bits) - 1, "circle")], bits // 3, bits=bits)


def rotation_field(name: str, bits: int) -> dict[str, Any]:
    return field(name, "rotation", [(3, "symbol")] + [((1 << bits) - 1, "number")] * 3, bits // 3, bits=bits)


def integer_field(name: str, least: int, most: int) -> dict[str, Any]:
    return field(name, "integer", [(most - least, "number")], 1, min=least, max=most)


def flags_field(name: str, bits: int) -> dict[str, Any]:
    return field(name, "flags", [((1 << bits) - 1, "symbol")], 0, bits=bits)


def text_field(name: str, size: int, kind: str = "text") -> dict[str, Any]:
    lanes = [(size, "number")] + [((1 << 24) - 1, "symbol")] * ((size + 2) // 3)
    return field(name, kind, lanes, 0, bytes=size)


def component(name: str, *fields: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "fields": list(fields)}


def demo_schema(codes: dict[str, Any] | None = None) -> dict[str, Any]:
    """The game `demo` of section 10, and an event more, without its hash."""
    return {
        "schema": 1,
        "wire_version": 1,
        "game": "demo",
        "hash": "0xc8c31e9145cb9637",
        "streams": {
            "public": [component("spot", range_field("x", -20, 20, 0.125), angle_field("yaw", 8))],
            "team": [],
            "owner": [component("purse", integer_field("coins", 0, 99))],
        },
        "input": {"name": "press", "fields": [flags_field("held", 4)], "default": [0]},
        "events": [
            {"id": 0, "name": "horn", "reliable": True, "from_client": None, "shape": {"struct": []}},
            {"id": 1, "name": "blip", "reliable": False, "from_client": None, "shape": "u8"},
        ],
        "codes": codes or table_codes(),
    }


@dataclass
class Vector:
    """One vector: its lines, by name."""

    file: str
    name: str
    lines: dict[str, str]
    context: dict[str, Any]

    @property
    def is_refused(self) -> bool:
        return self.name.startswith("refused_")

    @cached_property
    def json(self) -> dict[str, Any]:
        document = json.loads(self.lines.get("json", "{}"))
        return document if isinstance(document, dict) else {}

    @cached_property
    def given(self) -> dict[str, Any]:
        """What the reader knows before."""
        return {**self.context, **self.json.get("given", {})}

    @property
    def expected(self) -> dict[str, Any]:
        """What it must make of it."""
        return {name: value for name, value in self.json.items() if name != "given"}

    @property
    def data(self) -> bytes:
        return bytes.fromhex(self.lines["hex"])

    @property
    def bits(self) -> int:
        return int(self.lines["bits"])

    def __str__(self) -> str:
        return f"{self.file} {self.name}"


def vectors_of(file: str) -> list[Vector]:
    """Those of a file with sections in brackets."""
    found: list[Vector] = []
    context: dict[str, Any] = {}
    for line in (folder() / f"{file}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            found.append(Vector(file, line.strip("[]"), {}, context))
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found[-1].lines[name.strip()] = value.strip()
            if found[-1].name == "context":
                context.update(json.loads(value))
    return [vector for vector in found if vector.name != "context"]


def lines_of(file: str) -> dict[str, bytes]:
    """Those of a file with a line of hex for each."""
    found = {}
    for line in (folder() / f"{file}.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found[name.strip()] = bytes.fromhex(value.strip())
    return found


def table_codes() -> dict[str, Any]:
    """The codes of `tables.txt`, as a schema has them."""
    tables = [(vector.json, json.loads(vector.lines["value"])) for vector in vectors_of("tables")]
    found: dict[str, Any] = {"residual": [], "pattern": []}
    for table, value in tables:
        if table["number"] is None:
            found[table["table"]] = value
        else:
            assert len(found[table["table"]]) == table["number"]
            found[table["table"]].append(value)
    return found


def hex_of(data: bytes) -> Any:
    """Bytes as the vectors tell them."""
    if len(data) > 64 and len(set(data)) == 1:
        return {"repeat": data[:1].hex(), "times": len(data)}
    return data.hex()


def bytes_of(told: Any) -> bytes:
    """The other way round."""
    return bytes.fromhex(told["repeat"]) * told["times"] if isinstance(told, dict) else bytes.fromhex(told)
