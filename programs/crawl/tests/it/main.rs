//! What the crawler promises.

mod address;
mod robots;
