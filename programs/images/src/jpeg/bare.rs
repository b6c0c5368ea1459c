//! A JPEG without what stands beside its pixels. Decodes nothing: segments are left out, everything
//! else stays.

use image::metadata::Orientation;

use super::segments::{self, Jpeg};
use crate::config::Keep;
use crate::exif;
use crate::failure::Failure;

/// The file without what is not kept. How it is to be turned is still in it, and nothing else of
/// the EXIF.
///
/// # Errors
/// When a part cannot be taken out without moving others that are found by their place in the file.
pub(crate) fn bare(source: &[u8], keep: Keep, salvage: bool) -> Result<Vec<u8>, Failure> {
    let jpeg = Jpeg::parse(source, salvage)?;
    if keep.exif && jpeg.has_further_images() && jpeg.icc().is_some() {
        return Err(Failure::unsupported(
            "its colour profile cannot be removed without moving the further images in the file; --strip drops both",
        ));
    }
    let mut bare = source[..2].to_vec();
    let orientation = jpeg.orientation();
    if !keep.exif && orientation != Orientation::NoTransforms {
        let (carried, _) = segments::carry(Some(&exif::only_orientation(orientation)), None);
        carried.iter().for_each(|segment| bare.extend_from_slice(segment));
    }
    let mut from = 2;
    for (whole, stays) in jpeg.beside(keep) {
        bare.extend_from_slice(&source[from..whole.start]);
        bare.extend_from_slice(stays.as_deref().unwrap_or_default());
        from = whole.end;
    }
    let trailer = jpeg.trailer();
    bare.extend_from_slice(&source[from..source.len() - trailer.len()]);
    if keep.exif {
        bare.extend_from_slice(trailer);
    }
    Ok(bare)
}
