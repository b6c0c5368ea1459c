//! The program on real files, without its command line: damage, orientation, formats, what stays beside the pixels.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, helpers included")]

mod beside;
mod damage;
mod formats;
mod orientation;
mod runs;
mod support;
