//! What vectors mean, as JSON, in the words of `PROTOCOL.md`. Schemas are as section 17 has them.

use serde_json::{Value, json};
use tidelock::bits::BitWriter;
use tidelock::state::{Audience, Coding, Field, FieldKind, InputLayout, Lane, Replicate, StreamLayout, Version};
use tidelock::wire::{Load, RecordHead, SnapshotHeader};

/// In hex. What is one byte over and over is told as that, or lines would be endless.
pub(crate) fn bytes(bytes: &[u8]) -> Value {
    match bytes.first() {
        Some(first) if bytes.len() > 64 && bytes.iter().all(|byte| byte == first) => {
            json!({ "repeat": super::hex(&[*first]), "times": bytes.len() })
        }
        _ => super::hex(bytes).into(),
    }
}

/// A number of 64 bits as text: many readers of JSON know numbers up to 2^53 only.
pub(crate) fn word(value: u64) -> Value {
    format!("{value:#018x}").into()
}

/// JSON has no word for what is no number.
pub(crate) fn real(value: f32) -> Value {
    if value.is_finite() { f64::from(value).into() } else { value.to_string().to_lowercase().into() }
}

pub(crate) fn audience(audience: Audience) -> &'static str {
    match audience {
        Audience::Public => "public",
        Audience::Team => "team",
        Audience::Owner => "owner",
    }
}

pub(crate) fn version(version: &Version) -> Value {
    json!({ "mask": version.mask, "lanes": version.lanes })
}

/// A version that a delta builds on, named by a tick so long before the snapshot's.
pub(crate) fn baseline(version: &Version, age_ticks: u32) -> Value {
    json!({ "mask": version.mask, "lanes": version.lanes, "age_ticks": age_ticks })
}

/// The header of a snapshot. What its bits say is not there is null.
pub(crate) fn snapshot(header: &SnapshotHeader) -> Value {
    let SnapshotHeader { tick, index, count, complete, in_flight, .. } = header;
    let inputs = header.inputs.map(|report| {
        let missed = Some(report.missed).filter(|missed| *missed != 0);
        json!({ "ahead": report.ahead, "lead": report.lead, "missed": missed })
    });
    let load = Some(header.load).filter(|load| *load != Load::default());
    json!({
        "tick": tick.0,
        "index": index,
        "after": count - 1 - index,
        "complete": complete,
        "in_flight": in_flight,
        "inputs": inputs,
        "load": load.map(|load| json!({ "level": load.level, "dilation_pct": load.dilation_pct })),
        "due_us": header.due.map(|due| word(due.as_us())),
        "audit": header.audit.map(|audit| json!({ "bucket": audit.bucket, "hash": audit.hash })),
        "checksum": header.checksum,
    })
}

/// The head of a record that is in no run.
pub(crate) fn record_head(head: RecordHead) -> Value {
    match head {
        RecordHead::Base => json!({ "kind": "base" }),
        RecordHead::Delta { baseline } => json!({ "kind": "delta", "baseline_tick": baseline.0 }),
        RecordHead::Full { id } => json!({ "kind": "full", "index": id.index, "generation": id.generation }),
        RecordHead::Leave { despawned } => json!({ "kind": "leave", "despawned": despawned }),
    }
}

/// A fragment of a reliable message.
pub(crate) struct Fragment {
    pub(crate) id: u64,
    pub(crate) last: bool,
    pub(crate) bytes: Vec<u8>,
}

impl Fragment {
    pub(crate) fn json(&self) -> Value {
        json!({ "id": self.id, "last": self.last, "bytes": bytes(&self.bytes) })
    }

    /// As a stranger would.
    pub(crate) fn write(&self, w: &mut BitWriter) {
        w.write_bool(true);
        w.write(self.id & 0xFFFF, 16);
        w.write_bool(self.last);
        w.write(self.bytes.len() as u64, 10);
        w.write_bytes(&self.bytes);
    }
}

pub(crate) fn components(stream: &StreamLayout) -> Value {
    stream.components().iter().map(|component| component_of(component.name, component.fields)).collect()
}

pub(crate) fn component<C: Replicate>() -> Value {
    component_of(C::NAME, C::FIELDS)
}

pub(crate) fn input(input: &InputLayout) -> Value {
    let mut json = component_of(input.name, input.fields);
    json["default"] = input.default_lanes().into();
    json
}

fn component_of(name: &str, fields: &[Field]) -> Value {
    let fields: Vec<Value> = fields.iter().map(|declared| field(declared, name)).collect();
    json!({ "name": name, "fields": fields })
}

fn field(field: &Field, component: &str) -> Value {
    let velocity = field.velocity.map(|link| {
        let of = if link.component.is_empty() { component } else { link.component };
        json!([of, link.field])
    });
    let mut json = kind(field.kind);
    json["name"] = field.name.into();
    json["order"] = field.order.into();
    json["held"] = field.held.into();
    json["velocity"] = velocity.into();
    json["lanes"] = field.lanes().map(lane).collect();
    json
}

fn kind(kind: FieldKind) -> Value {
    match kind {
        FieldKind::Range { min, max, step } => {
            json!({ "kind": "range", "min": real(min), "max": real(max), "step": real(step) })
        }
        FieldKind::Angle { bits } => json!({ "kind": "angle", "bits": bits }),
        FieldKind::Rotation { bits } => json!({ "kind": "rotation", "bits": bits }),
        FieldKind::Integer { min, max } => json!({ "kind": "integer", "min": min, "max": max }),
        FieldKind::Flags { bits } => json!({ "kind": "flags", "bits": bits }),
        FieldKind::Choice { count } => json!({ "kind": "choice", "count": count }),
        FieldKind::Counter { bits } => json!({ "kind": "counter", "bits": bits }),
        FieldKind::Reference => json!({ "kind": "reference" }),
        FieldKind::Text { bytes_max } => json!({ "kind": "text", "bytes": bytes_max }),
        FieldKind::Blob { bytes_max } => json!({ "kind": "blob", "bytes": bytes_max }),
    }
}

fn lane(lane: Lane) -> Value {
    let coding = match lane.coding {
        Coding::Number(_) => "number",
        Coding::Circle(_) => "circle",
        Coding::Symbol => "symbol",
    };
    json!({ "max": lane.max, "coding": coding })
}
