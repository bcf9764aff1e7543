//! Servers that prove nothing must prove nothing: silent ones, echoing ones, tapes of recorded replies.

mod common;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use civispec::clause::Level;
use civispec::target::Launcher;

/// The helper program, which cargo builds beside the tests.
fn hostile() -> PathBuf {
    let mut path = std::env::current_exe().expect("the test binary has a path");
    path.pop();
    path.pop();
    let program = path.join("examples").join("hostile");
    assert!(
        program.exists(),
        "run `cargo build -p civispec --examples` first: there is no {}",
        program.display()
    );
    program
}

const ONE_HEADER: &str =
    "its one header is that of the default connection, which is a header and does report logins";
const ONE_LINE: &str =
    "what it plays back are condensed objects on lines of their own, with the ids that were asked with";

/// Must and states clauses that such a server keeps all the same, with the reason.
const KEPT: [(&str, &str, &str); 10] = [
    ("echoing", "pipe:flags.login", ONE_HEADER),
    ("tape-by-line-with-ids", "pipe:header.first", ONE_HEADER),
    ("tape-by-line-with-ids", "pipe:flags.login", ONE_HEADER),
    ("tape-by-line-with-ids", "pipe:line.newline-out", ONE_LINE),
    ("tape-by-line-with-ids", "pipe:line.single-object", ONE_LINE),
    ("tape-by-line-with-ids", "pipe:line.condensed", ONE_LINE),
    ("tape-by-line-with-ids", "pipe:line.no-delimiter", ONE_LINE),
    ("tape-by-method-with-ids", "pipe:header.first", ONE_HEADER),
    ("tape-by-method-with-ids", "pipe:flags.login", ONE_HEADER),
    ("tape-by-method-with-ids", "pipe:api-checks.type", "the options that it plays back do report a boolean"),
];

#[test]
fn servers_that_prove_nothing_prove_no_binding_clause() {
    let catalog = common::catalog();
    let suite = &catalog.suites[0];
    let profile = catalog.profiles.iter().find(|p| p.name == "published").expect("a profile");
    let kinds = [
        "silent-after-header",
        "echoing",
        "always-32600",
        "always-null",
        "closing-at-once",
        "random-json",
        "tape-by-line",
        "tape-by-method",
        "tape-by-line-with-ids",
        "tape-by-method-with-ids",
        "one-behind",
    ];
    let wrong: Vec<String> = common::in_parallel(&kinds, |kind| {
        let mut plan = common::plan(suite, profile, &[]);
        plan.launcher = Launcher {
            command: [hostile().into_os_string(), OsString::from(kind), OsString::from("{flags}")].to_vec(),
            cwd: None,
            env: Vec::new(),
            letters_only: false,
        };
        plan.limits.step = Duration::from_millis(400);
        plan.limits.patience = Duration::from_millis(100);
        plan.limits.grace = Duration::from_millis(200);
        let report = common::report(&plan);
        report
            .clauses
            .iter()
            .filter(|c| c.proven && matches!(c.level, Level::Must | Level::States))
            .filter(|c| !KEPT.iter().any(|(k, clause, _)| k == kind && *clause == c.id))
            .map(|c| format!("{kind} proves {} ({}): {}", c.id, c.level, c.cases.join(", ")))
            .collect::<Vec<_>>()
    })
    .concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
