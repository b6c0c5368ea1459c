//! What the crawler promises.

mod address;
