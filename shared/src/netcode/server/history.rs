use core::net::SocketAddr;

use hashbrown::HashMap;

use crate::netcode::drops::DropReason;
use crate::netcode::keyed_hash::KeyedHash;
use crate::netcode::{TAG_BYTES, bytes::same_endpoint};

/// The connect tokens that were presented, each until it expires.
///
/// A token is pending from its first request on, for the address that sent it and no other, and consumed once it made
/// its connection. A consumed token admits nobody, not even its own address: the keys in a token encrypt one session,
/// because a second would count its sequences, which are the nonces, from zero again.
pub(super) struct TokenHistory {
    tokens: HashMap<[u8; TAG_BYTES], SeenToken, KeyedHash>,
    max: usize,
    /// What expired up to here may be forgotten, so that nothing which did is admitted any more. Only a clock that
    /// jumps can make a difference.
    forgotten_unix_s: u64,
}

struct SeenToken {
    address: SocketAddr,
    expire_unix_s: u64,
    consumed: bool,
}

impl TokenHistory {
    pub(super) fn new(max: usize, hash: KeyedHash) -> Self {
        Self { tokens: HashMap::with_capacity_and_hasher(max, hash), max, forgotten_unix_s: 0 }
    }

    /// How many are remembered.
    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether this token can be refused without a look inside. The tag alone tells it from all others.
    pub(super) fn refuses(&self, tag: &[u8; TAG_BYTES], from: SocketAddr) -> bool {
        self.tokens.get(tag).is_some_and(|token| token.consumed || !same_endpoint(token.address, from))
    }

    /// Whether this token has made its connection.
    pub(super) fn is_consumed(&self, tag: &[u8; TAG_BYTES]) -> bool {
        self.tokens.get(tag).is_some_and(|token| token.consumed)
    }

    /// Admits an authentic token that [`TokenHistory::refuses`] did not refuse, and remembers it as pending.
    pub(super) fn admit(
        &mut self,
        tag: [u8; TAG_BYTES],
        from: SocketAddr,
        expire_unix_s: u64,
        unix_s: u64,
    ) -> Result<(), DropReason> {
        if self.tokens.contains_key(&tag) {
            return Ok(());
        }
        if self.tokens.len() >= self.max && unix_s > self.forgotten_unix_s {
            self.tokens.retain(|_, token| token.expire_unix_s > unix_s);
            self.forgotten_unix_s = unix_s;
        }
        if expire_unix_s <= self.forgotten_unix_s {
            return Err(DropReason::TokenExpired);
        }
        if self.tokens.len() >= self.max {
            return Err(DropReason::TokenHistoryFull);
        }
        self.tokens.insert(tag, SeenToken { address: from, expire_unix_s, consumed: false });
        Ok(())
    }

    /// Notes that a pending token made its connection.
    pub(super) fn consume(&mut self, tag: &[u8; TAG_BYTES]) {
        if let Some(token) = self.tokens.get_mut(tag) {
            token.consumed = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(max: usize) -> TokenHistory {
        TokenHistory::new(max, KeyedHash::new(&[1; 16]))
    }

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], port))
    }

    #[test]
    fn a_pending_token_is_for_its_own_address() {
        let mut history = history(4);
        history.admit([1; 16], address(1), 100, 50).unwrap();
        assert!(!history.refuses(&[1; 16], address(1)));
        assert!(history.refuses(&[1; 16], address(2)));
        assert!(!history.refuses(&[2; 16], address(2)));
    }

    #[test]
    fn a_consumed_token_is_for_nobody() {
        let mut history = history(4);
        history.admit([1; 16], address(1), 100, 50).unwrap();
        history.consume(&[1; 16]);
        assert!(history.refuses(&[1; 16], address(1)));
    }

    #[test]
    fn a_full_history_refuses_rather_than_forgets() {
        let mut history = history(2);
        history.admit([1; 16], address(1), 100, 50).unwrap();
        history.admit([2; 16], address(2), 200, 50).unwrap();
        assert_eq!(history.admit([3; 16], address(3), 200, 99), Err(DropReason::TokenHistoryFull));
        assert_eq!(history.admit([2; 16], address(2), 200, 99), Ok(()));
        assert_eq!(history.admit([3; 16], address(3), 200, 100), Ok(()));
        assert!(history.refuses(&[2; 16], address(1)));
    }

    #[test]
    fn a_token_that_may_have_been_forgotten_is_not_admitted_when_the_clock_steps_back() {
        let mut history = history(1);
        history.admit([1; 16], address(1), 100, 50).unwrap();
        history.consume(&[1; 16]);
        history.admit([2; 16], address(2), 200, 100).unwrap();
        assert_eq!(history.admit([1; 16], address(1), 100, 90), Err(DropReason::TokenExpired));
    }
}
