//! Files without what stands beside their pixels, for images that are kept as they are coded.
//! Decodes nothing.

use crate::config::{Keep, Settings};
use crate::failure::Failure;
use crate::gif::Gif;
use crate::kind::Kind;
use crate::png::chunks::Png;
use crate::tiff::Tiff;
use crate::{avif, jpeg, webp};

/// The same image without what is not kept; none if there is nothing of that kind in it.
///
/// # Errors [`Unsupported`](crate::FailureKind::Unsupported) when it cannot be taken out; never is
/// it left in.
pub(crate) fn bare(
    source: &[u8],
    kind: Kind,
    settings: &Settings,
) -> Result<Option<Vec<u8>>, Failure> {
    let Settings { keep, salvage, .. } = *settings;
    if keep.exif && keep.icc {
        return Ok(None);
    }
    let bare = match kind {
        Kind::Jpeg => jpeg::bare(source, keep, salvage)?,
        Kind::Png => Png::parse(source, salvage)?.bare(keep),
        Kind::Webp => webp::bare(source, keep)?,
        Kind::Gif => Gif::parse(source)?.bare(keep),
        Kind::Avif => avif::bare(source, keep)?,
        Kind::Tiff => {
            Tiff::read(&mut std::io::Cursor::new(source))?.check_bare(keep)?;
            return Ok(None);
        }
        Kind::Bmp => {
            check_bmp(source, keep)?;
            return Ok(None);
        }
    };
    Ok((bare != source).then_some(bare))
}

/// A bitmap holds nothing but pixels and, in its fifth form, a profile or the name of a file with
/// one.
fn check_bmp(source: &[u8], keep: Keep) -> Result<(), Failure> {
    // Little-endian words: "MBED" and "LINK" are stored the other way round.
    let has_profile = !keep.icc
        && source.get(14) == Some(&124)
        && matches!(source.get(70..74), Some(b"DEBM" | b"KNIL"));
    if !has_profile {
        return Ok(());
    }
    Err(Failure::unsupported(
        "it holds a colour profile, which cannot be removed from a BMP here; --format png writes its pixels alone",
    ))
}
