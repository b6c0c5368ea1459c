//! The crate's promises, one module a subject.

mod destination;
mod jsonl;
mod postgres;
mod sink_support;
mod sqlite;
mod terminal;
