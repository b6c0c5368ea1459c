//! What a crawl was started with, so that it goes on as the same crawl or not at all.

use super::FrontierError;

/// Whether a crawl begins or goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// It begins: a crawl that is there already is left alone, and an error.
    New,
    /// It goes on where it was, if it was started with the same settings; it begins if there is none, as when the first run
    /// was killed before it had made anything.
    Resume,
}

/// Names and values that are the same for every run of one crawl: its starts, scope and depth, as a user would write them.
///
/// # Examples
/// ```
/// let settings = crawl::frontier::Settings::new().with("--depth", "3").with("URL", "https://example.com/");
/// assert_eq!(settings.pairs()[0], ("--depth".to_owned(), "3".to_owned()));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(Vec<(String, String)>);

impl Settings {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one. A name may come several times; order matters.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Names and values in their order.
    #[must_use]
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// Compares with those that the crawl in `place` was started with.
    pub(super) fn check(&self, place: &str, stored: &[(String, String)]) -> Result<(), FrontierError> {
        if self.0 == stored {
            return Ok(());
        }
        let only = |these: &[(String, String)], those: &[(String, String)]| -> Vec<String> {
            let missing = these.iter().filter(|pair| !those.contains(pair));
            missing.map(|(name, value)| format!("{name} {value}")).take(5).collect()
        };
        let (before, now) = (only(stored, &self.0), only(&self.0, stored));
        let words =
            |list: Vec<String>| if list.is_empty() { "nothing more".to_owned() } else { list.join(", ") };
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
