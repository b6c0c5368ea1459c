//! Models of the primitives that have their own synchronisation, run under every interleaving that
//! loom finds.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p millstream --no-default-features --test loom --release --target-dir target/loom`
//!
//! Loom knows no time: sleeps and deadlines are tested on the manual clock instead.
#![cfg(loom)]
#![expect(clippy::unwrap_used, reason = "in a model, what cannot be unwrapped is the failure")]

mod channel;
mod context;
