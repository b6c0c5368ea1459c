//! The promises of millstream-connect, one module a connector.
#![cfg(unix)]

mod files;
mod files_damage;
mod files_props;
#[cfg(target_os = "linux")]
mod follow;
#[cfg(target_os = "linux")]
mod follow_resume;
mod support;
