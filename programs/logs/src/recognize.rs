//! Which format a file is taken for, by its first bytes, and by more of them as they arrive.
//!
//! What a format looks like is the business of `format`; when a file is looked at again, of the
//! reader of files.

use std::sync::atomic::{AtomicU64, Ordering};

use connect::files::{Accepted, Certainty, Cut, Recognize, Sample};
use connect::paths::escaped;

use crate::event::{Event, Listener, Seen};
use crate::format::{self, Choice, Detected, Format, Keys, detect};

/// What travels with every block of a file.
#[derive(Debug)]
pub(crate) struct FileFormat {
    pub(crate) format: Format,
    /// Counts how often files were started, so that a truncated file is distinguished from the one
    /// before.
    pub(crate) generation: u64,
    /// It is the format of the file that had this name before; nothing in this one has said
    /// otherwise.
    inherited: bool,
    /// It was the best there was, and not more.
    guess: bool,
    /// It was judged to be text, and is not judged again.
    text: bool,
    /// The listener was notified.
    reported: bool,
}

struct FormatCut(Format);

impl Cut for FormatCut {
    fn cut(&mut self, lines: &[u8]) -> usize {
        // A record of which no further one has started yet may have more lines.
        self.0.cut(lines)
    }
}

/// Looks at each file's first bytes, and refuses what is no text.
pub(crate) fn recognize(choice: Choice, keys: Keys, listener: Listener) -> Recognize<FileFormat> {
    let generations = AtomicU64::new(1);
    Box::new(move |sample| {
        let found = look(&sample, choice, &keys);
        let known = sample.known.filter(|_| sample.again);
        let verdict = match known.is_some_and(|known| known.text) {
            true => Verdict::Text,
            false => judge(&sample, found.as_ref(), choice, &keys),
        };
        if verdict == Verdict::Binary {
            return Err(
                "it is a binary file; give text (or gzip or zstd of text), UTF-16 must be converted first"
                    .into(),
            );
        }
        let is_text = verdict == Verdict::Text;
        let certainty = match &found {
            _ if !is_text => Certainty::Guess,
            Some(found) if found.is_settled(sample.full) => Certainty::Final,
            Some(found) if !found.certain && !sample.full && choice == Choice::Auto => {
                Certainty::Guess
            }
            _ => Certainty::SoFar,
        };
        let (format, fits) = match (&found, sample.known) {
            (Some(Detected { format, matched, lines, .. }), _) => {
                (format.clone(), Some((*matched, *lines)))
            }
            (None, Some(known)) => (known.format.clone(), None),
            (None, None) => (Format::Unknown, None),
        };
        // Lines that nothing fits so far wait for some that say more, and what may be binary has
        // no format yet.
        let decides = is_text && (certainty != Certainty::Guess || format != Format::Unknown);
        let reported =
            known.is_some_and(|known| known.reported && known.format.name() == format.name());
        if decides && !reported {
            let path = escaped(sample.path).into_owned();
            let fits = fits.unwrap_or_default();
            listener(Event::Began(Seen { path, format: format.name().into_owned(), fits }));
        }
        let data = FileFormat {
            format: format.clone(),
            generation: known.map_or_else(
                || generations.fetch_add(1, Ordering::Relaxed),
                |known| known.generation,
            ),
            inherited: found.is_none()
                && sample.known.is_some_and(|known| known.inherited || !sample.again),
            guess: certainty == Certainty::Guess,
            text: is_text,
            reported: reported || decides,
        };
        Ok(Accepted { cut: Box::new(FormatCut(format)), data, certainty })
    })
}

/// Whether a file is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Text,
    /// That is open: no line is handed on before it is known.
    Open,
    Binary,
}

/// Whether the file is text, by what is shown of it.
///
/// Two questions are never answered otherwise when more is shown: whether the first line vouches
/// for the file, and whether its first hundred lines agree. All else is asked when no more will be
/// shown before lines are handed on. So the answer does not depend on how the file arrives, unless
/// it pauses until lines wait no more.
fn judge(
    sample: &Sample<'_, FileFormat>,
    found: Option<&Detected>,
    choice: Choice,
    keys: &Keys,
) -> Verdict {
    let is_last = sample.full || sample.waited;
    let looks_binary = || format::binary(sample.bytes);
    // What is written where a log was is one as well, unless it looks otherwise.
    let is_inherited = !sample.again && sample.known.is_some() && found.is_none();
    if detect::vouches(sample.bytes, keys, choice) || (is_inherited && !looks_binary()) {
        return Verdict::Text;
    }
    // What was found may be by a part of the lines only.
    let agrees = || detect::detect(sample.bytes, keys, choice).is_settled(false);
    match found.is_some_and(|found| found.is_settled(false)) {
        true if agrees() => Verdict::Text,
        _ if !is_last => Verdict::Open,
        _ if !looks_binary() || agrees() => Verdict::Text,
        _ => Verdict::Binary,
    }
}

/// What the sample is found to be; nothing if it stays what was known.
fn look(sample: &Sample<'_, FileFormat>, choice: Choice, keys: &Keys) -> Option<Detected> {
    let detect = || detect::detect(sample.bytes, keys, choice);
    let Some(known) = sample.known else { return Some(detect()) };
    if sample.again
        && !sample.full
        && detect::is_expected(sample.bytes, sample.shown, &known.format, keys)
    {
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
