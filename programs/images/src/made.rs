//! What became of an image that was not refused.

use serde::Serialize;

use crate::kind::Kind;

/// What a user should know about a result, beyond its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Note {
    /// Of an animation only the first frame was taken.
    FirstFrameOnly,
    /// Of several pages only the first was taken.
    FirstPageOnly,
    /// Of 16 bits a colour the upper 8 were taken.
    ReducedTo8Bits,
    /// What was transparent is white now.
    AlphaOnWhite,
    /// EXIF or the profile did not fit into the new format.
    MetadataTooLarge,
    /// A gain map or other images in the same file were left out.
    FurtherImagesDropped,
    /// A signature (C2PA) was left out, because it would not be valid any more.
    SignatureDropped,
    /// EXIF without a TIFF header, which no program could read, was left out.
    ExifMalformed,
    /// The first frame was larger than the screen of its GIF, which was enlarged as browsers do.
    ScreenEnlarged,
    /// Pixels are stored as they were; only what was not to be kept beside them was removed.
    OnlyStripped,
    /// The result has fewer pixels, as asked for, and more bytes.
    LargerFile,
    /// Damaged, but taken as far as it could be read.
    Salvaged,
}

/// What was made of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Made {
    /// The format that it had.
    pub from: Kind,
    /// The format of the result.
    pub to: Kind,
    /// Its size in pixels, as stored.
    pub old_size: (u32, u32),
    /// The result's.
    pub size: (u32, u32),
    /// The quality of the result, where there is one.
    pub quality: Option<u8>,
    /// Why the original stays, if it does.
    pub kept: Option<&'static str>,
    /// What should be known.
    pub notes: Vec<Note>,
}

impl Made {
    pub(crate) fn new(width: u32, height: u32) -> Self {
        let size = (width, height);
        Self {
            from: Kind::Jpeg,
            to: Kind::Jpeg,
            old_size: size,
            size,
            quality: None,
            kept: None,
            notes: Vec::new(),
        }
    }

    pub(crate) fn note(&mut self, note: Note) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    pub(crate) fn keep(&mut self, why: &'static str) {
        self.kept = Some(why);
    }

    /// The original's own coding is what there is, with or without what stood beside the pixels.
    pub(crate) fn is_original_coding(&self) -> bool {
        self.kept.is_some() || self.notes.contains(&Note::OnlyStripped)
    }

    pub(crate) fn salvaged(&mut self, damaged: bool) {
        if damaged {
            self.note(Note::Salvaged);
        }
    }

    pub(crate) fn resized(&mut self, width: u32, height: u32) {
        self.size = (width, height);
    }

    /// The new size, if it changed.
    pub(crate) fn new_size(&self) -> Option<(u32, u32)> {
        (self.size != self.old_size).then_some(self.size)
    }
}
