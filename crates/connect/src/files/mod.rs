//! Log files as input: whole files, compressed files, standard input, and files that grow.
//!
//! A file becomes [`Block`]s: stretches of bytes, 256 KiB when there is much and one line when
//! there is little, which end where a record ends. This module does not know what a record is: a
//! program's [`Cut`] says where the last whole one ends, and its [`Recognize`] function chooses
//! the `Cut` from a file's first bytes, refuses files that are none of its business, and hangs data
//! of its own type on every block of the file.
//!
//! - [`Inputs`] turns `FILES|GLOBS|-` into a checked list.
//! - [`Blocks`] reads that list to its end; gzip and zstd are recognised by content.
//! - [`Follow`] reads files as they grow, through rotation and restarts; [`Position`] is what to
//!   save.
//!
//! Nothing here parses, filters or prints, and nothing here starts a thread.

mod block;
mod blocks;
mod cut;
mod decode;
mod error;
#[cfg(target_os = "linux")]
mod follow;
mod identity;
mod inputs;
mod names;
mod pool;
mod question;
mod splitter;
mod stored;
#[cfg(unix)]
mod wait;

pub use block::{Block, Piece};
pub use blocks::Blocks;
pub use cut::{Accepted, Certainty, Cut, Lines, Recognize, Sample, lines};
pub use error::FileError;
#[cfg(target_os = "linux")]
pub use follow::{Follow, Notice};
pub use identity::{Identity, Position};
pub use inputs::{Input, Inputs};
pub use names::{FileId, Files};
pub use pool::{Buffer, Pool};
