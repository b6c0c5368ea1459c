//! Whole runs over directories: what is written, kept, skipped and reported.

use std::fs;
use std::path::Path;

use images::{
    Config, Control, FailureKind, Outcome, Overwrite, Place, Settings, Status, run, testing,
};
use millstream::Context;

use crate::files::{SECRET, has};
use crate::support::{drawing, settings};

struct Tree(tempfile::TempDir);

impl Tree {
    /// Six images in three directories, one of them stored badly, and some other things.
    fn new() -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        for number in 0..6 {
            let jpeg = testing::jpeg(&testing::photo(300, 200, number, 0.1).into(), 92, "420");
            tree.write(&format!("in/{}/photo{number}.jpg", number / 2), &jpeg);
        }
        tree.write("in/notes.txt", b"no image");
        tree
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn config(&self) -> Config {
        Config {
            inputs: vec![self.path("in")],
            place: Place::Directory(self.path("out")),
            settings: Settings::default(),
            workers: 1..=2,
            memory: 1 << 30,
            overwrite: Overwrite::Never,
            grace: None,
            dry_run: false,
            resume: false,
        }
    }

    fn run(&self, change: impl FnOnce(&mut Config)) -> Outcome {
        let mut config = self.config();
        change(&mut config);
        let outcome = run(&config, &Control::default()).unwrap();
        assert!(outcome.report.balances(), "{}", outcome.report);
        outcome
    }
}

fn files(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path().display().to_string());
        }
    }
    found.sort();
    found
}

#[test]
fn a_tree_is_kept_and_what_is_no_image_stays_out() {
    let tree = Tree::new();
    let outcome = tree.run(|_| {});
    assert_eq!((outcome.summary.compressed, outcome.summary.ignored), (6, 1));
    assert!(outcome.summary.bytes_after < outcome.summary.bytes_before / 2);
    assert_eq!(files(&tree.path("out")).len(), 6);
    let (source, target) = (tree.path("in/2/photo5.jpg"), tree.path("out/2/photo5.jpg"));
    let dates = |path| fs::metadata(path).unwrap().modified().unwrap();
    assert_eq!(dates(&source), dates(&target));
}

#[test]
fn a_dry_run_reports_the_same_numbers_and_writes_nothing() {
    let tree = Tree::new();
    let dry = tree.run(|config| config.dry_run = true);
    assert!(!tree.path("out").exists());
    let wet = tree.run(|_| {});
    assert_eq!(dry.summary, wet.summary);
}

#[test]
fn what_stands_there_is_replaced_as_reported() {
    let tree = Tree::new();
    tree.write("out/0/photo0.jpg", b"small");
    tree.write("out/0/photo1.jpg", &vec![b'x'; 1 << 20]);
    assert_eq!(tree.run(|_| {}).summary.skipped, 2);
    assert_eq!(fs::read(tree.path("out/0/photo0.jpg")).unwrap(), b"small");
    let larger = tree.run(|config| config.overwrite = Overwrite::Larger);
    assert_eq!((larger.summary.compressed, larger.summary.skipped), (1, 5));
    assert_eq!(fs::read(tree.path("out/0/photo0.jpg")).unwrap(), b"small");
    assert_eq!(tree.run(|config| config.overwrite = Overwrite::All).summary.compressed, 6);
}

#[test]
fn failures_are_reported_by_kind_and_write_nothing() {
    let tree = Tree::new();
    tree.write("in/text.jpg", b"a text named so");
    tree.write("in/empty.png", b"");
    tree.write("in/cut.jpg", &fs::read(tree.path("in/0/photo0.jpg")).unwrap()[..5_000]);
    tree.write("in/png.jpg", &png());
    let outcome = tree.run(|_| {});
    let failures = &outcome.summary.failures;
    for kind in [FailureKind::NotAnImage, FailureKind::Empty, FailureKind::Damaged] {
        assert_eq!(failures.get(&kind), Some(&1), "{kind:?}");
    }
    assert_eq!((outcome.summary.failed, outcome.report.totals().failed), (3, 3));
    let names = files(&tree.path("out")).join(" ");
    assert!(names.contains("png.jpg"), "a PNG is a PNG under any name");
    assert!(!names.contains("text.jpg") && !names.contains("cut.jpg") && !names.contains("empty"));
}

fn png() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    drawing(90, 60).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[test]
fn a_second_run_with_a_journal_does_nothing_and_with_other_settings_everything() {
    let tree = Tree::new();
    let first = tree.run(|config| config.resume = true);
    assert_eq!(first.summary.compressed, 6);
    let second = tree.run(|config| config.resume = true);
    assert_eq!((second.summary.compressed, second.summary.skipped), (0, 6));
    let other = tree.run(|config| {
        (config.resume, config.overwrite) = (true, Overwrite::All);
        config.settings.quality = 40;
    });
    assert_eq!(other.summary.compressed, 6);
    // What somebody changed or deleted is made again.
    fs::remove_file(tree.path("out/1/photo2.jpg")).unwrap();
    let third = tree.run(|config| {
        config.resume = true;
        config.settings.quality = 40;
    });
    assert_eq!((third.summary.compressed, third.summary.skipped), (1, 5));
}

#[test]
fn in_place_an_image_is_compressed_once_and_not_again_by_every_run() {
    let tree = Tree::new();
    let in_place = |config: &mut Config| (config.place, config.resume) = (Place::InPlace, true);
    assert_eq!(tree.run(in_place).summary.compressed, 6);
    let before: Vec<Vec<u8>> =
        files(&tree.path("in")).iter().map(|path| fs::read(path).unwrap()).collect();
    assert_eq!(tree.run(in_place).summary.skipped, 6);
    let after: Vec<Vec<u8>> =
        files(&tree.path("in")).iter().map(|path| fs::read(path).unwrap()).collect();
    assert_eq!(before, after);
}

#[test]
fn an_original_that_is_better_is_copied_under_its_own_name() {
    let tree = Tree(tempfile::tempdir().unwrap());
    let mut plain = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(90, 60).write_to(&mut plain, image::ImageFormat::Png).unwrap();
    let plain = plain.into_inner();
    tree.write("in/a.png", &plain);
    let outcome = tree.run(|config| {
        config.settings = settings(|it| it.format = Some(images::Kind::Jpeg));
    });
    assert_eq!(outcome.summary.kept, 1);
    assert_eq!(fs::read(tree.path("out/a.png")).unwrap(), plain);
    assert_eq!(outcome.files[0].status, Status::Kept);
}

#[test]
fn two_images_do_not_become_one_file() {
    let tree = Tree(tempfile::tempdir().unwrap());
    tree.write("in/a.png", &png());
    tree.write("in/a.bmp", &png());
    let outcome = tree.run(|config| config.settings.format = Some(images::Kind::Webp));
    assert_eq!(outcome.summary.failures.get(&FailureKind::Collision), Some(&1));
    assert_eq!(outcome.summary.compressed + outcome.summary.kept, 1);
}

#[test]
fn what_needs_more_memory_than_there_is_is_refused_and_little_memory_suffices_for_many() {
    let tree = Tree::new();
    tree.write(
        "in/large.jpg",
        &testing::jpeg(&testing::photo(2_000, 1_500, 1, 0.0).into(), 90, "420"),
    );
    let outcome = tree.run(|config| config.memory = 2 << 20);
    assert_eq!(outcome.summary.failures.get(&FailureKind::TooLarge), Some(&1));
    assert_eq!(outcome.summary.compressed, 6);
}

#[test]
fn a_run_that_is_stopped_gives_up_what_it_has_not_started() {
    let tree = Tree::new();
    let control = Control::default();
    control.drain.cancel("enough");
    let outcome = run(&tree.config(), &control).unwrap();
    assert_eq!(outcome.summary.cancelled, 7);
    assert!(outcome.report.balances());
}

#[test]
fn a_image_that_is_only_stripped_is_written_under_its_own_name_and_done_for_a_journal() {
    let secret = |jpeg: &[u8]| testing::with_segment(jpeg, 0xFE, SECRET);
    let coarse = testing::jpeg(&testing::photo(300, 200, 1, 0.1).into(), 10, "420");
    for in_place in [false, true] {
        let tree = Tree(tempfile::tempdir().unwrap());
        tree.write("in/a.jpeg", &secret(&coarse));
        let change = |config: &mut Config| {
            (config.settings.keep, config.resume) = (images::Keep::NOTHING, true);
            if in_place {
                config.place = Place::InPlace;
            } else {
                config.settings.format = Some(images::Kind::Png);
            }
        };
        let outcome = tree.run(change);
        assert_eq!((outcome.summary.compressed, outcome.summary.kept), (1, 0));
        let target = tree.path(if in_place { "in/a.jpeg" } else { "out/a.jpeg" });
        assert!(!has(&fs::read(target).unwrap(), SECRET));
        assert_eq!(tree.run(change).summary.skipped, 1);
    }
}

#[test]
fn a_run_that_is_cancelled_does_not_wait_for_a_codec_once_the_grace_has_expired() {
    let tree = Tree(tempfile::tempdir().unwrap());
    let slow = testing::photo(2_400, 1_600, 1, 0.3).into();
    tree.write("in/slow.jpg", &testing::jpeg(&slow, 95, "444"));
    let mut config = tree.config();
    config.settings.format = Some(images::Kind::Avif);
    config.settings.preset = images::Preset::Small;
    config.grace = Some(std::time::Duration::ZERO);
    let control = Control::default();
    let listed = || control.progress.files.load(std::sync::atomic::Ordering::Relaxed) > 0;
    let outcome = millstream::scope::<_, std::io::Error, _>(&Context::new(), |s| {
        s.spawn("cancel", |_| {
            while !listed() {
                std::hint::spin_loop();
            }
            control.ctx.cancel("enough");
            Ok(())
        });
        Ok(run(&config, &control).unwrap())
    });
    let outcome = outcome.unwrap();
    assert_eq!((outcome.summary.cancelled, outcome.summary.compressed), (1, 0));
    assert!(outcome.report.balances());
    assert!(files(&tree.path("out")).iter().all(|name| !name.ends_with(".avif")));
}

#[test]
fn what_does_not_fit_together_is_reported_before_anything_is_done() {
    let tree = Tree::new();
    let refused = |change: fn(&mut Config)| {
        let mut config = tree.config();
        change(&mut config);
        run(&config, &Control::default()).unwrap_err()
    };
    let format = refused(|config| {
        (config.place, config.settings.format) = (Place::InPlace, Some(images::Kind::Webp));
    });
    assert!(format.is_usage() && format.to_string().contains("--out"));
    let lossless = refused(|config| {
        config.settings.lossless = true;
        config.settings.resize = Some(images::Fit { width: 9, height: 9 });
    });
    assert!(lossless.is_usage());
    let missing = refused(|config| config.inputs = vec!["/no/such/directory".into()]);
    assert!(!missing.is_usage() && missing.to_string().contains("/no/such/directory"));
}

#[test]
fn a_dry_run_reports_for_each_file_what_a_run_does() {
    let tree = Tree::new();
    tree.run(|config| config.resume = true);
    tree.write("in/new.jpg", &testing::jpeg(&testing::photo(90, 60, 9, 0.1).into(), 92, "420"));
    tree.write("out/0/photo0.jpg", b"somebody's");
    for resume in [false, true] {
        for overwrite in [Overwrite::Never, Overwrite::Larger] {
            let outcome = |dry_run: bool| {
                let change = |config: &mut Config| {
                    (config.dry_run, config.resume, config.overwrite) =
                        (dry_run, resume, overwrite);
                };
                tree.run(change).files.iter().map(|file| file.status).collect::<Vec<_>>()
            };
            assert_eq!(outcome(true), outcome(false), "{resume} {overwrite:?}");
            fs::remove_file(tree.path("out/new.jpg")).unwrap();
        }
    }
}

#[test]
fn with_a_journal_an_edited_image_is_made_again_and_what_no_run_has_made_stays() {
    for format in [None, Some(images::Kind::Webp)] {
        for overwrite in [Overwrite::Never, Overwrite::Larger] {
            let tree = Tree::new();
            let ending = if format.is_some() { "webp" } else { "jpg" };
            let theirs = tree.path(&format!("out/0/photo0.{ending}"));
            tree.write(&format!("out/0/photo0.{ending}"), b"small");
            let change = |config: &mut Config| {
                (config.resume, config.overwrite) = (true, overwrite);
                config.settings.format = format;
            };
            assert_eq!(tree.run(change).summary.skipped, 1);
            let ours = tree.path(&format!("out/1/photo2.{ending}"));
            let old = fs::read(&ours).unwrap();
            // Edited images, of which one becomes a larger file than before.
            let edited = |seed, width| {
                testing::jpeg(&testing::photo(width, 200, seed, 0.1).into(), 92, "420")
            };
            tree.write("in/0/photo0.jpg", &edited(20, 300));
            tree.write("in/1/photo2.jpg", &edited(21, 900));
            let second = tree.run(change);
            assert_eq!(
                (second.summary.compressed, second.summary.skipped),
                (1, 5),
                "{format:?} {overwrite:?}"
            );
            assert_eq!(fs::read(&theirs).unwrap(), b"small");
            assert!(fs::read(&ours).unwrap().len() > old.len());
        }
    }
}

#[test]
fn a_box_is_kept_to_even_if_the_file_becomes_larger_and_the_report_says_so() {
    // A chart of two colours, in a palette: scaled down it has many more.
    let tree = Tree(tempfile::tempdir().unwrap());
    let chart = image::RgbImage::from_fn(400, 300, |x, y| {
        image::Rgb(if (x / 7 + y / 5) % 2 == 0 { [0; 3] } else { [255; 3] })
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    chart.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    tree.write("in/chart.png", &bytes.into_inner());
    tree.run(|config| config.place = Place::InPlace);
    let boxed = |overwrite: Overwrite| {
        tree.run(|config| {
            config.overwrite = overwrite;
            config.settings.resize = Some(images::Fit { width: 380, height: 380 });
        })
    };
    let outcome = boxed(Overwrite::Never);
    let written = fs::read(tree.path("out/chart.png")).unwrap();
    assert_eq!(testing::look(&written).dimensions(), (380, 285));
    assert!(written.len() > fs::read(tree.path("in/chart.png")).unwrap().len());
    assert_eq!(outcome.files[0].notes, [images::Note::LargerFile]);
}

#[test]
fn a_stripped_original_does_not_replace_the_one_beside_which_its_results_go() {
    let tree = Tree(tempfile::tempdir().unwrap());
    let jpeg = testing::jpeg(&testing::photo(64, 48, 1, 0.1).into(), 30, "420");
    let exif = [&jpeg[..2], b"\xFF\xFE\0\x10a comment here", &jpeg[2..]].concat();
    tree.write("in/a.jpg", &exif);
    let outcome = tree.run(|config| {
        (config.inputs, config.place) =
            (vec![tree.path("in/a.jpg")], Place::Directory(tree.path("in")));
        (config.overwrite, config.settings.keep) = (Overwrite::All, images::Keep::NOTHING);
        (config.settings.format, config.settings.quality) = (Some(images::Kind::Png), 90);
    });
    assert_eq!(fs::read(tree.path("in/a.jpg")).unwrap(), exif);
    assert_eq!(outcome.summary.failures.get(&FailureKind::Collision), Some(&1), "{outcome:?}");
}
