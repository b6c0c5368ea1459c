//! Services for tests, from the system's own programs; behind the feature `testing`, in no release.

mod postgres;

use std::io::Write;

pub use postgres::Cluster;

/// Set to 1 where a missing service must fail the tests instead of skipping them.
const REQUIRE: &str = "MILLSTREAM_REQUIRE_SERVICES";

/// Gives a service to a test, or says on standard error that the test is skipped, and why.
///
/// # Panics
/// When the service is missing and the environment variable `MILLSTREAM_REQUIRE_SERVICES` is 1.
pub fn or_skip<T>(test: &str, service: Result<T, String>) -> Option<T> {
    match service {
        Ok(service) => Some(service),
        Err(why) => {
            let required = std::env::var(REQUIRE).is_ok_and(|value| value == "1");
            assert!(!required, "{test} needs a service that is required here ({REQUIRE}=1): {why}");
            // Not eprintln!, which the test harness would keep to itself.
            writeln!(std::io::stderr(), "skipped {test}: {why}").ok();
            None
        }
    }
}
