//! Where the result of each file goes, decided for the whole run before the first one is written.
//!
//! No result takes the place of a file that the run reads, whatever it is called there, and no two
//! results the same place. What is no image has no result, so it claims no place: only where two
//! files want the same one are their first bytes looked at.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use connect::StartError;
use connect::paths::{PathIdentity, Resolver, shown};

use super::list::{Found, Origin, kind_by_name};
use crate::config::{Config, Place};
use crate::kind::Kind;

/// A file to look at, and where its result goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) source: PathBuf,
    pub(crate) bytes: u64,
    /// Where the result goes, and where a copy of the original goes if there is no better one.
    pub(crate) target: PathBuf,
    pub(crate) copy: PathBuf,
    /// The copy's place is the original's own, or that of another input.
    pub(crate) original: CopyPlace,
    /// Somebody named it, or its name says that it is an image; then it has to be one.
    pub(crate) expected: bool,
    /// Why it cannot be taken, if it cannot.
    pub(crate) refused: Option<Refusal>,
}

/// What is where a copy of the original would go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CopyPlace {
    /// Nothing, or a file that the run does not read.
    Free,
    /// The original.
    Itself,
    /// Another file that the run reads.
    Input,
}

/// Why a file cannot be taken, although it may be an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Unreadable(String),
    /// Another image becomes this file.
    Collision(PathBuf),
    /// This file is read by the run.
    Input(PathBuf),
    /// It would be replaced itself.
    Itself,
}

/// All files of a run.
#[derive(Debug, Default)]
pub(crate) struct Planned {
    pub(crate) items: Vec<Item>,
    /// All files that the run reads.
    pub(crate) sources: HashSet<PathIdentity>,
    /// All places where results may go, each with the number of its item.
    pub(crate) targets: HashMap<PathIdentity, usize>,
}

/// Plans the run; `reserved` are files that it uses beside its images.
pub(crate) fn plan(
    config: &Config,
    mut found: Vec<Found>,
    reserved: impl IntoIterator<Item = PathIdentity>,
) -> Result<Planned, StartError> {
    if let Place::Directory(out) = &config.place {
        leave_out_results(out, &mut found);
    }
    let mut planned = Planned::default();
    planned.sources.extend(found.iter().filter_map(|found| found.identity.clone().ok()));
    planned.sources.extend(reserved);
    match &config.place {
        Place::InPlace => {
            in_place(&mut planned, found);
            Ok(planned)
        }
        Place::Directory(out) => Planner::new(config, out, planned).all(found),
    }
}

/// Leaves out what was listed below the directory of results: the list was made of a tree in which
/// results of an earlier run are. An image that would become itself is none of them.
fn leave_out_results(out: &Path, found: &mut Vec<Found>) {
    let Ok(real_out) = fs::canonicalize(out) else { return };
    let mut resolver = Resolver::default();
    found.retain(|found| {
        let is_below =
            || fs::canonicalize(&found.source).is_ok_and(|real| real.starts_with(&real_out));
        let mut becomes_itself =
            || Ok(resolver.identity(&out.join(&found.relative))) == found.identity;
        found.origin != Origin::Line || !is_below() || becomes_itself()
    });
}

/// Each result takes the place of its own image; one that is named twice is taken once.
fn in_place(planned: &mut Planned, found: Vec<Found>) {
    let mut seen = HashSet::new();
    for found in found {
        let real = fs::canonicalize(&found.source).unwrap_or_else(|_| found.source.clone());
        if seen.insert(real.clone()) {
            planned.items.push(item(found, real.clone(), real, CopyPlace::Itself));
        }
    }
}

fn item(found: Found, target: PathBuf, copy: PathBuf, original: CopyPlace) -> Item {
    Item {
        expected: found.origin != Origin::Directory
            || found.identity.is_err()
            || kind_by_name(&found.source).is_some(),
        refused: found.identity.err().map(Refusal::Unreadable),
        source: found.source,
        bytes: found.bytes,
        target,
        copy,
        original,
    }
}

struct Planner<'a> {
    config: &'a Config,
    out: &'a Path,
    resolver: Resolver,
    planned: Planned,
    /// Of items whose place is wanted twice, whether they are images.
    images: HashMap<usize, bool>,
    /// Files, each with the place of its result.
    seen: HashSet<(PathIdentity, PathIdentity)>,
}

impl<'a> Planner<'a> {
    fn new(config: &'a Config, out: &'a Path, planned: Planned) -> Self {
        Self {
            config,
            out,
            resolver: Resolver::default(),
            planned,
            images: HashMap::new(),
            seen: HashSet::new(),
        }
    }

    fn all(mut self, found: Vec<Found>) -> Result<Planned, StartError> {
        for found in found {
            self.add(found)?;
        }
        Ok(self.planned)
    }

    fn add(&mut self, found: Found) -> Result<(), StartError> {
        let Ok(identity) = found.identity.clone() else {
            self.planned.items.push(item(found, PathBuf::new(), PathBuf::new(), CopyPlace::Free));
            return Ok(());
        };
        let copy = self.out.join(&found.relative);
        let target = renamed(&copy, self.config.settings.format);
        let place = self.resolver.identity(&target);
        let copy_place = if copy == target { place.clone() } else { self.resolver.identity(&copy) };
        let original = match () {
            () if copy_place == identity => CopyPlace::Itself,
            () if self.planned.sources.contains(&copy_place) => CopyPlace::Input,
            () => CopyPlace::Free,
        };
        if !self.seen.insert((identity.clone(), place.clone())) {
            // The same file, named twice.
            return Ok(());
        }
        let origin = found.origin;
        let mut item = item(found, target, copy, original);
        if place == identity {
            // A dry run replaces nothing: it says what there would be to gain.
            if !self.config.dry_run {
                if origin == Origin::Argument {
                    return Err(StartError::Usage(format!(
                        "--out is the directory of '{}'; --in-place replaces the image",
                        shown(&item.source)
                    )));
                }
                item.refused = Some(Refusal::Itself);
            }
        } else if self.planned.sources.contains(&place) {
            item.refused = Some(Refusal::Input(item.target.clone()));
        } else if let Some(first) = self.planned.targets.get(&place).copied() {
            if !self.is_image(first) {
                self.planned.targets.insert(place, self.planned.items.len());
            } else if is_image(&item.source) {
                item.refused = Some(Refusal::Collision(item.target.clone()));
            }
        } else {
            self.planned.targets.insert(place, self.planned.items.len());
        }
        if item.original == CopyPlace::Free {
            self.planned.targets.entry(copy_place).or_insert(self.planned.items.len());
        }
        self.planned.items.push(item);
        Ok(())
    }

    fn is_image(&mut self, number: usize) -> bool {
        let items = &self.planned.items;
        *self.images.entry(number).or_insert_with(|| is_image(&items[number].source))
    }
}

/// Whether the content is an image's. What cannot be read is taken for one, and fails later.
fn is_image(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(64).read_to_end(&mut head));
    read.is_err() || Kind::of(&head).is_some()
}

/// The name for the format, unless it is such a name already.
fn renamed(path: &Path, format: Option<Kind>) -> PathBuf {
    match format {
        Some(kind) if kind_by_name(path) != Some(kind) => path.with_extension(kind.endings()[0]),
        _ => path.to_owned(),
    }
}
