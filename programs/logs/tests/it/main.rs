//! The promises of the log program's formats, filters and scanner, one module a subject.

#![expect(
    clippy::unwrap_used,
    reason = "in a test a panic is the report; clippy.toml covers only the test functions themselves"
)]

mod binaries;
mod detection;
mod fixtures;
mod follow;
mod follow_kill;
mod following;
mod levels;
mod live;
mod lookalikes;
mod outputs;
mod properties;
mod scanning;
mod support;
mod times;
mod wheres;
