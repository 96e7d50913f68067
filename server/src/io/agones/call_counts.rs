use super::sidecar::Call;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How many calls the sidecar did and did not answer as it should, by their names.
#[derive(Debug, Default)]
pub(crate) struct CallCounts {
    ok: [AtomicU64; Call::NAMES.len()],
    failed: [AtomicU64; Call::NAMES.len()],
}

impl CallCounts {
    pub(super) fn count(&self, call: &Call, is_ok: bool) {
        let counts = if is_ok { &self.ok } else { &self.failed };
        let named = Call::NAMES.iter().zip(counts).find(|(name, _)| **name == call.name());
        named.expect("every call has a name").1.fetch_add(1, Relaxed);
    }

    /// Call, result and count.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        let of = |result, counts| {
            let named = Call::NAMES.iter().zip(counts);
            named.map(move |(name, count): (&&str, &AtomicU64)| (*name, result, count.load(Relaxed)))
        };
        of("ok", &self.ok).chain(of("failed", &self.failed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_counts_by_its_name() {
        let player = || "7".to_owned();
        let counter = Call::Count { players: 1, capacity: 2 };
        let calls = [Call::Look, Call::Health, Call::Ready, Call::Allocate, counter, Call::Shutdown];
        let counts = CallCounts::default();
        calls.iter().for_each(|call| counts.count(call, true));
        counts.count(&Call::Enlist(player()), false);
        counts.count(&Call::Delist(player()), false);
        for (name, result, count) in counts.iter() {
            let expected = match (name, result) {
                ("list", "failed") => 2,
                ("list", _) | (_, "failed") => 0,
                _ => 1,
            };
            assert_eq!(count, expected, "{name} {result}");
        }
    }
}
