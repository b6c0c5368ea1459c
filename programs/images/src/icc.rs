//! Whether a colour profile is that of sRGB, by its numbers: names in profiles say little. Converts
//! nothing.

/// Red, green and blue of sRGB, as profiles have them (for the white of D50).
const PRIMARIES: [(&[u8; 4], [f64; 3]); 3] = [
    (b"rXYZ", [0.4361, 0.2225, 0.0139]),
    (b"gXYZ", [0.3851, 0.7169, 0.0971]),
    (b"bXYZ", [0.1431, 0.0606, 0.7141]),
];
const CURVES: [&[u8; 4]; 3] = [b"rTRC", b"gTRC", b"bTRC"];
/// What primaries of the same colours differ in, rounded and adapted in one way or another.
const APART: f64 = 0.005;
/// Eight steps of 255; a gamma of 2.2 is as near as that, seven of them, and only where it is dark.
const STEPS_APART: f64 = 0.03;

/// Whether its primaries and its curves are those of sRGB, or next to them.
pub(crate) fn is_srgb(icc: &[u8]) -> bool {
    icc.get(16..20) == Some(b"RGB ")
        && PRIMARIES.iter().all(|(name, wanted)| has_primary(icc, name, wanted).unwrap_or(false))
        && CURVES.iter().all(|name| has_curve(icc, name).unwrap_or(false))
}

/// The content of a tag.
fn tag<'a>(icc: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    let entries = icc.get(132..)?.chunks_exact(12).take(long(icc, 128)? as usize);
    let mut entries = entries.filter(|entry| entry.starts_with(name));
    let entry = entries.next()?;
    let start = long(entry, 4)? as usize;
    icc.get(start..start.checked_add(long(entry, 8)? as usize)?)
}

fn has_primary(icc: &[u8], name: &[u8; 4], wanted: &[f64; 3]) -> Option<bool> {
    let content = tag(icc, name)?;
    let mut near = content.starts_with(b"XYZ ");
    for (index, wanted) in wanted.iter().enumerate() {
        near &= (fixed(content, 8 + 4 * index)? - wanted).abs() <= APART;
    }
    Some(near)
}

fn has_curve(icc: &[u8], name: &[u8; 4]) -> Option<bool> {
    let content = tag(icc, name)?;
    for step in 1..=10 {
        let stored = f64::from(step) / 10.0;
        let light = match content.first_chunk()? {
            b"curv" => sampled(content, stored)?,
            b"para" => parametric(content, stored)?,
            _ => return None,
        };
        if (encoded(light) - stored).abs() > STEPS_APART {
            return Some(false);
        }
    }
    Some(true)
}

/// What sRGB stores for this much light.
fn encoded(light: f64) -> f64 {
    if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

/// A curve by its exponent, or by samples between which it is straight.
fn sampled(content: &[u8], stored: f64) -> Option<f64> {
    let count = long(content, 8)?;
    let sample = |index: u32| {
        let at = 12 + 2 * index as usize;
        content.get(at..)?.first_chunk().map(|bytes| f64::from(u16::from_be_bytes(*bytes)))
    };
    match count {
        0 => Some(stored),
        1 => Some(stored.powf(sample(0)? / 256.0)),
        _ => {
            let place = stored * f64::from(count - 1);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 0 and the count"
            )]
            let left = (place.floor() as u32).min(count - 2);
            let (low, high) = (sample(left)?, sample(left + 1)?);
            Some((low + (high - low) * (place - f64::from(left))) / 65_535.0)
        }
    }
}

/// A curve by a formula: an exponent alone, or a straight piece followed by a curved one.
fn parametric(content: &[u8], stored: f64) -> Option<f64> {
    let number = |index: usize| fixed(content, 12 + 4 * index);
    let [high, low] = *content.get(8..)?.first_chunk()?;
    let kind = u16::from_be_bytes([high, low]);
    let exponent = number(0)?;
    match kind {
        0 => Some(stored.powf(exponent)),
        3 | 4 => {
            let (scale, offset, slope, limit) = (number(1)?, number(2)?, number(3)?, number(4)?);
            let (above, below) = if kind == 4 { (number(5)?, number(6)?) } else { (0.0, 0.0) };
            Some(if stored >= limit {
                (scale * stored + offset).powf(exponent) + above
            } else {
                slope * stored + below
            })
        }
        _ => None,
    }
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

/// A signed number with 16 bits behind the point.
fn fixed(bytes: &[u8], at: usize) -> Option<f64> {
    long(bytes, at).map(|bits| f64::from(bits.cast_signed()) / 65_536.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..400), count: u8) {
            let _ = is_srgb(&bytes);
            if bytes.len() > 200 {
                bytes[16..20].copy_from_slice(b"RGB ");
                bytes[128..132].copy_from_slice(&u32::from(count).to_be_bytes());
                for (index, (name, _)) in PRIMARIES.iter().enumerate() {
                    bytes[132 + 12 * index..136 + 12 * index].copy_from_slice(*name);
                }
                let _ = is_srgb(&bytes);
            }
        }
    }
}
