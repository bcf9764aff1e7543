//! What can go wrong, by whose fault: the user's, a case author's, the target's, ours.
//!
//! Messages say who is wrong, what was expected and what to do. Verdicts on a target are not errors; they live in
//! [`crate::verdict`].

use std::path::PathBuf;

/// A data file (cases, clauses, profiles, defects) with a mistake in it: its author's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {what}\n{snippet}")]
pub struct DataError {
    /// The file, as it was named.
    pub file: String,
    /// Line of the mistake, from 1.
    pub line: usize,
    /// Column of the mistake in characters, from 1.
    pub column: usize,
    /// What is wrong and what was expected.
    pub what: String,
    /// The line of the file with a caret under the mistake.
    pub snippet: String,
}

impl DataError {
    /// Makes an error of a TOML parser ours.
    #[must_use]
    pub fn toml(file: &str, text: &str, error: &toml::de::Error) -> Self {
        at_span(file, text, error.span().map_or(0, |s| s.start), error.message().to_owned())
    }
}

/// An error at a byte offset of a file.
#[must_use]
pub fn at_span(file: &str, text: &str, offset: usize, what: String) -> DataError {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    at_line(file, text, line, column, what)
}

/// An error at a line and column of a file, both from 1.
#[must_use]
pub fn at_line(file: &str, text: &str, line: usize, column: usize, what: String) -> DataError {
    let shown: String =
        text.lines().nth(line.saturating_sub(1)).unwrap_or_default().chars().take(160).collect();
    let margin = " ".repeat(line.to_string().len());
    let caret = " ".repeat(column.saturating_sub(1).min(160));
    let snippet = format!("{margin} |\n{line} | {shown}\n{margin} | {caret}^");
    DataError { file: file.to_owned(), line, column, what, snippet }
}

/// Why a command could not do its work. Each kind has an exit status of its own.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line asks for something that makes no sense.
    #[error("{0}")]
    Usage(String),
    /// A case, clause, profile or recording with a mistake in it.
    #[error("{0}")]
    Data(#[from] DataError),
    /// A file that cannot be read: the user's.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// No case is left after selection.
    #[error("{0}")]
    NothingSelected(String),
    /// The target could not be started or gave no sign of life.
    #[error("{0}")]
    Unreachable(String),
    /// A report or another file of ours cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl Error {
    /// The exit status that documents the kind of error.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Data(_) | Self::Read { .. } => 2,
            Self::Unreachable(_) => 3,
            Self::NothingSelected(_) => 4,
            Self::Write { .. } => 5,
        }
    }
}
