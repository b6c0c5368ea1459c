//! The program as its users meet it: the real binary, real files, its output, its messages and its
//! exit codes.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, helpers included")]

mod accounts;
mod crawl;
mod crawl_stopping;
mod crawl_support;
mod filters;
mod help;
mod images;
mod inputs;
mod names;
mod outputs;
mod pages;
mod paths;
mod postgres;
mod refusals;
mod stopping;
mod support;
