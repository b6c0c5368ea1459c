//! Log files, or a growing log: split, parse, filter, store.
#![forbid(unsafe_code)]

pub mod filter;
pub mod format;
pub mod level;
pub mod record;
pub mod scan;
pub mod time;

mod escape;
