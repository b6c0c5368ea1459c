//! One AV1 frame: decoded by re_rav1d, then turned from planes into pixels.

use image::{DynamicImage, RgbImage, RgbaImage};
use re_rav1d::dav1d::{
    Decoder, Error, Picture as Image, PixelLayout, PlanarImageComponent, Settings, pixel,
};

use super::boxes::Colours;
use crate::failure::Failure;

pub(super) fn decode(data: Vec<u8>, most_pixels: u64) -> Result<Image, Failure> {
    if data.is_empty() {
        return Err(Failure::damaged("it is truncated: the AVIF ends before its data do"));
    }
    let failed = |error: Error| Failure::damaged(format!("its AV1 data do not decode: {error}"));
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_frame_size_limit(u32::try_from(most_pixels).unwrap_or(u32::MAX));
    let mut decoder = Decoder::with_settings(&settings).map_err(failed)?;
    match decoder.send_data(data, None, None, None) {
        Ok(()) | Err(Error::Again) => {}
        Err(error) => return Err(failed(error)),
    }
    decoder.get_picture().map_err(failed)
}

/// One plane, sample by sample, scaled to 0.0 to 1.0 by the caller's range.
struct Samples {
    bytes: re_rav1d::dav1d::Plane,
    stride: usize,
    wide: bool,
}

impl Samples {
    fn new(image: &Image, component: PlanarImageComponent) -> Self {
        let stride = image.stride(component) as usize;
        Self { bytes: image.plane(component), stride, wide: image.bit_depth() > 8 }
    }

    fn at(&self, x: usize, y: usize) -> f32 {
        if self.wide {
            let at = y * self.stride + 2 * x;
            f32::from(u16::from_ne_bytes([self.bytes[at], self.bytes[at + 1]]))
        } else {
            f32::from(self.bytes[y * self.stride + x])
        }
    }
}

/// How samples become light: red and blue weights of the matrix, offset and scale of the range.
struct Conversion {
    red: f32,
    blue: f32,
    black: f32,
    luma: f32,
    chroma: f32,
    middle: f32,
}

impl Conversion {
    fn of(image: &Image, colours: Option<Colours>) -> Result<Self, Failure> {
        let matrix = match colours.map(|colours| colours.matrix) {
            Some(matrix) => matrix,
            None => match image.matrix_coefficients() {
                pixel::MatrixCoefficients::Identity => 0,
                pixel::MatrixCoefficients::BT709 => 1,
                pixel::MatrixCoefficients::BT2020NonConstantLuminance => 9,
                _ => 6,
            },
        };
        let (red, blue) = match matrix {
            0 => (f32::NAN, f32::NAN),
            1 => (0.2126, 0.0722),
            2 | 5 | 6 => (0.299, 0.114),
            9 => (0.2627, 0.0593),
            other => {
                return Err(Failure::unsupported(format!("the colour matrix {other} of H.273")));
            }
        };
        let bits = image.bits_per_component().map_or(8, |bits| bits.0);
        #[expect(clippy::cast_precision_loss, reason = "at most 4096")]
        let unit = (1_u32 << bits) as f32 / 256.0;
        #[expect(clippy::cast_precision_loss, reason = "at most 4096")]
        let most = ((1_u32 << bits) - 1) as f32;
        let full = colours
            .map_or(image.color_range() == pixel::YUVRange::Full, |colours| colours.full_range);
        let middle = 128.0 * unit;
        Ok(if full {
            Self { red, blue, black: 0.0, luma: most, chroma: most, middle }
        } else {
            Self { red, blue, black: 16.0 * unit, luma: 219.0 * unit, chroma: 224.0 * unit, middle }
        })
    }

    fn rgb(&self, y: f32, u: f32, v: f32) -> [u8; 3] {
        let luma = |sample: f32| (sample - self.black) / self.luma;
        if self.red.is_nan() {
            return [luma(v), luma(y), luma(u)].map(byte);
        }
        let (y, u, v) = (luma(y), (u - self.middle) / self.chroma, (v - self.middle) / self.chroma);
        let (red, blue) = (y + 2.0 * (1.0 - self.red) * v, y + 2.0 * (1.0 - self.blue) * u);
        let green = (y - self.red * red - self.blue * blue) / (1.0 - self.red - self.blue);
        [red, green, blue].map(byte)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0 to 255")]
fn byte(light: f32) -> u8 {
    (light * 255.0).round().clamp(0.0, 255.0) as u8
}

/// Pixels of 8 bits a colour; deeper ones are rounded.
pub(super) fn pixels(
    colour: &Image,
    alpha: Option<&Image>,
    colours: Option<Colours>,
) -> Result<DynamicImage, Failure> {
    let (width, height) = (colour.width(), colour.height());
    let conversion = Conversion::of(colour, colours)?;
    let layout = colour.pixel_layout();
    let (across, down) = match layout {
        PixelLayout::I420 => (1, 1),
        PixelLayout::I422 => (1, 0),
        PixelLayout::I400 | PixelLayout::I444 => (0, 0),
    };
    let luma = Samples::new(colour, PlanarImageComponent::Y);
    let chroma = (layout != PixelLayout::I400).then(|| {
        [PlanarImageComponent::U, PlanarImageComponent::V]
            .map(|component| Samples::new(colour, component))
    });
    let at = |x: u32, y: u32| {
        let (x, y) = (x as usize, y as usize);
        let [u, v] = chroma.as_ref().map_or([conversion.middle; 2], |planes| {
            planes.each_ref().map(|plane| plane.at(x >> across, y >> down))
        });
        conversion.rgb(luma.at(x, y), u, v)
    };
    let Some(alpha) = alpha else {
        return Ok(RgbImage::from_fn(width, height, |x, y| image::Rgb(at(x, y))).into());
    };
    if (alpha.width(), alpha.height()) != (width, height) {
        return Err(Failure::damaged("its transparency has another size than its colours"));
    }
    let range = Conversion::of(alpha, None)?;
    let opacity = Samples::new(alpha, PlanarImageComponent::Y);
    Ok(RgbaImage::from_fn(width, height, |x, y| {
        let [red, green, blue] = at(x, y);
        let opacity = (opacity.at(x as usize, y as usize) - range.black) / range.luma;
        image::Rgba([red, green, blue, byte(opacity)])
    })
    .into())
}
