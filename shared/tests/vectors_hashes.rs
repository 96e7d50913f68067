//! Hashes of versions, of schemas and of bytes. Run with `WRITE_VECTORS=1` after an intended change.

mod vector_file;
mod vector_game;

use serde_json::{Value, json};
use tidelock::state::{
    Audience, Checksum, Delivery, Event, FNV1A_OFFSET, Field, LaneReader, LaneWriter, NetId, Replicate, Rules, Schema,
    SendRate, Shaped, fnv1a, version_hash,
};
use vector_file::{Vectors, json};
use vector_game::{Buttons, Label, schema};

/// What moves by its own spin and by the speed of another.
#[derive(Clone, Debug, Default)]
struct Top;

impl Replicate for Top {
    const NAME: &'static str = "top";
    const RULES: Rules = Rules::PUBLIC.with_rate(SendRate::Hz(20)).with_priority(5);
    const FIELDS: &'static [Field] = &[
        Field::range("x", -10.0, 10.0, 0.25).with_velocity("push", "x"),
        Field::angle("yaw", 8).with_velocity("", "spin"),
        Field::range("spin", -4.0, 4.0, 0.125).held(),
    ];

    fn quantize(&self, _: &mut LaneWriter<'_>) {}

    fn dequantize(_: &mut LaneReader<'_>) -> Self {
        Self
    }
}

#[derive(Clone, Debug, Default)]
struct Push;

impl Replicate for Push {
    const NAME: &'static str = "push";
    const RULES: Rules = Rules::PUBLIC.with_rate(SendRate::Ticks(3));
    const FIELDS: &'static [Field] = &[Field::range("x", -8.0, 8.0, 0.125)];

    fn quantize(&self, _: &mut LaneWriter<'_>) {}

    fn dequantize(_: &mut LaneReader<'_>) -> Self {
        Self
    }
}

#[derive(bitcode::Encode, bitcode::Decode, Shaped)]
enum Sound {
    Bump { how_hard: f32 },
    Fall(Option<NetId>, [u8; 2]),
    Silence,
}

#[derive(bitcode::Encode, bitcode::Decode, Shaped)]
struct Heard {
    sounds: Vec<Sound>,
    by: String,
}

impl Event for Heard {
    const NAME: &'static str = "heard";
    const DELIVERY: Delivery = Delivery::Unreliable;
}

/// A version, and its hash.
struct Hashed {
    name: &'static str,
    id: NetId,
    audience: Audience,
    mask: u32,
    lanes: &'static [u32],
}

const HASHED: [Hashed; 4] = {
    const fn of(name: &'static str, index: u32, generation: u16, audience: Audience, lanes: &'static [u32]) -> Hashed {
        Hashed { name, id: NetId { index, generation }, audience, mask: 0, lanes }
    }
    [
        Hashed { mask: 3, ..of("version", 1, 2, Audience::Public, &[4, 5]) },
        Hashed { mask: 1, ..of("version_of_an_owner", 0xF_FFFF, 0xFFFF, Audience::Owner, &[1]) },
        of("version_of_nothing", 7, 0, Audience::Public, &[]),
        Hashed { mask: 2, ..of("version_of_a_team", 1, 2, Audience::Team, &[0x7FFF_FFFF]) },
    ]
};

impl Hashed {
    fn hash(&self) -> u64 {
        version_hash(self.id, self.audience, self.mask, self.lanes)
    }

    fn json(&self) -> Value {
        json!({
            "kind": "version",
            "index": self.id.index,
            "generation": self.id.generation,
            "audience": json::audience(self.audience),
            "mask": self.mask,
            "lanes": self.lanes,
        })
    }
}

fn write_checksums(vectors: &mut Vectors) {
    let of = |count: usize| {
        let hashes: Vec<u64> = HASHED[..count].iter().map(Hashed::hash).collect();
        let mut sum = Checksum::default();
        hashes.iter().for_each(|hash| sum.add(*hash));
        let json: Value = hashes.into_iter().map(json::word).collect();
        (sum, move |bits: u32| json!({ "kind": "checksum", "hashes": json, "bits": bits }))
    };
    let (sum, json) = of(2);
    vectors.value("checksum", &json(64), &format!("{:016x}", sum.0));
    vectors.value("checksum_32", &json(32), &format!("{:08x}", sum.to_u32()));
    vectors.value("checksum_16", &json(16), &format!("{:04x}", sum.to_u16()));
    let (proof, json) = of(1);
    vectors.value("proof", &json(16), &format!("{:04x}", proof.to_u16()));
    let (nothing, json) = of(0);
    vectors.value("checksum_of_nothing", &json(16), &format!("{:04x}", nothing.to_u16()));
}

/// In the order of declaration, which here is components by audience, the input, events.
fn declarations(schema: &Schema) -> Value {
    let rate = |rate| match rate {
        SendRate::Ticks(ticks) => json!({ "kind": "ticks", "ticks": ticks }),
        SendRate::Hz(hz) => json!({ "kind": "hz", "hz": hz }),
    };
    let streams = Audience::ALL.into_iter().flat_map(|audience| {
        let layout = schema.stream(audience);
        let declared = json::components(layout).as_array().unwrap().clone();
        layout.components().iter().zip(declared).map(move |(component, mut json)| {
            json["kind"] = "component".into();
            json["audience"] = json::audience(audience).into();
            json["rate"] = rate(component.rules.rate);
            json["priority"] = component.rules.priority.into();
            json
        })
    });
    let mut input = json::input(schema.input_layout());
    input["kind"] = "input".into();
    let events = schema.events().iter().map(|event| {
        let shape: Value = serde_json::from_str(&event.shape.to_string()).unwrap();
        let reliable = event.delivery == Delivery::Reliable;
        json!({ "kind": "event", "name": event.name, "reliable": reliable, "shape": shape })
    });
    streams.chain([input]).chain(events).collect()
}

fn write_schema(vectors: &mut Vectors, name: &str, schema: &Schema) {
    let json = json!({ "kind": "schema", "game": schema.game(), "declarations": declarations(schema) });
    vectors.value(name, &json, &format!("{:016x}", schema.hash()));
}

#[test]
fn hashes_have_these_values() {
    let mut vectors = Vectors::new(
        "hashes.txt",
        "Hashes. Version: from 0, each word w of index, generation, audience, mask, lanes gives\n\
         h = (h ^ w) * 0x9E3779B97F4A7C15, then h ^= h >> 32. Checksum: the sum of version hashes, s; 32 bits of it are\n\
         s ^ s >> 32, 16 bits of it are those folded once more.\n\
         Schema: FNV-1a from 0xCBF29CE484222325 over the game's name, then over each declaration in order.\n\
         kind version: the words. checksum: hashes are those that are summed up; in how many bits. fnv1a: the bytes in hex. schema: fields\n\
         and shapes as `tidelock-server schema --json` has them; a velocity in the field's own component is hashed with an empty name for\n\
         it, and lanes and default are not hashed.\n\
         value: the hash in hex.",
    );
    let write = |vectors: &mut Vectors, version: &Hashed| {
        vectors.value(version.name, &version.json(), &format!("{:016x}", version.hash()));
    };
    HASHED[..3].iter().for_each(|version| write(&mut vectors, version));
    write_checksums(&mut vectors);
    write_schema(&mut vectors, "schema", &schema());
    let game = || Schema::builder("vectors");
    let label = game().component::<Label>(Audience::Team).input::<Buttons>().build().unwrap();
    write_schema(&mut vectors, "schema_of_a_label", &label);
    write_schema(&mut vectors, "schema_of_an_input", &game().input::<Buttons>().build().unwrap());
    let moving = game().replicate::<Top>().replicate::<Push>().input::<Buttons>().event::<Heard>().build().unwrap();
    write_schema(&mut vectors, "schema_of_what_moves_and_is_heard", &moving);
    write(&mut vectors, &HASHED[3]);
    let payload = json!({ "kind": "fnv1a", "bytes": json::bytes(b"map") });
    vectors.value("payload", &payload, &format!("{:016x}", fnv1a(FNV1A_OFFSET, b"map")));
    vectors.check();
}
