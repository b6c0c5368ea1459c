//! Paths as a run uses them: which of them are the same file, and how a name is written where only
//! text can stand.
//!
//! Two paths are compared by what they lead to and not by how they are spelled: [`PathIdentity`].
//! [`Claims`] collects all paths that a run reads and writes, and refuses a run that would write to
//! what it reads, or write twice to one file, before anything is opened. [`escaped`] writes a name
//! as text without losing a byte; [`shown`] writes it for people.
//!
//! Nothing here opens, makes or changes a file.

mod claims;
mod identity;
mod names;

pub use claims::{Claims, Clash};
pub use identity::{PathIdentity, Resolver};
pub use names::{Shown, escaped, shown, shown_text, unescaped};

/// What leads to standard input, as far as the system has such a path.
pub const STDIN: &str = "/dev/stdin";

/// What leads to standard output, as far as the system has such a path.
pub const STDOUT: &str = "/dev/stdout";
