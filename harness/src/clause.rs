//! Clauses: the normative sentences of a specification, as data (`cases/<suite>/clauses.toml`).
//!
//! Here lives the vocabulary of levels, roles and readings and the ledger that finds a clause by its id. What a case
//! sends and what an oracle thinks of the answer never lives here.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{DataError, at_span};

/// How strongly the text binds an implementation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worded as a must.
    Must,
    /// A flat statement of fact; breaking it fails like a must.
    States,
    /// Worded as a should: breaking it warns, and fails with `--strict`.
    Should,
    /// Only an example shows it: a departure warns and never fails.
    Shown,
    /// Permitted, not asked for.
    May,
    /// Our own requirement, reported apart.
    Robust,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Must => "must",
            Self::States => "states",
            Self::Should => "should",
            Self::Shown => "shown",
            Self::May => "may",
            Self::Robust => "robust",
        })
    }
}

/// Whom a clause binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The peer that answers.
    Server,
    /// The peer that asks; counted apart.
    Client,
    /// Both; tested on servers.
    Both,
}

/// Why no case can decide a clause.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Untestable {
    /// The kind of reason.
    pub why: Why,
    /// The reason, as a sentence.
    pub sentence: String,
}

/// The only reasons for which a clause may go untested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It speaks of a later revision.
    Future,
    /// It informs and asks for nothing.
    Informative,
    /// Nothing of it shows outside of the peer.
    InsideThePeer,
    /// It binds the interface of one programming language.
    Language,
}

/// One way to read a clause that its text leaves open.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Slug, unique within the clause.
    pub name: String,
    /// What an implementation does that reads the clause this way.
    pub about: String,
    /// Which sentence or which deployed peer supports it.
    pub source: String,
}

/// A normative sentence.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clause {
    /// `source:topic.point`
    pub id: String,
    /// Number of the clause in the fact sheets that the ledger was made from.
    #[serde(default)]
    pub fact: Option<String>,
    /// How strongly it binds.
    pub level: Level,
    /// Whom it binds.
    pub role: Role,
    /// Heading under which it stands.
    #[serde(default)]
    pub section: String,
    /// At most 25 words of the text itself.
    #[serde(default)]
    pub quote: Option<String>,
    /// The same in our words.
    pub says: String,
    /// The profiles that ask for it.
    pub profiles: Vec<String>,
    /// What a failure usually means.
    #[serde(default)]
    pub hint: Option<String>,
    /// Why no case decides it.
    #[serde(default)]
    pub untestable: Option<Untestable>,
    /// Ways to read it.
    #[serde(default, rename = "reading")]
    pub readings: Vec<Reading>,
}

impl Clause {
    /// The document that the clause comes from: the part of the id before the colon.
    #[must_use]
    pub fn source(&self) -> &str {
        self.id.split(':').next().unwrap_or_default()
    }

    /// Whether a case must exist for it: it binds servers and can be observed.
    #[must_use]
    pub fn is_testable_on_servers(&self) -> bool {
        self.role != Role::Client && self.untestable.is_none()
    }
}

/// All clauses of a suite, in the order of the file.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    clauses: Vec<Clause>,
    index: BTreeMap<String, usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    clause: Vec<toml::Spanned<Clause>>,
}

impl Ledger {
    /// Reads a `clauses.toml`.
    ///
    /// # Errors
    /// TOML that does not parse, an id of the wrong shape or given twice, a quote of more than 25 words.
    pub fn parse(name: &str, text: &str) -> Result<Self, DataError> {
        let file: File = toml::from_str(text).map_err(|e| DataError::toml(name, text, &e))?;
        let mut ledger = Self::default();
        for spanned in file.clause {
            let span = spanned.span();
            let clause = spanned.into_inner();
            let fail = |what: String| Err(at_span(name, text, span.start, what));
            if !is_clause_id(&clause.id) {
                return fail(format!("clause id '{}' is not of the form source:topic.point", clause.id));
            }
            if clause.quote.as_ref().is_some_and(|q| q.split_whitespace().count() > 25) {
                return fail(format!("the quote of {} has more than 25 words", clause.id));
            }
            if ledger.index.insert(clause.id.clone(), ledger.clauses.len()).is_some() {
                return fail(format!("clause id '{}' is given twice", clause.id));
            }
            ledger.clauses.push(clause);
        }
        Ok(ledger)
    }

    /// The clause with this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Clause> {
        self.index.get(id).map(|&i| &self.clauses[i])
    }

    /// All clauses in the order of the ledger.
    pub fn iter(&self) -> std::slice::Iter<'_, Clause> {
        self.clauses.iter()
    }
}

fn is_clause_id(id: &str) -> bool {
    let slug = |s: &str| {
        !s.is_empty() && s.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    let Some((source, rest)) = id.split_once(':') else { return false };
    let Some((topic, point)) = rest.split_once('.') else { return false };
    slug(source) && slug(topic) && slug(point)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_id_has_a_source_a_topic_and_a_point() {
        assert!(is_clause_id("jsonrpc:response.id-null"));
        for bad in ["pipe/line", "pipe:line", "Pipe:a.b", "pipe:a.b.c", ":a.b", "pipe:.b"] {
            assert!(!is_clause_id(bad), "{bad}");
        }
    }

    #[test]
    fn a_mistake_in_the_ledger_is_reported_with_file_and_line() {
        let text = "[[clause]]\nid = \"x:a.b\"\nlevel = \"shall\"\n";
        let e = Ledger::parse("clauses.toml", text).unwrap_err().to_string();
        assert!(e.contains("clauses.toml:3") && e.contains('^') && e.contains("shall"), "{e}");
    }
}
