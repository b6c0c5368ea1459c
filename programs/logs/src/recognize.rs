//! Which format a file is taken for, by its first bytes, and by more of them as they arrive.
//!
//! What a format looks like is the business of `format`; when a file is looked at again, of the
//! reader of files.

use std::sync::atomic::{AtomicU64, Ordering};

use connect::files::{Accepted, Certainty, Cut, Recognize, Sample};
use connect::paths::escaped;

use crate::format::{self, Choice, Detected, Format, Keys, detect};
use crate::input::{Event, Listener, Seen};

/// What travels with every block of a file.
#[derive(Debug)]
pub(crate) struct FileFormat {
    pub(crate) format: Format,
    /// Counts how often files were begun, so that a truncated file is told from the one before.
    pub(crate) generation: u64,
    /// It is the format of the file that had this name before; nothing in this one has said
    /// otherwise.
    inherited: bool,
    /// It was the best there was, and not more.
    guess: bool,
    /// The listener was told.
    told: bool,
}

struct FormatCut(Format);

impl Cut for FormatCut {
    fn cut(&mut self, lines: &[u8]) -> usize {
        // A record of which no further one has begun yet may have more lines.
        self.0.cut(lines)
    }
}

/// Looks at each file's first bytes, and refuses what is no text.
pub(crate) fn recognize(choice: Choice, keys: Keys, listener: Listener) -> Recognize<FileFormat> {
    let generations = AtomicU64::new(1);
    Box::new(move |sample| {
        if !sample.again && format::binary(sample.bytes) {
            return Err(
                "it is a binary file; give text (or gzip or zstd of text), UTF-16 must be converted first"
                    .into(),
            );
        }
        let found = look(&sample, choice, &keys);
        let certainty = match &found {
            Some(found) if found.is_settled(sample.full) => Certainty::Final,
            Some(found) if !found.certain && !sample.full && choice == Choice::Auto => Certainty::Guess,
            _ => Certainty::SoFar,
        };
        let known = sample.known.filter(|_| sample.again);
        let (format, fits) = match (&found, sample.known) {
            (Some(Detected { format, matched, lines, .. }), _) => (format.clone(), Some((*matched, *lines))),
            (None, Some(known)) => (known.format.clone(), None),
            (None, None) => (Format::Unknown, None),
        };
        // Lines that nothing fits so far wait for some that tell more.
        let tells = certainty != Certainty::Guess || format != Format::Unknown;
        let told = known.is_some_and(|known| known.told && known.format.name() == format.name());
        if tells && !told {
            let path = escaped(sample.path).into_owned();
            let fits = fits.unwrap_or_default();
            listener(Event::Began(Seen { path, format: format.name().into_owned(), fits }));
        }
        let data = FileFormat {
            format: format.clone(),
            generation: known
                .map_or_else(|| generations.fetch_add(1, Ordering::Relaxed), |known| known.generation),
            inherited: found.is_none() && sample.known.is_some_and(|known| known.inherited || !sample.again),
            guess: certainty == Certainty::Guess,
            told: told || tells,
        };
        Ok(Accepted { cut: Box::new(FormatCut(format)), data, certainty })
    })
}

/// What the sample is found to be; nothing if it stays what was known.
fn look(sample: &Sample<'_, FileFormat>, choice: Choice, keys: &Keys) -> Option<Detected> {
    let detect = || detect::detect(sample.bytes, keys, choice);
    let Some(known) = sample.known else { return Some(detect()) };
    if sample.again && !sample.full && detect::is_expected(sample.bytes, sample.shown, &known.format, keys) {
        return None;
    }
    let found = detect();
    if sample.again && !sample.full && known.guess {
        // Lines that come after a banner was handed on, and speak for themselves, are not outvoted
        // by it.
        let new = sample.bytes.get(sample.shown..).unwrap_or_default();
        let by_new = detect::detect(new, keys, choice);
        if by_new.certain && !detect::explains(&found.format, new, keys) {
            return Some(by_new);
        }
    }
    let inherited = known.inherited || !sample.again;
    if inherited && !detect::says_otherwise(sample.bytes, &found, &known.format, keys) {
        return None;
    }
    Some(found)
}
