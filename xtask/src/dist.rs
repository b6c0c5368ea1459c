//! `cargo xtask dist`: what a user unpacks who builds nothing: the stripped binary, manual pages,
//! completions, and the licences of all that is inside, in one archive with its checksum.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::json::Json;
use crate::needs;
use crate::shell::{self, Result, cargo, command, context, output, run as sh, step};

/// The largest binary that is packed, in bytes: what a user waits for.
const MOST: u64 = 35_000_000;
/// The programs that have a manual page of their own.
const PROGRAMS: [&str; 3] = ["crawl", "images", "logs"];
/// Shells, and the file that each looks for.
const SHELLS: [(&str, &str); 3] =
    [("bash", "millstream.bash"), ("zsh", "_millstream"), ("fish", "millstream.fish")];

/// Builds and packs.
pub(crate) fn run(args: &[String]) -> Result {
    shell::flags(args, &[])?;
    needs::to_build()?;
    step("build millstream", || {
        let build = ["build", "--profile", "dist", "--package", "millstream-cli", "--locked"];
        sh(&mut cargo(&build))
    })?;
    let binary = shell::target_dir().join("dist").join("millstream");
    let bytes = context(fs::metadata(&binary), binary.display())?.len();
    if bytes > MOST {
        return Err(format!("the binary has {bytes} bytes, more than {MOST}").into());
    }
    let name = format!("millstream-{}-{}", version(&binary)?, std::env::consts::ARCH);
    let directory = shell::target_dir().join("dist").join(&name);
    // What an earlier version left there does not belong to this one.
    let _ = fs::remove_dir_all(&directory);
    step("pack", || {
        fill(&binary, &directory)?;
        archive(&name)
    })?;
    println!("{} MB unpacked binary", bytes / 1_000_000);
    Ok(())
}

/// The version that the binary says of itself.
fn version(binary: &Path) -> Result<String> {
    let said = output(command(binary).arg("--version"))?;
    Ok(said.split_whitespace().last().unwrap_or("unknown").to_owned())
}

fn fill(binary: &Path, directory: &Path) -> Result {
    let write = |path: &str, text: &str| -> Result {
        let path = directory.join(path);
        if let Some(parent) = path.parent() {
            context(fs::create_dir_all(parent), parent.display())?;
        }
        context(fs::write(&path, text), path.display())
    };
    write("man/millstream.1", &output(command(binary).arg("man"))?)?;
    for program in PROGRAMS {
        let page = output(command(binary).args(["man", program]))?;
        write(&format!("man/millstream-{program}.1"), &page)?;
    }
    for (shell, file) in SHELLS {
        let script = output(command(binary).args(["completions", shell]))?;
        write(&format!("completions/{file}"), &script)?;
    }
    write("LICENSES-OF-DEPENDENCIES.txt", &licences()?)?;
    let to = directory.join("millstream");
    context(fs::copy(binary, &to), to.display())?;
    for file in ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "CHANGELOG.md"] {
        let to = directory.join(file);
        context(fs::copy(shell::root().join(file), &to), to.display())?;
    }
    Ok(())
}

fn archive(name: &str) -> Result {
    let directory = shell::target_dir().join("dist");
    let file = format!("{name}.tar.gz");
    sh(command("tar").current_dir(&directory).args(["czf", &file, name]))?;
    let sum = output(command("sha256sum").current_dir(&directory).arg(&file))?;
    let path = directory.join(format!("{file}.sha256"));
    context(fs::write(&path, sum), path.display())?;
    println!("{}", directory.join(file).display());
    Ok(())
}

/// A crate that is in the binary, or that builds a part of it.
struct Dependency {
    name: String,
    licence: String,
    directory: PathBuf,
}

/// The name, the licence and the texts of every dependency; equal texts stand once.
fn licences() -> Result<String> {
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut list = String::from("What millstream is built from, and under which licences.\n\n");
    for dependency in dependencies()? {
        let Dependency { name, licence, directory } = dependency;
        let _written = writeln!(list, "{name}: {licence}");
        for text in texts(&directory)? {
            names.entry(text).or_default().push(name.clone());
        }
    }
    for (text, of) in names {
        let _written = write!(list, "\n{}\n{}\n\n{text}\n", "=".repeat(72), of.join(", "));
    }
    Ok(list)
}

/// The crates from registries that are in the graph of the workspace; those of tests alone as well,
/// which does no harm.
fn dependencies() -> Result<Vec<Dependency>> {
    let metadata = output(&mut cargo(&["metadata", "--format-version", "1", "--locked"]))?;
    let metadata = Json::parse(metadata.as_bytes())?;
    let of = |package: &Json| {
        let text = |name: &str| package.text(name).unwrap_or("not said").to_owned();
        package.text("source")?;
        let manifest = Path::new(package.text("manifest_path")?);
        Some(Dependency {
            name: format!("{} {}", text("name"), text("version")),
            licence: text("license"),
            directory: manifest.parent()?.to_owned(),
        })
    };
    Ok(metadata.list("packages").iter().filter_map(of).collect())
}

/// The files of a crate that hold its licence.
fn texts(directory: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for entry in context(fs::read_dir(directory), directory.display())? {
        let path = context(entry, directory.display())?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        let is_licence = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"]
            .iter()
            .any(|begin| name.starts_with(begin));
        if is_licence && path.is_file() {
            let bytes = context(fs::read(&path), path.display())?;
            texts.push(String::from_utf8_lossy(&bytes).trim().to_owned());
        }
    }
    Ok(texts)
}
