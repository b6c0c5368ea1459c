//! What the crawler promises.

mod fetching;
mod fetching_bad;
mod warcs;
