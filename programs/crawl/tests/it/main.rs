//! What the crawler promises.

mod good_web;
