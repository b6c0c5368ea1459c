//! The crate's promises, one module a subject.
#![cfg(unix)]

#[cfg(target_os = "linux")]
mod follow;
#[cfg(target_os = "linux")]
mod follow_resume;
mod files;
mod files_damage;
mod files_props;
mod jsonl;
mod postgres;
mod sink_support;
mod sqlite;
mod support;
mod terminal;
