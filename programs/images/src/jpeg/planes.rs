//! An image as three planes, the way JPEG stores it: brightness, and two of colour that are often
//! smaller.
//!
//! Resizing them one by one saves the way to RGB and back, and never touches colours more than
//! needed.

use turbojpeg::Subsamp;

use crate::failure::Failure;
use crate::resize::{Plane, Resizer};

/// Memory that is kept from image to image; above this it is given back.
const KEPT: usize = 64 << 20;

/// The planes, one after the other, each padded to whole groups of its chroma sampling.
#[derive(Debug)]
pub(crate) struct Planes {
    pub(crate) bytes: Vec<u8>,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) chroma: Subsamp,
}

impl Planes {
    pub(crate) fn new() -> Self {
        Self { bytes: Vec::new(), width: 0, height: 0, chroma: Subsamp::Gray }
    }

    /// Makes room for an image of this size.
    pub(crate) fn set(&mut self, width: u32, height: u32, chroma: Subsamp) {
        (self.width, self.height, self.chroma) = (width, height, chroma);
        let length = self.layout().iter().map(Plane::len).sum();
        if self.bytes.capacity() > KEPT && length < KEPT {
            self.bytes = Vec::new();
        }
        self.bytes.resize(length, 0);
    }

    /// Where the planes are; one for grey images.
    pub(crate) fn layout(&self) -> Vec<Plane> {
        let (across, down) = self.chroma.size();
        let (width, height) = (self.width as usize, self.height as usize);
        let (chroma_width, chroma_height) = (width.div_ceil(across), height.div_ceil(down));
        let brightness = Plane {
            width,
            height,
            stride: chroma_width * across,
            padded_height: chroma_height * down,
            start: 0,
        };
        if self.chroma == Subsamp::Gray {
            return vec![brightness];
        }
        let colour = |start| Plane {
            width: chroma_width,
            height: chroma_height,
            stride: chroma_width,
            padded_height: chroma_height,
            start,
        };
        let first = colour(brightness.len());
        vec![brightness, first, colour(first.start + first.len())]
    }

    /// Smooths colour as much as decoding it to full size and halving it again does: by an eighth
    /// from each side.
    ///
    /// What this takes away is mostly noise, which costs a smaller file dearly. Programs that go by
    /// way of RGB do the same.
    pub(crate) fn smooth_colour(&mut self) {
        let (across, down) = self.chroma.size();
        for plane in self.layout().iter().skip(1) {
            let bytes = &mut self.bytes[plane.start..plane.start + plane.len()];
            if across == 2 {
                bytes.chunks_exact_mut(plane.stride).for_each(smooth_row);
            }
            if down == 2 {
                smooth_columns(bytes, plane.stride);
            }
        }
    }

    /// Resizes into `to`, which keeps the same chroma sampling.
    pub(crate) fn resize(
        &self,
        to: &mut Self,
        (width, height): (u32, u32),
        resizer: &mut Resizer,
    ) -> Result<(), Failure> {
        to.set(width, height, self.chroma);
        for (from, into) in self.layout().iter().zip(to.layout()) {
            let source = &self.bytes[from.start..from.start + from.len()];
            let target = &mut to.bytes[into.start..into.start + into.len()];
            resizer.plane(source, *from, target, into)?;
        }
        Ok(())
    }
}

fn smooth(before: u8, here: u8, after: u8) -> u8 {
    let sum = u16::from(before) + 6 * u16::from(here) + u16::from(after) + 4;
    (sum >> 3).to_le_bytes()[0]
}

fn smooth_row(row: &mut [u8]) {
    let Some(mut before) = row.first().copied() else { return };
    for at in 0..row.len() {
        let here = row[at];
        let after = row.get(at + 1).copied().unwrap_or(here);
        row[at] = smooth(before, here, after);
        before = here;
    }
}

fn smooth_columns(plane: &mut [u8], stride: usize) {
    let mut before = plane[..stride].to_vec();
    let mut rest = plane;
    while let Some((row, below)) = rest.split_at_mut_checked(stride) {
        if below.len() >= stride {
            for ((here, before), after) in row.iter_mut().zip(&mut before).zip(&*below) {
                let old = *here;
                *here = smooth(*before, old, *after);
                *before = old;
            }
        } else {
            row.iter_mut()
                .zip(&before)
                .for_each(|(here, before)| *here = smooth(*before, *here, *here));
        }
        rest = below;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn smoothing_leaves_flat_colours_and_stays_between_the_neighbours(
            width in 1_u32..40, height in 1_u32..40, seed: u8,
        ) {
            let mut planes = Planes::new();
            planes.set(width, height, Subsamp::Sub2x2);
            planes.bytes.fill(seed);
            planes.smooth_colour();
            prop_assert!(planes.bytes.iter().all(|byte| *byte == seed));
            for (at, byte) in planes.bytes.iter_mut().enumerate() {
                *byte = (at * usize::from(seed) % 251).to_le_bytes()[0];
            }
            let luma = planes.layout()[0].len();
            let before = planes.bytes.clone();
            planes.smooth_colour();
            prop_assert_eq!(&before[..luma], &planes.bytes[..luma], "brightness stays");
            for plane in &planes.layout()[1..] {
                let old = &before[plane.start..plane.start + plane.len()];
                let new = &planes.bytes[plane.start..plane.start + plane.len()];
                let (least, most) = (old.iter().min(), old.iter().max());
                prop_assert!(new.iter().all(|byte| Some(byte) >= least && Some(byte) <= most));
            }
        }
    }
}
