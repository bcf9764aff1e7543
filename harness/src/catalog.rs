//! The catalog: suites and profiles as built in, and a user's own case folder beside them.

use std::path::{Path, PathBuf};

use crate::case::{Case, Suite};
use crate::error::{DataError, Error};
use crate::profile::Profile;

/// All suites and profiles.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// The suites, by name.
    pub suites: Vec<Suite>,
    /// The profiles, by name.
    pub profiles: Vec<Profile>,
}

impl Catalog {
    /// Reads what is built in.
    ///
    /// # Errors
    /// A mistake in a data file of ours.
    pub fn built_in() -> Result<Self, DataError> {
        let suites = civispec_cases::suites()
            .iter()
            .map(|s| {
                let files = s.cases.iter().map(|f| (f.name, f.text));
                Suite::parse(s.name, (s.clauses.name, s.clauses.text), files)
            })
            .collect::<Result<_, _>>()?;
        let profiles = civispec_cases::profiles()
            .iter()
            .map(|f| Profile::parse(f.name, f.text))
            .collect::<Result<_, _>>()?;
        Ok(Self { suites, profiles })
    }

    /// Adds the case files of a folder (`*.toml`, also one level down in folders named like a suite).
    ///
    /// # Errors
    /// A folder or file that cannot be read, a mistake in one.
    pub fn add_folder(&mut self, folder: &Path) -> Result<(), Error> {
        let mut found = 0;
        for suite in &mut self.suites {
            for dir in [folder.to_owned(), folder.join(&suite.name)] {
                if dir != folder && !dir.is_dir() {
                    continue;
                }
                for path in toml_files(&dir)? {
                    let text = std::fs::read_to_string(&path)
                        .map_err(|source| Error::Read { path: path.clone(), source })?;
                    suite.add(&path.display().to_string(), &text)?;
                    found += 1;
                }
            }
        }
        if found == 0 {
            return Err(Error::Usage(format!("--cases {}: there is no *.toml file in it", folder.display())));
        }
        Ok(())
    }

    /// The profiles of a suite.
    pub fn profiles_of<'a>(&'a self, suite: &'a str) -> impl Iterator<Item = &'a Profile> {
        self.profiles.iter().filter(move |p| p.suite == suite)
    }
}

fn toml_files(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = std::fs::read_dir(dir).map_err(|source| Error::Read { path: dir.to_owned(), source })?;
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "toml")).collect();
    files.sort();
    Ok(files)
}

/// Whether a selector names a case: its id or an alias, its clause, a folder of ids, or a glob over either.
#[must_use]
pub fn selects(selector: &str, case: &Case) -> bool {
    let names = [case.id.as_str(), case.clause.as_str()];
    let mut all = names.into_iter().chain(case.alias.iter().map(String::as_str));
    if selector.contains('*') {
        return all.any(|name| glob(selector.as_bytes(), name.as_bytes()));
    }
    let folder = selector.trim_end_matches('/');
    all.any(|name| name == selector) || case.id.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Matches `*` against any run of characters.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
        } else if pattern.get(p) == Some(&text[t]) {
            p += 1;
            t += 1;
        } else if let Some((at, from)) = star {
            p = at + 1;
            t = from + 1;
            star = Some((at, from + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

/// The ids nearest to something that selects nothing.
#[must_use]
pub fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let names: Vec<&str> = names.collect();
    similar::get_close_matches(wanted, &names, 3, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, text, wanted) in [
            ("pipe/*", "pipe/flags/v", true),
            ("*null*", "jsonrpc:response.id-null", true),
            ("pipe/*/v", "pipe/flags/v", true),
            ("pipe/*/v", "pipe/flags/vu", false),
            ("*", "", true),
        ] {
            assert_eq!(glob(pattern.as_bytes(), text.as_bytes()), wanted, "{pattern} {text}");
        }
    }

    #[test]
    fn every_data_file_parses() {
        let catalog = Catalog::built_in().unwrap();
        assert_eq!(catalog.suites.len(), 1);
        assert!(catalog.profiles_of("pipe").count() >= 2);
    }
}
