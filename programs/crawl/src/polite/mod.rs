//! When each host may be asked next, and which URL of it: politeness as state machines without input or output.
//!
//! Time comes in as an argument, so a test runs a day in a moment. Nothing here knows robots.txt, a connection or a
//! frontier: what a host said comes in as an [`Answer`].
//!
//! - [`pace`]: how long after one request of a host the next may start.
//! - [`breaker`]: when a host that only fails is left alone, for a while and in the end for good.
//! - [`Attempts`]: whether one URL is tried again, and when.
//! - [`Schedule`]: all hosts, and what is held in memory for each.

mod answer;
mod attempts;
mod breaker;
mod host;
mod limits;
mod pace;
mod refill;
mod rest;
mod schedule;
mod step;
mod timetable;

#[cfg(test)]
mod promises;
#[cfg(test)]
mod simulation;

pub(crate) use self::{
    answer::Answer,
    attempts::Attempts,
    limits::Limits,
    pace::PaceRules,
    rest::Rest,
    schedule::Schedule,
    step::{Step, Ticket},
};
