//! What the crawler promises.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, helpers included")]

mod address;
mod crawling;
mod depths;
mod descriptors;
mod faults;
mod fetching;
mod fetching_bad;
mod frontier_model;
mod frontier_postgres;
mod frontier_sqlite;
mod frontier_support;
mod good_web;
mod links;
mod robots;
mod site;
mod sitemap;
mod sitemaps;
mod unreachable;
mod warcs;
