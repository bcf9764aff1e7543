//! Reports: their form, what is the same for every number of workers, and what never stands in one.

mod common;

use civispec::report::{json, junit};

/// A report without what may differ from run to run: times, and how the two directions interleave.
fn timeless(text: &str) -> serde_json::Value {
    fn strip(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(members) => {
                for key in ["duration_ms", "at_ms"] {
                    members.remove(key);
                }
                members.values_mut().for_each(strip);
                if let Some(serde_json::Value::Array(wire)) = members.get_mut("wire") {
                    wire.sort_by_key(|w| (w["connection"].as_u64(), w["kind"].to_string()));
                }
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value = serde_json::from_str(text).expect("the report is JSON");
    strip(&mut value);
    value
}

fn rendered(workers: usize, extra: &[&str]) -> String {
    let catalog = common::catalog();
    let profile = catalog.profiles.iter().find(|p| p.name == "published").expect("a profile");
    let mut plan = common::plan(&catalog.suites[0], profile, extra);
    plan.workers = workers;
    json::render(&[common::report(&plan)]).expect("a report can be written")
}

#[test]
fn the_json_report_follows_its_schema_for_passes_and_failures() {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../report.schema.json")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is sound");
    for extra in [&[][..], &["--defect", "notification-answered"]] {
        let report: serde_json::Value = serde_json::from_str(&rendered(2, extra)).expect("JSON");
        let errors: Vec<String> =
            validator.iter_errors(&report).map(|e| format!("{}: {e}", e.instance_path)).take(5).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
    assert!(!validator.is_valid(&serde_json::json!({ "version": 1, "tool": "civispec" })));
}

#[test]
fn the_report_is_the_same_for_every_number_of_workers() {
    for extra in [&[][..], &["--defect", "notification-answered"]] {
        let one = timeless(&rendered(1, extra));
        for workers in [2, 5] {
            similar_asserts(&one, &timeless(&rendered(workers, extra)), workers);
        }
    }
}

fn similar_asserts(one: &serde_json::Value, other: &serde_json::Value, workers: usize) {
    if one != other {
        let (a, b) = (format!("{one:#}"), format!("{other:#}"));
        let diff = similar::TextDiff::from_lines(&a, &b).unified_diff().context_radius(6).to_string();
        let head: String = diff.lines().take(60).collect::<Vec<_>>().join("\n");
        panic!("-j 1 and -j {workers} differ:\n{head}");
    }
}

#[test]
fn a_declared_credential_stands_in_no_report() {
    let catalog = common::catalog();
    let suite = &catalog.suites[0];
    let profile = catalog.profiles.iter().find(|p| p.name == "published").expect("a profile");
    let mut plan = common::plan(suite, profile, &["--defect", "error-tells-credential"]);
    plan.cases.retain(|c| {
        c.id.contains("login") || c.id.contains("cred") || c.id.contains("trust") || c.id.contains("leak")
    });
    let secret = plan.secrets[0].clone();
    let report = common::report(&plan);
    let sent = report
        .cases
        .iter()
        .flat_map(|c| &c.wire)
        .any(|w| civispec::oracle::frame::find(&w.bytes, b"[secret]").is_some());
    assert!(sent, "no case sent the credential, so this test shows nothing");
    let terminal =
        civispec::report::terminal::Terminal { ledger: &suite.ledger, verbose: true }.render(&report);
    for text in [
        json::render(std::slice::from_ref(&report)).expect("JSON"),
        junit::render(&[report]).expect("XML"),
        terminal,
    ] {
        // The reference uses the example of the text, which stands in a quote.
        let text = text.replace("AuthX credential such as Bearer s3cr3tk3y", "");
        let at = text.find(&secret);
        assert_eq!(
            at.map(|at| &text[at.saturating_sub(60)..]).map(|t| t.chars().take(200).collect::<String>()),
            None
        );
    }
}

#[test]
fn one_session_per_case_gives_the_same_verdicts_as_shared_sessions() {
    let catalog = common::catalog();
    for profile in catalog.profiles_of("pipe") {
        let shared = common::plan(&catalog.suites[0], profile, &[]);
        let mut isolated = common::plan(&catalog.suites[0], profile, &[]);
        isolated.wishes.isolate = true;
        let verdicts =
            |plan| common::report(plan).cases.into_iter().map(|c| (c.id, c.verdict)).collect::<Vec<_>>();
        assert_eq!(verdicts(&shared), verdicts(&isolated), "{}", profile.name);
    }
}

#[test]
fn the_default_run_of_a_profile_opens_at_most_forty_sessions() {
    let catalog = common::catalog();
    for profile in catalog.profiles_of("pipe") {
        let mut plan = common::plan(&catalog.suites[0], profile, &[]);
        plan.wishes.all = false;
        let sessions = common::report(&plan).info.sessions;
        assert!(sessions <= 40, "{}: {sessions} sessions", profile.name);
    }
}
