//! Reliable messages go on when their ids, and the sequences that carry them, have used up their 16 bits.

use std::time::Duration;
use tidelock::Instant;
use tidelock::bits::{BitReader, BitWriter};
use tidelock::wire::Connection;

#[test]
fn messages_arrive_once_and_in_order_across_the_wrap_of_ids_and_sequences() {
    let mut ends = [Connection::<()>::new(100), Connection::<()>::new(100)];
    let (mut said, mut heard) = (0u32, 0u32);
    let mut w = BitWriter::new();
    let mut now = Instant::from_us(0);
    for turn in 0..140_000u32 {
        now += Duration::from_millis(5);
        let (from, to) = (turn as usize % 2, 1 - turn as usize % 2);
        if from == 0 {
            while said < heard + 40 {
                ends[0].send_message(&said.to_le_bytes()).unwrap();
                said += 1;
            }
        }
        w.clear();
        ends[from].write_head(now, 8_000, &mut w);
        ends[from].commit(now, (), |_, _| {});
        // Some are lost.
        if turn % 11 == 0 {
            continue;
        }
        let mut r = BitReader::new(w.finish());
        let header = ends[to].read_header(&mut r).unwrap().unwrap();
        ends[to].read_messages(&mut r).unwrap();
        ends[to].accept(header.sequence, now);
        ends[to].on_acks(&header, now, |_, _| {});
        while let Some(message) = ends[to].poll_message() {
            assert_eq!(message, heard.to_le_bytes());
            heard += 1;
        }
        ends[from].expire(now, Duration::from_millis(50), |_, _| {});
    }
    assert!(heard > 0x1_0000 + 1_000, "{heard} messages");
    assert!(ends[0].send_counts().sent > 0x1_0000);
}
