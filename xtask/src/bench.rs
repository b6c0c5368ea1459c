//! `cargo xtask bench`: the program beside its peers.

use crate::shell::Result;

/// Chooses the comparison.
pub(crate) fn run(args: &[String]) -> Result {
    Err(format!("no comparison `{}`", args.join(" ")).into())
}
