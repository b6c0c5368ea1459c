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

mod paths;
mod polite;
mod run;

pub use config::Config;
pub use outcome::{Ended, Outcome, StartError, Summary};
pub use paths::paths;
pub use run::{Control, Now, Progress, run};
