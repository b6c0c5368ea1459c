//! `cargo xtask test`: everything that can be tested, services included.
//!
//! `cargo test --workspace` alone also works: tests that need a service then say that they were
//! skipped, and why. Here the service is installed if it may be, and once it is there its tests
//! must run.

use crate::needs;
use crate::shell::{self, Result, cargo, run as sh, step};

/// Lets the tests know that a service is there, so that one that does not find it fails instead of
/// being skipped.
const REQUIRE_SERVICES: &str = "MILLSTREAM_REQUIRE_SERVICES";

/// Runs all tests; the first step that fails ends it.
pub(crate) fn run(args: &[String]) -> Result {
    shell::flags(args, &[])?;
    needs::to_build()?;
    let services = needs::postgresql()?;
    step("test: workspace", || {
        let mut command = cargo(&["test", "--workspace", "--locked"]);
        if services {
            command.env(REQUIRE_SERVICES, "1");
        }
        sh(&mut command)
    })?;
    step("test: library without tokio", || {
        sh(&mut cargo(&[
            "test",
            "--package",
            "millstream",
            "--no-default-features",
            "--lib",
            "--locked",
        ]))
    })?;
    step("test: loom models", loom)
}

/// Without default features, because tokio under `cfg(loom)` wants what only its own tests have.
/// The models run optimised, for they try every interleaving; by the experience of loom's authors
/// two or three forced switches of thread find nearly every defect, and with that bound a model
/// takes seconds.
fn loom() -> Result {
    // Primitives that are private have their models beside them, as unit tests.
    let models =
        ["test", "--package", "millstream", "--no-default-features", "--lib", "--test", "loom"];
    let mut command = cargo(&[&models[..], &["--release", "--locked"]].concat());
    command
        .env("RUSTFLAGS", "--cfg loom")
        .env("CARGO_TARGET_DIR", shell::target_dir().join("loom"));
    command
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    if std::env::var_os("LOOM_MAX_PREEMPTIONS").is_none() {
        command.env("LOOM_MAX_PREEMPTIONS", "3");
    }
    sh(&mut command)
}
