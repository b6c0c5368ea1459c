//! One child process within limits of time, memory and output, fed in pieces.
//!
//! It judges nothing: how the child ended is a value.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::shell::{self, Result, context};

/// What a child may use; beyond it is killed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) time: Duration,
    /// Measured where the system has `/proc`.
    pub(super) memory_mb: u64,
    pub(super) output_mb: u64,
}

/// How a child ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    Code(i32),
    /// By a signal that is not ours, in the system's words.
    Signal(String),
    /// Killed because it was over this limit.
    Time,
    Memory,
    Output,
}

/// A child that ended, and when.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) end: End,
    pub(super) elapsed: Duration,
}

/// Runs a command to its end. What it prints goes to files, so that nobody need read it meanwhile.
pub(super) fn run(
    command: &mut Command,
    stdin: Option<Vec<Vec<u8>>>,
    limits: Limits,
    out: &Path,
    err: &Path,
) -> Result<Ended> {
    command.stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(context(File::create(out), out.display())?);
    command.stderr(context(File::create(err), err.display())?);
    let start = shell::now();
    let mut child = context(command.spawn(), shell::shown(command))?;
    let feeder = stdin.zip(child.stdin.take()).map(|(pieces, mut pipe)| {
        // A child that reads no further closes the pipe, and the rest is not written.
        thread(move || {
            pieces.iter().all(|piece| pipe.write_all(piece).and_then(|()| pipe.flush()).is_ok())
        })
    });
    let mut pause = Duration::from_millis(1);
    let end = loop {
        if let Some(status) = context(child.try_wait(), "waiting for the child")? {
            break status.code().map_or_else(|| End::Signal(status.to_string()), End::Code);
        }
        let over = over(&child, start.elapsed(), limits, &[out, err]);
        if let Some(end) = over {
            // It may have finished by itself meanwhile.
            let _killed = child.kill();
            context(child.wait(), "waiting for the child")?;
            break end;
        }
        sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    };
    let elapsed = start.elapsed();
    if let Some(feeder) = feeder {
        // How much it wrote does not matter.
        let _whole = feeder.join();
    }
    Ok(Ended { end, elapsed })
}

/// The limit that a child exceeds.
fn over(child: &Child, elapsed: Duration, limits: Limits, outputs: &[&Path]) -> Option<End> {
    let written: u64 =
        outputs.iter().filter_map(|path| fs::metadata(path).ok()).map(|file| file.len()).sum();
    match () {
        () if elapsed > limits.time => Some(End::Time),
        () if peak_mb(child) > limits.memory_mb => Some(End::Memory),
        () if written > limits.output_mb << 20 => Some(End::Output),
        () => None,
    }
}

/// The most memory that a child has had, 0 where that is not known.
fn peak_mb(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()).unwrap_or(0)
        / 1024
}

/// Starts a thread.
#[expect(clippy::disallowed_methods, reason = "xtask stands on the standard library alone")]
pub(super) fn thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    std::thread::spawn(work)
}

/// Waits; only for other processes, which nothing here can be woken by.
#[expect(
    clippy::disallowed_methods,
    reason = "the standard library has no wait for a child with a limit"
)]
pub(super) fn sleep(time: Duration) {
    std::thread::sleep(time);
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn ended(script: &str, stdin: Option<Vec<Vec<u8>>>, limits: Limits) -> (End, String) {
        let directory = shell::target_dir().join("xtask-tests").join("fuzz-process");
        fs::create_dir_all(&directory).expect("target can be written");
        let name: String = script.chars().filter(char::is_ascii_alphanumeric).collect();
        let (out, err) =
            (directory.join(format!("{name}.out")), directory.join(format!("{name}.err")));
        let ended = run(Command::new("sh").args(["-c", script]), stdin, limits, &out, &err);
        (ended.expect("sh is there").end, fs::read_to_string(out).expect("it was made"))
    }

    const AMPLE: Limits =
        Limits { time: Duration::from_secs(100), memory_mb: 1 << 20, output_mb: 64 };

    #[test]
    fn a_child_that_ends_by_itself_is_reported_with_its_code_or_signal() {
        let fed = Some(vec![b"one ".to_vec(), b"two".to_vec()]);
        assert_eq!(ended("cat; exit 3", fed, AMPLE), (End::Code(3), "one two".to_owned()));
        assert!(matches!(ended("kill -ABRT $$", None, AMPLE).0, End::Signal(_)));
    }

    #[test]
    fn a_child_beyond_a_limit_is_killed() {
        let short = Limits { time: Duration::from_millis(50), ..AMPLE };
        assert_eq!(ended("exec sleep 1000", None, short).0, End::Time);
        assert_eq!(ended("exec yes", None, Limits { output_mb: 1, ..AMPLE }).0, End::Output);
    }

    #[test]
    fn a_child_that_does_not_read_its_input_ends_all_the_same() {
        assert_eq!(ended("exit 0", Some(vec![vec![0; 1 << 20]; 4]), AMPLE).0, End::Code(0));
    }
}
