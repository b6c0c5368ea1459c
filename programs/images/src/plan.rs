//! A run before it begins: all files are found, all results have their places, and nothing was made
//! or changed.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use connect::StartError;
use connect::paths::{Claims, PathIdentity, STDIN, shown};

use crate::config::{Config, Place};
use crate::control::Control;
use crate::files::journal::Journal;
use crate::files::list;
use crate::files::plan::{self, Item, Planned};
use crate::outcome::Outcome;
use crate::run::start;

/// Compresses the images that `config` names, and returns what became of each.
///
/// # Errors
/// Only what keeps the run from beginning. An image that fails is in the [`Outcome`], and the
/// others go on.
pub fn run(config: &Config, control: &Control) -> Result<Outcome, StartError> {
    Plan::new(config)?.run(control)
}

/// A run whose files have all been found, and whose results have their places; nothing was made or
/// changed yet.
#[derive(Debug)]
pub struct Plan {
    config: Config,
    items: Vec<Item>,
    sources: HashSet<PathIdentity>,
    targets: HashMap<PathIdentity, usize>,
    /// What keeps the run from beginning, although the others could be found.
    unusable: Option<StartError>,
}

impl Plan {
    /// Finds the files that `config` names.
    ///
    /// # Errors
    /// What was asked for does not fit together. An input that is not there is an error of
    /// [`run`](Self::run), so that a report can be checked before and written after.
    pub fn new(config: &Config) -> Result<Self, StartError> {
        check(config)?;
        let (found, unusable) = list::list(&config.inputs, &config.place)?;
        let reserved = [
            config.resume.then(|| Journal::path(&config.journal_directory())),
            is_listed(config).then(|| STDIN.into()),
        ];
        let reserved = reserved.into_iter().flatten().map(|path: PathBuf| PathIdentity::of(&path));
        let Planned { items, sources, targets } = plan::plan(config, found, reserved)?;
        Ok(Self { config: config.clone(), items, sources, targets, unusable })
    }

    /// Checks a file that the caller writes, such as a report; `option` is what named it.
    ///
    /// # Errors
    /// The run reads the file, or writes to it, too.
    pub fn check_output(&self, option: &'static str, path: &Path) -> Result<(), StartError> {
        let usage = |clash: String| Err(StartError::Usage(clash));
        let mut claims = Claims::default();
        if let Place::Directory(out) = &self.config.place {
            claims.makes("--out", out);
        }
        if self.config.resume {
            claims.writes("--resume", &Journal::path(&self.config.journal_directory()));
        }
        if is_listed(&self.config) {
            claims.reads("IN", Path::new(STDIN));
        }
        claims.writes(option, path);
        if let Err(clash) = claims.check() {
            return usage(clash.to_string());
        }
        let (identity, path) = (PathIdentity::of(path), shown(path));
        if self.sources.contains(&identity) {
            return usage(format!(
                "{option} '{path}' is a file of IN, which would be read and written; give {option} another file"
            ));
        }
        match self.targets.get(&identity) {
            Some(item) => usage(format!(
                "{option} '{path}' is where --out puts the result of '{}'; give {option} another file",
                shown(&self.items[*item].source)
            )),
            None => Ok(()),
        }
    }

    /// Makes the run.
    ///
    /// # Errors
    /// Only what keeps the run from beginning, such as an input that is not there. An image that
    /// fails is in the [`Outcome`], and the others go on.
    pub fn run(self, control: &Control) -> Result<Outcome, StartError> {
        match self.unusable {
            Some(error) => Err(error),
            None => start(&self.config, self.items, control),
        }
    }
}

/// Whether names come from standard input.
fn is_listed(config: &Config) -> bool {
    config.inputs.iter().any(|input| input.as_os_str() == "-")
}

fn check(config: &Config) -> Result<(), StartError> {
    let usage = |text: &str| Err(StartError::Usage(text.to_owned()));
    let settings = &config.settings;
    if config.place == Place::InPlace && settings.format.is_some() {
        return usage("--in-place keeps the format; with --format, name a directory with --out");
    }
    if settings.lossless && settings.resize.is_some() {
        return usage("--lossless changes no pixel, and --resize changes them");
    }
    if !(1..=100).contains(&settings.quality) {
        return usage("--quality is a number from 1 to 100");
    }
    Ok(())
}
