//! Inputs as clients send them, bit by bit. Run with `WRITE_VECTORS=1` after an intended change.

mod vector_file;

use tidelock::Tick;
use tidelock::bits::{BitReader, BitWriter, Malformed};
use tidelock::state::{Coding, Lane};
use tidelock::wire::{INPUTS_MAX, InputReader, write_inputs};
use vector_file::{Vectors, bytes};

const INPUTS: &str = "inputs.txt";

/// Two axes, a direction on a circle of 256 and four buttons.
const LANES: [Lane; 4] = [
    Lane { max: 16, coding: Coding::Number(1) },
    Lane { max: 16, coding: Coding::Number(1) },
    Lane { max: 255, coding: Coding::Circle(2) },
    Lane { max: 15, coding: Coding::Symbol },
];
const DEFAULT: [u32; 4] = [8, 8, 0, 0];

/// Name, newest tick, inputs with the newest first.
fn datagrams() -> Vec<(&'static str, u32, Vec<[u32; 4]>)> {
    vec![
        ("one_that_is_the_default", 10, vec![DEFAULT]),
        ("one_with_all_lanes_changed", 11, vec![[16, 0, 255, 15]]),
        ("four", 12, vec![[16, 8, 250, 1], [16, 8, 250, 1], [15, 8, 4, 0], [0, 16, 4, 8]]),
        ("the_newest_beyond_16_bits", 70_001, vec![[8, 9, 0, 0], DEFAULT]),
        ("as_many_as_there_can_be", 100, vec![[9, 8, 0, 0]; INPUTS_MAX]),
    ]
}

fn head(tick: u64, older: u32, w: &mut BitWriter) {
    w.write_bool(true);
    w.write(tick, 16);
    w.write_golomb(older, 2);
}

#[test]
fn inputs_have_these_bytes() {
    let mut vectors = Vectors::new(
        INPUTS,
        "The inputs of consecutive ticks in a client's datagram, newest first.\n\
         0 none; or 1 | newest tick 16 | how many older golomb 2 | the newest against the default |\n\
         each older one against the one before it: 0 unchanged, or 1 and for each lane 0 unchanged, or 1 and its change.\n\
         Lanes here: two numbers 0 to 16 of order 1, a circle of 256 of order 2, four flags. The default is [8, 8, 0, 0].",
    );
    vectors.accepted("none", "no inputs", |w| w.write_bool(false));
    for (name, tick, inputs) in datagrams() {
        let fields = format!("newest of tick {tick}, {inputs:?}");
        vectors.accepted(name, &fields, |w| {
            let older = inputs[1..].iter().map(|input| &input[..]);
            write_inputs(&LANES, &DEFAULT, Tick(tick), &inputs[0], older, 9_600, w);
        });
    }
    vectors.refused("too_many", "64 older; twin: as_many_as_there_can_be", |w| {
        head(100, 64, w);
        w.write(0, 64);
        w.write(0, 1);
    });
    vectors.accepted("a_number_at_its_limit", "newest of tick 9, [[16, 8, 0, 0]]", |w| {
        head(9, 0, w);
        w.write(0b11, 2);
        w.write_golomb(15, 1);
        w.write(0, 3);
    });
    vectors.refused("a_number_beyond_its_limit", "9 more than 8; twin: a_number_at_its_limit", |w| {
        head(9, 0, w);
        w.write(0b11, 2);
        w.write_golomb(17, 1);
        w.write(0, 3);
    });
    vectors.refused("one_missing", "says two, has one; twin: one_that_is_the_default", |w| {
        head(9, 1, w);
        w.write_bool(true);
        w.write(0, 2);
    });
    vectors.check();
}

fn read(name: &str, near: u32) -> Result<Vec<(u32, [u32; 4])>, Malformed> {
    let bytes = bytes(INPUTS, name);
    let mut r = BitReader::new(&bytes);
    let mut inputs = Vec::new();
    let mut values = DEFAULT;
    if let Some(mut reader) = InputReader::new(&LANES, Tick(near), &mut r)? {
        while let Some(tick) = reader.next(&mut values, &mut r)? {
            inputs.push((tick.0, values));
        }
    }
    Ok(inputs)
}

#[test]
fn inputs_read_back() {
    assert_eq!(read("none", 5), Ok(vec![]));
    for (name, tick, inputs) in datagrams() {
        let ticks = (0..).map(|n| Tick(tick).sub(n).0);
        assert_eq!(read(name, tick - 5), Ok(ticks.zip(inputs).collect()), "{name}");
    }
    assert_eq!(read("a_number_at_its_limit", 9), Ok(vec![(9, [16, 8, 0, 0])]));
    for name in ["refused_too_many", "refused_a_number_beyond_its_limit", "refused_one_missing"] {
        assert_eq!(read(name, 9), Err(Malformed), "{name}");
    }
}
