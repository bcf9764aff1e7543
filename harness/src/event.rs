//! What happens during a run, as data. The runner emits events; reporters turn them into output and see nothing else.

use std::time::Duration;

use serde::Serialize;

use crate::case::pattern::Mismatch;
use crate::clause::{Level, Role};
use crate::exchange::Wire;
use crate::verdict::Verdict;

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// A run over one profile begins, with so many cases to play.
    Started(RunInfo, usize),
    /// A case was decided.
    Decided(Box<CaseResult>),
    /// The run is over.
    Finished(Box<RunReport>),
}

/// What a run was about.
#[derive(Debug, Clone, Serialize)]
pub struct RunInfo {
    /// Version of the suite.
    pub suite_version: String,
    /// Name of the suite.
    pub suite: String,
    /// Profile.
    pub profile: String,
    /// The command of the target; secrets in it are struck out.
    pub target: String,
    /// What the target said of itself in its header.
    pub identity: String,
    /// Seed of all draws.
    pub seed: u64,
    /// Connections that were opened.
    pub sessions: usize,
    /// Whether should clauses fail.
    pub strict: bool,
}

/// What became of a case.
#[derive(Debug, Clone)]
pub struct CaseResult {
    /// Id of the case.
    pub id: String,
    /// Id of its clause.
    pub clause: String,
    /// Level of the clause.
    pub level: Level,
    /// What it is about.
    pub about: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Why; empty for a pass.
    pub reason: String,
    /// Readings that its answers fit.
    pub readings: Vec<String>,
    /// How long it took.
    pub duration: Duration,
    /// What was wanted where it differs.
    pub wanted: Option<String>,
    /// The answer that differs.
    pub got: Option<String>,
    /// Where they differ.
    pub mismatches: Vec<Mismatch>,
    /// What the control did.
    pub control: Option<String>,
    /// Cases whose messages must come before to see it.
    pub needs_earlier: Vec<String>,
    /// What went over the wire.
    pub wire: Vec<Wire>,
    /// The command that plays this case again with the same seed.
    pub rerun: String,
    /// The command of each connection.
    pub commands: Vec<Vec<String>>,
}

/// What became of a clause.
#[derive(Debug, Clone)]
pub struct ClauseResult {
    /// Its id.
    pub id: String,
    /// Its level.
    pub level: Level,
    /// Its role.
    pub role: Role,
    /// Its quote.
    pub quote: Option<String>,
    /// The worst verdict of its cases, or how it stands without any.
    pub verdict: Verdict,
    /// Whether a case passed by something positively observed and none failed.
    pub proven: bool,
    /// The reading that the target shows.
    pub reading: Option<String>,
    /// Its cases.
    pub cases: Vec<String>,
}

/// A finished run.
#[derive(Debug, Clone)]
pub struct RunReport {
    /// What it was about.
    pub info: RunInfo,
    /// Results by case id.
    pub cases: Vec<CaseResult>,
    /// Results by clause in the order of the ledger; only clauses with a case in this run.
    pub clauses: Vec<ClauseResult>,
    /// Client clauses of the profile, which this run does not test.
    pub client_clauses: usize,
    /// Why the target could not be reached any more.
    pub unreachable: Option<String>,
    /// How it behaved as a process, where that is worth a word; no verdict depends on it.
    pub remarks: Vec<String>,
    /// Whether cases were left out because the user or the clock stopped the run.
    pub interrupted: bool,
    /// How long it took.
    pub duration: Duration,
}

/// Proven, applicable and all clauses of the binding levels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// With a case that passed and none that failed.
    pub proven: usize,
    /// With a case that applies.
    pub applicable: usize,
    /// With a case at all.
    pub total: usize,
}

impl RunReport {
    /// How many must and states clauses are proven.
    #[must_use]
    pub fn proof(&self) -> Proof {
        let mut proof = Proof::default();
        for clause in self.clauses.iter().filter(|c| matches!(c.level, Level::Must | Level::States)) {
            proof.total += 1;
            proof.applicable += usize::from(clause.verdict != Verdict::NotApplicable);
            proof.proven += usize::from(clause.proven);
        }
        proof
    }

    /// How many cases have this verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.cases.iter().filter(|c| c.verdict == verdict).count()
    }

    /// What decides the exit status.
    #[must_use]
    pub fn tallied(&self) -> crate::verdict::Tallied {
        let unproven = self.clauses.iter().any(|c| {
            matches!(c.level, Level::Must | Level::States)
                && !c.proven
                && !matches!(c.verdict, Verdict::NotApplicable | Verdict::Known)
        });
        crate::verdict::Tallied {
            harness_error: self.count(Verdict::HarnessError) > 0,
            nothing_selected: false,
            unreachable: self.unreachable.is_some(),
            failed: self.cases.iter().any(|c| c.verdict.is_failure()),
            // What was left out may be what would have failed.
            unproven: unproven || self.interrupted,
            stale: self.count(Verdict::Stale) > 0,
        }
    }
}
