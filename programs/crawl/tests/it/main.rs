//! What the crawler promises.

mod frontier_model;
mod frontier_postgres;
mod frontier_sqlite;
mod frontier_support;
