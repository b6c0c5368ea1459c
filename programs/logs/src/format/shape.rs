//! The keys of the lines before, so that a key that stands where it stood before need not be read
//! again.
//!
//! The lines of one program mostly have the same keys in the same order. A key that was read once
//! is known with all its text up to its value; when the same bytes stand at the same turn of a
//! later line, they mean the same, and one comparison takes the place of finding the key's end and
//! asking what it stands for.

use super::keys::Role;

/// How many keys of a line are remembered.
const KEYS: usize = 64;
/// The longest key that is remembered, with its quotes, its colon and the blanks around that.
const BYTES: usize = 64;

/// What a key stands for, with its rank; nothing for most keys.
pub(super) type Meaning = Option<(Role, usize)>;

/// A key that was read before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// From its first quote to its value.
    pub(super) len: usize,
    /// Between its quotes.
    pub(super) name_len: usize,
    pub(super) meaning: Meaning,
}

/// The keys of a line, by their turn.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    keys: Vec<(Vec<u8>, Known)>,
}

impl Shape {
    /// The key at which `rest` begins, if it is the one of this turn.
    #[inline]
    pub(super) fn known(&self, turn: usize, rest: &[u8]) -> Option<Known> {
        let (text, known) = self.keys.get(turn)?;
        rest.starts_with(text).then_some(*known)
    }

    /// Remembers the key of this turn: `text` from its first quote to its value, of which
    /// `name_len` bytes are its name.
    ///
    /// Only keys without escapes and of ASCII are: nothing about them is left to be checked.
    pub(super) fn learn(&mut self, turn: usize, text: &[u8], name_len: usize, meaning: Meaning) {
        let plain = |byte: &u8| byte.is_ascii() && *byte != b'\\';
        if turn >= KEYS || turn > self.keys.len() || text.len() > BYTES || !text.iter().all(plain) {
            return;
        }
        if turn == self.keys.len() {
            self.keys
                .push((Vec::with_capacity(BYTES), Known { len: 0, name_len: 0, meaning: None }));
        }
        let (known_text, known) = &mut self.keys[turn];
        known_text.clear();
        known_text.extend_from_slice(text);
        *known = Known { len: text.len(), name_len, meaning };
    }
}
