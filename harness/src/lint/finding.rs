//! What is wrong with a session, and the sheet on which it is written down.

use std::collections::BTreeMap;

use crate::clause::{Ledger, Level};

/// A clause that a session breaks, with the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Id of the clause.
    pub clause: &'static str,
    /// Its level.
    pub level: Level,
    /// Whether it is only a warning although its level binds.
    pub warns: bool,
    /// Line of the recording: that of the answer, or of the request where there is none.
    pub line: usize,
    /// What was sent, where something was.
    pub sent: Option<String>,
    /// What the clause asks for here.
    pub wanted: String,
    /// What stood there.
    pub got: String,
}

impl Finding {
    /// Whether it breaks a clause that binds: one of level must or states.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        !self.warns && matches!(self.level, Level::Must | Level::States)
    }
}

/// The judgement on one session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judged {
    /// What is wrong, in the order of the recording.
    pub findings: Vec<Finding>,
    /// What cannot be judged, and why: line and text.
    pub notes: Vec<(usize, String)>,
    /// Readings that were chosen where a clause has several, and how often.
    pub readings: BTreeMap<(&'static str, &'static str), usize>,
    /// Lines that asked for an answer.
    pub requests: usize,
    /// Answers that came.
    pub answers: usize,
}

/// Where something was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// Line of the recording.
    pub line: usize,
    /// What was sent.
    pub sent: Option<&'a str>,
}

/// Findings as they are made.
#[derive(Debug)]
pub(super) struct Sheet<'a> {
    ledger: &'a Ledger,
    profile: &'static str,
    pub judged: Judged,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(ledger: &'a Ledger, profile: &'static str) -> Self {
        Self { ledger, profile, judged: Judged::default() }
    }

    /// Writes a finding down, unless the text that the session is held against does not ask for the clause.
    pub(super) fn find(
        &mut self,
        clause: &'static str,
        place: Place<'_>,
        wanted: impl Into<String>,
        got: impl Into<String>,
    ) {
        self.write(clause, false, place, wanted.into(), got.into());
    }

    /// The same, but the departure is never more than a warning.
    pub(super) fn warn(
        &mut self,
        clause: &'static str,
        place: Place<'_>,
        wanted: impl Into<String>,
        got: impl Into<String>,
    ) {
        self.write(clause, true, place, wanted.into(), got.into());
    }

    fn write(&mut self, id: &'static str, warns: bool, place: Place<'_>, wanted: String, got: String) {
        let Some(clause) = self.ledger.get(id).filter(|c| c.profiles.iter().any(|p| p == self.profile))
        else {
            return;
        };
        let sent = place.sent.map(str::to_owned);
        let finding = Finding { clause: id, level: clause.level, warns, line: place.line, sent, wanted, got };
        if !self.judged.findings.contains(&finding) {
            self.judged.findings.push(finding);
        }
    }

    /// Notes something that is not judged.
    pub(super) fn note(&mut self, line: usize, text: impl Into<String>) {
        self.judged.notes.push((line, text.into()));
    }

    /// Counts a reading.
    pub(super) fn reading(&mut self, clause: &'static str, name: &'static str) {
        let asked = self.ledger.get(clause).is_some_and(|c| c.profiles.iter().any(|p| p == self.profile));
        if asked {
            *self.judged.readings.entry((clause, name)).or_default() += 1;
        }
    }
}
