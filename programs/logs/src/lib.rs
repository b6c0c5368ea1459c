//! Log files, or a growing log: split, parse, filter, store.
#![forbid(unsafe_code)]

pub mod config;
pub mod filter;
pub mod format;
pub mod level;
pub mod outcome;
pub mod record;
pub mod scan;
pub mod stats;
pub mod time;

mod dead_letter;
mod escape;
mod event;
mod input;
mod ledger;
mod named;
mod reader;
mod recognize;
mod refusals;
mod rows;
mod run;
mod saved;

pub use config::Config;
pub use connect::StartError;
pub use event::{Event, Listener, Seen};
pub use named::paths;
pub use outcome::{Ended, Outcome};
pub use run::{Control, run};
