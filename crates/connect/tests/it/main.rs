//! The promises of millstream-connect, one module a connector.
#![cfg(unix)]

mod files;
mod files_damage;
mod files_props;
mod support;
