use super::super::options::OptionsError;
use super::super::random::random;
use axum::http::header::{AUTHORIZATION, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use ring::hmac;
use std::net::SocketAddr;
use std::path::Path;

/// Who may call what on the admin endpoints.
#[derive(Clone, Debug)]
pub struct AdminConfig {
    /// Where to listen.
    pub address: SocketAddr,
    /// Lets callers from elsewhere than loopback change something.
    pub token: Option<AdminToken>,
    /// Whether POST /token is answered though `address` is not loopback.
    pub allow_token_endpoint: bool,
}

impl AdminConfig {
    /// Whether this caller may kick, ban and drain: it calls from loopback or shows the token.
    pub(super) fn may_change(&self, peer: SocketAddr, headers: &HeaderMap) -> Result<(), StatusCode> {
        self.refuse_browsers(headers)?;
        let shows_token = self.token.as_ref().is_some_and(|token| token.is_shown_in(headers));
        if peer.ip().to_canonical().is_loopback() || shows_token { Ok(()) } else { Err(StatusCode::FORBIDDEN) }
    }

    /// Whether this caller may have tokens.
    pub(super) fn may_have_token(&self, headers: &HeaderMap) -> Result<(), StatusCode> {
        self.refuse_browsers(headers)?;
        let is_loopback = self.address.ip().to_canonical().is_loopback();
        if is_loopback || self.allow_token_endpoint { Ok(()) } else { Err(StatusCode::FORBIDDEN) }
    }

    /// A page that an operator looks at can make the browser call loopback, but not without saying where it is from.
    fn refuse_browsers(&self, headers: &HeaderMap) -> Result<(), StatusCode> {
        if headers.contains_key(ORIGIN) { Err(StatusCode::FORBIDDEN) } else { Ok(()) }
    }
}

/// What stands before the token in a header, in either case (RFC 9110, section 11.1).
const SCHEME: &[u8] = b"Bearer ";

/// A bearer token. It is kept as a keyed hash, which is compared in constant time.
#[derive(Clone, Debug)]
pub struct AdminToken {
    key: hmac::Key,
    tag: hmac::Tag,
}

impl AdminToken {
    /// Fewer characters could be guessed.
    const CHARACTERS_MIN: usize = 16;

    /// Reads a token from a file, white space around it.
    ///
    /// # Errors
    /// [`OptionsError`], if the file cannot be read, or the token has fewer than 16 characters or one that a header cannot
    /// carry: the caller could not show it.
    pub fn read(file: &Path) -> Result<Self, OptionsError> {
        let text = std::fs::read_to_string(file).map_err(|why| OptionsError::file("admin-token-file", file, &why))?;
        let token = text.trim();
        if token.len() < Self::CHARACTERS_MIN {
            return Err(OptionsError::refused("admin-token-file", file, "has fewer than 16 characters"));
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            let why = "must hold one word of ASCII characters, and nothing else";
            return Err(OptionsError::refused("admin-token-file", file, why));
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, &random::<32>());
        Ok(Self { tag: hmac::sign(&key, token.as_bytes()), key })
    }

    fn is_shown_in(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().split_at_checked(SCHEME.len()));
        shown.is_some_and(|(scheme, token)| {
            scheme.eq_ignore_ascii_case(SCHEME) && hmac::verify(&self.key, token, self.tag.as_ref()).is_ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(address: &str) -> AdminConfig {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
        let token = AdminToken { tag: hmac::sign(&key, b"0123456789abcdef"), key };
        AdminConfig { address: address.parse().unwrap(), token: Some(token), allow_token_endpoint: false }
    }

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        [(name.parse().unwrap(), value.parse().unwrap())].into_iter().collect()
    }

    const LOCAL: [&str; 3] = ["127.0.0.1:4000", "[::1]:4000", "[::ffff:127.0.0.1]:4000"];

    #[test]
    fn loopback_may_change() {
        for peer in LOCAL {
            assert!(config("0.0.0.0:9100").may_change(peer.parse().unwrap(), &HeaderMap::new()).is_ok(), "{peer}");
        }
    }

    #[test]
    fn others_may_change_with_the_token_only() {
        let peer = "192.0.2.1:4000".parse().unwrap();
        let config = config("0.0.0.0:9100");
        for wrong in ["Bearer 0123456789abcdeF", "Bearer ", "Bear", "Basic 0123456789abcdef", "0123456789abcdef"] {
            assert_eq!(
                config.may_change(peer, &headers("authorization", wrong)),
                Err(StatusCode::FORBIDDEN),
                "{wrong}"
            );
        }
        assert_eq!(config.may_change(peer, &HeaderMap::new()), Err(StatusCode::FORBIDDEN));
        for right in ["Bearer 0123456789abcdef", "bearer 0123456789abcdef"] {
            assert_eq!(config.may_change(peer, &headers("authorization", right)), Ok(()), "{right}");
        }
        let without_token = AdminConfig { token: None, ..config };
        assert!(without_token.may_change(peer, &headers("authorization", "Bearer 0123456789abcdef")).is_err());
    }

    #[test]
    fn web_pages_may_not_use_the_browser_of_an_operator() {
        let origin = headers("origin", "http://example.com");
        assert!(config("127.0.0.1:9100").may_change(LOCAL[0].parse().unwrap(), &origin).is_err());
        assert!(config("127.0.0.1:9100").may_have_token(&origin).is_err());
    }

    #[test]
    fn tokens_are_for_loopback_unless_allowed() {
        let open = config("0.0.0.0:9100");
        assert!(config("127.0.0.1:9100").may_have_token(&HeaderMap::new()).is_ok());
        assert!(open.may_have_token(&HeaderMap::new()).is_err());
        assert!(AdminConfig { allow_token_endpoint: true, ..open }.may_have_token(&HeaderMap::new()).is_ok());
    }
}
