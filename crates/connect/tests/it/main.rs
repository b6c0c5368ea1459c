//! The crate's promises, one module a subject.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, helpers included")]

mod destination;
mod files;
mod files_damage;
#[cfg(target_os = "linux")]
mod files_pipes;
mod files_props;
#[cfg(target_os = "linux")]
mod follow;
#[cfg(target_os = "linux")]
mod follow_resume;
mod jsonl;
mod postgres;
mod sink_support;
mod sqlite;
mod support;
mod terminal;
