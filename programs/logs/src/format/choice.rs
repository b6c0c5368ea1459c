//! What `--format` asks for.

use std::fmt;
use std::str::FromStr;

/// What `--format` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// Whatever the first lines say.
    #[default]
    Auto,
    /// One of the plain orders; which one, the first lines say.
    Plain,
    /// JSON lines.
    Json,
    /// `key=value` pairs.
    Logfmt,
    /// The common log format.
    Clf,
    /// The combined log format.
    Combined,
    /// One of the forms of syslog; which one, the first lines say.
    Syslog,
}

impl Choice {
    /// All choices with the names that `--format` takes.
    pub const NAMES: [(&'static str, Choice); 7] = [
        ("auto", Choice::Auto),
        ("plain", Choice::Plain),
        ("json", Choice::Json),
        ("logfmt", Choice::Logfmt),
        ("clf", Choice::Clf),
        ("combined", Choice::Combined),
        ("syslog", Choice::Syslog),
    ];
}

impl FromStr for Choice {
    type Err = ParseChoiceError;

    fn from_str(text: &str) -> Result<Choice, ParseChoiceError> {
        let found = Choice::NAMES.iter().find(|(name, _)| *name == text);
        found.map(|(_, choice)| *choice).ok_or_else(|| ParseChoiceError { text: text.into() })
    }
}

/// A name that is no format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseChoiceError {
    text: String,
}

impl fmt::Display for ParseChoiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" is not a format: expected one of", self.text)?;
        for (at, (name, _)) in Choice::NAMES.iter().enumerate() {
            write!(f, "{} {name}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl std::error::Error for ParseChoiceError {}
