//! What a crawl was started with, so that it goes on as the same crawl or not at all.

use super::FrontierError;
use super::way::Reach;

/// Whether a crawl begins or goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// It begins: a crawl that is there already is an error and stays untouched.
    New,
    /// It goes on where it was, if it was started with the same settings; it begins if there is
    /// none, as when the first run was killed before it had made anything.
    Resume,
}

/// Names and values that are the same for every run of one crawl: its starts, scope and depth, as a
/// user would write them.
///
/// # Examples
/// ```
/// let settings = crawl::frontier::Settings::new().with("--depth", "3").with("URL", "https://example.com/");
/// assert_eq!(settings.pairs()[0], ("--depth".to_owned(), "3".to_owned()));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pairs: Vec<(String, String)>,
    pub(super) reach: Reach,
}

impl Settings {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one. A name may come several times; order matters.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.pairs.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets how far the crawl goes: URLs of at most this depth, to which at most this many
    /// redirects led. Unless it is called there is no limit. It is no pair: who wants it compared
    /// adds one.
    #[must_use]
    pub fn within(mut self, depth: Option<u32>, redirects: u32) -> Self {
        self.reach = Reach { depth: depth.unwrap_or(u32::MAX), redirects };
        self
    }

    /// Names and values in their order.
    #[must_use]
    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// Compares with those that the crawl in `place` was started with.
    pub(super) fn check(
        &self,
        place: &str,
        stored: &[(String, String)],
    ) -> Result<(), FrontierError> {
        if self.pairs == stored {
            return Ok(());
        }
        let only = |these: &[(String, String)], those: &[(String, String)]| -> Vec<String> {
            let missing = these.iter().filter(|pair| !those.contains(pair));
            missing.map(|(name, value)| format!("{name} {value}")).take(5).collect()
        };
        let (before, now) = (only(stored, &self.pairs), only(&self.pairs, stored));
        let words = |list: Vec<String>| {
            if list.is_empty() { "nothing more".to_owned() } else { list.join(", ") }
        };
        let difference = if before.is_empty() && now.is_empty() {
            "the same settings in another order".to_owned()
        } else {
            format!("{} where there is {} now", words(before), words(now))
        };
        Err(FrontierError::usage(format!(
            "the crawl in {place} was started with {difference}; give what it was started with, or begin another crawl \
             elsewhere"
        )))
    }
}
