//! The suite proves itself: every clause can fail, and every case can turn red.
//!
//! The reference is run once with each seeded defect. A defect counts when a case of its own clause fails (a crash or a
//! hang is no evidence) and when it does not also fail cases of more than three clauses on other topics. The table is
//! reviewed in `snapshots/`. `CIVISPEC_DEFECT=NAME` runs a single one and prints what failed.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use civispec::case::Suite;
use civispec::clause::{Clause, Level};
use civispec::event::{CaseResult, RunReport};
use civispec::verdict::Verdict;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Defects {
    defect: Vec<Defect>,
    #[serde(default)]
    never_red: Vec<NeverRed>,
}

#[derive(Debug, Clone, Deserialize)]
struct Defect {
    name: String,
    clause: String,
    kind: String,
    #[serde(default = "published")]
    profile: String,
}

fn published() -> String {
    "published".to_owned()
}

/// A case that no seeded defect turns red, with the reason.
#[derive(Debug, Deserialize)]
struct NeverRed {
    case: String,
    reason: String,
}

/// What one defect brought about.
struct Kill {
    own: Vec<String>,
    other_clauses: BTreeSet<String>,
    red: BTreeSet<String>,
    dead: Vec<String>,
}

/// Most clauses on other topics that a defect may fail and still be evidence.
const SPREAD: usize = 3;

fn defects() -> Defects {
    let file = civispec_cases::suites().remove(0).defects.expect("the suite has seeded defects");
    toml::from_str(file.text).unwrap_or_else(|e| panic!("defects.toml: {e}"))
}

fn topic(clause: &str) -> &str {
    clause.split('.').next().unwrap_or(clause)
}

fn kill(defect: &Defect, report: &RunReport, suite: &Suite) -> Kill {
    let red = |v: Verdict| matches!(v, Verdict::Fail | Verdict::Crash | Verdict::Hang | Verdict::Flaky);
    let own = |c: &&CaseResult| c.clause == defect.clause;
    // The rule that a case observes, when an answer elsewhere in the run broke it.
    let rule = |c: &CaseResult| {
        let case = suite.cases.iter().find(|case| case.id == c.id)?;
        case.observe.clone().filter(|_| c.reason.contains("(seen in "))
    };
    let own_rules: BTreeSet<String> = report.cases.iter().filter(own).filter_map(rule).collect();
    Kill {
        own: report
            .cases
            .iter()
            .filter(own)
            // Departures from shown and may clauses warn; from all others they fail.
            .filter(|c| matches!(c.verdict, Verdict::Fail | Verdict::Warn))
            .map(|c| c.id.clone())
            .collect(),
        other_clauses: report
            .cases
            .iter()
            .filter(|c| red(c.verdict) && topic(&c.clause) != topic(&defect.clause))
            .map(|c| (c.clause.clone(), rule(c)))
            // Clauses that observe one rule for all answers say the same of it: they count once, or not at all if the
            // defect's own clause is among them.
            .filter(|(_, rule)| rule.as_ref().is_none_or(|r| !own_rules.contains(r)))
            .map(|(clause, rule)| rule.map_or(clause, |r| format!("rule {r}")))
            .collect(),
        // A departure from a shown or may clause is a warning, which is as red as such a case gets.
        red: report
            .cases
            .iter()
            .filter(|c| red(c.verdict) || c.verdict == Verdict::Warn)
            .map(|c| c.id.clone())
            .collect(),
        dead: report
            .cases
            .iter()
            .filter(|c| {
                matches!(c.verdict, Verdict::Crash | Verdict::Hang | Verdict::Flaky | Verdict::HarnessError)
            })
            .map(|c| format!("{} {}: {}", c.verdict.word(), c.id, c.reason))
            .collect(),
    }
}

fn needs_defects(clause: &Clause) -> bool {
    clause.is_testable_on_servers() && matches!(clause.level, Level::Must | Level::States | Level::Should)
}

#[test]
fn every_binding_clause_has_a_gross_and_a_narrow_defect_that_a_case_of_its_own_catches() {
    let catalog = common::catalog();
    let suite = &catalog.suites[0];
    let Defects { defect: mut defects, never_red } = defects();
    let only = std::env::var("CIVISPEC_DEFECT").ok();
    if let Some(only) = &only {
        defects.retain(|d| d.name.contains(only.as_str()));
    }
    let kills = common::in_parallel(&defects, |defect| {
        let profile = catalog.profiles.iter().find(|p| p.name == defect.profile).expect("a known profile");
        let plan = common::plan(suite, profile, &["--defect", &defect.name]);
        let report = common::report(&plan);
        if only.is_some() {
            let text = civispec::report::terminal::Terminal { ledger: &suite.ledger, verbose: false }
                .render(&report);
            eprintln!("== {}\n{}", defect.name, anstream::adapter::strip_str(&text));
        }
        kill(defect, &report, suite)
    });

    let mut wrong = Vec::new();
    let mut table = Vec::new();
    let mut killed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut red: BTreeSet<&str> = BTreeSet::new();
    for (defect, kill) in defects.iter().zip(&kills) {
        red.extend(kill.red.iter().map(String::as_str));
        let spread = kill.other_clauses.len() > SPREAD;
        let others: Vec<&str> = kill.other_clauses.iter().map(String::as_str).collect();
        if kill.own.is_empty() {
            wrong.push(format!(
                "{} ({}, {}) is not caught by a case of its clause; it fails: {others:?} {:?}",
                defect.name, defect.kind, defect.clause, kill.dead
            ));
        } else if spread {
            wrong.push(format!(
                "{} ({}, {}) also fails {} clauses on other topics: {others:?}",
                defect.name,
                defect.kind,
                defect.clause,
                others.len()
            ));
        } else {
            killed.entry(&defect.clause).or_default().insert(&defect.kind);
        }
        if suite.ledger.get(&defect.clause).is_none() {
            wrong.push(format!("{}: there is no clause {}", defect.name, defect.clause));
        }
        let also = if others.is_empty() { String::new() } else { format!("; also {}", others.join(", ")) };
        table.push(format!(
            "{} {} {}\n    killed by {}{also}",
            defect.clause,
            defect.kind,
            defect.name,
            kill.own.join(", ")
        ));
    }
    if only.is_some() {
        eprintln!("{}", wrong.join("\n"));
        return;
    }
    for clause in suite.ledger.iter().filter(|c| needs_defects(c)) {
        for kind in ["gross", "narrow"] {
            if !killed.get(clause.id.as_str()).is_some_and(|kinds| kinds.contains(kind)) {
                wrong.push(format!("{} ({}) has no {kind} defect that counts", clause.id, clause.level));
            }
        }
    }
    let excused: BTreeSet<&str> =
        never_red.iter().filter(|n| !n.reason.is_empty()).map(|n| n.case.as_str()).collect();
    for case in &suite.cases {
        match (red.contains(case.id.as_str()), excused.contains(case.id.as_str())) {
            (false, false) => wrong.push(format!("case {} ({}) was never red", case.id, case.clause)),
            (true, true) => wrong.push(format!("case {} is excused in defects.toml but turns red", case.id)),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{} complaints:\n{}", wrong.len(), wrong.join("\n"));
    table.sort();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!("kill-matrix", table.join("\n")));
}

#[test]
fn harmless_variants_of_the_reference_stay_green() {
    let catalog = common::catalog();
    let suite = &catalog.suites[0];
    let variants: Vec<&str> =
        civispec_reference::defect::Variant::all().map(civispec_reference::defect::Variant::slug).collect();
    let runs: Vec<(&str, &civispec::profile::Profile)> =
        variants.iter().flat_map(|v| catalog.profiles_of("pipe").map(move |p| (*v, p))).collect();
    let wrong: Vec<String> = common::in_parallel(&runs, |(variant, profile)| {
        let report = common::report(&common::plan(suite, profile, &["--variant", variant]));
        let red =
            report.cases.iter().filter(|c| !matches!(c.verdict, Verdict::Pass | Verdict::NotApplicable));
        red.map(|c| format!("{variant} ({}): {} {}: {}", profile.name, c.verdict.word(), c.id, c.reason))
            .collect::<Vec<_>>()
    })
    .concat();
    assert!(wrong.is_empty(), "{} false alarms:\n{}", wrong.len(), wrong.join("\n"));
}
