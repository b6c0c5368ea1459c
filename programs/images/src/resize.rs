//! Fits images into a box. Makes nothing larger.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8;
use fast_image_resize::{ResizeOptions, Resizer as Inner};
use image::DynamicImage;

use crate::config::Fit;
use crate::failure::Failure;

/// One plane: its real size, and its place and stride with padding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plane {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) stride: usize,
    pub(crate) padded_height: usize,
    pub(crate) start: usize,
}

impl Plane {
    pub(crate) fn len(&self) -> usize {
        self.stride * self.padded_height
    }
}

/// The size of an image fitted into the box; of one that lies on its side, the box is turned.
pub(crate) fn fitted(fit: Fit, width: u32, height: u32, sideways: bool) -> (u32, u32) {
    let (most_wide, most_high) =
        if sideways { (fit.height, fit.width) } else { (fit.width, fit.height) };
    let scale = f64::min(
        f64::from(most_wide) / f64::from(width.max(1)),
        f64::from(most_high) / f64::from(height.max(1)),
    );
    if scale >= 1.0 {
        return (width, height);
    }
    let scaled = |side: u32, most: u32| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "smaller than the side, which is a u32, and not negative"
        )]
        let scaled = (f64::from(side) * scale).round() as u32;
        scaled.clamp(1, most.max(1))
    };
    (scaled(width, most_wide), scaled(height, most_high))
}

/// Whether an image does not fit, whichever way it lies.
pub(crate) fn is_needed(fit: Fit, width: u32, height: u32) -> bool {
    width.max(height) > fit.width.max(fit.height) || width.min(height) > fit.width.min(fit.height)
}

/// A resizer with its buffers.
#[derive(Debug, Default)]
pub(crate) struct Resizer(Inner);

impl Resizer {
    /// The image in this size.
    pub(crate) fn image(
        &mut self,
        from: DynamicImage,
        (width, height): (u32, u32),
    ) -> Result<DynamicImage, Failure> {
        if (from.width(), from.height()) == (width, height) {
            return Ok(from);
        }
        let mut to = DynamicImage::new(width, height, from.color());
        self.0
            .resize(&from, &mut to, None)
            .map_err(|error| Failure::unsupported(format!("it cannot be resized: {error}")))?;
        Ok(to)
    }

    /// One plane of bytes; the padding of the target repeats its edge.
    pub(crate) fn plane(
        &mut self,
        source: &[u8],
        from: Plane,
        target: &mut [u8],
        into: Plane,
    ) -> Result<(), Failure> {
        let failed = |error: String| Failure::unsupported(format!("it cannot be resized: {error}"));
        let side = |length: usize| u32::try_from(length).map_err(|error| failed(error.to_string()));
        let view =
            TypedImageRef::<U8>::from_buffer(side(from.stride)?, side(from.padded_height)?, source)
                .map_err(|error| failed(error.to_string()))?;
        let mut small = TypedImage::<U8>::new(side(into.width)?, side(into.height)?);
        #[expect(clippy::cast_precision_loss, reason = "sides of images are far below 2^52")]
        let options = ResizeOptions::new().crop(0.0, 0.0, from.width as f64, from.height as f64);
        self.0
            .resize_typed(&view, &mut small, &options)
            .map_err(|error| failed(error.to_string()))?;
        let rows = small.pixels().chunks_exact(into.width);
        for (row, padded) in rows.zip(target.chunks_exact_mut(into.stride)) {
            for (to, from) in padded.iter_mut().zip(row) {
                *to = from.0;
            }
            let edge = row[into.width - 1].0;
            padded[into.width..].fill(edge);
        }
        let last = into.stride * (into.height - 1);
        for row in into.height..into.padded_height {
            target.copy_within(last..last + into.stride, row * into.stride);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_fitted_image_fits_and_keeps_its_proportions(
            width in 1_u32..70_000, height in 1_u32..70_000, across in 1_u32..5_000, down in 1_u32..5_000,
        ) {
            let (new_width, new_height) = fitted(Fit { width: across, height: down }, width, height, false);
            prop_assert!(new_width <= across.max(width) && new_height <= down.max(height));
            prop_assert!(new_width <= width && new_height <= height && new_width > 0 && new_height > 0);
            if (new_width, new_height) != (width, height) {
                prop_assert!(new_width <= across && new_height <= down);
                // One of the two sides is as long as the box allows.
                prop_assert!(new_width == across || new_height == down);
            }
        }

        #[test]
        fn a_image_on_its_side_is_fitted_as_it_is_looked_at(width in 1_u32..9_000, height in 1_u32..9_000) {
            let fit = Fit { width: 1_600, height: 900 };
            let (turned_height, turned_width) = fitted(fit, height, width, false);
            prop_assert_eq!(fitted(fit, width, height, true), (turned_width, turned_height));
        }
    }
}
