//! Models of the library's primitives under every interleaving; built only with `RUSTFLAGS="--cfg loom"`.
#![cfg(loom)]
#![expect(clippy::unwrap_used, reason = "in a model, what cannot be unwrapped is the failure")]

mod channel;
