//! When each host may be asked next.
