use serde::Serialize;
use serde_json::Value;
use tidelock::state::codec::{TABLE_OF_CONTEXT, code_lengths};
use tidelock::state::{
    Audience, Coding, ComponentLayout, Delivery, EventLayout, EventRate, Field, FieldKind, InputLayout, Lane, Schema,
    StreamLayout,
};
use tidelock::wire::WIRE_VERSION;

/// Everything that a client in another language needs of a game and of this version of the protocol, as section 17 of PROTOCOL.md
/// has it.
#[derive(Serialize)]
struct Document {
    /// Of this format.
    schema: u32,
    wire_version: u8,
    game: &'static str,
    /// As text: JSON numbers are exact to 2^53 only in many readers.
    hash: String,
    streams: Streams,
    input: Input,
    events: Vec<Event>,
    codes: Codes,
}

#[derive(Serialize)]
struct Streams {
    public: Vec<Component>,
    team: Vec<Component>,
    owner: Vec<Component>,
}

/// Its place in the list is its bit in the mask.
#[derive(Serialize)]
struct Component {
    name: &'static str,
    fields: Vec<FieldEntry>,
}

#[derive(Serialize)]
struct Input {
    name: &'static str,
    fields: Vec<FieldEntry>,
    default: Vec<u32>,
}

#[derive(Serialize)]
struct FieldEntry {
    name: &'static str,
    #[serde(flatten)]
    kind: Kind,
    order: u8,
    held: bool,
    /// Component and field.
    velocity: Option<[&'static str; 2]>,
    lanes: Vec<LaneEntry>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Kind {
    Range { min: f64, max: f64, step: f64 },
    Angle { bits: u8 },
    Rotation { bits: u8 },
    Integer { min: i32, max: i32 },
    Flags { bits: u8 },
    Choice { count: u32 },
    Counter { bits: u8 },
    Reference,
    Text { bytes: u16 },
    Blob { bytes: u16 },
}

#[derive(Serialize)]
struct LaneEntry {
    max: u32,
    coding: &'static str,
}

#[derive(Serialize)]
struct Event {
    id: usize,
    name: &'static str,
    reliable: bool,
    /// What the server takes of one client; `null` if it takes none.
    from_client: Option<Rate>,
    shape: Value,
}

#[derive(Serialize)]
struct Rate {
    per_s: u16,
    burst: u16,
}

/// Lengths of the words, by symbol.
#[derive(Serialize)]
struct Codes {
    residual_of_context: Vec<u8>,
    residual: Vec<Vec<u8>>,
    pattern: Vec<Vec<u8>>,
}

/// What a client in another language needs to know of a game with this schema, as JSON: section 17 of PROTOCOL.md.
#[must_use]
pub fn schema_json(schema: &Schema) -> String {
    let stream = |audience| components(schema.stream(audience));
    let document = Document {
        schema: 1,
        wire_version: WIRE_VERSION,
        game: schema.game(),
        hash: format!("{:#018x}", schema.hash()),
        streams: Streams {
            public: stream(Audience::Public),
            team: stream(Audience::Team),
            owner: stream(Audience::Owner),
        },
        input: input(schema.input_layout()),
        events: schema.events().iter().enumerate().map(event).collect(),
        codes: codes(),
    };
    serde_json::to_string(&document).expect("names and numbers") + "\n"
}

fn components(layout: &StreamLayout) -> Vec<Component> {
    let entry = |component: &ComponentLayout| Component {
        name: component.name,
        fields: component.fields.iter().map(|field| field_entry(field, component.name)).collect(),
    };
    layout.components().iter().map(entry).collect()
}

fn input(layout: &InputLayout) -> Input {
    let fields = layout.fields.iter().map(|field| field_entry(field, layout.name)).collect();
    Input { name: layout.name, fields, default: layout.default_lanes() }
}

fn field_entry(field: &Field, component: &'static str) -> FieldEntry {
    FieldEntry {
        name: field.name,
        kind: kind(field.kind),
        order: field.order,
        held: field.held,
        velocity: field
            .velocity
            .map(|link| [if link.component.is_empty() { component } else { link.component }, link.field]),
        lanes: field.lanes().map(lane).collect(),
    }
}

fn kind(kind: FieldKind) -> Kind {
    match kind {
        FieldKind::Range { min, max, step } => Kind::Range { min: min.into(), max: max.into(), step: step.into() },
        FieldKind::Angle { bits } => Kind::Angle { bits },
        FieldKind::Rotation { bits } => Kind::Rotation { bits },
        FieldKind::Integer { min, max } => Kind::Integer { min, max },
        FieldKind::Flags { bits } => Kind::Flags { bits },
        FieldKind::Choice { count } => Kind::Choice { count },
        FieldKind::Counter { bits } => Kind::Counter { bits },
        FieldKind::Reference => Kind::Reference,
        FieldKind::Text { bytes_max } => Kind::Text { bytes: bytes_max.into() },
        FieldKind::Blob { bytes_max } => Kind::Blob { bytes: bytes_max.into() },
    }
}

fn lane(lane: Lane) -> LaneEntry {
    let coding = match lane.coding {
        Coding::Number(_) => "number",
        Coding::Circle(_) => "circle",
        Coding::Symbol => "symbol",
    };
    LaneEntry { max: lane.max, coding }
}

fn event((id, event): (usize, &EventLayout)) -> Event {
    let EventRate { per_s, burst } = event.rate;
    Event {
        id,
        name: event.name,
        reliable: event.delivery == Delivery::Reliable,
        from_client: (event.rate != EventRate::NONE).then_some(Rate { per_s, burst }),
        shape: serde_json::from_str(&event.shape.to_string()).expect("a shape is shown as JSON"),
    }
}

fn codes() -> Codes {
    let lengths: Vec<_> = code_lengths().map(<[u8]>::to_vec).collect();
    let residual_count = usize::from(TABLE_OF_CONTEXT.iter().copied().max().unwrap_or_default()) + 1;
    let (residual, pattern) = lengths.split_at(residual_count);
    Codes { residual_of_context: TABLE_OF_CONTEXT.to_vec(), residual: residual.to_vec(), pattern: pattern.to_vec() }
}
