//! Reads case files and finds the mistakes of their authors.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml::Spanned;

use super::transcript::{self, Block, Send, TranscriptError};
use super::{Alternative, Case, Connection, Control, Envelope, Feature, Flags, Principal, Touch};
use crate::clause::Ledger;
use crate::error::{DataError, at_line, at_span};

/// A suite: its clauses and its cases.
#[derive(Debug, Clone)]
pub struct Suite {
    /// `pipe`
    pub name: String,
    /// Its clauses.
    pub ledger: Ledger,
    /// Its cases, sorted by id.
    pub cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    case: Vec<Spanned<RawCase>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCase {
    id: String,
    clause: String,
    about: String,
    transcript: Spanned<String>,
    #[serde(default)]
    flags: Option<RawFlags>,
    #[serde(default)]
    sessions: Option<BTreeMap<String, String>>,
    #[serde(default, rename = "as")]
    login: Option<Principal>,
    #[serde(default)]
    touches: Vec<Touch>,
    #[serde(default)]
    needs: Vec<Feature>,
    #[serde(default)]
    profiles: Vec<String>,
    #[serde(default)]
    split: Option<Split>,
    #[serde(default)]
    rare: bool,
    #[serde(default)]
    observe: Option<String>,
    #[serde(default)]
    judges: Vec<Envelope>,
    #[serde(default = "yes")]
    passive: bool,
    #[serde(default)]
    never: Vec<String>,
    #[serde(default)]
    situation: Option<String>,
    #[serde(default)]
    alias: Vec<String>,
    #[serde(default)]
    reading_of_transcript: Option<String>,
    #[serde(default)]
    reading: Vec<RawReading>,
    #[serde(default)]
    control: Option<RawControl>,
}

const fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Split {
    EveryByte,
}

/// `flags = "vt"` or `flags = false`. Written by hand so that a mistake gets a message of ours.
struct RawFlags(Option<String>);

impl<'de> Deserialize<'de> for RawFlags {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = RawFlags;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a flag string, or false for a connection without an argument")
            }
            fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<RawFlags, E> {
                Ok(RawFlags(Some(v.to_owned())))
            }
            fn visit_bool<E: serde::de::Error>(self, v: bool) -> Result<RawFlags, E> {
                if v {
                    Err(E::invalid_value(serde::de::Unexpected::Bool(v), &self))
                } else {
                    Ok(RawFlags(None))
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawReading {
    name: String,
    expect: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawControl {
    from: String,
    to: String,
    expect: Spanned<String>,
}

/// Reads one case file of a suite.
///
/// # Errors
/// TOML or notation that does not parse, an unknown clause or reading, a control that changes nothing.
pub fn parse_file(name: &str, text: &str, ledger: &Ledger) -> Result<Vec<Case>, DataError> {
    let file: File = toml::from_str(text).map_err(|e| DataError::toml(name, text, &e))?;
    file.case
        .into_iter()
        .map(|raw| {
            let start = raw.span().start;
            Reader { name, text, start, ledger }.case(raw.into_inner())
        })
        .collect()
}

/// Where a case stands, for messages.
struct Reader<'a> {
    name: &'a str,
    text: &'a str,
    start: usize,
    ledger: &'a Ledger,
}

impl Reader<'_> {
    fn fail<T>(&self, what: String) -> Result<T, DataError> {
        Err(at_span(self.name, self.text, self.start, what))
    }

    fn case(&self, raw: RawCase) -> Result<Case, DataError> {
        if !is_case_id(&raw.id) {
            return self
                .fail(format!("case id '{}' is not a slug with '/' such as pipe/topic/point", raw.id));
        }
        let Some(clause) = self.ledger.get(&raw.clause) else {
            return self.fail(format!("{}: there is no clause '{}'", raw.id, raw.clause));
        };
        let blocks =
            transcript::parse(raw.transcript.as_ref()).map_err(|e| self.inside(&raw.transcript, &e))?;
        let known = |name: &String| clause.readings.iter().any(|r| r.name == *name);
        let names = raw.reading_of_transcript.iter().chain(raw.reading.iter().map(|r| &r.name));
        if let Some(unknown) = names.clone().find(|n| !known(n)) {
            let list: Vec<_> = clause.readings.iter().map(|r| r.name.as_str()).collect();
            return self.fail(format!(
                "{}: clause {} has no reading '{unknown}' (it has: {})",
                raw.id,
                clause.id,
                list.join(", ")
            ));
        }
        if !raw.reading.is_empty() && raw.reading_of_transcript.is_none() {
            return self.fail(format!(
                "{}: name the reading of the transcript itself in reading_of_transcript",
                raw.id
            ));
        }
        let readings = raw
            .reading
            .iter()
            .map(|r| {
                let wants =
                    transcript::parse_wants(r.expect.as_ref()).map_err(|e| self.inside(&r.expect, &e))?;
                Ok(Alternative { name: r.name.clone(), wants })
            })
            .collect::<Result<_, _>>()?;
        let control = raw.control.as_ref().map(|c| self.control(&raw, c, &blocks)).transpose()?;
        let connections = self.connections(&raw, &blocks)?;
        for (i, block) in blocks.iter().enumerate() {
            if block.wants.is_empty() && i + 1 == blocks.len() {
                return self.fail(format!("{}: the transcript expects nothing, so it cannot fail", raw.id));
            }
        }
        if let Some(observe) = &raw.observe
            && !crate::oracle::passive::Code::ALL.iter().any(|c| c.name() == observe)
        {
            return self.fail(format!("{}: there is no passive oracle '{observe}'", raw.id));
        }
        let line = self.text[..self.start].matches('\n').count() + 1;
        Ok(Case {
            situation: raw.situation.unwrap_or_else(|| raw.clause.clone()),
            id: raw.id,
            clause: raw.clause,
            about: raw.about,
            connections,
            touches: raw.touches,
            needs: raw.needs,
            profiles: raw.profiles,
            every_split: raw.split.is_some(),
            rare: raw.rare,
            observe: raw.observe,
            judges: raw.judges,
            passive: raw.passive,
            never: raw.never,
            alias: raw.alias,
            blocks,
            reading: raw.reading_of_transcript,
            readings,
            control,
            origin: (self.name.to_owned(), line),
        })
    }

    fn connections(&self, raw: &RawCase, blocks: &[Block]) -> Result<Vec<Connection>, DataError> {
        let used = blocks.iter().map(|b| b.session + 1).max().unwrap_or(1);
        let connections: Vec<Connection> = match (&raw.sessions, &raw.flags) {
            (Some(_), Some(_)) => return self.fail(format!("{}: give flags or sessions, not both", raw.id)),
            (Some(map), None) => {
                if map.keys().map(String::as_str).ne(["A", "B"]) {
                    return self.fail(format!("{}: sessions are called A and B", raw.id));
                }
                map.values().map(|f| Connection { flags: Flags::Text(f.clone()), login: raw.login }).collect()
            }
            (None, flags) => {
                let flags = match flags {
                    None => Flags::Suite,
                    Some(RawFlags(None)) => Flags::None,
                    Some(RawFlags(Some(text))) => Flags::Text(text.clone()),
                };
                vec![Connection { flags, login: raw.login }]
            }
        };
        if used > connections.len() {
            return self.fail(format!("{}: lines of session B need sessions = {{ A = …, B = … }}", raw.id));
        }
        Ok(connections)
    }

    fn control(&self, raw: &RawCase, control: &RawControl, blocks: &[Block]) -> Result<Control, DataError> {
        let wants =
            transcript::parse_wants(control.expect.as_ref()).map_err(|e| self.inside(&control.expect, &e))?;
        if control.from == control.to || wants.is_empty() {
            return self.fail(format!("{}: the control changes nothing or expects nothing", raw.id));
        }
        let mut places = Vec::new();
        for (b, block) in blocks.iter().enumerate() {
            for (s, send) in block.sends.iter().enumerate() {
                if let Send::Text { source, .. } = send
                    && source.contains(&control.from)
                {
                    places.push((b, s));
                }
            }
        }
        let &[(b, s)] = places.as_slice() else {
            return self.fail(format!(
                "{}: the control's from = '{}' stands in {} sent lines; it must stand in exactly one",
                raw.id,
                control.from,
                places.len()
            ));
        };
        let mut blocks = blocks[..=b].to_vec();
        blocks[b].wants = wants;
        if let Send::Text { source, slots, .. } = &mut blocks[b].sends[s] {
            *source = source.replacen(&control.from, &control.to, 1);
            *slots = super::template::parse(source).map_err(|(_, what)| {
                at_span(self.name, self.text, self.start, format!("{}: control: {what}", raw.id))
            })?;
        }
        Ok(Control { from: control.from.clone(), to: control.to.clone(), blocks })
    }

    /// A mistake inside a string of the file: its line there is that of the string plus that within it.
    fn inside(&self, text: &Spanned<String>, error: &TranscriptError) -> DataError {
        let raw = &self.text[text.span()];
        let first = self.text[..text.span().start].matches('\n').count() + 1;
        let multiline = raw.starts_with("'''\n") || raw.starts_with("\"\"\"\n");
        let column = if multiline || error.line > 0 {
            error.column + 1
        } else {
            let line_start = self.text[..text.span().start].rfind('\n').map_or(0, |i| i + 1);
            text.span().start - line_start + 2 + error.column
        };
        at_line(self.name, self.text, first + usize::from(multiline) + error.line, column, error.what.clone())
    }
}

fn is_case_id(id: &str) -> bool {
    id.split('/').count() >= 2
        && id.split('/').all(|part| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        })
}

impl Suite {
    /// Puts a suite together from its clauses and case files.
    ///
    /// # Errors
    /// The first mistake in any file; an id that two cases claim.
    pub fn parse<'a>(
        name: &str,
        clauses: (&str, &str),
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, DataError> {
        let ledger = Ledger::parse(clauses.0, clauses.1)?;
        let mut suite = Self { name: name.to_owned(), ledger, cases: Vec::new() };
        for (file, text) in files {
            suite.add(file, text)?;
        }
        Ok(suite)
    }

    /// Adds the cases of one more file.
    ///
    /// # Errors
    /// As [`Suite::parse`].
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), DataError> {
        self.cases.extend(parse_file(file, text, &self.ledger)?);
        let mut seen = BTreeSet::new();
        for case in &self.cases {
            for id in std::iter::once(&case.id).chain(&case.alias) {
                if !seen.insert(id) {
                    return Err(at_line(
                        file,
                        text,
                        case.origin.1,
                        1,
                        format!("case id '{id}' is given twice"),
                    ));
                }
            }
        }
        self.cases.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(())
    }
}
