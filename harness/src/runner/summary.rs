//! What the results of cases mean for other cases and for clauses.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Plan, level_of};
use crate::case::Case;
use crate::clause::Role;
use crate::event::{CaseResult, ClauseResult, RunInfo, RunReport};
use crate::oracle::passive::{Code, Tally};
use crate::verdict::Verdict;

/// Fails the cases that observe a rule which some answer of the run broke.
pub(super) fn apply_passive(plan: &Plan<'_>, results: &mut [CaseResult], tally: &Tally) {
    for result in results.iter_mut().filter(|r| matches!(r.verdict, Verdict::Pass | Verdict::Inconclusive)) {
        let Some(case) = plan.cases.iter().find(|c| c.id == result.id) else { continue };
        let Some(code) = case.observe.as_ref().and_then(|o| Code::ALL.into_iter().find(|c| c.name() == o))
        else {
            continue;
        };
        if let Some(sighting) = tally.first.get(&code) {
            result.verdict = Verdict::of_departure(level_of(plan, case), plan.strict);
            result.reason = crate::report::redact(
                &format!("{} (seen in {})", sighting.detail, sighting.case),
                &plan.secrets,
            );
            result.wanted = Some(code.rule().to_owned());
            result.got = Some(crate::report::redact(&sighting.answer, &plan.secrets));
            if sighting.case != result.id {
                result.needs_earlier = vec![sighting.case.clone()];
            }
        }
    }
}

/// Fails cases of one situation that show different readings.
pub(super) fn apply_consistency(plan: &Plan<'_>, results: &mut [CaseResult]) {
    let mut shown: BTreeMap<(&str, &str), (String, BTreeSet<String>)> = BTreeMap::new();
    for result in results.iter_mut().filter(|r| r.verdict == Verdict::Pass && !r.readings.is_empty()) {
        let Some(case) = plan.cases.iter().find(|c| c.id == result.id) else { continue };
        let readings: BTreeSet<String> = result.readings.iter().cloned().collect();
        match shown.get_mut(&(case.clause.as_str(), case.situation.as_str())) {
            None => {
                shown.insert((&case.clause, &case.situation), (result.id.clone(), readings));
            }
            Some((first, common)) => {
                let both: BTreeSet<String> = common.intersection(&readings).cloned().collect();
                if both.is_empty() {
                    let list = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" or ");
                    result.verdict = Verdict::Fail;
                    result.reason = format!(
                        "it shows the reading {} here but {} in {first}",
                        list(&readings),
                        list(common)
                    );
                    result.wanted = Some("the same reading in the same situation".to_owned());
                } else {
                    *common = both;
                }
            }
        }
    }
}

/// How a run came to its end.
pub(super) struct End {
    pub(super) unreachable: Option<String>,
    pub(super) interrupted: bool,
    pub(super) remarks: Vec<String>,
    pub(super) duration: Duration,
}

/// Puts the report together.
pub(super) fn report(plan: &Plan<'_>, info: RunInfo, cases: Vec<CaseResult>, end: End) -> RunReport {
    let by_id: BTreeMap<&str, &Case> = plan.cases.iter().map(|c| (c.id.as_str(), *c)).collect();
    let mut clauses = Vec::new();
    for clause in plan.suite.ledger.iter() {
        let own: Vec<&CaseResult> = cases.iter().filter(|r| r.clause == clause.id).collect();
        if own.is_empty() {
            continue;
        }
        let failing = own.iter().any(|r| r.verdict.is_failure() || matches!(r.verdict, Verdict::Flaky));
        let passing = own.iter().any(|r| matches!(r.verdict, Verdict::Pass));
        let mut readings: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for result in own.iter().filter(|r| r.verdict == Verdict::Pass && !r.readings.is_empty()) {
            let situation = by_id.get(result.id.as_str()).map_or("", |c| c.situation.as_str());
            let set: BTreeSet<String> = result.readings.iter().cloned().collect();
            let common = readings.entry(situation).or_insert_with(|| set.clone());
            *common = common.intersection(&set).cloned().collect();
        }
        let shown: BTreeSet<String> = readings.into_values().flatten().collect();
        clauses.push(ClauseResult {
            id: clause.id.clone(),
            level: clause.level,
            role: clause.role,
            quote: clause.quote.clone(),
            verdict: worst(&own),
            proven: passing && !failing,
            reading: (!shown.is_empty()).then(|| shown.into_iter().collect::<Vec<_>>().join(", ")),
            cases: own.iter().map(|r| r.id.clone()).collect(),
        });
    }
    let client_clauses = plan
        .suite
        .ledger
        .iter()
        .filter(|c| c.role == Role::Client && c.profiles.contains(&plan.profile.name))
        .count();
    let End { unreachable, interrupted, remarks, duration } = end;
    RunReport { info, cases, clauses, client_clauses, unreachable, remarks, interrupted, duration }
}

/// The verdict of a clause: the gravest of its cases, where a pass outweighs what is merely unknown.
fn worst(cases: &[&CaseResult]) -> Verdict {
    const ORDER: [Verdict; 12] = [
        Verdict::HarnessError,
        Verdict::Fail,
        Verdict::Crash,
        Verdict::Hang,
        Verdict::Flaky,
        Verdict::Stale,
        Verdict::Known,
        Verdict::Warn,
        Verdict::Pass,
        Verdict::Unreachable,
        Verdict::Inconclusive,
        Verdict::NotApplicable,
    ];
    ORDER.into_iter().find(|v| cases.iter().any(|c| c.verdict == *v)).unwrap_or(Verdict::NotApplicable)
}
