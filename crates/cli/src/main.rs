//! The one binary: the only place that parses arguments, prints and exits.
#![forbid(unsafe_code)]

fn main() {}
