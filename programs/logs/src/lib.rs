//! Log files, or a growing log: split, parse, filter, store.
#![forbid(unsafe_code)]
