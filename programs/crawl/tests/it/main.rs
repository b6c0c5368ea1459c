//! What the crawler promises.
