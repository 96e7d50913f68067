use super::super::wiretap::{PerLine, Said, Sequences};
use super::{Checker, Ears};
use crate::universe::Player;
use tidelock::netcode::Side;
use tidelock::state::Input;

/// Nobody acknowledges what was not sent to it, or has not come to it; and each end numbers its datagrams without a gap.
#[derive(Debug, Default)]
pub struct Acks {
    lines: PerLine<Line>,
    found: u64,
}

/// What was sent on one connection, and what has come, by who sent it.
#[derive(Debug, Default)]
struct Line {
    sent: [u64; 2],
    came: [Sequences; 2],
}

const fn other(side: Side) -> Side {
    match side {
        Side::Client => Side::Server,
        Side::Server => Side::Client,
    }
}

impl Acks {
    fn on_sent(&mut self, said: &Said) -> Result<(), String> {
        let who = format_args!("the {:?} of client {}", said.from, said.client_id);
        if let Some(fault) = said.fault.as_ref().filter(|_| said.from == Side::Client) {
            return Err(format!("{who} sent what nobody can read: {fault}"));
        }
        let line = self.lines.of(said.line);
        let next = std::mem::replace(&mut line.sent[said.from as usize], said.sequence + 1);
        if said.sequence != next {
            return Err(format!("{who} sent datagram {}, but {next} was next", said.sequence));
        }
        let Some(report) = &said.report else { return Ok(()) };
        let to = other(said.from) as usize;
        let came = &line.came[to];
        for sequence in report.accepted() {
            if sequence >= line.sent[to] {
                return Err(format!("{who} acknowledges {sequence}, of {} that were sent to it", line.sent[to]));
            }
            // What came so long ago that this is forgotten is acknowledged no more.
            if !came.contains(sequence) {
                return Err(format!("{who} acknowledges {sequence}, which has not come to it"));
            }
            self.found += 1;
        }
        Ok(())
    }

    fn on_came(&mut self, said: &Said) {
        self.lines.of(said.line).came[said.from as usize].insert(said.sequence);
    }
}

impl<I: Input> Checker<I> for Acks {
    fn name(&self) -> &'static str {
        "acks of what came"
    }

    fn looked(&self) -> u64 {
        self.found
    }

    fn listens(&self) -> bool {
        true
    }

    fn on_said(&mut self, said: &Said, _: &Ears<'_>) -> Result<(), String> {
        if said.is_followed && said.is_datagram() { self.on_sent(said) } else { Ok(()) }
    }

    fn on_arrived(&mut self, said: &Said) {
        if said.is_datagram() {
            self.on_came(said);
        }
    }

    fn on_heard(&mut self, said: &Said, _: &Player<I>) -> Result<(), String> {
        if said.is_datagram() {
            self.on_came(said);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::wiretap::Report;
    use super::*;

    fn said(from: Side, sequence: u64, report: Option<(u64, u64)>) -> Said {
        let report = report.map(|(oldest, newest)| Report { newest, oldest, missing: Vec::new() });
        Said { from, sequence, report, ..Said::default() }
    }

    /// The server has sent ten datagrams, of which the first five came.
    fn acks() -> Acks {
        let mut acks = Acks::default();
        for sequence in 0..10 {
            acks.on_sent(&said(Side::Server, sequence, None)).unwrap();
        }
        (0..5).for_each(|sequence| acks.on_came(&said(Side::Server, sequence, None)));
        acks
    }

    #[test]
    fn what_came_may_be_acknowledged() {
        let mut acks = acks();
        assert_eq!(acks.on_sent(&said(Side::Client, 0, Some((0, 4)))), Ok(()));
        assert_eq!(acks.found, 5);
    }

    #[test]
    fn it_finds_an_ack_of_what_was_not_sent_or_did_not_come() {
        let found = |oldest, newest| acks().on_sent(&said(Side::Client, 0, Some((oldest, newest)))).unwrap_err();
        assert!(found(0, 10).contains("of 10 that were sent"), "{}", found(0, 10));
        assert!(found(3, 5).contains("acknowledges 5, which has not come"), "{}", found(3, 5));
    }

    #[test]
    fn it_finds_a_sequence_that_is_left_out() {
        assert!(acks().on_sent(&said(Side::Server, 11, None)).unwrap_err().contains("but 10 was next"));
    }
}
