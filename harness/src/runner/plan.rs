//! Which cases apply, and which of them share a session.

use std::collections::{BTreeMap, BTreeSet};

use crate::case::{Case, Connection, Feature, Principal, Suite};
use crate::clause::Clause;
use crate::profile::Profile;
use crate::target::Launcher;

/// What the user declared and asked for.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Declared features.
    pub features: BTreeSet<Feature>,
    /// Run rare cases too.
    pub all: bool,
    /// One session per case.
    pub isolate: bool,
}

/// Cases that are played one after the other on one connection.
#[derive(Debug, Clone)]
pub struct Job<'a> {
    /// The cases, in order.
    pub cases: Vec<&'a Case>,
    /// Whether they share a connection.
    pub shared: bool,
}

/// A case that does not apply, with the reason.
pub type Skipped<'a> = (&'a Case, String);

/// The cases of a suite that a profile asks for.
pub fn of_profile<'a>(
    suite: &'a Suite,
    profile: &'a Profile,
) -> impl Iterator<Item = (&'a Case, &'a Clause)> {
    suite.cases.iter().filter_map(move |case| {
        let clause = suite.ledger.get(&case.clause)?;
        let asked = if case.profiles.is_empty() { &clause.profiles } else { &case.profiles };
        asked.contains(&profile.name).then_some((case, clause))
    })
}

/// Why a case does not apply.
#[must_use]
pub fn obstacle(case: &Case, wishes: &Wishes, profile: &Profile, launcher: &Launcher) -> Option<String> {
    if case.rare && !wishes.all {
        return Some("rare: runs with --all".to_owned());
    }
    let logins = case.connections.iter().filter_map(|c| c.login).map(feature_of);
    let missing = case
        .needs
        .iter()
        .copied()
        .chain(logins)
        .find(|f| !wishes.features.contains(f) && !profile.features.contains(f));
    if let Some(feature) = missing {
        return Some(format!("needs {}", feature.option()));
    }
    case.connections.iter().find_map(|c| launcher.arguments(&c.flags, profile.flags.as_deref()).err())
}

const fn feature_of(principal: Principal) -> Feature {
    match principal {
        Principal::Cred => Feature::Cred,
        Principal::ContactId => Feature::ContactId,
        Principal::UserId => Feature::UserId,
        Principal::User => Feature::User,
    }
}

/// Puts cases into sessions: those that may share one do, longest session first.
#[must_use]
pub fn jobs<'a>(cases: &[&'a Case], isolate: bool) -> Vec<Job<'a>> {
    let mut shared: BTreeMap<&Connection, Vec<&'a Case>> = BTreeMap::new();
    let mut jobs = Vec::new();
    for &case in cases {
        if case.shares_session() && !isolate {
            shared.entry(&case.connections[0]).or_default().push(case);
        } else {
            jobs.push(Job { cases: vec![case], shared: false });
        }
    }
    jobs.extend(shared.into_values().map(|cases| Job { cases, shared: true }));
    jobs.sort_by_key(|job| std::cmp::Reverse(job.cases.len()));
    jobs
}
