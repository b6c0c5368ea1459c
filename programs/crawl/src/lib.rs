//! A crawler: polite, fast, and it survives a kill.
#![forbid(unsafe_code)]

pub mod address;
pub mod config;
pub mod fetch;
pub mod frontier;
pub mod links;
pub mod outcome;
pub mod page;
pub mod robots;
pub mod sitemap;
#[cfg(feature = "testing")]
pub mod testing;
pub mod warc;

#[cfg_attr(not(test), expect(dead_code, reason = "the run is wired on top of it"))]
mod polite;

pub use config::Config;
pub use outcome::{Ended, Outcome, StartError, Summary};
