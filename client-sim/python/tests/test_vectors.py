"""All vectors of all files: what must be taken reads as told, and is written so; what must be refused is refused.

A file that nothing here takes is a failure, and so is a vector that does not read back to its last bit.
"""

from __future__ import annotations

import json
import math
import unittest
from collections.abc import Callable, Iterator
from typing import Any

from tests import vectors
from tests.schema_hash import schema_hash
from tests.vectors import Vector, bytes_of, hex_of
from tidelock import control, frozen
from tidelock.acks import DELAY_MAX, Received, Report, read_report, write_report
from tidelock.bits import BitReader, BitWriter, Malformed, nearest_count, signed
from tidelock.body import read_body, write_body
from tidelock.channel import Channel
from tidelock.codes import CodeBook
from tidelock.control import Claim, Claimed, EventMessage, Welcome
from tidelock.delta import read_delta, read_full
from tidelock.errors import Rejected
from tidelock.fields import Reference, to_lanes, to_value
from tidelock.hashes import fnv_1a, fold_16, fold_32, version_hash
from tidelock.header import Header, read_header
from tidelock.inputs import read_inputs, write_inputs
from tidelock.messages import (
    Fragment,
    Incoming,
    read_fragments,
    read_unreliable,
    write_fragment,
    write_unreliable,
)
from tidelock.parts import Layout
from tidelock.records import FULL, LEAVE, ListHead, Record, read_common, read_head, read_runs
from tidelock.schema import AUDIENCES, Codes, parse_component
from tidelock.snapshots import Snapshots
from tidelock.stats import Stats
from tidelock.store import Store

TICKS = 1 << 32
Json = dict[str, Any]


def u64(value: int) -> str:
    return f"0x{value:016x}"


# Bits, acks, messages


def read_golomb(reader: BitReader, vector: Vector) -> Json:
    return {"value": getattr(reader, vector.given["code"])(vector.given["order"])}


def write_golomb(writer: BitWriter, vector: Vector) -> None:
    getattr(writer, vector.given["code"])(vector.json["value"], vector.given["order"])


def acks_json(report: Report | None) -> Any:
    if report is None:
        return None
    delay_us = None if report.delay == DELAY_MAX else report.delay * 128
    return {"delay_us": delay_us, "missing": list(report.missing), "newest": report.newest, "span": report.span}


def report_of(acks: Any) -> Report | None:
    if acks is None:
        return None
    delay = DELAY_MAX if acks["delay_us"] is None else acks["delay_us"] // 128
    return Report(acks["newest"], delay, acks["span"], tuple(acks["missing"]))


def read_acks(reader: BitReader, vector: Vector) -> Json:
    return {"acks": acks_json(read_report(reader, vector.given["next_sequence"]))}


def write_acks(writer: BitWriter, vector: Vector) -> None:
    write_report(writer, report_of(vector.json["acks"]))


def fragments_json(fragments: list[Fragment]) -> list[Json]:
    return [{"bytes": hex_of(f.data), "id": f.id, "last": f.last} for f in fragments]


def read_datagram_head(reader: BitReader, vector: Vector) -> Json:
    version = reader.read(4)
    if version != 1:
        raise Malformed("another version")
    sequence = nearest_count(reader.read(16), 16, vector.given["newest_sequence"])
    acks = acks_json(read_report(reader, vector.given["next_sequence"]))
    unreliable = [hex_of(message) for message in read_unreliable(reader)]
    return {
        "acks": acks,
        "fragments": fragments_json(list(read_fragments(reader, lambda: 0))),
        "sequence": sequence,
        "unreliable_messages": unreliable,
        "version": version,
    }


def write_fragments(writer: BitWriter, fragments: list[Json]) -> None:
    for told in fragments:
        write_fragment(writer, Fragment(told["id"], told["last"], bytes_of(told["bytes"])))
    writer.write(0, 1)


def write_datagram_head(writer: BitWriter, vector: Vector) -> None:
    head = vector.json
    writer.write(head["version"], 4)
    writer.write(head["sequence"] & 0xFFFF, 16)
    write_report(writer, report_of(head["acks"]))
    write_unreliable(writer, [bytes_of(told) for told in head["unreliable_messages"]])
    write_fragments(writer, head["fragments"])


def read_unreliable_messages(reader: BitReader, vector: Vector) -> Json:
    return {"messages": [hex_of(message) for message in read_unreliable(reader)]}


def write_unreliable_messages(writer: BitWriter, vector: Vector) -> None:
    write_unreliable(writer, [bytes_of(told) for told in vector.json["messages"]])


def read_reliable_fragments(reader: BitReader, vector: Vector) -> Json:
    incoming = Incoming(vector.given["message_bytes_max"])
    incoming.expected = vector.given["next_fragment"]
    if vector.given["after"] is not None:
        (before,) = (v for v in vectors.vectors_of(vector.file) if v.name == vector.given["after"])
        incoming.take(read_fragments(BitReader(before.data, before.bits), lambda: incoming.expected))
    fragments: list[Fragment] = []

    def seen() -> Iterator[Fragment]:
        for fragment in read_fragments(reader, lambda: incoming.expected):
            fragments.append(fragment)
            yield fragment

    messages = incoming.take(seen())
    return {"fragments": fragments_json(fragments), "messages": [hex_of(m) for m in messages]}


def write_reliable_fragments(writer: BitWriter, vector: Vector) -> None:
    write_fragments(writer, vector.json["fragments"])


# Whole messages


def read_frozen(reader: BitReader, vector: Vector) -> Json:
    reader.position = vector.bits
    if vector.data and vector.data[0] & 15 == frozen.FAREWELL:
        error = frozen.read_farewell(vector.data)
        return {"kind": "rejected" if isinstance(error, Rejected) else "closed", "reason": error.reason}
    return {"kind": "greeting", "version": frozen.read_greeting(vector.data)}


def read_client_messages(reader: BitReader, vector: Vector) -> Json:
    reader.position = vector.bits
    kind, values = control.read_client_message(vector.data)
    if kind == "desync":
        return {"kind": kind, "tick": values[0]}
    if kind == "event":
        return {"body": values[1].hex(), "event": values[0], "kind": kind}
    schema_hash_said, claim = values
    told = None
    if claim is not None:
        told = {"newest_tick": claim.newest_tick, "payload_hash": u64(claim.payload_hash)}
        for audience, name in enumerate(AUDIENCES):
            told[name] = [
                {"index": s.index, "proof": s.proof, "tick": s.tick % TICKS}
                for s in claim.streams
                if s.audience == audience
            ]
    return {"claim": told, "kind": kind, "schema_hash": u64(schema_hash_said)}


def write_client_messages(writer: BitWriter, vector: Vector) -> None:
    message = vector.json
    if message["kind"] == "desync":
        writer.write_bytes(control.desync(message["tick"]))
    elif message["kind"] == "event":
        writer.write_bytes(control.event(message["event"], bytes.fromhex(message["body"])))
    else:
        claim = message["claim"]
        if claim is not None:
            newest = claim["newest_tick"]
            claim = Claim(
                int(claim["payload_hash"], 16),
                tuple(
                    Claimed(audience, s["index"], newest - (newest - s["tick"]) % TICKS, s["proof"])
                    for audience, name in enumerate(AUDIENCES)
                    for s in claim[name]
                ),
            )
        writer.write_bytes(control.hello(int(message["schema_hash"], 16), claim))
        writer.bits = vector.bits


def read_server_messages(reader: BitReader, vector: Vector) -> Json:
    reader.position = vector.bits
    message = control.read_server_message(vector.data)
    if isinstance(message, EventMessage):
        return {"body": message.body.hex(), "event": message.id, "kind": "event"}
    assert isinstance(message, Welcome)
    return {
        "due_us": u64(message.due_us),
        "kind": "welcome",
        "payload": message.payload.hex() if message.payload is not None else None,
        "resumed": message.resumed,
        "snapshot_hz": message.snapshot_hz,
        "state_kept": message.state_kept,
        "tick": message.tick,
        "tick_hz": message.tick_hz,
    }


# Inputs and snapshots


def input_of(vector: Vector) -> tuple[tuple[Any, ...], tuple[int, ...]]:
    document = vector.given["input"]
    return parse_component(document).lanes, tuple(document["default"])


def read_the_inputs(reader: BitReader, vector: Vector) -> Json:
    found = read_inputs(reader, *input_of(vector), vector.given["known_tick"])
    if found is None:
        return {"inputs": [], "newest_tick": None}
    return {"inputs": [list(lanes) for lanes in found[1]], "newest_tick": found[0] % TICKS}


def write_the_inputs(writer: BitWriter, vector: Vector) -> None:
    inputs = [tuple(lanes) for lanes in vector.json["inputs"]]
    write_inputs(writer, *input_of(vector), vector.json["newest_tick"] or 0, inputs, 9600)


def read_client_datagram(reader: BitReader, vector: Vector) -> Json:
    return {**read_datagram_head(reader, vector), **read_the_inputs(reader, vector)}


def write_client_datagram(writer: BitWriter, vector: Vector) -> None:
    write_datagram_head(writer, vector)
    if vector.json["newest_tick"] is None:
        writer.write(0, 1)
    else:
        write_the_inputs(writer, vector)


def header_json(header: Header | None) -> Json | None:
    if header is None:
        return None
    inputs, audit = header.inputs, header.audit
    return {
        "after": header.after,
        "audit": {"bucket": audit.bucket, "hash": audit.hash} if audit else None,
        "checksum": header.checksum,
        "complete": header.complete,
        "due_us": u64(header.due_us) if header.due_us is not None else None,
        "in_flight": header.in_flight,
        "index": header.index,
        "inputs": {"ahead": inputs.ahead, "lead": inputs.lead, "missed": inputs.missed or None} if inputs else None,
        "load": {"dilation_pct": header.dilation, "level": header.level} if header.level or header.dilation else None,
        "tick": header.tick % TICKS,
    }


def read_snapshot_header(reader: BitReader, vector: Vector) -> Json:
    return {"snapshot": header_json(read_header(reader, vector.given["known_tick"]))}


def read_records_in_common(reader: BitReader, vector: Vector) -> Json:
    common = read_common(reader)
    tick = vector.given["tick"]
    found: Json = {
        "base_tick": (tick - common.base) % TICKS if common.base else None,
        "second_tick": (tick - common.second) % TICKS if common.second else None,
    }
    for name, head in zip(AUDIENCES, common.lists, strict=True):
        found[name] = {"order": head.order if head.runs else None, "others": head.others, "runs": head.runs}
    return found


def read_record_heads(reader: BitReader, vector: Vector) -> Json:
    tick, has_base = vector.given["tick"], vector.given["base_tick"] is not None
    ghost, lead, records = -1, 0, []
    for _ in range(vector.given["count"]):
        ghost += 1 + reader.golomb(2)
        if ghost >> 20:
            raise Malformed("a ghost that cannot be")
        head = read_head(reader, has_base, ghost + lead)
        record: Json = {"ghost": ghost, "kind": head.kind}
        if head.kind == FULL:
            lead = head.index - ghost
            record |= {"generation": head.generation, "index": head.index}
        elif head.kind == LEAVE:
            record |= {"despawned": head.despawned}
        elif head.age:
            record |= {"baseline_tick": (tick - head.age) % TICKS}
        else:
            record["kind"] = "base"
        records.append(record)
    return {"records": records}


def read_record_runs(reader: BitReader, vector: Vector) -> Json:
    runs = read_runs(reader, ListHead(vector.given["count"], vector.given["order"], 0))
    return {"runs": [{"ghost": ghost, "length": length} for ghost, length in runs]}


# Bodies


def version_of(told: Json) -> tuple[int, tuple[int, ...]]:
    return told["mask"], tuple(told["lanes"])


def book() -> CodeBook:
    codes = vectors.table_codes()
    return CodeBook(Codes(codes["residual_of_context"], codes["residual"], codes["pattern"]))


BOOK: list[CodeBook] = []


def the_book() -> CodeBook:
    if not BOOK:
        BOOK.append(book())
    return BOOK[0]


def read_the_body(reader: BitReader, vector: Vector) -> Json:
    given = vector.given
    layout = Layout([parse_component(c) for c in given["components"]], 0, given["tick_hz"])
    first, second = given["first"], given["second"]
    if first is None:
        mask, lanes = read_full(reader, layout)
    else:
        age = first["age_ticks"]
        older = version_of(second) if second else None
        between = second["age_ticks"] - age if second else 0
        mask, lanes = read_delta(reader, layout, the_book(), version_of(first), age, older, between)
    return {"version": {"lanes": list(lanes), "mask": mask}}


def read_whole_datagram(reader: BitReader, vector: Vector) -> Json:
    given = vector.given
    store = Store()
    held: dict[tuple[int, int], Json] = {}
    for told in given["held"]:
        audience = AUDIENCES.index(told["audience"])
        held[audience, told["ghost"]] = told
        record = Record(FULL, audience, told["ghost"], told["index"], told["generation"], version=version_of(told))
        store.store(told["tick"], [record], given["known_tick"])
    layouts = tuple(
        Layout([parse_component(c) for c in given["streams"][name]], audience, given["tick_hz"])
        for audience, name in enumerate(AUDIENCES)
    )
    records: list[Record] = []
    snapshots = Snapshots(
        layouts, the_book(), store, given["known_tick"], Stats(), lambda _, found: records.extend(found)
    )
    before = shown(store)
    channel = Channel()
    head = channel.read_head(reader)
    assert head is not None
    channel.read_messages(reader)
    header = read_header(reader, given["known_tick"])
    assert header is not None
    found: Json = {"snapshot": header_json(header), "base_tick": None, "second_tick": None}
    at = reader.position
    if header.checksum is not None:
        common = read_common(reader)
        found["base_tick"] = header.tick - common.base if common.base else None
        found["second_tick"] = header.tick - common.second if common.second else None
    reader.position = at
    if not snapshots.take(reader, header, head.sequence):
        assert before == shown(store) or snapshots.desync_tick is not None
        raise Malformed("not accepted")
    found["records"] = [record_json(record, held) for record in records]
    return found


def shown(store: Store) -> list[Any]:
    return [(audience, s.index, s.generation, s.ticks[:], s.versions[:], s.left) for audience, s in store.shown()]


def record_json(record: Record, held: dict[tuple[int, int], Json]) -> Json:
    told = {"audience": AUDIENCES[record.audience], "ghost": record.ghost, "kind": record.kind}
    if record.kind == LEAVE:
        of = held[record.audience, record.ghost]
        return told | {
            "despawned": record.despawned,
            "generation": of["generation"],
            "index": of["index"],
            "version": None,
        }
    mask, lanes = record.version
    told |= {"generation": record.generation, "index": record.index, "version": {"lanes": list(lanes), "mask": mask}}
    return told if record.kind == FULL else told | {"baseline_tick": record.baseline}


def plain_kinds(expected: Json) -> Json:
    """A run, and a delta against the base, are deltas that name the base."""
    for record in expected.get("records", ()):
        if record["kind"] in ("run", "base"):
            record |= {"kind": "delta", "baseline_tick": expected["base_tick"]}
    return expected


# Values


def number_of(told: Any) -> Any:
    if isinstance(told, str):
        return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[told]
    return told


def value_of(kind: str, told: Any) -> Any:
    if kind == "reference":
        return Reference(**told) if told is not None else None
    if kind == "blob":
        return bytes.fromhex(told)
    if kind == "rotation":
        return [number_of(u) for u in told]
    return told if kind == "text" else number_of(told)


def value_json(kind: str, value: Any) -> Any:
    if kind == "reference":
        return {"generation": value.generation, "index": value.index} if value is not None else None
    if kind == "blob":
        return value.hex()
    return list(value) if kind == "rotation" else value


def fields_vector(vector: Vector) -> tuple[Any, Any]:
    expected = json.loads(vector.lines["value"])
    (document,) = (c for c in vector.given["components"] if c["name"] == vector.json["component"])
    fields = parse_component(document).fields
    if not vector.name.startswith("read_"):
        values = vector.json["values"]
        return expected, [n for f in fields for n in to_lanes(f, value_of(f.kind, values[f.name]))]
    lanes, at, found = vector.json["lanes"], 0, {}
    for field in fields:
        found[field.name] = value_json(field.kind, to_value(field, tuple(lanes[at : at + len(field.lanes)])))
        at += len(field.lanes)
    return expected, found


def numbers_of_words(shape: Any, told: Any) -> Any:
    """The value of an event, in which the vectors tell numbers of 64 bits as text."""
    if shape in ("u64", "i64"):
        word = int(told, 16)
        return signed(word, 64) if shape == "i64" else word
    if isinstance(shape, str) or told is None:
        return told
    ((kind, of),) = shape.items()
    if kind == "option":
        return numbers_of_words(of, told)
    if kind in ("list", "array"):
        return [numbers_of_words(of if kind == "list" else of[1], element) for element in told]
    if kind == "struct":
        return {name: numbers_of_words(member, told[name]) for name, member in of}
    members = dict(of)
    if isinstance(told, str):
        return told
    return {name: numbers_of_words({"struct": members[name]}, value) for name, value in told.items()}


def hashes_vector(vector: Vector) -> tuple[Any, Any]:
    told = vector.json
    if told["kind"] == "version":
        audience = AUDIENCES.index(told["audience"])
        found = version_hash(told["index"], told["generation"], audience, told["mask"], told["lanes"])
    elif told["kind"] == "checksum":
        total = sum(int(h, 16) for h in told["hashes"])
        found = {64: total & (1 << 64) - 1, 32: fold_32(total), 16: fold_16(total)}[told["bits"]]
    elif told["kind"] == "fnv1a":
        found = fnv_1a(bytes.fromhex(told["bytes"]))
    else:
        found = schema_hash(told)
    return int(vector.lines["value"], 16), found


def tables_vector(vector: Vector) -> tuple[Any, Any]:
    """That each code is complete: its words are all there can be."""
    lengths = json.loads(vector.lines["value"])
    if vector.json["table"] == "residual_of_context":
        return vector.json["length"], len(lengths)
    return (vector.json["length"], 1.0), (len(lengths), sum(2.0**-length for length in lengths if length))


Reader = Callable[[BitReader, Vector], Json]
Writer = Callable[[BitWriter, Vector], None]

READ: dict[str, tuple[Reader, Writer | None]] = {
    "acks": (read_acks, write_acks),
    "client_datagrams": (read_client_datagram, write_client_datagram),
    "client_messages": (read_client_messages, write_client_messages),
    "datagram_head": (read_datagram_head, write_datagram_head),
    "delta_bodies": (read_the_body, None),
    "delta_bodies_of_kinds": (read_the_body, None),
    "delta_bodies_of_rules": (read_the_body, None),
    "frozen_datagrams": (read_frozen, None),
    "golomb": (read_golomb, write_golomb),
    "inputs": (read_the_inputs, write_the_inputs),
    "record_bodies": (read_the_body, None),
    "record_heads": (read_record_heads, None),
    "record_runs": (read_record_runs, None),
    "records_in_common": (read_records_in_common, None),
    "reliable_fragments": (read_reliable_fragments, write_reliable_fragments),
    "server_messages": (read_server_messages, None),
    "snapshot_header": (read_snapshot_header, None),
    "unreliable_messages": (read_unreliable_messages, write_unreliable_messages),
    "whole_datagrams": (read_whole_datagram, None),
}
COMPUTED = {"fields": fields_vector, "hashes": hashes_vector, "tables": tables_vector}
NETCODE = {f"netcode_{of}" for of in ("connection", "packets", "reference", "requests", "tokens")}
ELSEWHERE = {"event_bodies", "client_scripts", *NETCODE}  # below, in test_scripts, and in test_netcode_vectors


class Vectors(unittest.TestCase):
    maxDiff = None

    def test_every_file_is_taken(self) -> None:
        files = {path.stem for path in vectors.folder().glob("*.txt")}
        self.assertEqual(files, {*READ, *COMPUTED, *ELSEWHERE})

    def test_what_is_read(self) -> None:
        for file, (read, _) in READ.items():
            found = vectors.vectors_of(file)
            names = {vector.name for vector in found}
            self.assertGreater(len(found), 3)
            for vector in found:
                with self.subTest(str(vector)):
                    reader = BitReader(vector.data, vector.bits)
                    if vector.is_refused:
                        twin = vector.lines["why"].rpartition("twin: ")[2]
                        self.assertIn(twin, names)
                        with self.assertRaises(Malformed):
                            read(reader, vector)
                    else:
                        expected = vector.expected
                        if file == "whole_datagrams":
                            expected = plain_kinds(expected)
                        self.assertEqual(expected, read(reader, vector))
                        self.assertEqual(vector.bits, reader.position)

    def test_what_is_written(self) -> None:
        for file, (_, write) in READ.items():
            for vector in vectors.vectors_of(file):
                if write is not None and not vector.is_refused and not vector.name.endswith("_at_length"):
                    with self.subTest(str(vector)):
                        writer = BitWriter()
                        write(writer, vector)
                        self.assertEqual(vector.data.hex(), writer.to_bytes().hex())
                        self.assertEqual(vector.bits, writer.bits)

    def test_what_is_computed(self) -> None:
        for file, compute in COMPUTED.items():
            for vector in vectors.vectors_of(file):
                with self.subTest(str(vector)):
                    expected, found = compute(vector)
                    self.assertEqual(expected, found)

    def test_event_bodies(self) -> None:
        for vector in vectors.vectors_of("event_bodies"):
            with self.subTest(str(vector)):
                shape = json.loads(vector.lines["shape"])
                if vector.is_refused:
                    with self.assertRaises(Malformed):
                        read_body(shape, vector.data)
                else:
                    value = numbers_of_words(shape, json.loads(vector.lines["json"]))
                    self.assertEqual(value, read_body(shape, vector.data))
                    self.assertEqual(value, read_body(shape, write_body(shape, value)))
                    if not vector.name.endswith("_at_length"):
                        self.assertEqual(vector.data.hex(), write_body(shape, value).hex())

    def test_the_longest_bodies_are_read_and_longer_lists_of_nothing_are_not(self) -> None:
        flags, nothing = {"list": "bool"}, {"list": {"struct": []}}
        for count in (100_000, 2_000_000):
            body = write_body(flags, [True] * count)
            self.assertEqual(count, len(read_body(flags, body)))
        with self.assertRaises(Malformed):
            read_body(nothing, b"\xff\x00" + (1 << 40).to_bytes(8, "little"))

    def test_greetings_are_written(self) -> None:
        for vector in vectors.vectors_of("frozen_datagrams"):
            if not vector.is_refused and vector.json["kind"] == "greeting":
                self.assertEqual(vector.data[:11], frozen.greeting(vector.json["version"]))  # more is ignored

    def test_what_a_receiver_reports(self) -> None:
        """The reports of the acks vectors that this receiver would make, as all of a report is determined."""
        for vector in vectors.vectors_of("acks"):
            acks = None if vector.is_refused else vector.json["acks"]
            if acks is None:
                continue
            with self.subTest(str(vector)):
                received = Received()
                first = acks["newest"] - acks["span"]
                received.confirm(0, first - 1)
                for sequence in range(first, acks["newest"] + 1):
                    if sequence not in acks["missing"]:
                        received.accept(sequence, 0, 0.0)
                delay_s = 0.2 if acks["delay_us"] is None else acks["delay_us"] * 1e-6
                self.assertEqual(report_of(acks), received.report(delay_s))


if __name__ == "__main__":
    unittest.main()
