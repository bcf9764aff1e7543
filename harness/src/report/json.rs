//! The JSON report; `harness/report.schema.json` describes it.

use serde::Serialize;

use crate::clause::{Level, Role};
use crate::event::{CaseResult, Proof, RunInfo, RunReport};
use crate::exchange::{Wire, WireKind};
use crate::verdict::{Verdict, exit_status};

/// Version of the form; it grows when a reader of the old form would be misled.
pub const VERSION: u32 = 1;

#[derive(Serialize)]
struct File<'a> {
    version: u32,
    tool: &'static str,
    runs: Vec<Run<'a>>,
}

#[derive(Serialize)]
struct Run<'a> {
    info: &'a RunInfo,
    summary: Summary<'a>,
    clauses: Vec<Clause<'a>>,
    cases: Vec<Case<'a>>,
}

#[derive(Serialize)]
struct Summary<'a> {
    exit_status: u8,
    proof: Proof,
    client_clauses: usize,
    verdicts: std::collections::BTreeMap<&'static str, usize>,
    unreachable: &'a Option<String>,
    remarks: &'a [String],
    interrupted: bool,
    duration_ms: u128,
}

#[derive(Serialize)]
struct Clause<'a> {
    id: &'a str,
    level: Level,
    role: Role,
    quote: &'a Option<String>,
    verdict: Verdict,
    proven: bool,
    reading: &'a Option<String>,
    cases: &'a [String],
}

#[derive(Serialize)]
struct Case<'a> {
    id: &'a str,
    clause: &'a str,
    level: Level,
    about: &'a str,
    verdict: Verdict,
    reason: &'a str,
    readings: &'a [String],
    wanted: &'a Option<String>,
    got: &'a Option<String>,
    differences: Vec<Difference<'a>>,
    control: &'a Option<String>,
    needs_earlier: &'a [String],
    duration_ms: u128,
    wire: Vec<Stretch>,
    repro: Vec<String>,
}

#[derive(Serialize)]
struct Difference<'a> {
    path: &'a str,
    want: &'a str,
    got: &'a str,
}

#[derive(Serialize)]
struct Stretch {
    at_ms: f64,
    connection: usize,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
    bytes: usize,
}

/// The report of one or more runs as JSON text.
///
/// # Errors
/// Never in practice: everything in a report can be written as JSON.
pub fn render(reports: &[RunReport]) -> Result<String, serde_json::Error> {
    let file = File { version: VERSION, tool: "civispec", runs: reports.iter().map(run).collect() };
    serde_json::to_string_pretty(&file).map(|mut text| {
        text.push('\n');
        text
    })
}

fn run(report: &RunReport) -> Run<'_> {
    let mut verdicts = std::collections::BTreeMap::new();
    for case in &report.cases {
        *verdicts.entry(case.verdict.word()).or_insert(0) += 1;
    }
    Run {
        info: &report.info,
        summary: Summary {
            exit_status: exit_status(report.tallied()),
            proof: report.proof(),
            client_clauses: report.client_clauses,
            verdicts,
            unreachable: &report.unreachable,
            remarks: &report.remarks,
            interrupted: report.interrupted,
            duration_ms: report.duration.as_millis(),
        },
        clauses: report
            .clauses
            .iter()
            .map(|c| Clause {
                id: &c.id,
                level: c.level,
                role: c.role,
                quote: &c.quote,
                verdict: c.verdict,
                proven: c.proven,
                reading: &c.reading,
                cases: &c.cases,
            })
            .collect(),
        cases: report.cases.iter().map(case).collect(),
    }
}

fn case(case: &CaseResult) -> Case<'_> {
    Case {
        id: &case.id,
        clause: &case.clause,
        level: case.level,
        about: &case.about,
        verdict: case.verdict,
        reason: &case.reason,
        readings: &case.readings,
        wanted: &case.wanted,
        got: &case.got,
        differences: case
            .mismatches
            .iter()
            .map(|m| Difference { path: &m.path, want: &m.want, got: &m.got })
            .collect(),
        control: &case.control,
        needs_earlier: &case.needs_earlier,
        duration_ms: case.duration.as_millis(),
        wire: case.wire.iter().map(stretch).collect(),
        repro: super::repro::lines(case),
    }
}

fn stretch(wire: &Wire) -> Stretch {
    let kind = match wire.kind {
        WireKind::Sent => "sent",
        WireKind::Marker => "marker",
        WireKind::Setup => "setup",
        WireKind::Received => "received",
        WireKind::Event => "event",
    };
    let text = std::str::from_utf8(&wire.bytes).ok().map(str::to_owned);
    let hex = text.is_none().then(|| wire.bytes.iter().map(|b| format!("{b:02x}")).collect());
    Stretch {
        at_ms: (wire.at.as_secs_f64() * 1e4).round() / 10.0,
        connection: wire.session,
        kind,
        text,
        hex,
        bytes: wire.total,
    }
}
