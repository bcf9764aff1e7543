//! One test per case: the built-in reference passes every case of every profile.
//!
//! Each test plays its case alone, in sessions of its own, so tests can run in any order and in parallel.

mod common;

use std::sync::Arc;

use civispec::catalog::Catalog;
use civispec::runner::plan::of_profile;
use civispec::runner::run;
use civispec::verdict::Verdict;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let catalog = Arc::new(common::catalog());
    let mut trials = Vec::new();
    for suite in &catalog.suites {
        for profile in catalog.profiles_of(&suite.name) {
            for (case, _) in of_profile(suite, profile) {
                let (catalog, suite, profile, id) =
                    (Arc::clone(&catalog), suite.name.clone(), profile.name.clone(), case.id.clone());
                let name = format!("{profile}::{id}");
                trials.push(Trial::test(name, move || passes(&catalog, &suite, &profile, &id)));
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn passes(catalog: &Catalog, suite: &str, profile: &str, id: &str) -> Result<(), Failed> {
    let suite = catalog.suites.iter().find(|s| s.name == suite).ok_or("no such suite")?;
    let profile = catalog.profiles.iter().find(|p| p.name == profile).ok_or("no such profile")?;
    let mut plan = common::plan(suite, profile, &[]);
    plan.cases.retain(|c| c.id == id);
    plan.wishes.isolate = true;
    let report = run(&plan, &mut |_| {})?;
    let ledger = &suite.ledger;
    match report.cases.first() {
        Some(result) if result.verdict == Verdict::Pass => Ok(()),
        Some(_) => {
            let text = civispec::report::terminal::Terminal { ledger, verbose: true }.render(&report);
            Err(Failed::from(anstream::adapter::strip_str(&text).to_string()))
        }
        None => Err("the case was not run".into()),
    }
}
