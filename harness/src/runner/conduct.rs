//! How a target behaves as a process, which no clause asks about but its maintainer wants to know.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::target::Ended;

/// Standard error of one run that is worth a remark.
const CHATTER: u64 = 1 << 20;

/// Counts over the connections of a run.
#[derive(Debug, Default)]
pub struct Conduct {
    sessions_with_orphans: AtomicUsize,
    orphans: AtomicUsize,
    deaf_to_end: AtomicUsize,
    deaf_to_term: AtomicUsize,
    stderr: AtomicU64,
}

impl Conduct {
    /// Takes note of how a connection ended.
    pub(super) fn note(&self, ended: &Ended) {
        let add = |counter: &AtomicUsize, n: usize| counter.fetch_add(n, Ordering::Relaxed);
        add(&self.sessions_with_orphans, usize::from(ended.left_behind > 0));
        add(&self.orphans, ended.left_behind);
        add(&self.deaf_to_end, usize::from(ended.refused_to_end));
        add(&self.deaf_to_term, usize::from(ended.killed));
        self.stderr.fetch_add(ended.stderr_total, Ordering::Relaxed);
    }

    /// What there is to say, one sentence each.
    pub(super) fn remarks(&self) -> Vec<String> {
        let of = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        let sessions = |counter: &AtomicUsize| count(of(counter), "session");
        let mut remarks = Vec::new();
        if of(&self.orphans) > 0 {
            remarks.push(format!(
                "{} that it had left behind in {} had to be ended",
                count(of(&self.orphans), "process"),
                sessions(&self.sessions_with_orphans)
            ));
        }
        if of(&self.deaf_to_end) > 0 {
            remarks.push(format!(
                "in {} it did not end when its standard input did",
                sessions(&self.deaf_to_end)
            ));
        }
        if of(&self.deaf_to_term) > 0 {
            remarks.push(format!("in {} it ignored TERM and had to be killed", sessions(&self.deaf_to_term)));
        }
        let stderr = self.stderr.load(Ordering::Relaxed);
        if stderr >= CHATTER {
            remarks.push(format!("it wrote {stderr} bytes on standard error"));
        }
        remarks
    }
}

/// A number of things.
fn count(n: usize, thing: &str) -> String {
    let plural = if n == 1 {
        ""
    } else if thing.ends_with('s') {
        "es"
    } else {
        "s"
    };
    format!("{n} {thing}{plural}")
}

/// What there is to say about processes that were found when everything was over.
#[must_use]
pub fn strays(n: usize) -> Option<String> {
    (n > 0)
        .then(|| format!("{} that it had left behind without a trace had to be ended", count(n, "process")))
}
