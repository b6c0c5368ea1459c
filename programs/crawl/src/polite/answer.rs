//! What a host said by the way in which one request of it went. It says nothing about the URL.

use std::time::Duration;

use crate::page::ErrorKind;

/// How a request went, as far as its host is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It answered, this long after the request.
    Fine(Duration),
    /// It asks this crawler for patience, with 429, and for how much, if it says so.
    Busy(Option<Duration>),
    /// It asks everybody for patience, with 503: the host, or only this page of it.
    Overloaded(Option<Duration>),
    /// It answered, and badly: a status from 500 on, or a head and then nothing more. The host is
    /// up; this page is not.
    Poor,
    /// It could be reached, and then said nothing: no head in time, or a connection that was closed
    /// before one. It may be the host or this page, so it counts once a URL: whether it is known
    /// from an attempt before.
    Silent { again: bool },
    /// It could not be reached: no address, no connection, no TLS.
    Unreached,
    /// Nothing is known: the request was given up for a reason of ours.
    Unknown,
}

/// What is known of a request that has finished.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Exchange {
    /// The status, if the head of a response came.
    pub(crate) status: Option<u16>,
    /// What it counts as, if it gave no page.
    pub(crate) error: Option<ErrorKind>,
    /// The time until it ended.
    pub(crate) latency: Duration,
    /// How long the server asks clients to wait.
    pub(crate) retry_after: Option<Duration>,
    /// Whether a connection came about.
    pub(crate) is_connected: bool,
    /// Whether the same URL was asked for before.
    pub(crate) again: bool,
}

impl Answer {
    /// The answer that lies in the end of a request.
    pub(crate) fn of(exchange: Exchange) -> Self {
        use ErrorKind::{Address, Connect, Dns, HostDown, Robots, Timeout, Tls};
        let Exchange { status, error, latency, retry_after, is_connected, again } = exchange;
        match (status, error) {
            (Some(429), _) => Self::Busy(retry_after),
            (Some(503), _) => Self::Overloaded(retry_after),
            (Some(500..), _) | (Some(_), Some(Connect | Tls | Timeout)) => Self::Poor,
            (None, Some(Dns | Connect | Tls | Timeout)) if is_connected => Self::Silent { again },
            (None, Some(Dns | Connect | Tls | Timeout)) => Self::Unreached,
            (_, Some(Address | Robots | HostDown)) => Self::Unknown,
            _ => Self::Fine(latency),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_judged_by_what_it_does_and_not_by_what_a_url_is() {
        let second = Duration::from_secs(1);
        let of = |status, error, is_connected| {
            let retry_after = Some(second);
            Answer::of(Exchange {
                status,
                error,
                latency: second,
                retry_after,
                is_connected,
                again: true,
            })
        };
        assert_eq!(of(Some(200), None, true), Answer::Fine(second));
        assert_eq!(of(Some(404), Some(ErrorKind::Client), true), Answer::Fine(second));
        assert_eq!(of(None, Some(ErrorKind::Protocol), true), Answer::Fine(second));
        assert_eq!(of(Some(429), Some(ErrorKind::Client), true), Answer::Busy(Some(second)));
        assert_eq!(of(Some(503), Some(ErrorKind::Server), true), Answer::Overloaded(Some(second)));
        // An answer, even this one, shows that the host is up.
        assert_eq!(of(Some(500), Some(ErrorKind::Server), true), Answer::Poor);
        assert_eq!(of(Some(200), Some(ErrorKind::Timeout), true), Answer::Poor);
        assert_eq!(of(None, Some(ErrorKind::Timeout), true), Answer::Silent { again: true });
        assert_eq!(of(None, Some(ErrorKind::Connect), true), Answer::Silent { again: true });
        for error in [ErrorKind::Dns, ErrorKind::Connect, ErrorKind::Tls, ErrorKind::Timeout] {
            assert_eq!(of(None, Some(error), false), Answer::Unreached);
        }
        assert_eq!(of(None, Some(ErrorKind::Address), false), Answer::Unknown);
    }
}
