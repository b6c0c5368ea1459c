//! Marks the bytes at which a JSON string ends or changes, 64 at a time.
//!
//! The strings of a log line are short: a search of its own for the end of each costs more in wrong
//! guesses of the processor than looking at every byte of the line once. What a marked byte means
//! is the business of `json_text`.

/// How many bytes are marked together.
const STRIDE: usize = 64;

/// The marks of the stretch of a text that was asked for last.
#[derive(Debug)]
pub(super) struct Marks {
    /// Where the stretch begins; beyond every text at first.
    begin: usize,
    /// A bit for each byte of it, the first one lowest.
    bits: u64,
    /// The bytes of all stretches so far, or-ed together.
    union: u8,
}

impl Marks {
    pub(super) fn new() -> Marks {
        Marks { begin: usize::MAX, bits: 0, union: 0 }
    }

    /// The place of the next quote, backslash or control character.
    #[inline]
    pub(super) fn next(&mut self, text: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        while at < text.len() {
            let begin = at - at % STRIDE;
            if begin != self.begin {
                self.load(text, begin);
            }
            let left = self.bits >> (at % STRIDE);
            if left != 0 {
                let found = at + left.trailing_zeros() as usize;
                return (found < text.len()).then_some(found);
            }
            at = begin + STRIDE;
        }
        None
    }

    /// Whether all bytes that [`next`](Self::next) has passed over were ASCII; it may have looked
    /// at some more.
    pub(super) fn are_ascii(&self) -> bool {
        self.union < 0x80
    }

    #[inline]
    fn load(&mut self, text: &[u8], begin: usize) {
        let rest = &text[begin..];
        let padded;
        let stretch = match rest.first_chunk::<STRIDE>() {
            Some(stretch) => stretch,
            None => {
                // The zeros behind the end are marked too, which ends every search there.
                let mut copy = [0; STRIDE];
                copy[..rest.len()].copy_from_slice(rest);
                padded = copy;
                &padded
            }
        };
        self.begin = begin;
        self.bits = bits(stretch);
        self.union |= stretch.iter().fold(0, |union, byte| union | byte);
    }
}

/// The marks of a stretch: first a byte for each byte, which compilers do with vectors, then the
/// bits put together.
#[inline]
fn bits(stretch: &[u8; STRIDE]) -> u64 {
    /// Moves the lowest bit of byte `n` to bit `56 + n`; no two products meet in one bit.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let mut marked = [0u8; STRIDE];
    for (mark, byte) in marked.iter_mut().zip(stretch) {
        *mark = u8::from((*byte == b'"') | (*byte == b'\\') | (*byte < 0x20));
    }
    let (eights, _) = marked.as_chunks::<8>();
    let gathered = eights.iter().map(|eight| u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56);
    gathered.rev().fold(0, |bits, eight| bits << 8 | eight)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_special_byte_is_found_and_nothing_else(
            text in prop::collection::vec(prop_oneof![8 => b' '..b'~', 1 => any::<u8>()], 0..300),
            from in 0..300usize,
        ) {
            let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0x00..0x20);
            let mut marks = Marks::new();
            let mut at = from;
            let mut found = Vec::new();
            while let Some(place) = marks.next(&text, at) {
                found.push(place);
                at = place + 1;
            }
            let expected: Vec<usize> = (from..text.len()).filter(|at| special(&text[*at])).collect();
            prop_assert_eq!(found, expected);
            if from == 0 {
                prop_assert_eq!(marks.are_ascii(), text.is_ascii());
            }
        }
    }
}
