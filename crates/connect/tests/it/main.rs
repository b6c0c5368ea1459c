//! The crate's promises, one module a subject.

mod sink_support;

mod postgres;
mod sqlite;
