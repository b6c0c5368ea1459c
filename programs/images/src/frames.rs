//! A bound on the work that the frames of an animation ask for, which their file alone does not
//! bound.

use crate::failure::{Failure, FailureKind};

/// Pixels that a byte of a file stands for at most, all frames together. Recordings of screens,
/// which compress best of what people make, have less than a hundred.
const PIXELS_A_BYTE: u64 = 256;

/// Refuses frames that have more pixels in all than `most_pixels`, and more than their file of
/// `bytes` justifies.
pub(crate) fn check(
    frames: usize,
    pixels: u64,
    bytes: usize,
    most_pixels: u64,
) -> Result<(), Failure> {
    if pixels <= most_pixels.max((bytes as u64).saturating_mul(PIXELS_A_BYTE)) {
        return Ok(());
    }
    Err(Failure::new(
        FailureKind::TooLarge,
        format!(
            "its {frames} frames have {pixels} pixels in all, more than --max-pixels {most_pixels}"
        ),
    ))
}
