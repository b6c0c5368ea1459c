//! Sources and sinks that the programs share, each behind the library's source and sink traits.
#![forbid(unsafe_code)]

pub mod files;
