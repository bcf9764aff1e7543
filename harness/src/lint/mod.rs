//! Judges recorded sessions without a target: bytes that were sent, bytes that came back, and how it ended.
//!
//! Pure: text in, judgement out; reading files and printing is the command line's. A recording tells the order of
//! bytes within one direction only, so answers are assigned to requests by their order and their ids ([`align`]) and
//! never by time. What a line asks for is read in [`ask`]; what its answer breaks is said in [`court`] and in the
//! modules that carry on its work: `header`, `envelope` (what all answers share), `lines` (by kind of line), `batch`,
//! `calls` (by method), `updates` (options). "A red is right": where the texts leave a freedom nothing is found, the
//! reading is counted; what a called API may have printed itself is noted and not judged.

pub mod align;
pub mod ask;
mod batch;
mod calls;
pub mod clauses;
pub mod court;
mod envelope;
pub mod finding;
mod fit;
mod header;
mod lines;
pub mod numbers;
mod options;
pub mod recording;
pub mod render;
#[cfg(test)]
mod tests;
mod text;
mod updates;

pub use court::judge;
pub use finding::{Finding, Judged};
pub use recording::{Parsed, Session, parse};

use crate::clause::Ledger;
use crate::error::DataError;

/// The clauses of the pipe suite, against which sessions are held.
///
/// # Errors
/// A mistake in a data file of ours.
pub fn built_in_ledger() -> Result<Ledger, DataError> {
    let suites = civispec_cases::suites();
    let pipe = suites.iter().find(|s| s.name == "pipe");
    pipe.map_or_else(|| Ok(Ledger::default()), |suite| Ledger::parse(suite.clauses.name, suite.clauses.text))
}
