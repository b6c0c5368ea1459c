//! What a user may choose about addresses.

/// What is made equal beyond the rules of URLs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Canonical {
    /// Drop parameters that describe the visitor and not the page: `utm_*`, `gclid`, `fbclid` and
    /// their like, and the ids of sessions (`jsessionid`, `PHPSESSID`, and `sid` if its value looks
    /// like one). They belong to one option, for both make many addresses of one page, and to drop
    /// either is a guess about the site that its user has to allow.
    pub drop_tracking: bool,
}
