//! The crate's promises, one module a subject.

mod jsonl;
mod postgres;
mod sink_support;
mod sqlite;
mod terminal;
