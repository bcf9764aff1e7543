//! The data of the suites is complete: no testable clause without a case, no case that nobody asks for.

mod common;

use std::collections::BTreeSet;

use civispec::clause::{Level, Role};
use civispec::runner::plan::of_profile;

#[test]
fn every_clause_that_can_be_tested_on_servers_has_a_case_in_each_of_its_profiles() {
    let catalog = common::catalog();
    let mut missing = Vec::new();
    for suite in &catalog.suites {
        for profile in catalog.profiles_of(&suite.name) {
            let covered: BTreeSet<&str> = of_profile(suite, profile)
                .filter(|(case, _)| !case.rare)
                .map(|(_, clause)| clause.id.as_str())
                .collect();
            for clause in suite.ledger.iter().filter(|c| c.is_testable_on_servers()) {
                if clause.profiles.contains(&profile.name) && !covered.contains(clause.id.as_str()) {
                    missing.push(format!("{} in profile {}", clause.id, profile.name));
                }
            }
        }
    }
    assert!(missing.is_empty(), "no case that runs by default: {missing:#?}");
}

#[test]
fn every_case_belongs_to_a_clause_that_can_be_tested_and_to_a_known_profile() {
    let catalog = common::catalog();
    let profiles: BTreeSet<&str> = catalog.profiles.iter().map(|p| p.name.as_str()).collect();
    for suite in &catalog.suites {
        for clause in suite.ledger.iter() {
            assert!(clause.profiles.iter().all(|p| profiles.contains(p.as_str())), "{}", clause.id);
            let tested = suite.cases.iter().any(|c| c.clause == clause.id);
            assert!(
                !tested || clause.is_testable_on_servers(),
                "{} cannot be tested but has a case",
                clause.id
            );
        }
        for case in &suite.cases {
            let clause = suite.ledger.get(&case.clause).expect("checked when the file was read");
            assert!(
                case.profiles.iter().all(|p| clause.profiles.contains(p)),
                "{} widens its clause's profiles",
                case.id
            );
            assert!(
                case.id.starts_with(&format!("{}/", suite.name)),
                "{} is in the suite {}",
                case.id,
                suite.name
            );
        }
    }
}

#[test]
fn the_pipe_suite_has_at_least_two_hundred_cases_and_counts_client_clauses_apart() {
    let catalog = common::catalog();
    let suite = &catalog.suites[0];
    assert!(suite.cases.len() >= 200, "{}", suite.cases.len());
    assert!(suite.ledger.iter().any(|c| c.role == Role::Client));
}

#[test]
fn every_clause_is_quoted_or_is_our_own_or_a_question_and_tells_what_a_failure_means() {
    let catalog = common::catalog();
    for clause in catalog.suites.iter().flat_map(|s| s.ledger.iter()) {
        let open = clause.level == Level::May && !clause.readings.is_empty();
        assert!(clause.quote.is_some() || clause.source() == "own" || open, "{} has no quote", clause.id);
        assert_eq!(clause.source() == "own", clause.level == Level::Robust, "{}", clause.id);
        assert!(
            clause.role == Role::Client || clause.untestable.is_some() || clause.hint.is_some(),
            "{}",
            clause.id
        );
    }
}
