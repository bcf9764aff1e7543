//! How long a run waits for its target: the limits that the user asked for, and what was learned meanwhile.
//!
//! Waiting costs nothing while a target answers. One that hangs would cost its full time at every case, so after a few
//! hangs a run waits only for many times what the slowest answer took. Nothing here decides a verdict.

use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::Death;

/// How long to wait.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest silence before a target counts as hung.
    pub step: Duration,
    /// Silence after which a marker request is sent to prove that an answer is missing.
    pub patience: Duration,
    /// Time that a target gets to end after its input was closed, and again after TERM.
    pub grace: Duration,
}

/// Hangs after which a run waits shorter, and ends after which a target gets less time to end.
const LESSONS: usize = 3;
/// How many times the slowest answer is waited for then.
const SLOWEST_TIMES: u32 = 10;
/// What part of the full time is waited for in any case.
const LEAST_PART: u32 = 10;
/// How many times the longest silence an answer may take that comes in pieces.
const PIECES: u32 = 3;
/// Least time that is waited for, unless the user asked for less.
const LEAST: Duration = Duration::from_millis(300);

const MARKER_WORKS: u8 = u8::MAX;

/// The limits of a run and what it has learned; shared by its workers.
#[derive(Debug)]
pub struct Pace {
    asked: Limits,
    until: Option<Instant>,
    markers: AtomicU8,
    slowest_micros: AtomicU64,
    hangs: AtomicUsize,
    stubborn: AtomicUsize,
}

impl Pace {
    /// A run that has learned nothing yet and ends at a time, if one is given.
    #[must_use]
    pub const fn new(asked: Limits, until: Option<Instant>) -> Self {
        Self {
            asked,
            until,
            markers: AtomicU8::new(0),
            slowest_micros: AtomicU64::new(0),
            hangs: AtomicUsize::new(0),
            stubborn: AtomicUsize::new(0),
        }
    }

    /// The limits that were asked for.
    #[must_use]
    pub const fn asked(&self) -> &Limits {
        &self.asked
    }

    /// When to stop waiting: so long after `start`, or when the run is over.
    #[must_use]
    pub fn deadline(&self, start: Instant, wait: Duration) -> Instant {
        let deadline = start + wait;
        self.until.map_or(deadline, |until| deadline.min(until))
    }

    /// Why the run is over, if it is.
    #[must_use]
    pub fn stopped(&self) -> Option<Death> {
        if crate::interrupted() {
            return Some(Death::Stopped("the run was interrupted".to_owned()));
        }
        let over = self.until.is_some_and(|until| Instant::now() >= until);
        over.then(|| Death::Stopped("the run took longer than it was given (--run-timeout)".to_owned()))
    }

    /// Longest silence on an open connection before the target counts as hung.
    #[must_use]
    pub fn step(&self) -> Duration {
        if !self.is_hurried() {
            return self.asked.step;
        }
        let slowest = Duration::from_micros(self.slowest_micros.load(Ordering::Relaxed));
        (slowest * SLOWEST_TIMES).max(self.asked.step / LEAST_PART).max(LEAST).min(self.asked.step)
    }

    /// Longest time for all pieces of what is awaited, however short the silences between them.
    #[must_use]
    pub fn whole(&self) -> Duration {
        self.step() * if self.is_hurried() { 2 } else { PIECES }
    }

    /// Silence after which a marker request is sent.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.asked.patience.min(self.step() / 2)
    }

    /// Time that a target gets to end, once after its input was closed and once after TERM.
    #[must_use]
    pub fn grace(&self) -> Duration {
        let hasty = self.stubborn.load(Ordering::Relaxed) >= LESSONS || crate::interrupted();
        if hasty { self.asked.grace.min(LEAST) } else { self.asked.grace }
    }

    /// Whether the target has hung so often that the run waits shorter than it was asked to.
    #[must_use]
    pub fn is_hurried(&self) -> bool {
        self.hangs.load(Ordering::Relaxed) >= LESSONS
    }

    /// How long a marker may stay unanswered while other lines come.
    #[must_use]
    pub fn quiet(&self) -> Duration {
        match self.markers.load(Ordering::Relaxed) {
            MARKER_WORKS => self.step(),
            0..3 => self.step().min(Duration::from_secs(1)),
            _ => Duration::from_millis(20),
        }
    }

    /// A marker was answered.
    pub fn marker_worked(&self) {
        self.markers.store(MARKER_WORKS, Ordering::Relaxed);
    }

    /// A marker was not answered, but something else was.
    pub fn marker_lost(&self) {
        let _ = self.markers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < 3).then_some(n + 1));
    }

    /// Output came after this time.
    pub fn answered_after(&self, silence: Duration) {
        let micros = u64::try_from(silence.as_micros()).unwrap_or(u64::MAX);
        self.slowest_micros.fetch_max(micros, Ordering::Relaxed);
    }

    /// A connection hung.
    pub fn hung(&self) {
        self.hangs.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection did not end by itself after its input was closed.
    pub fn had_to_be_ended(&self) {
        self.stubborn.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        let second = Duration::from_secs(1);
        Pace::new(Limits { step: 10 * second, patience: second / 2, grace: 2 * second }, None)
    }

    #[test]
    fn the_full_time_is_waited_for_until_a_target_has_hung_three_times() {
        let pace = pace();
        pace.hung();
        pace.hung();
        assert_eq!(pace.step(), Duration::from_secs(10));
        pace.hung();
        assert_eq!(pace.step(), Duration::from_secs(1));
    }

    #[test]
    fn a_target_that_answers_slowly_gets_its_time_even_after_it_has_hung() {
        let pace = pace();
        (0..5).for_each(|_| pace.hung());
        pace.answered_after(Duration::from_millis(300));
        assert_eq!(pace.step(), Duration::from_secs(3));
        pace.answered_after(Duration::from_secs(9));
        assert_eq!(pace.step(), Duration::from_secs(10), "never more than was asked for");
    }

    #[test]
    fn a_target_that_never_ends_by_itself_gets_less_time_to() {
        let pace = pace();
        (0..3).for_each(|_| pace.had_to_be_ended());
        assert_eq!(pace.grace(), LEAST);
        assert_eq!(pace.step(), Duration::from_secs(10));
    }

    #[test]
    fn no_wait_outlasts_the_run() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let limits = Limits { step: 10 * second, patience: second / 2, grace: 2 * second };
        let pace = Pace::new(limits, Some(now + second));
        assert_eq!(pace.deadline(now, 10 * second), now + second);
        assert!(pace.stopped().is_none());
        assert!(Pace::new(limits, Some(now)).stopped().is_some());
    }
}
