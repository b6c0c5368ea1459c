//! What rows say of responses and failures.

use crate::fetch::{Failure, Response};
use crate::page::ErrorKind;

/// What the server answered, in words.
pub(super) fn status(response: &Response) -> String {
    let status = format!("the server answered with status {}", response.status);
    match response.retry_after {
        Some(wait) => format!("{status} and asks to be left for {} s", wait.as_secs()),
        None => status,
    }
}

/// What went wrong, and what helps against it where something does.
pub(super) fn failure(failure: &Failure) -> String {
    match failure.kind {
        ErrorKind::Address => format!("{failure}; --allow-private allows it"),
        _ => match failure.retry_after {
            Some(wait) => {
                format!("{failure}; the server asks to be left for {} s", wait.as_secs())
            }
            None => failure.to_string(),
        },
    }
}
