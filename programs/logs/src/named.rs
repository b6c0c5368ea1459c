//! What a run reads and writes, checked against each other before anything is made: a file that were both would be
//! emptied before it is read, or grow for ever.

use std::fs;
use std::path::{Path, PathBuf};

use connect::Destination;
use connect::files::{FileError, Input, Inputs, shown};

use crate::config::Config;
use crate::outcome::StartError;

/// The files that `config` names, all of which can be opened. A followed file may appear later, so there what is
/// missing is left out.
pub(crate) fn inputs(config: &Config) -> Result<Inputs, StartError> {
    if !config.follow {
        return Ok(Inputs::expand(&config.inputs)?);
    }
    Ok(match Inputs::expand(&config.inputs) {
        Ok(inputs) => inputs,
        Err(error @ (FileError::IsDirectory { .. } | FileError::Pattern { .. })) => return Err(error.into()),
        // Those that are there, one by one.
        Err(_) => Inputs::expand(config.inputs.iter().filter(|name| Inputs::expand([name]).is_ok()))?,
    })
}

/// Refuses a run that would write to what it reads, or write twice to one file.
pub(crate) fn check(config: &Config, inputs: &Inputs) -> Result<(), StartError> {
    let destination = match &config.to {
        _ if config.stats => None,
        Destination::JsonLines(path) => path.as_deref(),
        Destination::Sqlite(path) => Some(path.as_path()),
        Destination::Stdout | Destination::Table | Destination::Postgres(_) => None,
    };
    let dead = config.dead_letter.as_deref();
    for (flag, path) in [("--to", destination), ("--dead-letter", dead)] {
        let Some((path, place)) = path.and_then(|path| Some((path, regular(path)?))) else { continue };
        let clash =
            |input: &Input| matches!(input, Input::Path(input) if regular(input).as_ref() == Some(&place));
        if inputs.iter().any(clash) {
            return Err(StartError::Usage(format!(
                "'{}' would be read and written; give {flag} another file, or leave it out of FILES",
                shown(path)
            )));
        }
    }
    match (destination, dead) {
        (Some(to), Some(dead)) if to == dead => Err(StartError::Usage(format!(
            "--to and --dead-letter are both '{}'; records and what is no record need a file each",
            shown(dead)
        ))),
        _ => Ok(()),
    }
}

/// Where the file really is, whatever it is called, if it is there and keeps what is written.
fn regular(path: &Path) -> Option<PathBuf> {
    let place = fs::canonicalize(path).ok()?;
    place.is_file().then_some(place)
}
