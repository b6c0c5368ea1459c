//! One scale of levels for every format, and the set of levels that `--level` asks for.
//!
//! It knows words, letters, numbers and syslog severities; it does not know where in a line a level
//! stands.

use std::fmt;
use std::str::FromStr;

/// How bad a record says it is, from the least to the worst.
///
/// Whatever a program calls its levels, they end up here: `WARNING`, `[warn]`, `W` and syslog's
/// severity 4 are all [`Level::Warn`]; `CRITICAL`, `ALERT`, `EMERG`, `PANIC` and `FATAL` are all
/// [`Level::Fatal`].
///
/// ```
/// use millstream_logs::level::Level;
/// assert_eq!(Level::from_word(b"WARNING"), Some(Level::Warn));
/// assert_eq!(Level::from_word(b"w"), Some(Level::Warn));
/// assert!(Level::Fatal > Level::Error);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// Finer than debugging: `TRACE`, `VERBOSE`, `T`, `V`.
    Trace,
    /// `DEBUG`, `DBG`, `D`, `DEBUG1` to `DEBUG5`; syslog 7.
    Debug,
    /// `INFO`, `INFORMATION`, `I`; syslog 6.
    Info,
    /// Normal but worth a look: `NOTICE`, `N`; syslog 5.
    Notice,
    /// `WARN`, `WARNING`, `W`; syslog 4.
    Warn,
    /// `ERROR`, `ERR`, `SEVERE`, `FAIL`, `E`; syslog 3.
    Error,
    /// What ends a program or a service: `FATAL`, `CRITICAL`, `ALERT`, `EMERG`, `PANIC`, `F`, `C`;
    /// syslog 0 to 2.
    Fatal,
}

/// Packs a lower-case word of at most eight letters into a number, so that a level is found by one
/// comparison.
const fn pack(word: &[u8]) -> u64 {
    let mut packed = 0;
    let mut i = 0;
    while i < word.len() {
        packed |= ((word[i] | 0x20) as u64) << (8 * i);
        i += 1;
    }
    packed
}

macro_rules! words {
    ($($level:ident: $($word:literal)+;)+) => {
        fn from_packed(packed: u64) -> Option<Level> {
            $($(if packed == const { pack($word) } { return Some(Level::$level); })+)+
            None
        }
    };
}

words! {
    Error: b"error" b"err" b"e" b"severe" b"eror" b"fail";
    Info: b"info" b"i" b"inf";
    Warn: b"warn" b"warning" b"w" b"wrn";
    Debug: b"debug" b"d" b"dbg" b"dbug" b"debug1" b"debug2" b"debug3" b"debug4" b"debug5";
    Trace: b"trace" b"t" b"trc" b"trce" b"verbose" b"v" b"vrb" b"finest";
    Notice: b"notice" b"n";
    Fatal: b"fatal" b"f" b"ftl" b"critical" b"crit" b"c" b"alert" b"emerg" b"panic" b"dpanic";
}

impl Level {
    /// All levels, from the least to the worst.
    pub const ALL: [Level; 7] = [
        Level::Trace,
        Level::Debug,
        Level::Info,
        Level::Notice,
        Level::Warn,
        Level::Error,
        Level::Fatal,
    ];

    /// The level that a bare word or letter names, in any case; `None` for any other word.
    pub fn from_word(word: &[u8]) -> Option<Level> {
        match word.len() {
            1..=8 if word.iter().all(u8::is_ascii_alphanumeric) => from_packed(pack(word)),
            9.. if word.eq_ignore_ascii_case(b"emergency") => Some(Level::Fatal),
            9.. if word.eq_ignore_ascii_case(b"information") => Some(Level::Info),
            9.. if word.eq_ignore_ascii_case(b"informational") => Some(Level::Info),
            _ => None,
        }
    }

    /// The level of a number in a structured log: syslog's 0 to 7, or the tens of bunyan and pino
    /// (10 is trace, 60 is fatal); `None` for any other number.
    pub fn from_number(number: i64) -> Option<Level> {
        Some(match number {
            0..=7 => return Level::from_severity(number as u8),
            10..=19 => Level::Trace,
            20..=29 => Level::Debug,
            30..=39 => Level::Info,
            40..=49 => Level::Warn,
            50..=59 => Level::Error,
            60..=69 => Level::Fatal,
            _ => return None,
        })
    }

    /// The level of a syslog severity; `None` above 7.
    pub fn from_severity(severity: u8) -> Option<Level> {
        Some(match severity {
            0..=2 => Level::Fatal,
            3 => Level::Error,
            4 => Level::Warn,
            5 => Level::Notice,
            6 => Level::Info,
            7 => Level::Debug,
            _ => return None,
        })
    }

    /// The name that is shown, stored and understood by `--level`, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Notice => "notice",
            Level::Warn => "warn",
            Level::Error => "error",
            Level::Fatal => "fatal",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The levels that `--level` keeps: a list of names, each exact, or with a `+` for that level and
/// everything worse.
///
/// A record without a level is never in the set.
///
/// ```
/// use millstream_logs::level::{Level, Levels};
/// let levels: Levels = "error+,debug".parse()?;
/// assert!(levels.contains(Some(Level::Fatal)) && levels.contains(Some(Level::Debug)));
/// assert!(!levels.contains(Some(Level::Warn)) && !levels.contains(None));
/// # Ok::<(), millstream_logs::level::ParseLevelsError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Levels(u8);

impl Levels {
    /// The set of exactly these levels.
    pub fn of(levels: &[Level]) -> Levels {
        Levels(levels.iter().fold(0, |bits, level| bits | 1 << *level as u8))
    }

    /// Whether a record of this level is kept.
    #[inline]
    pub fn contains(self, level: Option<Level>) -> bool {
        level.is_some_and(|level| self.0 & 1 << level as u8 != 0)
    }
}

impl FromStr for Levels {
    type Err = ParseLevelsError;

    fn from_str(text: &str) -> Result<Levels, ParseLevelsError> {
        let mut bits = 0;
        for part in text.split(',') {
            let part = part.trim();
            let (name, worse) =
                part.strip_suffix('+').map_or((part, false), |name| (name.trim_end(), true));
            let level = Level::from_word(name.as_bytes())
                .ok_or_else(|| ParseLevelsError { part: part.into() })?;
            let bit = 1u8 << level as u8;
            bits |= if worse { 0x7f & !(bit - 1) } else { bit };
        }
        Ok(Levels(bits))
    }
}

impl fmt::Debug for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(Level::ALL.iter().filter(|level| self.contains(Some(**level))))
            .finish()
    }
}

/// A part of `--level` that names no level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseLevelsError {
    part: String,
}

impl fmt::Display for ParseLevelsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{}\" is not a level: expected a list such as error,warn or error+ of trace, debug, info, notice, \
             warn, error, fatal",
            self.part
        )
    }
}

impl std::error::Error for ParseLevelsError {}
