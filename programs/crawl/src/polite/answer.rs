//! What a host said by the way in which one request of it went. It says nothing about the URL.

use std::time::Duration;

use crate::page::ErrorKind;

/// How a request went, as far as its host is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It answered, so long after the request.
    Fine(Duration),
    /// It asks for patience: 429 or 503, and how long, if it says so.
    Busy(Option<Duration>),
    /// It does not work: no address, no connection, no answer in time, a status from 500 on.
    Broken,
    /// Nothing is known: the request was given up for a reason of ours.
    Untold,
}

impl Answer {
    /// The answer that lies in the end of a visit. `latency` is the time until the head of the response came.
    pub(crate) fn of(
        status: Option<u16>,
        error: Option<ErrorKind>,
        latency: Duration,
        retry_after: Option<Duration>,
    ) -> Self {
        match (status, error) {
            (Some(429 | 503), _) => Self::Busy(retry_after),
            (Some(500..), _) => Self::Broken,
            (_, Some(ErrorKind::Dns | ErrorKind::Connect | ErrorKind::Tls | ErrorKind::Timeout)) => {
                Self::Broken
            }
            (_, Some(ErrorKind::Address | ErrorKind::Robots | ErrorKind::HostDown)) => Self::Untold,
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
        let of = |status, error| Answer::of(status, error, second, Some(second));
        assert_eq!(of(Some(200), None), Answer::Fine(second));
        assert_eq!(of(Some(404), Some(ErrorKind::Client)), Answer::Fine(second));
        assert_eq!(of(None, Some(ErrorKind::Protocol)), Answer::Fine(second));
        assert_eq!(of(Some(429), Some(ErrorKind::Client)), Answer::Busy(Some(second)));
        assert_eq!(of(Some(503), Some(ErrorKind::Server)), Answer::Busy(Some(second)));
        assert_eq!(of(Some(500), Some(ErrorKind::Server)), Answer::Broken);
        assert_eq!(of(None, Some(ErrorKind::Connect)), Answer::Broken);
        assert_eq!(of(None, Some(ErrorKind::Address)), Answer::Untold);
        // The head came, and then nothing more: the host is slow to the point of not working.
        assert_eq!(of(Some(200), Some(ErrorKind::Timeout)), Answer::Broken);
    }
}
