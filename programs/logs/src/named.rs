//! What a run reads and writes, checked against each other before anything is made: a file that
//! were both would be emptied before it is read, or grow forever.

use std::path::Path;

use connect::StartError;
use connect::files::{FileError, Input, Inputs};
use connect::paths::{Claims, STDIN, STDOUT};

use crate::config::Config;

/// The files that `config` names, all of which can be opened. A followed file may appear later, so
/// there what is missing is left out.
pub(crate) fn inputs(config: &Config) -> Result<Inputs, StartError> {
    if !config.follow {
        return Ok(Inputs::expand(&config.inputs)?);
    }
    Ok(match Inputs::expand(&config.inputs) {
        Ok(inputs) => inputs,
        Err(error @ (FileError::IsDirectory { .. } | FileError::Pattern { .. })) => {
            return Err(error.into());
        }
        // Those that are there, one by one.
        Err(_) => {
            Inputs::expand(config.inputs.iter().filter(|name| Inputs::expand([name]).is_ok()))?
        }
    })
}

/// Everything that a run reads and writes; a caller adds what it writes itself, such as a report.
/// Inputs that cannot be used are reported by the run.
pub fn paths(config: &Config) -> Claims {
    let mut claims = Claims::default();
    for name in &config.inputs {
        match Inputs::expand([name]) {
            Ok(inputs) => inputs.iter().for_each(|input| claims.reads("FILES", path(input))),
            // What is missing may be made by the run itself.
            Err(_) => claims.reads("FILES", Path::new(name)),
        }
        if config.follow {
            claims.reads_matching("FILES", name);
        }
    }
    if config.stats {
        claims.writes("standard output", Path::new(STDOUT));
    } else {
        config.to.claim("--to", &mut claims);
    }
    if let Some(dead) = &config.dead_letter {
        claims.writes("--dead-letter", dead);
    }
    claims
}

fn path(input: &Input) -> &Path {
    match input {
        Input::Stdin => Path::new(STDIN),
        Input::Path(path) => path,
    }
}

/// Refuses a run that would write to what it reads, or write twice to one file.
pub(crate) fn check(config: &Config) -> Result<(), StartError> {
    paths(config).check().map_err(|clash| StartError::Usage(clash.to_string()))
}
