//! Images: compress and resize a tree of them, and never write a damaged or a larger file.
#![forbid(unsafe_code)]

pub mod config;
pub mod failure;
pub mod kind;
pub mod made;
pub mod outcome;
pub mod probe;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

mod account;
mod avif;
mod compress;
mod control;
mod decode;
mod exif;
mod files;
mod frames;
mod gif;
mod guard;
mod icc;
mod job;
mod jpeg;
mod plan;
mod png;
mod raster;
mod resize;
mod run;
mod search;
mod strip;
mod tiff;
mod webp;

pub use compress::Compressor;
pub use config::{Config, Fit, Keep, Overwrite, Place, Preset, Settings};
pub use connect::StartError;
pub use control::{Control, Progress};
pub use failure::{Failure, FailureKind};
pub use kind::Kind;
pub use made::{Made, Note};
pub use outcome::{FileRecord, Outcome, Status, Summary};
pub use plan::{Plan, run};
pub use probe::Probe;
