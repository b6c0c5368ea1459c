//! robots.txt by RFC 9309, with the semantics of Google's matcher: parsed once, asked many times.
//! Nothing is fetched here.
//!
//! Where the two disagree, the answer is the one that forbids. RFC 9309 compares `%62` with `b` as
//! equal, Google's matcher does not: here a `Disallow` rule holds for both forms, and an `Allow`
//! rule only for the form in which it is written.

mod access;
mod lines;
mod pattern;
mod rules;

use std::sync::Arc;
use std::time::Duration;

use lines::{Key, Lines};
use pattern::{Pattern, Verdict};

pub use access::{Access, Outcome};
pub use rules::Rules;

/// A robots.txt that was read.
///
/// # Examples
/// ```
/// use crawl::robots::Robots;
///
/// let robots = Robots::parse(b"User-agent: *\nDisallow: /private\nAllow: /private/open\nSitemap: https://example.com/map.xml");
/// let rules = robots.agent("millstream");
/// assert!(!rules.allows("/private/x?y=z"));
/// assert!(rules.allows("/private/open/"));
/// assert_eq!(robots.sitemaps(), ["https://example.com/map.xml"]);
/// ```
#[derive(Debug, Default)]
pub struct Robots {
    groups: Vec<Group>,
    sitemaps: Arc<[Box<str>]>,
}

/// Agents that stand above the same rules.
#[derive(Debug, Default)]
struct Group {
    agents: Vec<Agent>,
    rules: Vec<(Verdict, Arc<Pattern>)>,
}

#[derive(Debug)]
struct Agent {
    /// In lower case; none for `*`.
    token: Option<Box<str>>,
    delay: Option<Duration>,
}

impl Robots {
    /// Bytes that are read: 500 KiB, which RFC 9309 asks for at least.
    pub const MAX_BYTES: usize = 500 * 1024;

    /// Reads a file. Every file can be read: a line that is not understood is passed over, and what
    /// is behind [`Self::MAX_BYTES`] is not looked at, nor is the line that is cut there, for half
    /// a rule may be the opposite of the whole.
    ///
    /// - Lines end with CR, LF or both; a byte order mark at the start is skipped; `#` begins a
    ///   comment.
    /// - Keys are known in any case, and in the misspelt forms that Google takes: `useragent`,
    ///   `user agent`, `disalow`, `dissallow`, `dissalow`, `diasllow`, `disallaw`, `site-map`. A
    ///   colon that is missing may be a space, if just two words are in the line.
    /// - Consecutive `User-agent` lines share the rules that follow. Lines other than rules do not
    ///   part them.
    ///
    /// # Cost
    /// One pass; the rules are kept about as long as they are written.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let mut parser = Parser::default();
        for (key, value) in Lines::new(limited(bytes)) {
            parser.line(key, value);
        }
        Self { groups: parser.groups, sitemaps: parser.sitemaps.into() }
    }

    /// The rules for a crawler: those of all groups that name it, or of all groups for `*` if none
    /// does.
    ///
    /// `name` is the product token alone, such as `millstream` without a version; it is compared as
    /// a whole and in any case, with the letters, hyphens and underscores that the value of a
    /// `User-agent` line begins with.
    ///
    /// # Cost
    /// Sorts the rules. Do it once, and clone the result, which costs a counter.
    #[must_use]
    pub fn agent(&self, name: &str) -> Rules {
        let is_named = |agent: &Agent| {
            agent.token.as_deref().is_some_and(|token| token.eq_ignore_ascii_case(name))
        };
        let is_anyone = |agent: &Agent| agent.token.is_none();
        let named = self.groups.iter().any(|group| group.agents.iter().any(is_named));
        let belongs = |agent: &Agent| if named { is_named(agent) } else { is_anyone(agent) };

        let groups = || self.groups.iter().filter(|group| group.agents.iter().any(belongs));
        let delay = groups()
            .flat_map(|group| &group.agents)
            .filter(|agent| belongs(agent))
            .filter_map(|agent| agent.delay)
            .max();
        Rules::new(
            groups().flat_map(|group| group.rules.iter().cloned()).collect(),
            delay,
            Arc::clone(&self.sitemaps),
        )
    }

    /// The sitemaps that it names, for whatever crawler, as they are written. They may be anything:
    /// what is no URL is for the caller to leave out.
    #[must_use]
    pub fn sitemaps(&self) -> Vec<&str> {
        self.sitemaps.iter().map(AsRef::as_ref).collect()
    }
}

/// What is read of a file: no more than the limit, and no half line.
fn limited(bytes: &[u8]) -> &[u8] {
    let Some(kept) = bytes.get(..Robots::MAX_BYTES) else { return bytes };
    if bytes.len() == kept.len() {
        return kept;
    }
    match memchr::memrchr2(b'\n', b'\r', kept) {
        Some(end) => &kept[..end],
        None => &[],
    }
}

/// What is known after some lines.
#[derive(Default)]
struct Parser {
    groups: Vec<Group>,
    sitemaps: Vec<Box<str>>,
    /// The group that is being read has rules, so that the next agent begins another one.
    has_rules: bool,
    /// The agents that a delay is for: those after the last delay of the same group.
    delay_from: usize,
    delay_is_set: bool,
}

impl Parser {
    fn line(&mut self, key: Key, value: &[u8]) {
        match key {
            Key::UserAgent => self.agent(value),
            Key::Allow => self.rule(Verdict::Allow, value),
            Key::Disallow => self.rule(Verdict::Disallow, value),
            Key::CrawlDelay => self.delay(value),
            Key::Sitemap => {
                if !value.is_empty() {
                    self.sitemaps.push(String::from_utf8_lossy(value).into());
                }
            }
        }
    }

    fn agent(&mut self, value: &[u8]) {
        if self.has_rules || self.groups.is_empty() {
            self.groups.push(Group::default());
            (self.has_rules, self.delay_from, self.delay_is_set) = (false, 0, false);
        }
        let Some(group) = self.groups.last_mut() else { return };
        if self.delay_is_set {
            (self.delay_from, self.delay_is_set) = (group.agents.len(), false);
        }
        match agent_token(value) {
            Token::Anyone => group.agents.push(Agent { token: None, delay: None }),
            Token::Named(name) => group
                .agents
                .push(Agent { token: Some(name.to_ascii_lowercase().into()), delay: None }),
            // Nobody has such a name; what follows is for nobody, or for the others of the group.
            Token::Nobody => {}
        }
    }

    /// Rules before the first agent are for nobody.
    fn rule(&mut self, verdict: Verdict, value: &[u8]) {
        let Some(group) = self.groups.last_mut() else { return };
        // An empty rule says nothing, but it ends the list of agents.
        self.has_rules = true;
        if !value.is_empty() {
            group.rules.push((verdict, Arc::new(Pattern::new(value, verdict))));
        }
    }

    fn delay(&mut self, value: &[u8]) {
        let Some(group) = self.groups.last_mut() else { return };
        let seconds = std::str::from_utf8(value).ok().and_then(|text| text.parse::<f64>().ok());
        // More than a day, and what is no number, is nobody's wish.
        let Some(delay) = seconds
            .filter(|seconds| (0.0..=86_400.0).contains(seconds))
            .map(Duration::from_secs_f64)
        else {
            return;
        };
        self.delay_is_set = true;
        for agent in group.agents.iter_mut().skip(self.delay_from) {
            agent.delay = agent.delay.max(Some(delay));
        }
    }
}

enum Token<'a> {
    Anyone,
    Named(&'a str),
    Nobody,
}

/// Whom the value of a `User-agent` line names. `*` counts if nothing or a space follows.
fn agent_token(value: &[u8]) -> Token<'_> {
    if let [b'*', rest @ ..] = value
        && rest.first().is_none_or(u8::is_ascii_whitespace)
    {
        return Token::Anyone;
    }
    let is_token = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_');
    let length = value.iter().position(|byte| !is_token(byte)).unwrap_or(value.len());
    match std::str::from_utf8(&value[..length]) {
        Ok(name) if !name.is_empty() => Token::Named(name),
        _ => Token::Nobody,
    }
}
