//! What is known of a host's robots.txt, for all that ask.

use crate::page::ErrorKind;
use crate::robots::Access;

/// What is known of a host's robots.txt.
pub(super) struct RobotsRules {
    pub(super) access: Access,
    /// Why it could not be had: then nothing of the host may be asked for.
    pub(super) unavailable: Option<RobotsUnavailable>,
}

/// Why a robots.txt could not be had.
pub(super) struct RobotsUnavailable {
    /// As what the host's URLs count that are not asked for.
    pub(super) kind: ErrorKind,
    pub(super) message: String,
}
