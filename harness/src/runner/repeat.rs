//! What was seen in a shared session is seen again, alone and in company, before it counts.

use super::attempt::{Attempt, Context, attempt};
use super::seats::Seats;
use crate::case::Case;
use crate::clause::Level;
use crate::oracle::passive::Tally;
use crate::verdict::Verdict;

/// Most sessions that are spent on shortening the messages that must come before.
const SHORTENING: usize = 12;
/// The same where each of them costs the time of a hang.
const SHORTENING_A_HANG: usize = 4;

/// Repeats a case that went wrong behind `earlier` ones. Returns what counts, and the cases that it needs before it.
pub(super) fn alone(
    context: &Context<'_>,
    case: &Case,
    level: Level,
    earlier: &[&Case],
    seen: Attempt,
) -> (Attempt, Vec<String>) {
    let again = play_behind(context, case, level, &[]);
    if again.verdict != Verdict::Pass {
        return (again, Vec::new());
    }
    let mut needed: Vec<&Case> = earlier.to_vec();
    let mut worst = play_behind(context, case, level, &needed);
    if worst.verdict == Verdict::Pass {
        let reason =
            format!("failed once in company, then passed alone and in the same company: {}", seen.reason);
        return (Attempt { verdict: Verdict::Flaky, reason, ..seen }, Vec::new());
    }
    // Leave out ever smaller parts as long as the failure stays.
    let mut part = needed.len().div_ceil(2);
    let mut spent = 0;
    let limit = if worst.verdict == Verdict::Hang { SHORTENING_A_HANG } else { SHORTENING };
    while spent < limit && part > 0 {
        let mut start = 0;
        let mut shorter = false;
        while start < needed.len() && spent < limit {
            let end = (start + part).min(needed.len());
            let rest: Vec<&Case> = needed[..start].iter().chain(&needed[end..]).copied().collect();
            let trial = play_behind(context, case, level, &rest);
            spent += 1;
            if trial.verdict == Verdict::Pass {
                start = end;
            } else {
                (needed, worst, shorter) = (rest, trial, true);
            }
        }
        if part == 1 && !shorter {
            break;
        }
        part = if part == 1 { 0 } else { part.div_ceil(2) };
    }
    let names: Vec<String> = needed.iter().map(|c| c.id.clone()).collect();
    worst.reason = format!("{} (needs these earlier messages: {})", worst.reason, names.join(", "));
    (worst, names)
}

fn play_behind(context: &Context<'_>, case: &Case, level: Level, earlier: &[&Case]) -> Attempt {
    let mut seats = Seats::default();
    let mut scratch = Tally::default();
    let mut before = Vec::new();
    for (i, other) in earlier.iter().enumerate() {
        before.extend(attempt(context, other, level, &mut seats, i == 0, &mut scratch).wire);
    }
    let mut seen = attempt(context, case, level, &mut seats, earlier.is_empty(), &mut scratch);
    before.append(&mut seen.wire);
    seen.wire = before;
    seats.close(context, &case.id, &mut scratch);
    seen
}
