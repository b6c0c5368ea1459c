//! A private PostgreSQL cluster: made in a temporary directory, reached by its socket there, gone
//! when the test is.
//!
//! A shell stands between the test and the server and holds the other end of a pipe: when the pipe
//! closes, because the cluster was dropped or because the test was killed, the shell stops the
//! server and removes the directory.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use ::postgres::{Client, NoTls};

/// Arguments: the directory, the directory of the programs. Each line of input is a command; the
/// end of input ends it all.
const GUARDIAN: &str = r#"
dir=$1; bin=$2
cd "$dir" || exit 1
trap '' INT TERM HUP PIPE
start() {
    "$bin/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w -t 60 start >>"$dir/setup.log" 2>&1 </dev/null
}
"$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --no-locale --no-sync >"$dir/setup.log" 2>&1 &&
cat >>"$dir/data/postgresql.conf" <<END &&
listen_addresses = ''
unix_socket_directories = '$dir'
fsync = off
shared_buffers = 16MB
max_connections = 100
END
start && echo ready || echo failed
while read -r command; do
    case $command in
        restart)
            "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >>"$dir/setup.log" 2>&1
            start && echo ready || echo failed ;;
    esac
done
"$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >>"$dir/setup.log" 2>&1
cd / && rm -rf "$dir"
"#;

/// A PostgreSQL server of this test's own.
#[derive(Debug)]
pub struct Cluster {
    directory: PathBuf,
    guardian: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    databases: AtomicU32,
}

impl Cluster {
    /// Makes and starts a cluster, in two seconds or so.
    ///
    /// # Errors
    /// Why there is none: no PostgreSQL on this machine, or the last lines of what it said.
    pub fn start() -> Result<Self, String> {
        let programs = programs()?;
        let directory =
            make_directory().map_err(|e| format!("cannot make a directory for PostgreSQL: {e}"))?;
        let mut command = as_unprivileged(&directory)?;
        command.args(["sh", "-c", GUARDIAN, "postgres-guardian"]).arg(&directory).arg(&programs);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut guardian =
            command.spawn().map_err(|e| format!("cannot start a shell for PostgreSQL: {e}"))?;
        let commands = guardian.stdin.take();
        let Some(answers) = guardian.stdout.take() else {
            return Err("the shell has no output".to_owned());
        };
        let answers = BufReader::new(answers);
        let mut cluster =
            Self { directory, guardian, commands, answers, databases: AtomicU32::new(0) };
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    /// The URL of a new, empty database.
    ///
    /// # Errors
    /// The server's words.
    pub fn new_database(&self) -> Result<String, String> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut client =
            Client::connect(&self.url("postgres"), NoTls).map_err(|e| e.to_string())?;
        client.batch_execute(&format!("CREATE DATABASE {name}")).map_err(|e| e.to_string())?;
        Ok(self.url(&name))
    }

    /// The URL of a database by its name; `postgres` is always there.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let directory = self.directory.display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{directory}/{database}")
    }

    /// Ends the server without a goodbye, as a crash would, and starts it again.
    ///
    /// # Errors
    /// It did not come back; the last lines of what it said.
    pub fn crash_and_restart(&mut self) -> Result<(), String> {
        if let Some(commands) = &mut self.commands {
            writeln!(commands, "restart").map_err(|e| e.to_string())?;
        }
        self.wait_until_ready()
    }

    fn wait_until_ready(&mut self) -> Result<(), String> {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line);
        if read.is_ok() && line.trim() == "ready" {
            return Ok(());
        }
        let log =
            |name: &str| std::fs::read_to_string(self.directory.join(name)).unwrap_or_default();
        let said = format!("{}{}", log("setup.log"), log("server.log"));
        let tail: Vec<&str> = said.lines().rev().take(5).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        Err(format!("PostgreSQL did not start: {}", tail.join(" / ")))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.commands.take());
        self.guardian.wait().ok();
        // The shell has removed what the server wrote; as root the directory itself may be left.
        std::fs::remove_dir_all(&self.directory).ok();
    }
}

/// The directory that holds initdb, pg_ctl and postgres.
fn programs() -> Result<PathBuf, String> {
    let mut directories: Vec<PathBuf> = Vec::new();
    let path = std::env::var_os("PATH").unwrap_or_default();
    for directory in std::env::split_paths(&path) {
        // Often a link to one of the programs stands in PATH, and the others only beside its
        // target.
        if let Ok(target) = directory.join("initdb").canonicalize() {
            directories.extend(target.parent().map(Path::to_path_buf));
        }
    }
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        directories.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    versions.sort();
    directories.extend(versions.into_iter().rev());
    directories
        .into_iter()
        .find(|directory| ["initdb", "pg_ctl", "postgres"].iter().all(|program| directory.join(program).is_file()))
        .ok_or_else(|| {
            "no PostgreSQL server on this machine (initdb is neither in PATH nor under /usr/lib/postgresql); install \
             the package postgresql"
                .to_owned()
        })
}

/// A directory with a short path: a socket's path may have 107 bytes.
fn make_directory() -> std::io::Result<PathBuf> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let base = if cfg!(unix) { PathBuf::from("/tmp") } else { std::env::temp_dir() };
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let directory = base.join(format!("millstream-pg-{}-{number}", std::process::id()));
        match std::fs::create_dir(&directory) {
            Ok(()) => return Ok(directory),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// The beginning of a command line that does not run as root, which PostgreSQL refuses.
fn as_unprivileged(directory: &Path) -> Result<Command, String> {
    let id = |args: &[&str]| -> Option<String> {
        let output = Command::new("id").args(args).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    if id(&["-u"]).as_deref() != Some("0") {
        return Ok(Command::new("env"));
    }
    for user in ["postgres", "nobody"] {
        let Some(uid) = id(&["-u", user]) else { continue };
        let owned = Command::new("chown")
            .arg(&uid)
            .arg(directory)
            .status()
            .is_ok_and(|status| status.success());
        if owned {
            let mut command = Command::new("setpriv");
            let group = id(&["-g", user]).unwrap_or(uid.clone());
            command
                .arg(format!("--reuid={uid}"))
                .arg(format!("--regid={group}"))
                .arg("--clear-groups");
            return Ok(command);
        }
    }
    Err("PostgreSQL does not run as root, and there is neither a user postgres nor nobody to run it as"
        .to_owned())
}
