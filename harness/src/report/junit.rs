//! The JUnit report: one test case per case, suites by clause source.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use crate::event::{CaseResult, RunReport};
use crate::verdict::Verdict;

/// The report of one or more runs as JUnit XML.
///
/// # Errors
/// When the XML writer refuses.
pub fn render(reports: &[RunReport]) -> Result<String, quick_junit::SerializeError> {
    let mut out = Report::new("civispec");
    for report in reports {
        let mut suites: BTreeMap<&str, TestSuite> = BTreeMap::new();
        for case in &report.cases {
            let source = case.clause.split(':').next().unwrap_or_default();
            let name = format!("{}.{}.{source}", report.info.suite, report.info.profile);
            suites.entry(source).or_insert_with(|| TestSuite::new(name)).add_test_case(test_case(case));
        }
        out.add_test_suites(suites.into_values());
    }
    out.to_string()
}

fn test_case(case: &CaseResult) -> TestCase {
    let mut status = match case.verdict {
        Verdict::Pass | Verdict::Warn | Verdict::Known => TestCaseStatus::success(),
        Verdict::NotApplicable => TestCaseStatus::skipped(),
        Verdict::Fail | Verdict::Flaky | Verdict::Stale => {
            TestCaseStatus::non_success(NonSuccessKind::Failure)
        }
        _ => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    if case.verdict != Verdict::Pass {
        status.set_message(case.reason.clone());
        status.set_type(case.verdict.word());
    }
    let mut test = TestCase::new(case.id.clone(), status);
    test.set_classname(case.clause.clone());
    test.set_time(case.duration);
    test.add_property(Property::new("level", case.level.to_string()));
    test.add_property(Property::new("verdict", case.verdict.word()));
    for reading in &case.readings {
        test.add_property(Property::new("reading", reading.clone()));
    }
    if !matches!(case.verdict, Verdict::Pass | Verdict::NotApplicable) {
        let mut text = vec![case.about.clone()];
        text.extend(case.wanted.iter().map(|w| format!("want  {w}")));
        text.extend(
            case.got.iter().map(|g| format!("got   {}", super::terminal::visible(g.as_bytes(), g.len()))),
        );
        text.extend(super::repro::lines(case).into_iter().map(|r| format!("repro {r}")));
        test.set_system_out(text.join("\n"));
    }
    test
}
