//! Why a measured run may not fail.

/// What is measured cannot fail; if it does, the measurement is worth nothing.
pub(crate) const WHOLE: &str = "the run ends well";
