//! The data of civispec, embedded at build: clauses, cases, profiles, recorded sessions.
//!
//! Files come in as text, under the names they have in this folder. What they mean is read in the harness.

use include_dir::{Dir, DirEntry, include_dir};

static PIPE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/pipe");
static PROFILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/profiles");

/// A file of this folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File {
    /// Its path below the folder of its kind, such as `flags.toml`.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// The data of one suite.
#[derive(Debug, Clone)]
pub struct Suite {
    /// Name of the protocol: `pipe`.
    pub name: &'static str,
    /// `clauses.toml`
    pub clauses: File,
    /// `defects.toml`, where the suite has one.
    pub defects: Option<File>,
    /// All files of cases, sorted by name.
    pub cases: Vec<File>,
}

/// All suites.
#[must_use]
pub fn suites() -> Vec<Suite> {
    vec![suite("pipe", &PIPE)]
}

/// All profiles, sorted by name.
#[must_use]
pub fn profiles() -> Vec<File> {
    toml_files(&PROFILES)
}

fn suite(name: &'static str, dir: &'static Dir<'static>) -> Suite {
    let (special, cases): (Vec<File>, Vec<File>) =
        toml_files(dir).into_iter().partition(|f| ["clauses.toml", "defects.toml"].contains(&f.name));
    let named = |wanted: &str| special.iter().find(|f| f.name == wanted).copied();
    Suite {
        name,
        clauses: named("clauses.toml").unwrap_or(File { name: "clauses.toml", text: "clause = []" }),
        defects: named("defects.toml"),
        cases,
    }
}

fn toml_files(dir: &'static Dir<'static>) -> Vec<File> {
    let mut files: Vec<File> = dir
        .entries()
        .iter()
        .filter_map(DirEntry::as_file)
        .filter_map(|f| Some(File { name: f.path().to_str()?, text: f.contents_utf8()? }))
        .filter(|f| f.name.ends_with(".toml"))
        .collect();
    files.sort_by_key(|f| f.name);
    files
}
