//! A picture as three planes, the way JPEG stores it: brightness, and two of colour that are often smaller.
//!
//! Resizing them one by one saves the way to RGB and back, and never touches colours more than needed.

use turbojpeg::Subsamp;

use crate::failure::Failure;
use crate::resize::Resizer;

/// Memory that is kept from picture to picture; above this it is given back.
const KEPT: usize = 64 << 20;

/// The planes, one after the other, each padded to whole groups of its chroma sampling.
#[derive(Debug)]
pub(crate) struct Planes {
    pub(crate) bytes: Vec<u8>,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) chroma: Subsamp,
}

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

impl Planes {
    pub(crate) fn new() -> Self {
        Self { bytes: Vec::new(), width: 0, height: 0, chroma: Subsamp::Gray }
    }

    /// Makes room for a picture of this size.
    pub(crate) fn set(&mut self, width: u32, height: u32, chroma: Subsamp) {
        (self.width, self.height, self.chroma) = (width, height, chroma);
        let length = self.layout().iter().map(Plane::len).sum();
        if self.bytes.capacity() > KEPT && length < KEPT {
            self.bytes = Vec::new();
        }
        self.bytes.resize(length, 0);
    }

    /// Where the planes are; one for grey pictures.
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
