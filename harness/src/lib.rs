//! civispec: a conformance suite and protocol fuzzer for the RPC protocols of CiviCRM and eGroupWare.
//!
//! The way of a case: [`case`] (data) → [`runner`] (which apply, in which session) → [`exchange`] (plays the steps
//! against a [`target`]) → [`oracle`]s (pure judges) → [`verdict`] → [`event`] → [`report`]s. `ARCHITECTURE.md`
//! beside this crate has the map and the invariants.

use std::sync::atomic::{AtomicBool, Ordering};

pub mod case;
pub mod catalog;
pub mod clause;
pub mod cli;
pub mod draw;
pub mod error;
pub mod event;
pub mod exchange;
pub mod lint;
pub mod oracle;
pub mod profile;
pub mod record;
pub mod report;
pub mod runner;
pub mod target;
pub mod verdict;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Whether the user has asked us to stop.
#[must_use]
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Asks every running exchange to stop soon; what was measured so far is still reported.
pub fn interrupt() {
    INTERRUPTED.store(true, Ordering::Relaxed);
}
