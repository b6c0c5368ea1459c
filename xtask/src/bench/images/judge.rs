//! What was made of the images: how many bytes, whether they are the same as before, and how
//! alike they look.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::field::{Contender, RESIZED};
use super::input::{Input, files};
use crate::bench::machine;
use crate::bench::record::directory;
use crate::shell::{self, Result, command, context, output, step};

/// A directory of images, condensed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) bytes: u64,
    /// Of the content of all files, in the order of their names.
    pub(super) digest: u64,
}

impl Made {
    pub(super) fn read(directory: &Path) -> Result<Self> {
        let (mut bytes, mut hasher) = (0, DefaultHasher::new());
        for path in files(directory)? {
            let content = context(fs::read(&path), path.display())?;
            bytes += content.len() as u64;
            hasher.write(&content);
        }
        Ok(Self { bytes, digest: hasher.finish() })
    }
}

/// Compares images with the originals. An image takes ten seconds and two gigabytes, so only
/// some are judged.
pub(super) struct Judge {
    engine: PathBuf,
    /// The first originals.
    originals: PathBuf,
    /// The same, in the size that they are resized to; none without vips.
    resized: Option<PathBuf>,
    pub(super) images: usize,
}

impl Judge {
    pub(super) fn new(input: &Input, programs: &[(&str, PathBuf)], most: usize) -> Result<Self> {
        let engine = programs.iter().find(|(name, _)| *name == "quality");
        let engine =
            engine.map(|(_, path)| path.clone()).ok_or("the engine `quality` was not built")?;
        let (originals, small) = (empty("originals")?, empty("originals-resized")?);
        let mut resized = shell::which("vips").map(|_| small.clone());
        let paths = files(&input.directory)?;
        for path in paths.iter().take(most) {
            let name = path.file_name().ok_or("a file has a name")?;
            context(fs::copy(path, originals.join(name)), path.display())?;
            if resized.is_some() {
                let to = format!("{}[Q=100,subsample_mode=off]", small.join(name).display());
                let done = output(command("vips").arg("resize").arg(path).arg(to).arg("0.4"));
                resized = done.ok().and(resized);
            }
        }
        Ok(Self { engine, originals, resized, images: most.min(paths.len()) })
    }

    /// The score of each kind of result, by its digest; as many at a time as there are cores.
    pub(super) fn scores(
        &self,
        contenders: &[Contender],
        made: &[Made],
    ) -> Result<BTreeMap<u64, f64>> {
        let mut kinds = BTreeMap::new();
        for (contender, made) in contenders.iter().zip(made) {
            let resized = self.resized.as_ref().filter(|_| contender.task == RESIZED);
            let against = if contender.task == RESIZED { resized } else { Some(&self.originals) };
            if let Some(against) = against.filter(|_| contender.is_judged && self.images > 0) {
                kinds.entry(made.digest).or_insert((against, &contender.out));
            }
        }
        let kinds: Vec<_> = kinds.into_iter().collect();
        let mut scores = BTreeMap::new();
        step("how alike they look", || {
            for some in kinds.chunks(machine::cores()) {
                scores.extend(self.at_a_time(some)?);
            }
            Ok(())
        })?;
        Ok(scores)
    }

    fn at_a_time(&self, kinds: &[(u64, (&PathBuf, &PathBuf))]) -> Result<Vec<(u64, f64)>> {
        let mut running = Vec::new();
        for (digest, (against, out)) in kinds {
            let mut engine = command(&self.engine);
            engine.arg(against).arg(out).stdin(Stdio::null()).stdout(Stdio::piped());
            running.push((*digest, out, context(engine.spawn(), self.engine.display())?));
        }
        let mut scores = Vec::new();
        for (digest, out, engine) in running {
            let output = context(engine.wait_with_output(), self.engine.display())?;
            let text = String::from_utf8_lossy(&output.stdout);
            let (score, count) = parse(&text)
                .ok_or_else(|| format!("{}: the judge printed `{text}`", out.display()))?;
            if !output.status.success() || count != self.images {
                return Err(format!("{}: the judge opened {count} images", out.display()).into());
            }
            scores.push((digest, score));
        }
        Ok(scores)
    }
}

/// The score, and of how many images it is.
fn parse(text: &str) -> Option<(f64, usize)> {
    let (score, rest) = text.trim().split_once(" of ")?;
    Some((score.parse().ok()?, rest.strip_suffix(" images")?.parse().ok()?))
}

fn empty(name: &str) -> Result<PathBuf> {
    let path = directory("images")?.join(name);
    if path.exists() {
        context(fs::remove_dir_all(&path), path.display())?;
    }
    context(fs::create_dir_all(&path), path.display())?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_judge_says_how_many_images_it_opened() {
        assert_eq!(parse("58.10 of 2 images\n"), Some((58.1, 2)));
        assert_eq!(parse(""), None);
    }
}
