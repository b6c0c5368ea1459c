//! Errors of runs, scopes and channels: each text once along the chain, and the caller's own error
//! available.

use std::error::Error as StdError;
use std::fmt;

use anyhow::Context as _;
use millstream::channel::{RecvError, channel};
use millstream::{AnyError, Cause, Context, Pipeline, ScopeError, Sink, scope};

/// What a library's error looks like: a text, and a source behind it.
#[derive(Debug)]
struct ReadConfig(std::num::ParseIntError);

impl fmt::Display for ReadConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("reading config")
    }
}

impl StdError for ReadConfig {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

fn read(word: &str) -> Result<u16, ReadConfig> {
    word.parse().map_err(ReadConfig)
}

/// All texts of a chain, as programs print them.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let all = std::iter::successors(Some(error), |&error| error.source());
    all.map(ToString::to_string).collect::<Vec<_>>().join(" / ")
}

#[test]
fn a_runs_error_says_each_text_once_and_goes_on_with_the_stages_own_source() {
    let error = Pipeline::from_iter(["x"])
        .try_map(read)
        .named("load")
        .collect(&Context::new())
        .unwrap_err();
    assert_eq!(
        chain(&error),
        "stage \"load\" failed: reading config / invalid digit found in string"
    );
    assert!(error.downcast_ref::<ReadConfig>().is_some());
    assert!(error.downcast_ref::<std::num::ParseIntError>().is_some(), "it is among the sources");
    assert!(error.downcast_ref::<std::io::Error>().is_none());
}

#[test]
fn a_run_that_fails_with_anyhow_keeps_what_was_added_as_context() {
    let load = |word| read(word).context("starting up").context("cannot start");
    let run = Pipeline::from_iter(["x"]).try_map(load).named("load").collect(&Context::new());
    let error = run.unwrap_err();
    assert_eq!(
        error.report().errors[0].sample,
        "cannot start: starting up: reading config: invalid digit found in string"
    );
    assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
    assert_eq!(
        format!("{:#}", anyhow::Error::from(error)),
        "stage \"load\" failed: cannot start: starting up: reading config: invalid digit found in string"
    );
}

#[test]
fn a_sink_that_fails_is_found_by_its_type_as_well() {
    struct Full;
    impl Sink<u8> for Full {
        type Error = ReadConfig;
        fn write(&mut self, _: u8) -> Result<(), ReadConfig> {
            read("").map(drop)
        }
    }
    let error = Pipeline::from_iter([1]).run(&Context::new(), Full).unwrap_err();
    assert_eq!(
        chain(&error),
        "stage \"sink\" failed: reading config / cannot parse integer from empty string"
    );
    assert!(error.downcast_ref::<ReadConfig>().is_some());
}

#[test]
fn panics_and_cancellations_say_their_word_once_and_are_the_end_of_the_chain() {
    let ctx = Context::new();
    let error =
        Pipeline::from_iter([1]).map(|_| -> u8 { panic!("odd") }).collect(&ctx).unwrap_err();
    assert_eq!(chain(&error).matches("panicked").count(), 1, "{error}");
    assert!(chain(&error).ends_with(": odd"));

    ctx.cancel("not needed");
    let error = Pipeline::from_iter([1]).collect(&ctx).unwrap_err();
    assert_eq!(chain(&error), "the run was cancelled: not needed");

    let late = Context::new().with_timeout(std::time::Duration::ZERO);
    let error = Pipeline::from_iter([1]).collect(&late).unwrap_err();
    assert_eq!(chain(&error), "the run was cancelled: the deadline has passed");

    let unsaid = Context::new();
    unsaid.cancel("");
    let error = Pipeline::from_iter([1]).collect(&unsaid).unwrap_err();
    assert_eq!(chain(&error), "the run was cancelled: cancelled");
}

#[test]
fn a_channels_errors_say_once_that_the_context_was_cancelled() {
    let ctx = Context::new();
    let (tx, rx) = channel(1);
    ctx.cancel("not needed");
    let unsent = tx.send(&ctx, 1).unwrap_err();
    assert_eq!(
        chain(&unsent),
        "the item was not sent and is given back: the context was cancelled (not needed)"
    );
    let error = rx.recv(&ctx).unwrap_err();
    assert_eq!(chain(&error), "no item was received: the context was cancelled (not needed)");
    assert_eq!(error, RecvError::Cancelled("not needed".into()));
}

#[test]
fn a_scopes_error_goes_on_with_the_tasks_own_source() {
    let ended = scope::<(), _, _>(&Context::new(), |s| {
        s.spawn("config", |_| read("x").map(drop));
        Ok(())
    });
    let error = ended.unwrap_err();
    assert_eq!(chain(&error), "config failed: reading config / invalid digit found in string");
    assert_eq!(
        chain(&error.boxed()),
        "config failed: reading config / invalid digit found in string"
    );
}

#[test]
fn errors_that_are_no_errors_become_one_with_their_context_and_their_type() {
    let ended = scope::<(), anyhow::Error, _>(&Context::new(), |s| {
        s.spawn("config", |_| read("x").map(drop).context("cannot start"));
        Ok(())
    });
    let boxed: ScopeError<AnyError> = ended.unwrap_err().boxed();
    assert_eq!(
        chain(&boxed),
        "config failed: cannot start / reading config / invalid digit found in string"
    );

    let text = scope::<(), _, _>(&Context::new(), |_| Err("no")).unwrap_err().boxed();
    assert_eq!(chain(&text), "the body of the scope failed: no");

    let cancelled = Context::new();
    cancelled.cancel("not needed");
    let ended = scope::<(), String, _>(&cancelled, |_| Ok(())).unwrap_err().boxed();
    assert_eq!(chain(&ended), "cancelled: not needed");
    assert_eq!(ended.cause().map(Cause::reason), Some("not needed"));
}
