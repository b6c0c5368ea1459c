//! The table at the end of `millstream images`: images, bytes before and after, failures by kind.

use connect::paths::shown;
use images::{Config, Note, Outcome, Status};

use crate::exit::Exit;
use crate::figures::{bytes, rate, short};
use crate::screen::Screen;

/// The number of failures that are printed; the report has all.
const NAMED: usize = 10;

/// Reports what failed, and the table.
pub(crate) fn report(screen: &Screen, config: &Config, outcome: &Outcome, exit: Exit) {
    let failed = outcome.files.iter().filter(|file| file.status == Status::Failed);
    for file in failed.clone().take(NAMED) {
        let reason = file.reason.as_deref().unwrap_or("no reason given");
        screen.error(format_args!("{}: {reason}", shown(&file.path)));
    }
    let more = failed.count().saturating_sub(NAMED);
    if more > 0 {
        screen.error(format_args!("and {more} more failed; --report FILE says which"));
    }
    for line in table(config, outcome, exit) {
        screen.note(line);
    }
}

fn table(config: &Config, outcome: &Outcome, exit: Exit) -> Vec<String> {
    let sum = &outcome.summary;
    let elapsed = outcome.report.elapsed;
    let images = sum.compressed + sum.kept;
    let dry = if config.dry_run { "; a dry run, nothing was written" } else { "" };
    let mut lines = vec![format!(
        "{} in {}{}{dry}",
        exit.words(),
        short(elapsed),
        rate(images, "images", elapsed)
    )];
    let mut row = |name: &str, count: u64, rest: String| {
        if count > 0 {
            lines.push(format!("  {name:<22}{count:>9}{rest}"));
        }
    };
    row("compressed", sum.compressed, String::new());
    row("kept as they were", sum.kept, String::new());
    row("skipped", sum.skipped, String::new());
    row("no images", sum.ignored, String::new());
    row("given up", sum.cancelled, String::new());
    row("failed", sum.failed, String::new());
    for (kind, count) in &sum.failures {
        row(&format!("  {}", kind.word()), *count, String::new());
    }
    for (note, count) in &sum.notes {
        row(&format!("  {}", words(*note)), *count, String::new());
    }
    if images > 0 {
        let saved = sum.bytes_before.saturating_sub(sum.bytes_after);
        #[expect(clippy::cast_precision_loss, reason = "a percentage for people")]
        let part = 100.0 * saved as f64 / sum.bytes_before.max(1) as f64;
        let (before, after) = (bytes(sum.bytes_before), bytes(sum.bytes_after));
        lines.push(format!("  {before} before, {after} after: {part:.1} % saved"));
    }
    if sum.skipped > 0 && sum.compressed + sum.kept + sum.failed == 0 {
        let reasons = outcome.files.iter().filter(|file| file.status == Status::Skipped);
        lines.extend(
            reasons
                .filter_map(|file| file.reason.clone())
                .next()
                .map(|why| format!("  skipped: {why}")),
        );
    }
    lines
}

fn words(note: Note) -> &'static str {
    match note {
        Note::FirstFrameOnly => "first frame only",
        Note::FirstPageOnly => "first page only",
        Note::ReducedTo8Bits => "reduced to 8 bits",
        Note::AlphaOnWhite => "put on white",
        Note::MetadataTooLarge => "metadata too large",
        Note::FurtherImagesDropped => "gain map dropped",
        Note::SignatureDropped => "signature dropped",
        Note::ExifMalformed => "malformed EXIF dropped",
        Note::ScreenEnlarged => "screen enlarged",
        Note::OnlyStripped => "only stripped",
        Note::LargerFile => "smaller box, larger file",
        Note::Salvaged => "salvaged",
        _ => "see the report",
    }
}
