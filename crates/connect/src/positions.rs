//! Where a job stands in its input, stored in the same transaction as the rows.
//!
//! A sink knows nothing about inputs: a position is a key (a file, a partition) and a value that
//! only its writer understands, JSON by convention. What the sink promises is that rows and
//! positions are committed together or not at all, and that two processes never run one job at the
//! same time.

use std::fmt;

/// A position to store, or to forget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionChange {
    /// What the position is of: a file's identity, a partition.
    pub key: String,
    /// The new position, or nothing to forget the key.
    pub value: Option<String>,
}

/// A position as it was found when the job was claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedPosition {
    /// What the position is of.
    pub key: String,
    /// Where the job stood.
    pub value: String,
}

/// Gives a sink, at each commit, the position of the input.
///
/// Closures of the same shape implement it.
pub trait Positions<R>: Send {
    /// Appends the positions that hold once exactly `rows` rows are stored, counted since the sink
    /// was opened.
    ///
    /// Called once for each batch before its transaction, with the batch's rows (which are the last
    /// of the `rows`), and with no rows at each flush, so that positions also move on over input
    /// that gave no rows. What is appended must be exact for `rows`: an older position would store
    /// rows twice after a restart, a newer one would lose some. The last change of a key counts.
    /// When the transaction is retried, the changes are kept, and this is not called again.
    fn take_upto(&mut self, rows: u64, batch: &[R], changes: &mut Vec<PositionChange>);
}

impl<R, F: FnMut(u64, &[R], &mut Vec<PositionChange>) + Send> Positions<R> for F {
    fn take_upto(&mut self, rows: u64, batch: &[R], changes: &mut Vec<PositionChange>) {
        self(rows, batch, changes);
    }
}

/// The job that a sink has claimed, and the source of its positions.
pub(crate) struct Job<R> {
    pub(crate) name: String,
    /// Raised by each claim: the one that holds an older one must not write any more.
    pub(crate) epoch: i64,
    /// The number of transactions of this job so far; each transaction raises it by one.
    pub(crate) batch: i64,
    /// Rows handled since the sink was opened.
    pub(crate) rows: u64,
    pub(crate) saved: Vec<SavedPosition>,
    pub(crate) positions: Box<dyn Positions<R>>,
    pub(crate) changes: Vec<PositionChange>,
}

impl<R> Job<R> {
    /// Collects what is to be stored with `batch`; keeps what a failed transaction has left.
    pub(crate) fn collect(&mut self, batch: &[R]) {
        self.rows += batch.len() as u64;
        self.positions.take_upto(self.rows, batch, &mut self.changes);
        keep_last(&mut self.changes);
    }
}

impl<R> fmt::Debug for Job<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("name", &self.name)
            .field("epoch", &self.epoch)
            .field("batch", &self.batch)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

/// Keeps the last change of each key; a statement that stores many at once must not meet a key
/// twice.
fn keep_last(changes: &mut Vec<PositionChange>) {
    if changes.len() < 2 {
        return;
    }
    // A stable sort leaves the changes of one key in their order.
    changes.sort_by(|a, b| a.key.cmp(&b.key));
    changes.dedup_by(|later, kept| {
        let same = later.key == kept.key;
        if same {
            kept.value = later.value.take();
        }
        same
    });
}

/// The process that runs a job, as it is stored for others to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// For people: `process 123 on host web1`.
    pub(crate) text: String,
    /// For programs: names one process of one boot of one machine; empty where that cannot be
    /// known.
    pub(crate) token: String,
}

impl Owner {
    /// This process.
    pub(crate) fn here() -> Self {
        let pid = std::process::id();
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname")
            .ok()
            .map(|name| name.trim().to_owned())
            .or_else(|| std::env::var("HOSTNAME").ok())
            .or_else(|| std::env::var("COMPUTERNAME").ok());
        let text = match host {
            Some(host) if !host.is_empty() => format!("process {pid} on host {host}"),
            _ => format!("process {pid}"),
        };
        let token = boot().zip(start_of(pid)).map(|(boot, start)| format!("{boot}/{pid}/{start}"));
        Self { text, token: token.unwrap_or_default() }
    }

    /// Whether the process that `token` names certainly runs, on this machine, and is not this one.
    pub(crate) fn runs_elsewhere(token: &str) -> bool {
        let mut parts = token.split('/');
        let (Some(its_boot), Some(pid), Some(start)) = (parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        let Ok(pid) = pid.parse::<u32>() else { return false };
        pid != std::process::id()
            && boot().as_deref() == Some(its_boot)
            && start_of(pid).as_deref() == Some(start)
    }
}

/// Names this boot of this machine, on Linux.
fn boot() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned())
}

/// When a living process started, in ticks since the boot, on Linux; distinguishes a process from a
/// later one of its number.
fn start_of(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold spaces: the fields are counted from behind it.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let start = fields.nth(18)?;
    // A killed process that nobody has waited for yet runs no more.
    (!matches!(state, "Z" | "X")).then(|| start.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_change_of_a_key_counts() {
        let change = |key: &str, value: Option<&str>| PositionChange {
            key: key.to_owned(),
            value: value.map(str::to_owned),
        };
        let mut changes = vec![
            change("b", Some("1")),
            change("a", Some("1")),
            change("b", None),
            change("a", Some("2")),
        ];
        keep_last(&mut changes);
        assert_eq!(changes, [change("a", Some("2")), change("b", None)]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_living_process_is_distinguished_from_one_that_ended() {
        assert!(!Owner::runs_elsewhere(&Owner::here().token), "this process is not elsewhere");
        let mut child =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let token = format!("{}/{}/{}", boot().unwrap(), child.id(), start_of(child.id()).unwrap());
        assert!(Owner::runs_elsewhere(&token));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!Owner::runs_elsewhere(&token));
        assert!(!Owner::runs_elsewhere("") && !Owner::runs_elsewhere("a/b/c"));
    }
}
