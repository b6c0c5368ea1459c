//! Files: which there are, where results go, how one is written, and what an earlier run has done.
//! Knows nothing of images.

pub(crate) mod journal;
pub(crate) mod list;
pub(crate) mod plan;
pub(crate) mod write;

/// Everything that the program itself leaves in directories begins like this.
pub(crate) const OWN: &str = ".millstream-";
