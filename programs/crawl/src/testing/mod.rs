//! Webs to crawl, for tests, the demo and benchmarks: real servers on this machine.

pub mod bad_web;
pub mod good_web;
