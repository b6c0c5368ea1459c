//! Servers for tests, the demo and benchmarks.

pub mod bad_web;
