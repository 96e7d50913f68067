use core::fmt;

/// Declares the reasons once: the enum, its names and its count cannot drift apart.
macro_rules! drop_reasons {
    ($($(#[$doc:meta])* $reason:ident = $name:literal,)*) => {
        /// Why a datagram was refused. Each refusal counts exactly one of these, and its [`DropReason::name`] is the
        /// name in logs and metrics.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum DropReason {
            $($(#[$doc])* $reason,)*
        }

        impl DropReason {
            /// Every reason, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$reason,)*];

            /// The reason in snake case, as metrics call it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$reason => $name,)*
                }
            }
        }
    };
}

drop_reasons! {
    /// The length fits no packet of its type.
    SizeInvalid = "size_invalid",
    /// No such packet type.
    TypeInvalid = "type_invalid",
    /// A packet type that this end, or this state of the connection, does not take.
    TypeUnexpected = "type_unexpected",
    /// The sequence is said to have 0 or more than 8 bytes.
    SequenceLengthInvalid = "sequence_length_invalid",
    /// A keep-alive, payload or disconnect whose sequence is reserved for packets outside a session.
    SequenceReserved = "sequence_reserved",
    /// This sequence arrived before, or is too old to tell.
    Replayed = "replayed",
    /// Not made by the holder of the key.
    Undecryptable = "undecryptable",
    /// From an address that neither is connected nor has asked to be.
    AddressUnknown = "address_unknown",
    /// A request of another version of netcode.
    VersionMismatch = "version_mismatch",
    /// A request for another protocol id.
    ProtocolMismatch = "protocol_mismatch",
    /// The connect token has expired.
    TokenExpired = "token_expired",
    /// The connect token may have been used before this server started.
    TokenPredatesStart = "token_predates_start",
    /// The connect token expires later than any that a backend should make.
    TokenLivesTooLong = "token_lives_too_long",
    /// The connect token was not made with any of the private keys.
    TokenUndecryptable = "token_undecryptable",
    /// The private part of the connect token cannot be read.
    TokenMalformed = "token_malformed",
    /// The connect token does not name this server.
    TokenForOtherServer = "token_for_other_server",
    /// The connect token has made its connection, or belongs to another address.
    TokenUsed = "token_used",
    /// As many unexpired connect tokens are remembered as can be.
    TokenHistoryFull = "token_history_full",
    /// A handshake packet from an address that is connected: the repetition of one that was answered, or of another client
    /// than is connected there.
    AddressConnected = "address_connected",
    /// No slot is free. The client was told so.
    ServerFull = "server_full",
    /// As many handshakes are under way as can be.
    HandshakesFull = "handshakes_full",
    /// The budget for decrypting connection requests is used up.
    OverBudget = "over_budget",
    /// Too many tokens from this address could not be decrypted of late.
    AddressFailing = "address_failing",
    /// As many answers wait to be sent as can.
    RepliesFull = "replies_full",
    /// The challenge token is not one of this server's.
    ChallengeUndecryptable = "challenge_undecryptable",
    /// The challenge token was made for another client id.
    ChallengeMismatch = "challenge_mismatch",
}

/// How many datagrams were refused, by reason.
#[derive(Clone, PartialEq, Eq)]
pub struct DropCounts([u64; DropReason::ALL.len()]);

impl DropCounts {
    pub(super) const fn new() -> Self {
        Self([0; DropReason::ALL.len()])
    }

    pub(super) fn count(&mut self, reason: DropReason) {
        self.0[reason as usize] += 1;
    }

    /// How many datagrams were refused for this reason.
    #[must_use]
    pub fn of(&self, reason: DropReason) -> u64 {
        self.0[reason as usize]
    }

    /// How many datagrams were refused.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Every reason with its count, in the order of [`DropReason::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.iter().copied().zip(self.0.iter().copied())
    }
}

impl fmt::Debug for DropCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = self.iter().filter(|(_, count)| *count > 0).map(|(reason, count)| (reason.name(), count));
        f.debug_map().entries(counted).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn names_are_distinct_and_in_snake_case() {
        let names: BTreeSet<&str> = DropReason::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(names.len(), DropReason::ALL.len());
        assert!(names.iter().all(|name| name.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase())));
    }

    #[test]
    fn each_reason_counts_for_itself() {
        let mut counts = DropCounts::new();
        for (times, &reason) in DropReason::ALL.iter().enumerate() {
            for _ in 0..times {
                counts.count(reason);
            }
        }
        for (times, (reason, count)) in counts.iter().enumerate() {
            assert_eq!((count, counts.of(reason)), (times as u64, times as u64));
        }
        assert_eq!(counts.total(), (0..DropReason::ALL.len() as u64).sum());
    }
}
