//! `millstream images`: two hundred images like photographs, compressed, and a second run that
//! has nothing to do.
//!
//! It can be run again: the images are made once, the results again each time.

use std::fs;

use super::program::{build, directory, millstream, typed};
use crate::needs;
use crate::shell::{Result, cargo, context, run as sh, step};

const IMAGES: &str = "200";
const SIZE: &str = "1600x1200";

/// Makes the images, builds the program, runs it twice.
pub(super) fn run() -> Result {
    let directory = directory()?;
    let (images, small) = (directory.join("images"), directory.join("small"));
    needs::to_build()?;
    build("images")?;
    if !images.exists() {
        step("two hundred images", || {
            // They get their name when all are there.
            let unfinished = directory.join("images.unfinished");
            let make = [
                "run",
                "--profile",
                "demo",
                "--package",
                "millstream-images",
                "--features",
                "testing",
            ];
            let mut command =
                cargo(&[&make[..], &["--example", "make_images", "--locked", "--"]].concat());
            sh(command.arg(&unfinished).args([IMAGES, SIZE]))?;
            context(fs::rename(&unfinished, &images), images.display())
        })?;
    }
    if small.exists() {
        context(fs::remove_dir_all(&small), small.display())?;
    }
    let (images, small) = (typed(&images), typed(&small));
    let compress = ["images", &images, "--out", &small, "--resume"];
    millstream("compress them", &compress)?;
    millstream("the same again: the journal says that it is done", &compress)?;
    println!("The images are in {images}, what was made of them in {small}.");
    Ok(())
}
