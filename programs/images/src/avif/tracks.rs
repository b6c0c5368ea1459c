//! The tracks of an AVIF sequence: how many frames, of which size. Decodes none of them.

use super::boxes::{each, find};

/// What the boxes say of a sequence; nothing of a still image.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    /// Of the longest track.
    frames: u32,
    /// Frames are in further boxes of the file, so nobody counted them.
    fragmented: bool,
    pub(super) size: Option<(u32, u32)>,
}

impl Tracks {
    pub(super) fn read(file: &[u8]) -> Self {
        let mut tracks = Self::default();
        for (name, content) in each(file) {
            match &name {
                b"moof" => tracks.fragmented = true,
                b"moov" => {
                    for (_, track) in each(content).filter(|(name, _)| name == b"trak") {
                        tracks.add(track);
                    }
                }
                _ => {}
            }
        }
        tracks
    }

    fn add(&mut self, track: &[u8]) -> Option<()> {
        let media = find(find(track, *b"mdia")?, *b"minf")?;
        let samples = find(media, *b"stbl")?;
        // Version and flags, a size that all share or that each has, and their number.
        let sizes = find(samples, *b"stsz").or_else(|| find(samples, *b"stz2"))?;
        self.frames = self.frames.max(u32::from_be_bytes(*sizes.get(8..)?.first_chunk()?));
        let (_, entry) =
            each(find(samples, *b"stsd")?.get(8..)?).find(|(name, _)| name == b"av01")?;
        let side =
            |at: usize| Some(u32::from(u16::from_be_bytes(*entry.get(at..)?.first_chunk()?)));
        self.size = self.size.or(Some((side(24)?, side(26)?)));
        Some(())
    }

    pub(super) fn is_animated(&self) -> bool {
        self.frames > 1 || self.fragmented
    }
}
