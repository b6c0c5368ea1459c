//! When each host may be asked next, and which URL of it: politeness as state machines without
//! input or output.
//!
//! Time comes in as an argument, so a test runs a day in a moment. Nothing here knows robots.txt, a
//! connection or a frontier: what a host said comes in as an [`Answer`].
//!
//! - [`pace`]: how long after one request of a host the next may start.
//! - [`breaker`]: when a host that cannot be reached is in cooldown, for a while and in the end
//!   for good.
//! - [`Attempts`]: when one URL is tried again.
//! - [`Schedule`]: all hosts, and what is held in memory for each.

use std::time::Duration;

mod answer;
mod attempts;
mod breaker;
mod cooldown;
mod host;
mod limits;
mod pace;
mod refill;
mod schedule;
mod step;
mod timetable;

#[cfg(test)]
mod promises;
#[cfg(test)]
mod simulation;

/// Nobody is waited for longer than this, whatever the status with which it is asked for: then the
/// page is given up.
const PATIENCE: Duration = Duration::from_secs(3_600);

pub(crate) use self::{
    answer::{Answer, Exchange},
    attempts::Attempts,
    cooldown::Cooldown,
    limits::Limits,
    pace::PaceRules,
    schedule::Schedule,
    step::{Step, Ticket},
};
