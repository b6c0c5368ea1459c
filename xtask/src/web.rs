//! The web of known shape, as a program beside ours: demo and benchmark crawl it. What it prints is
//! read here.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

use crate::shell::{self, Result, cargo, context, run as sh, step};

/// Builds the web, which is the example `good_web`, and what else is made of its parts.
pub(crate) fn build(examples: &[&str]) -> Result {
    let mut make = vec![
        "build",
        "--release",
        "--package",
        "millstream-crawl",
        "--features",
        "testing",
        "--locked",
    ];
    make.extend(examples.iter().flat_map(|example| ["--example", example]));
    step("build the web to crawl", || sh(&mut cargo(&make)))
}

/// The web, which is served as long as its standard input is open.
pub(crate) struct Web {
    child: Child,
    pub(crate) url: String,
    /// What a crawl of all of it must find.
    pub(crate) pages: u64,
    pub(crate) links: u64,
}

/// What a web was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Different pages.
    pub(crate) pages: u64,
    /// Pages that were asked for more than once.
    pub(crate) twice: u64,
    /// Requests for pages, in all.
    pub(crate) requests: u64,
}

impl Web {
    /// Serves one of this shape, given as `good_web` takes it.
    pub(crate) fn start(shape: &[&str]) -> Result<Self> {
        let name = format!("good_web{}", std::env::consts::EXE_SUFFIX);
        let program = shell::target_dir().join("release/examples").join(name);
        let mut command = shell::command(program);
        command.args(shape).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = context(command.spawn(), shell::shown(&command))?;
        let mut line = String::new();
        // The rest comes when the web ends, so nothing of it is read ahead and lost.
        let out = child.stdout.as_mut().ok_or("the web has no standard output")?;
        context(BufReader::new(out).read_line(&mut line), "the web's first line")?;
        let url =
            text(&line, "url").ok_or_else(|| format!("the web did not say where it is: {line}"))?;
        let number =
            |name| number(&line, name).ok_or_else(|| format!("the web printed no {name}: {line}"));
        let (pages, links) = (number("pages")?, number("links")?);
        Ok(Self { child, url, pages, links })
    }

    /// Ends it, and returns what it was asked for.
    pub(crate) fn end(&mut self) -> Result<Asked> {
        drop(self.child.stdin.take());
        let mut printed = String::new();
        let out = self.child.stdout.as_mut().ok_or("the web has no standard output")?;
        context(out.read_to_string(&mut printed), "the web's last line")?;
        context(self.child.wait(), "the web")?;
        let number = |name| {
            number(&printed, name)
                .ok_or_else(|| format!("the web printed no {name} at its end: {printed}"))
        };
        Ok(Asked {
            pages: number("pages")?,
            twice: number("pages_twice")?,
            requests: number("requests")?,
        })
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        // Its input is closed with it; a run that failed must not leave it waiting for its end.
        drop(self.child.stdin.take());
        let _ended = self.child.wait();
    }
}

/// A number of a JSON text by its name, the first of this name.
pub(crate) fn number(json: &str, name: &str) -> Option<u64> {
    let rest = value(json, name)?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// The same for a number that need not be whole.
pub(crate) fn decimal(json: &str, name: &str) -> Option<f64> {
    let rest = value(json, name)?;
    let end = rest.find([',', '}', '\n']).unwrap_or(rest.len());
    rest[..end].trim().parse().ok()
}

/// The same for a text without escapes.
fn text(json: &str, name: &str) -> Option<String> {
    let (text, _) = value(json, name)?.strip_prefix('"')?.split_once('"')?;
    Some(text.to_owned())
}

fn value<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = json.split_once(&format!("\"{name}\":"))?;
    Some(rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_web_and_the_report_say_is_read() {
        let line = r#"{"links":2000,"pages":200,"url":"http://127.0.0.1:4000/"}"#;
        assert_eq!((number(line, "pages"), number(line, "links")), (Some(200), Some(2000)));
        assert_eq!(text(line, "url").as_deref(), Some("http://127.0.0.1:4000/"));
        assert_eq!((number(line, "left"), text(line, "links")), (None, None));
        assert_eq!(decimal("{\n  \"elapsed_s\": 1.25,\n", "elapsed_s"), Some(1.25));
        assert_eq!(number("\"summary\": {\n  \"pages\": 7,\n", "pages"), Some(7));
    }
}
