//! The program on real files, without its command line: damage, orientation, formats, what stays
//! beside the pixels.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, helpers included")]

mod animations;
mod beside;
mod colours;
mod damage;
mod directories;
mod files;
mod formats;
mod hostile;
mod orientation;
mod runs;
mod strip;
mod support;
