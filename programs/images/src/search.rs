//! The highest quality whose file is small enough.

use crate::config::Settings;
use crate::failure::{Failure, FailureKind};

/// Encodes at the quality of the settings and, while the file is larger than `--max-size`, at lower
/// ones. The last call of `encode`, which returns the file's length, was at the quality returned.
pub(crate) fn quality(
    settings: &Settings,
    mut encode: impl FnMut(u8) -> Result<u64, Failure>,
) -> Result<u8, Failure> {
    let most = settings.quality;
    let length = encode(most)?;
    let Some(limit) = settings.max_size.filter(|limit| length > *limit) else {
        return Ok(most);
    };
    // Everything up to `fits` fits, everything from `over` on does not; the file grows with the
    // quality.
    let (mut fits, mut over, mut last, mut smallest) = (0, most, most, length);
    while over - fits > 1 {
        let middle = fits + (over - fits) / 2;
        last = middle;
        let length = encode(middle)?;
        smallest = smallest.min(length);
        if length <= limit {
            fits = middle;
        } else {
            over = middle;
        }
    }
    if fits == 0 {
        let reason = format!(
            "{smallest} bytes at the lowest quality, --max-size is {limit}; --resize would help"
        );
        return Err(Failure::new(FailureKind::MaxSize, reason));
    }
    if last != fits {
        encode(fits)?;
    }
    Ok(fits)
}

/// The same where there is no quality to choose.
pub(crate) fn check(settings: &Settings, length: u64) -> Result<(), Failure> {
    match settings.max_size {
        Some(limit) if length > limit => Err(Failure::new(
            FailureKind::MaxSize,
            format!("{length} bytes without loss, --max-size is {limit}"),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_highest_quality_that_fits_is_found_and_was_encoded_last(
            most in 1_u8..=100, a_step in 1_u64..50, limit in 0_u64..6_000,
        ) {
            let settings = Settings { quality: most, max_size: Some(limit), ..Settings::default() };
            let mut last = 0;
            let mut calls = 0;
            let found = quality(&settings, |quality| {
                last = quality;
                calls += 1;
                Ok(u64::from(quality) * a_step)
            });
            let wanted = (1..=most).rev().find(|quality| u64::from(*quality) * a_step <= limit);
            prop_assert_eq!(found.as_ref().ok(), wanted.as_ref());
            if let Ok(found) = found {
                prop_assert_eq!(found, last);
            }
            prop_assert!(calls <= 9);
        }
    }
}
