//! What several tests need: plans against the built-in reference.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use civispec::case::{Case, Suite};
use civispec::catalog::Catalog;
use civispec::event::RunReport;
use civispec::exchange::Limits;
use civispec::profile::Profile;
use civispec::runner::plan::{Wishes, of_profile};
use civispec::runner::{Plan, run};
use civispec::target::reference;

pub(crate) fn catalog() -> Catalog {
    Catalog::built_in().expect("the built-in data is sound")
}

/// A plan for all cases of a profile against the reference, started with `extra` arguments.
pub(crate) fn plan<'a>(suite: &'a Suite, profile: &'a Profile, extra: &[&str]) -> Plan<'a> {
    let extra: Vec<String> = extra.iter().map(|e| (*e).to_owned()).collect();
    let target = reference::pipe(Path::new(env!("CARGO_BIN_EXE_civispec")), &profile.name, &extra);
    let cases: Vec<&Case> = of_profile(suite, profile).map(|(case, _)| case).collect();
    Plan {
        suite,
        profile,
        cases,
        launcher: target.launcher,
        name: "built-in reference".to_owned(),
        declared: target.declared,
        secrets: target.secrets,
        wishes: Wishes {
            features: target.features.into_iter().collect::<BTreeSet<_>>(),
            all: true,
            isolate: false,
        },
        seed: 1,
        workers: 1,
        limits: Limits {
            step: Duration::from_secs(10),
            patience: Duration::from_secs(1),
            grace: Duration::from_secs(2),
        },
        run_limit: Duration::from_secs(120),
        strict: true,
        readings: profile.readings.clone(),
    }
}

pub(crate) fn report(plan: &Plan<'_>) -> RunReport {
    run(plan, &mut |_| {}).unwrap_or_else(|e| panic!("the target could not be tested: {e}"))
}

/// Calls `work` for every item on a few threads, and returns the results in the order of the items.
pub(crate) fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let results: Mutex<Vec<Option<R>>> = Mutex::new(items.iter().map(|_| None).collect());
    let workers = std::thread::available_parallelism().map_or(2, usize::from).max(2);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((i, item)) = {
                    let i = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    items.get(i).map(|item| (i, item))
                } {
                    let result = work(item);
                    results.lock().expect("no worker panicked")[i] = Some(result);
                }
            });
        }
    });
    results
        .into_inner()
        .expect("no worker panicked")
        .into_iter()
        .map(|r| r.expect("every item was worked on"))
        .collect()
}
