//! Whether the same request may go well another time: one rule for pages, sitemaps and robots.txt,
//! and the README's table of it.
//!
//! It says nothing of when: that is up to the host's pace and to the waits between attempts.

use crate::page::ErrorKind;

/// Whether what went wrong may pass.
///
/// A response that broke off says nothing of the next one, whatever its status. What the host sent
/// in whole and cannot be read, what is too long, and what our own rules refuse would be the same
/// again.
pub(crate) fn may_pass(status: Option<u16>, error: ErrorKind, broke_off: bool) -> bool {
    match error {
        ErrorKind::Dns | ErrorKind::Connect | ErrorKind::Timeout => true,
        ErrorKind::Server => !matches!(status, Some(501 | 505)),
        ErrorKind::Client => matches!(status, Some(408 | 425 | 429)),
        ErrorKind::Protocol => broke_off,
        ErrorKind::Robots
        | ErrorKind::Address
        | ErrorKind::Tls
        | ErrorKind::TooLarge
        | ErrorKind::Encoding
        | ErrorKind::Redirect
        | ErrorKind::HostDown => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let again = |status, error| may_pass(status, error, false);
        assert!(again(Some(503), ErrorKind::Server) && again(Some(429), ErrorKind::Client));
        assert!(again(None, ErrorKind::Dns) && again(Some(200), ErrorKind::Timeout));
        assert!(!again(Some(501), ErrorKind::Server) && !again(Some(404), ErrorKind::Client));
        for error in [ErrorKind::Tls, ErrorKind::Robots, ErrorKind::TooLarge, ErrorKind::Protocol] {
            assert!(!again(None, error), "{error:?}");
        }
        assert!(
            may_pass(Some(200), ErrorKind::Protocol, true),
            "what broke off may be whole the next time"
        );
        assert!(may_pass(None, ErrorKind::Protocol, true), "in the head as well");
    }
}
