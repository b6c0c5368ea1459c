//! Pictures: compress and resize a tree of them, and never write a damaged or a larger file.
#![forbid(unsafe_code)]

pub mod config;
pub mod failure;
pub mod kind;
pub mod made;
pub mod probe;

mod avif;
mod compress;
mod exif;
mod jpeg;
mod png;
mod raster;
mod resize;
mod search;
mod webp;

pub use compress::Compressor;
pub use config::{Config, Fit, Keep, Overwrite, Place, Preset, Settings};
pub use failure::{Failure, FailureKind};
pub use kind::Kind;
pub use made::{Made, Note};
pub use probe::Probe;
