//! `millstream images`: two hundred pictures like photographs, compressed, and a second run that has nothing to do.
//!
//! It can be run again: the pictures are made once, the results anew each time.

use std::fs;

use super::{build, folder, millstream, typed};
use crate::needs;
use crate::shell::{Result, cargo, context, run as sh, step};

const PICTURES: &str = "200";
const SIZE: &str = "1600x1200";

/// Makes the pictures, builds the program, runs it twice.
pub(super) fn run() -> Result {
    let folder = folder()?;
    let (pictures, small) = (folder.join("pictures"), folder.join("small"));
    needs::to_build()?;
    build()?;
    if !pictures.exists() {
        step("two hundred pictures", || {
            // They get their name when all are there.
            let unfinished = folder.join("pictures.unfinished");
            let make = ["run", "--release", "--package", "millstream-images", "--features", "testing"];
            let mut command = cargo(&[&make[..], &["--example", "make_pictures", "--locked", "--"]].concat());
            sh(command.arg(&unfinished).args([PICTURES, SIZE]))?;
            context(fs::rename(&unfinished, &pictures), pictures.display())
        })?;
    }
    if small.exists() {
        context(fs::remove_dir_all(&small), small.display())?;
    }
    let (pictures, small) = (typed(&pictures), typed(&small));
    let compress = ["images", &pictures, "--out", &small, "--resume"];
    millstream("compress them", &compress)?;
    millstream("the same again: the journal says that it is done", &compress)?;
    println!("The pictures are in {pictures}, what was made of them in {small}.");
    Ok(())
}
