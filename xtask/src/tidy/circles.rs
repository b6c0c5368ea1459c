//! Files of a crate import each other without circles: what can be read, tested or replaced only
//! together is one file, or has an idea too many.
//!
//! A file imports another if it uses what that one defines; handing on with `pub use` and declaring
//! a module are no uses. Names are followed through re-exports to the file that defines them.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Finding, Source};
use super::imports::{Import, imports};

/// Names that a file takes from another.
type Arrows = BTreeMap<(usize, usize), BTreeSet<String>>;

/// Every circle of imports between the files of one crate.
pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut crates: BTreeMap<&str, Vec<&Source>> = BTreeMap::new();
    for source in sources {
        if let Some((name, _)) = source.path.split_once("/src/") {
            crates.entry(name).or_default().push(source);
        }
    }
    crates.into_values().flat_map(|files| circles(&Crate::new(&files))).collect()
}

/// The files of a crate as a tree of modules.
struct Crate<'a> {
    files: Vec<&'a Source>,
    imports: Vec<Vec<Import>>,
    /// From the path of a module to its file.
    modules: BTreeMap<Vec<String>, usize>,
    paths: Vec<Vec<String>>,
}

impl<'a> Crate<'a> {
    fn new(files: &[&'a Source]) -> Self {
        let imports = files.iter().map(|file| imports(&file.split.code)).collect();
        let paths: Vec<_> = files.iter().map(|file| module(&file.path)).collect();
        let modules = paths.iter().cloned().zip(0..).collect();
        Self { files: files.to_vec(), imports, modules, paths }
    }

    fn arrows(&self) -> Arrows {
        let mut arrows = Arrows::new();
        for (from, imports) in self.imports.iter().enumerate() {
            for import in imports.iter().filter(|import| !import.exported) {
                if let Some(to) = self.resolve(from, &import.path, 0).filter(|to| *to != from) {
                    let name = import.path.last().cloned().unwrap_or_default();
                    arrows.entry((from, to)).or_default().insert(name);
                }
            }
        }
        arrows
    }

    /// The file that defines what `path` names in the module of file `from`.
    fn resolve(&self, from: usize, path: &[String], depth: usize) -> Option<usize> {
        // A name that is re-exported in a circle of `pub use` does not compile, but ends here too.
        if depth > 16 {
            return None;
        }
        let mut module = self.paths[from].clone();
        let mut rest = path;
        let mut is_relative = false;
        while let Some((first, others)) = rest.split_first() {
            match first.as_str() {
                "crate" => module = Vec::new(),
                "self" => {}
                "super" => {
                    module.pop()?;
                }
                _ => break,
            }
            (rest, is_relative) = (others, true);
        }
        let first = rest.first()?;
        let file = *self.modules.get(&module)?;
        let is_child =
            self.modules.contains_key(&[&module[..], std::slice::from_ref(first)].concat());
        if !is_relative && !is_child {
            return None;
        }
        for (at, segment) in rest.iter().enumerate() {
            let child = [&module[..], std::slice::from_ref(segment)].concat();
            if self.modules.contains_key(&child) {
                module = child;
                continue;
            }
            let here = self.modules.get(&module).copied().unwrap_or(file);
            return self
                .through_exports(here, segment, depth)
                .or(Some(here))
                .filter(|_| at < rest.len());
        }
        self.modules.get(&module).copied()
    }

    /// The file behind a `use` that gives `name` to the module of `file`.
    fn through_exports(&self, file: usize, name: &str, depth: usize) -> Option<usize> {
        let import = self.imports[file].iter().find(|import| import.name == name)?;
        self.resolve(file, &import.path, depth + 1)
    }
}

/// The module of a file: `crates/x/src/a/b.rs` is `a::b`.
fn module(path: &str) -> Vec<String> {
    let inside = path.split_once("/src/").map_or(path, |(_, inside)| inside);
    let mut module: Vec<String> =
        inside.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        module.pop();
    }
    module
}

fn circles(of: &Crate) -> Vec<Finding> {
    let arrows = of.arrows();
    let reach: Vec<BTreeSet<usize>> =
        (0..of.files.len()).map(|file| reached(&arrows, file)).collect();
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for file in 0..of.files.len() {
        let circle: Vec<usize> =
            reach[file].iter().copied().filter(|other| reach[*other].contains(&file)).collect();
        if !circle.is_empty() && seen.insert(circle.clone()) {
            findings.push(of.files[file].finding(0, describe(of, &arrows, &circle)));
        }
    }
    findings
}

/// All files that can be come to from this one.
fn reached(arrows: &Arrows, from: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        let next = arrows.keys().filter(|(start, _)| *start == file).map(|(_, end)| *end);
        open.extend(next.filter(|end| reached.insert(*end)).collect::<Vec<_>>());
    }
    reached
}

fn describe(of: &Crate, arrows: &Arrows, circle: &[usize]) -> String {
    let inside =
        arrows.iter().filter(|((from, to), _)| circle.contains(from) && circle.contains(to));
    let lines = inside.map(|((from, to), names)| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        format!(
            "\n    {} takes {} of {}",
            of.files[*from].path,
            names.join(", "),
            of.files[*to].path
        )
    });
    format!(
        "{} files import each other in a circle: move what both need to a file below them{}",
        circle.len(),
        lines.collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<_> = files
            .iter()
            .map(|(path, text)| Source::new(format!("crates/x/src/{path}"), *text))
            .collect();
        check(&sources).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn two_files_that_use_each_other_are_found_with_the_names_they_take() {
        let lines = found(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "pub struct B; fn f(_: super::a::A) {}"),
        ]);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("a.rs takes B of crates/x/src/b.rs"), "{lines:?}");
        assert!(lines[0].contains("b.rs takes A of crates/x/src/a.rs"), "{lines:?}");
    }

    #[test]
    fn a_name_is_followed_through_re_exports_to_the_file_that_defines_it() {
        let through = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "mod inner; pub use inner::A; use crate::b::B;"),
            ("a/inner.rs", "pub struct A;"),
        ];
        let harmless = [&through[..], &[("b.rs", "use crate::a::A; pub struct B;")]].concat();
        assert!(found(&harmless).is_empty(), "b needs the inner file alone");
        let circle = [
            &through[..2],
            &[
                ("a/inner.rs", "use crate::b::B; pub struct A;"),
                ("b.rs", "use crate::a::A; pub struct B;"),
            ],
        ]
        .concat();
        assert_eq!(found(&circle).len(), 1);
    }

    #[test]
    fn a_module_and_its_child_that_use_each_other_are_a_circle_and_one_way_is_none() {
        let child = ("a/c.rs", "use super::A; pub struct C;");
        assert!(
            found(&[("lib.rs", ""), ("a.rs", "mod c; pub use c::C; pub struct A;"), child])
                .is_empty()
        );
        assert_eq!(
            found(&[("lib.rs", ""), ("a.rs", "mod c; use c::C; pub struct A(C);"), child]).len(),
            1
        );
    }

    #[test]
    fn other_crates_and_tests_make_no_circle() {
        assert!(
            found(&[
                ("lib.rs", "mod a; mod b;"),
                ("a.rs", "use std::b::B; use crate::b::B;"),
                ("b.rs", "pub struct B;\n#[cfg(test)]\nmod tests { use crate::a::A; }"),
            ])
            .is_empty()
        );
    }
}
