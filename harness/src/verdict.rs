//! Verdicts on cases and clauses, and the exit status that follows from them.

use serde::{Deserialize, Serialize};

use crate::clause::Level;

/// What became of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The clause held, positively observed.
    Pass,
    /// It was broken.
    Fail,
    /// A should or shown clause was departed from.
    Warn,
    /// It fails as a baseline says.
    Known,
    /// A baseline says that it fails, but it passes.
    Stale,
    /// It does not apply to what was declared.
    NotApplicable,
    /// Its control failed, or answers could not be read: nothing is known.
    Inconclusive,
    /// Fails and passes under the same conditions.
    Flaky,
    /// The target did not answer in time.
    Hang,
    /// The target ended when it should not.
    Crash,
    /// The target could not be reached any more.
    Unreachable,
    /// We made a mistake.
    HarnessError,
}

impl Verdict {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Warn => "warn",
            Self::Known => "known",
            Self::Stale => "stale",
            Self::NotApplicable => "not-applicable",
            Self::Inconclusive => "inconclusive",
            Self::Flaky => "flaky",
            Self::Hang => "hang",
            Self::Crash => "crash",
            Self::Unreachable => "unreachable",
            Self::HarnessError => "harness-error",
        }
    }

    /// Whether the target is to blame for it.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Fail | Self::Hang | Self::Crash)
    }

    /// Whether it should be repeated alone when it was seen in a shared session.
    #[must_use]
    pub const fn needs_repeat(self) -> bool {
        matches!(self, Self::Fail | Self::Warn | Self::Inconclusive | Self::Hang | Self::Crash)
    }

    /// What a departure from a clause of this level is worth.
    #[must_use]
    pub const fn of_departure(level: Level, strict: bool) -> Self {
        match level {
            Level::Must | Level::States | Level::Robust => Self::Fail,
            Level::Should if strict => Self::Fail,
            Level::Should | Level::Shown | Level::May => Self::Warn,
        }
    }
}

/// Everything that decides the exit status of a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tallied {
    /// A case met a mistake of ours, or a report could not be written.
    pub harness_error: bool,
    /// Nothing was left to run.
    pub nothing_selected: bool,
    /// The target could not be reached.
    pub unreachable: bool,
    /// A case failed, hung or crashed the target.
    pub failed: bool,
    /// A required must or states clause was not proven.
    pub unproven: bool,
    /// A baseline entry passes.
    pub stale: bool,
}

/// The exit status: the first that applies.
#[must_use]
pub const fn exit_status(t: Tallied) -> u8 {
    if t.harness_error {
        5
    } else if t.nothing_selected {
        4
    } else if t.unreachable {
        3
    } else if t.failed || t.unproven {
        1
    } else if t.stale {
        6
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_exit_status_that_applies_wins() {
        let none = Tallied::default();
        assert_eq!(exit_status(none), 0);
        assert_eq!(exit_status(Tallied { stale: true, ..none }), 6);
        assert_eq!(exit_status(Tallied { stale: true, unproven: true, ..none }), 1);
        assert_eq!(exit_status(Tallied { failed: true, unreachable: true, ..none }), 3);
        assert_eq!(exit_status(Tallied { nothing_selected: true, unreachable: true, ..none }), 4);
        assert_eq!(exit_status(Tallied { harness_error: true, nothing_selected: true, ..none }), 5);
    }

    #[test]
    fn only_binding_levels_fail() {
        assert_eq!(Verdict::of_departure(Level::States, false), Verdict::Fail);
        assert_eq!(Verdict::of_departure(Level::Should, false), Verdict::Warn);
        assert_eq!(Verdict::of_departure(Level::Should, true), Verdict::Fail);
        assert_eq!(Verdict::of_departure(Level::Shown, true), Verdict::Warn);
    }
}
