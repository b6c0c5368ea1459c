//! What a worker does for one file: read, compress, write. Everything it touches on the disk, it
//! touches here.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use connect::paths::shown;

use crate::compress::Compressor;
use crate::config::{Config, Overwrite, Place};
use crate::failure::{Failure, FailureKind};
use crate::files::journal::{self, Hash, Journal};
use crate::files::plan::{CopyPlace, Item, Refusal};
use crate::files::write::{self, Like};
use crate::guard::guarded;
use crate::made::Made;
use crate::probe::Probe;

/// What a worker keeps from file to file.
#[derive(Debug, Default)]
pub(crate) struct Bench {
    compressor: Compressor,
    source: Vec<u8>,
    result: Vec<u8>,
}

/// Memory that is kept from file to file; above this it is given back.
const KEPT: usize = 32 << 20;

/// What became of a file that was not refused.
#[derive(Debug)]
pub(crate) enum Done {
    Made {
        made: Made,
        bytes: u64,
        written: bool,
    },
    Skipped(&'static str),
    /// No image, and nobody said that it is one.
    Ignored,
}

/// Looks at the header; none for a file that is no image and was not expected to be one.
pub(crate) fn probe(item: &Item, config: &Config) -> Result<Option<Probe>, Failure> {
    if let Some(Refusal::Unreadable(error)) = &item.refused {
        return Err(Failure::new(FailureKind::Unreadable, error));
    }
    let file = File::open(&item.source).map_err(unreadable)?;
    let probe = match guarded(|| Probe::read(&mut BufReader::with_capacity(4 << 10, file))) {
        Err(failure) if !item.expected && is_none(failure.kind) => return Ok(None),
        probed => probed?,
    };
    // What is no image wants no place; so this comes second.
    if let Some(refusal) = &item.refused {
        return Err(refused(refusal));
    }
    probe.check(config.settings.max_pixels)?;
    let memory = probe.memory(item.bytes, &config.settings);
    if memory > config.memory {
        let reason = format!(
            "{} x {} pixels may take {} MB, --memory is {} MB",
            probe.width,
            probe.height,
            memory / 1_000_000,
            config.memory / 1_000_000
        );
        return Err(Failure::new(FailureKind::TooLarge, reason));
    }
    Ok(Some(probe))
}

fn refused(refusal: &Refusal) -> Failure {
    let (kind, reason) = match refusal {
        Refusal::Unreadable(error) => (FailureKind::Unreadable, error.clone()),
        Refusal::Collision(target) => {
            (FailureKind::Collision, format!("another image becomes '{}'", shown(target)))
        }
        Refusal::Input(target) => (
            FailureKind::Collision,
            format!(
                "its result would replace '{}', which this run reads; give --out another directory",
                shown(target)
            ),
        ),
        Refusal::Itself => (
            FailureKind::Collision,
            "its result would replace it; give --out another directory, or --in-place".to_owned(),
        ),
    };
    Failure::new(kind, reason)
}

fn is_none(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::Empty | FailureKind::NotAnImage)
}

const TAKEN: &str = "its place is taken; --overwrite larger or all would replace what is there";

/// Whether something is where the result would go, and is to stay there: with a journal, what was
/// not made by it.
fn is_taken(item: &Item, config: &Config, journal: Option<&Journal>, buffer: &mut Vec<u8>) -> bool {
    let is_own = item.original == CopyPlace::Itself && item.target == item.copy;
    if config.place == Place::InPlace || config.overwrite != Overwrite::Never || is_own {
        return false;
    }
    let mut stays = |path: &Path| {
        path.symlink_metadata().is_ok() && !journal.is_some_and(|it| is_ours(it, path, buffer))
    };
    stays(&item.target)
        || (item.original == CopyPlace::Free && item.copy != item.target && stays(&item.copy))
}

/// Whether an earlier run made the file that is there, with whatever settings.
fn is_ours(journal: &Journal, path: &Path, buffer: &mut Vec<u8>) -> bool {
    read(path, buffer).is_ok() && journal.is_any_result(journal::hash(buffer))
}

/// Which comes first: a worker that begins to write, or a run that does not wait for it any longer.
#[derive(Debug, Default)]
pub(crate) struct Turn(AtomicBool);

impl Turn {
    /// Takes it; false if the other side has.
    pub(crate) fn take(&self) -> bool {
        // Relaxed: both sides agree on the flag alone, nothing else is read because of it.
        !self.0.swap(true, Ordering::Relaxed)
    }
}

/// Does the whole of it. Writes only if it is the first to take its `turn`.
pub(crate) fn run(
    bench: &mut Bench,
    item: &Item,
    config: &Config,
    journal: Option<&Journal>,
    turn: &Turn,
) -> Result<Done, Failure> {
    // With a journal the content says first whether it is done.
    if journal.is_none() && is_taken(item, config, None, &mut bench.result) {
        return Ok(Done::Skipped(TAKEN));
    }
    let metadata = read(&item.source, &mut bench.source).map_err(unreadable)?;
    let hash = journal.map(|journal| (journal, journal::hash(&bench.source)));
    if let Some((journal, hash)) = hash
        && is_done(journal, hash, item, config, &mut bench.result)
    {
        return Ok(Done::Skipped("done before, with the same settings"));
    }
    if is_taken(item, config, journal, &mut bench.result) {
        return Ok(Done::Skipped(TAKEN));
    }
    let Bench { compressor, source, result } = bench;
    let made = compressor.compress(source, &config.settings, result)?;
    if !turn.take() {
        return Ok(Done::Skipped("the run ended before it was done"));
    }
    let keep = made.kept.is_some();
    let bytes = if keep { &*source } else { &*result };
    let target = if made.is_original_coding() { &item.copy } else { &item.target };
    let length = bytes.len() as u64;
    let write = Write { item, config, metadata: &metadata, hash, bytes, target, keep };
    let written = write.run()?;
    let skipped = written == Written::Smaller;
    for buffer in [&mut bench.source, &mut bench.result] {
        if buffer.capacity() > KEPT {
            *buffer = Vec::new();
        }
    }
    if skipped {
        return Ok(Done::Skipped("what is in its place is no larger"));
    }
    Ok(Done::Made { made, bytes: length, written: written == Written::Yes })
}

fn unreadable(error: io::Error) -> Failure {
    Failure::new(FailureKind::Unreadable, error.to_string())
}

fn read(path: &Path, bytes: &mut Vec<u8>) -> io::Result<fs::Metadata> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    bytes.clear();
    bytes.reserve(usize::try_from(metadata.len()).unwrap_or(0).saturating_add(1));
    file.read_to_end(bytes)?;
    Ok(metadata)
}

/// Whether the journal and the place agree that this was made.
fn is_done(
    journal: &Journal,
    hash: Hash,
    item: &Item,
    config: &Config,
    buffer: &mut Vec<u8>,
) -> bool {
    if config.place == Place::InPlace {
        return journal.is_result(hash);
    }
    let Some(result) = journal.made_of(hash) else { return false };
    // Under its own name if it is coded as it was, whatever was taken out of it.
    let mut places = [&item.target, &item.copy].into_iter();
    places.any(|place| read(place, buffer).is_ok() && journal::hash(buffer) == result)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    Yes,
    /// A dry run, or an original that stays where it is.
    NotNeeded,
    /// There was one that is no larger.
    Smaller,
}

struct Write<'a> {
    item: &'a Item,
    config: &'a Config,
    metadata: &'a fs::Metadata,
    hash: Option<(&'a Journal, Hash)>,
    bytes: &'a [u8],
    target: &'a Path,
    keep: bool,
}

impl Write<'_> {
    fn run(&self) -> Result<Written, Failure> {
        let unwritable = |error: io::Error| {
            Failure::new(FailureKind::Unwritable, format!("'{}': {error}", shown(self.target)))
        };
        let in_place = self.config.place == Place::InPlace;
        match self.item.original {
            CopyPlace::Itself if self.keep => {
                self.note_down().map_err(unwritable)?;
                return Ok(Written::NotNeeded);
            }
            CopyPlace::Free => {}
            // In place, or in a dry run that was to say what there would be to gain.
            CopyPlace::Itself if self.item.target == self.item.copy => {}
            _ if self.target == self.item.copy => {
                let reason = format!(
                    "no result is smaller, and a copy of it would replace '{}', which this run reads",
                    shown(self.target)
                );
                return Err(Failure::new(FailureKind::Collision, reason));
            }
            _ => {}
        }
        if !in_place && self.config.overwrite == Overwrite::Larger && self.is_no_larger() {
            return Ok(Written::Smaller);
        }
        if self.config.dry_run {
            return Ok(Written::NotNeeded);
        }
        if in_place && self.changed().map_err(unreadable)? {
            return Err(Failure::new(
                FailureKind::Unreadable,
                "it was changed while it was compressed",
            ));
        }
        let like = Like { metadata: self.metadata, dates: self.config.settings.keep.dates };
        write::replace(self.target, self.bytes, &like, || self.note_down()).map_err(unwritable)?;
        Ok(Written::Yes)
    }

    fn note_down(&self) -> io::Result<()> {
        match self.hash {
            Some((journal, source)) => {
                journal.add(source, if self.keep { source } else { journal::hash(self.bytes) })
            }
            None => Ok(()),
        }
    }

    /// Whether what is there is no larger than the result; what an earlier run made there is
    /// replaced in any case.
    fn is_no_larger(&self) -> bool {
        let is_small =
            fs::metadata(self.target).is_ok_and(|there| there.len() <= self.bytes.len() as u64);
        is_small
            && !self.hash.is_some_and(|(journal, _)| is_ours(journal, self.target, &mut Vec::new()))
    }

    fn changed(&self) -> io::Result<bool> {
        let now = fs::metadata(&self.item.source)?;
        Ok(now.len() != self.metadata.len() || now.modified().ok() != self.metadata.modified().ok())
    }
}
