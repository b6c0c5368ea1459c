//! What the crawler promises.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, helpers included")]

mod fetching;
mod fetching_bad;
mod warcs;
