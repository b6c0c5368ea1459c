//! Who takes part in the comparison of image programs, and in what. All run in as many threads or
//! processes as there are cores.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::input::Input;
use crate::bench::machine;
use crate::bench::peers::{self, Peer};
use crate::bench::record::directory;
use crate::shell::{self, Result, command};

pub(super) const FULL: &str = "To quality 75";
pub(super) const SMALL: &str = "To quality 75, small";
pub(super) const RESIZED: &str = "To 1600 pixels";

pub(super) const OURS: &str = "millstream";
pub(super) const ONE_WORKER: &str = "millstream, one worker";
pub(super) const PIPE: &str = "djpeg, cjpeg";
pub(super) const VIPS: &str = "vips";
pub(super) const CAESIUM: &str = "caesiumclt";
pub(super) const MOZJPEG: &str = "mozjpeg";
pub(super) const IN_FULL: &str = "millstream, to 2100, decoded in full";

/// The tables, with what is to be known of them.
pub(super) const TASKS: &[(&str, &str)] = &[
    (
        FULL,
        "The peers are of one process an image, but for caesiumclt, and as many at a time as there are cores. millstream \
         alone brings each file to the disk before it gets its name. caesiumclt writes progressive files with a trellis; the \
         second row of it is its quick way.",
    ),
    (
        SMALL,
        "`--preset small` beside C mozjpeg with its defaults (progressive, trellis, optimised scans), a process an image.",
    ),
    (
        RESIZED,
        "Half of 4000 pixels is above 1600, so a decoder may give half the pixels at once. To 2100 it may not. Judged against \
         the originals as vips resizes them, in vips' favour.",
    ),
];

/// A program with its arguments, and the directory of its images.
pub(super) struct Contender {
    pub(super) task: &'static str,
    pub(super) name: &'static str,
    pub(super) argv: Vec<String>,
    pub(super) out: PathBuf,
    /// Whether there is something to compare its images with.
    pub(super) is_judged: bool,
}

/// Who takes part, who does not and why, and of what versions.
pub(super) struct Field {
    pub(super) contenders: Vec<Contender>,
    pub(super) skipped: Vec<String>,
    pub(super) versions: BTreeSet<String>,
    images: String,
    at_a_time: String,
}

impl Field {
    pub(super) fn new(input: &Input, cores: usize, programs: &[(&str, PathBuf)]) -> Result<Self> {
        let mut field = Self {
            contenders: Vec::new(),
            skipped: Vec::new(),
            versions: BTreeSet::new(),
            images: near(&input.directory),
            at_a_time: cores.to_string(),
        };
        field.ours(FULL, &[])?;
        field.full()?;
        field.ours(SMALL, &["--preset", "small"])?;
        field.small(programs)?;
        field.ours(RESIZED, &["--resize", "1600x1600"])?;
        field.resized()?;
        Ok(field)
    }

    /// A contender with a directory of its own; `argv` gets the directory.
    fn add(
        &mut self,
        task: &'static str,
        name: &'static str,
        argv: impl FnOnce(&str) -> Vec<String>,
    ) -> Result {
        let words = format!("{task} {name}");
        let words: Vec<&str> =
            words.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
        let out = directory("images/out")?.join(words.join("-").to_lowercase());
        let argv = argv(&near(&out));
        self.contenders.push(Contender { task, name, argv, out, is_judged: name != IN_FULL });
        Ok(())
    }

    /// A process an image: `@` stands for its name in both directories.
    fn each(&mut self, task: &'static str, name: &'static str, line: &str) -> Result {
        let (images, at_a_time) = (self.images.clone(), self.at_a_time.clone());
        self.add(task, name, |out| {
            // vipsthumbnail takes a path that does not begin at the root for one beside the
            // image.
            let root = if Path::new(out).is_absolute() { "" } else { "$PWD/" };
            let line = line.replace("ROOT/@", &format!("{root}{out}/@"));
            let line =
                line.replace("IN/@", &format!("{images}/@")).replace("OUT/@", &format!("{out}/@"));
            ["sh", "-c", &format!("ls {images} | xargs -P {at_a_time} -I @ {line}")]
                .map(str::to_owned)
                .into()
        })
    }

    /// The peer's program, or a note that it is skipped.
    fn found(&mut self, name: &str, peer: Result<Peer>) -> Option<String> {
        match peer {
            Ok(peer) => {
                self.versions.insert(peer.version);
                Some(peer.program)
            }
            Err(error) => {
                println!("{name} is skipped: {error}");
                self.skipped.push(format!("{name}: {error}"));
                None
            }
        }
    }

    fn ours(&mut self, task: &'static str, more: &[&str]) -> Result {
        let binary = format!("release/millstream{}", std::env::consts::EXE_SUFFIX);
        let binary = near(&shell::target_dir().join(binary));
        self.versions.insert(machine::one_line(&binary, &["--version"]));
        let (images, all) = (self.images.clone(), self.at_a_time.clone());
        for (name, workers) in [(OURS, all.as_str()), (ONE_WORKER, "1")] {
            self.add(task, name, |out| {
                let base = [&binary, "images", &images, "--out", out, "--quality", "75", "--quiet"];
                let words = [&base[..], &["--workers", workers], more].concat();
                words.into_iter().map(str::to_owned).collect()
            })?;
        }
        Ok(())
    }

    fn full(&mut self) -> Result {
        let pipe = peers::packaged("djpeg", "libjpeg-turbo-progs", &[]).map(|peer| {
            let version =
                machine::one_line("sh", &["-c", "djpeg -version 2>&1 < /dev/null | head -1"]);
            Peer { version, ..peer }
        });
        if self.found(PIPE, pipe).is_some() {
            self.each(FULL, PIPE, "sh -c 'djpeg IN/@ | cjpeg -quality 75 > OUT/@'")?;
        }
        if self.found(VIPS, peers::packaged("vips", "libvips-tools", &["--version"])).is_some() {
            self.each(FULL, VIPS, "vips jpegsave IN/@ OUT/@ --Q 75")?;
        }
        let Some(caesium) = self.found(CAESIUM, peers::caesiumclt()) else { return Ok(()) };
        let (caesium, images, threads) =
            (near(Path::new(&caesium)), self.images.clone(), self.at_a_time.clone());
        for (name, more) in [(CAESIUM, &[][..]), ("caesiumclt, baseline", &["--jpeg-baseline"][..])]
        {
            self.add(FULL, name, |out| {
                let base = [&caesium, "--quality", "75", "--threads", &threads, "--output", out];
                [&base[..], more, &[&images]].concat().into_iter().map(str::to_owned).collect()
            })?;
        }
        Ok(())
    }

    fn small(&mut self, programs: &[(&str, PathBuf)]) -> Result {
        let engine = programs.iter().find(|(name, _)| *name == "mozjpeg");
        let (_, engine) = engine.ok_or("the engine `mozjpeg` was not built")?;
        let (engine, images, at_a_time) =
            (near(engine), self.images.clone(), self.at_a_time.clone());
        self.versions.extend(peers::locked(&["mozjpeg", "mozjpeg-sys", "ssimulacra2"])?);
        self.add(SMALL, MOZJPEG, |out| {
            let line = format!("ls {images}/* | xargs -P {at_a_time} -n 1 {engine} {out} 75");
            ["sh", "-c", &line].map(str::to_owned).into()
        })
    }

    fn resized(&mut self) -> Result {
        let images = self.images.clone();
        let (binary, workers) = (self.contenders[0].argv[0].clone(), self.at_a_time.clone());
        self.add(RESIZED, IN_FULL, |out| {
            let words = [&binary, "images", &images, "--out", out, "--quality", "75", "--quiet"];
            let more = ["--workers", &workers, "--resize", "2100x2100"];
            [&words[..], &more].concat().into_iter().map(str::to_owned).collect()
        })?;
        if shell::which("vipsthumbnail").is_some() {
            let line = "vipsthumbnail IN/@ --size 1600x1600 --no-rotate --output ROOT/@[Q=75]";
            self.each(RESIZED, "vipsthumbnail", line)?;
        }
        Ok(())
    }
}

/// A path as it is called from the root, where all programs run.
fn near(path: &Path) -> String {
    path.strip_prefix(shell::root()).unwrap_or(path).display().to_string()
}

/// A command as one would type it, from the root of the repository.
pub(super) fn shown(argv: &[String]) -> String {
    argv.split_first()
        .map_or_else(String::new, |(program, args)| shell::shown(command(program).args(args)))
}
