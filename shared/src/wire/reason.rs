//! Why the server turns a client away or ends its connection.

/// Declares the reasons once: their codes on the wire, their names in metrics and what a player is shown.
macro_rules! reasons {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $code:literal, $label:literal, $text:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum $name {
            /// One that this version does not know: the server's is newer.
            Unknown = 0,
            $($(#[$variant_meta])* $variant = $code,)*
        }

        impl $name {
            /// Every reason that this version knows.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name it has in logs and metrics.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    Self::Unknown => "unknown",
                    $(Self::$variant => $label,)*
                }
            }

            pub(super) const fn from_code(code: u8) -> Self {
                match code { $($code => Self::$variant,)* _ => Self::Unknown }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(match self {
                    Self::Unknown => "the server gave a reason that this version does not know",
                    $(Self::$variant => $text,)*
                })
            }
        }
    };
}

reasons!(
    /// Why a client that passed netcode is turned away.
    RejectReason {
        /// Another game, or another version of it.
        SchemaMismatch = 1, "schema_mismatch", "the server runs another version of the game";
        /// The server stops soon.
        Draining = 2, "draining", "the server takes no new players";
        /// On the ban list.
        Banned = 3, "banned", "banned from this server";
        /// The client speaks another version of this protocol.
        VersionMismatch = 4, "version_mismatch", "the server speaks another version of the protocol";
        /// As many play as may.
        Full = 5, "full", "the server is full";
        /// No hello came, and others need the place.
        HelloTimeout = 6, "hello_timeout", "the client did not introduce itself in time";
        /// The client did not take what it needs to join.
        JoinTimeout = 7, "join_timeout", "joining took too long";
    }
);

reasons!(
    /// Why the server closes a connection.
    CloseReason {
        /// An operator or the game said so.
        Kicked = 1, "kicked", "kicked from the server";
        /// The server stops.
        Shutdown = 2, "shutdown", "the server stops";
        /// The client broke the protocol.
        ProtocolError = 3, "protocol_error", "the connection broke the protocol";
        /// Nothing came from the client for the token's time-out.
        Timeout = 4, "timeout", "the server has not heard from this client for too long";
        /// A newer connection has the same client id.
        DuplicateLogin = 5, "duplicate_login", "the same player has connected from elsewhere";
        /// An operator put the player on the ban list.
        Banned = 6, "banned", "banned from this server";
        /// The client did not take its messages as fast as they came.
        TooSlow = 7, "too_slow", "the connection is too slow for what there is to tell";
    }
);
