//! Which keys of a JSON or logfmt line are its time, its level and its message.

use std::fmt;
use std::str::FromStr;

/// The names to look for, the first one found wins.
///
/// The usual ones are known; `--keys` puts others before them: `time=when,level=sev,message=text`.
///
/// ```
/// use millstream_logs::format::Keys;
/// let keys: Keys = "time=when,message=text".parse()?;
/// assert_eq!(keys.time().next(), Some("when"));
/// assert!(keys.time().any(|name| name == "timestamp"));
/// # Ok::<(), millstream_logs::format::keys::ParseKeysError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    time: Vec<String>,
    level: Vec<String>,
    message: Vec<String>,
    /// A bit for each mix of first byte and length among the names; most keys of most lines have
    /// none of them.
    mixes: [u64; 4],
}

/// What a key stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Time,
    Level,
    Message,
}

impl Default for Keys {
    fn default() -> Keys {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let mut keys = Keys {
            time: names(&["time", "ts", "timestamp", "@timestamp", "datetime", "asctime", "t"]),
            level: names(&["level", "severity", "lvl", "log.level", "levelname", "loglevel"]),
            message: names(&["message", "msg", "short_message", "log"]),
            mixes: [0; 4],
        };
        keys.mix_all();
        keys
    }
}

/// The word and the bit in it that the first byte and the length of a key lead to.
#[inline]
fn mix(key: &[u8]) -> (usize, u64) {
    let first = key.first().copied().unwrap_or_default();
    let mixed = usize::from(first).wrapping_mul(37).wrapping_add(key.len().wrapping_mul(5)) & 255;
    (mixed >> 6, 1 << (mixed & 63))
}

impl Keys {
    /// Names of the time, the preferred one first.
    pub fn time(&self) -> impl Iterator<Item = &str> {
        self.time.iter().map(String::as_str)
    }

    /// Names of the level, the preferred one first.
    pub fn level(&self) -> impl Iterator<Item = &str> {
        self.level.iter().map(String::as_str)
    }

    /// Names of the message, the preferred one first.
    pub fn message(&self) -> impl Iterator<Item = &str> {
        self.message.iter().map(String::as_str)
    }

    fn mix_all(&mut self) {
        let mut mixes = [0; 4];
        for (word, bit) in
            self.time().chain(self.level()).chain(self.message()).map(|name| mix(name.as_bytes()))
        {
            mixes[word] |= bit;
        }
        self.mixes = mixes;
    }

    /// What a key stands for, and its rank: a lower one is preferred.
    #[inline]
    pub(crate) fn role(&self, key: &[u8]) -> Option<(Role, usize)> {
        let (word, bit) = mix(key);
        if self.mixes[word] & bit == 0 {
            return None;
        }
        let rank = |names: &[String]| names.iter().position(|name| name.as_bytes() == key);
        rank(&self.level)
            .map(|rank| (Role::Level, rank))
            .or_else(|| rank(&self.time).map(|rank| (Role::Time, rank)))
            .or_else(|| rank(&self.message).map(|rank| (Role::Message, rank)))
    }
}

impl FromStr for Keys {
    type Err = ParseKeysError;

    fn from_str(text: &str) -> Result<Keys, ParseKeysError> {
        let mut keys = Keys::default();
        for part in text.split(',').map(str::trim).rev() {
            let error = || ParseKeysError { part: part.into() };
            let (role, name) = part.split_once('=').ok_or_else(error)?;
            let names = match role.trim() {
                "time" => &mut keys.time,
                "level" => &mut keys.level,
                "message" => &mut keys.message,
                _ => return Err(error()),
            };
            let name = name.trim();
            if name.is_empty() {
                return Err(error());
            }
            names.retain(|known| known != name);
            names.insert(0, name.to_owned());
        }
        keys.mix_all();
        Ok(keys)
    }
}

/// A part of `--keys` that says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseKeysError {
    part: String,
}

impl fmt::Display for ParseKeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{}\" is not a key: expected time=NAME, level=NAME or message=NAME, with commas between them",
            self.part
        )
    }
}

impl std::error::Error for ParseKeysError {}
