//! The report that people read on a terminal: nothing but a summary when all is well, everything about a failure.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::clause::{Ledger, Level};
use crate::event::{CaseResult, ClauseResult, Event, RunReport};
use crate::exchange::{Wire, WireKind};
use crate::verdict::Verdict;

/// Most stretches of the wire that are shown of one failure.
const WIRE_SHOWN: usize = 24;
/// Most failures that are shown whole; the rest is listed.
const WHOLE: usize = 40;

/// Renders the report of a run. Colours are escape codes; the stream strips them where they are not wanted.
pub struct Terminal<'a> {
    /// Where quotes and hints come from.
    pub ledger: &'a Ledger,
    /// List not-applicable cases one by one.
    pub verbose: bool,
}

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red))).bold();
const GREEN: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Green))).bold();
const YELLOW: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Yellow))).bold();

/// Text in a style.
fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

const fn style_of(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Pass => GREEN,
        Verdict::Fail | Verdict::Hang | Verdict::Crash | Verdict::HarnessError | Verdict::Unreachable => RED,
        Verdict::NotApplicable => DIM,
        _ => YELLOW,
    }
}

impl Terminal<'_> {
    /// The report as text with colours.
    #[must_use]
    pub fn render(&self, report: &RunReport) -> String {
        let mut out = String::new();
        let mut loud: Vec<&CaseResult> = report
            .cases
            .iter()
            .filter(|c| {
                !matches!(
                    c.verdict,
                    Verdict::Pass | Verdict::NotApplicable | Verdict::Unreachable | Verdict::Known
                )
            })
            .filter(|c| !c.reason.starts_with("not run:"))
            .collect();
        // What the target is to blame for comes first.
        loud.sort_by_key(|c| (!c.verdict.is_failure(), c.verdict == Verdict::Inconclusive));
        for case in loud.iter().take(WHOLE) {
            self.failure(case, &mut out);
        }
        if let Some(rest) = loud.get(WHOLE..).filter(|r| !r.is_empty()) {
            line(&mut out, &format!("… and {} more (whole with --report json=FILE):", rest.len()));
            for case in rest {
                line(&mut out, &format!("  {} {}", case.verdict.word(), case.id));
            }
        }
        self.summary(report, &mut out);
        out
    }

    fn failure(&self, case: &CaseResult, out: &mut String) {
        let head = format!("{:<5}", case.verdict.word().to_uppercase());
        let took = format!("{} ms", case.duration.as_millis());
        line(
            out,
            &format!(
                "{} {}   {}   {}",
                paint(style_of(case.verdict), &head),
                paint(BOLD, &case.id),
                case.level,
                paint(DIM, &took)
            ),
        );
        line(out, &format!("      {}", case.about));
        if let Some(clause) = self.ledger.get(&case.clause) {
            let text = clause.quote.as_ref().map_or_else(|| clause.says.clone(), |q| format!("\"{q}\""));
            let section =
                if clause.section.is_empty() { String::new() } else { format!(" ({})", clause.section) };
            line(out, &format!("      clause   {}{section}: {text}", clause.id));
        }
        line(out, &format!("      why      {}", safe(&case.reason)));
        if let Some(wanted) = &case.wanted {
            line(out, &format!("      want     {}", safe(wanted)));
        }
        if let Some(got) = &case.got {
            line(out, &format!("      got      {}", visible(got.as_bytes(), got.len())));
            if let Some(marks) = marks(case, got) {
                line(out, &format!("               {marks}"));
            }
        }
        for mismatch in case.mismatches.iter().filter(|m| !m.path.is_empty()).take(6) {
            line(
                out,
                &safe(&format!(
                    "      differs  {}: wanted {}, got {}",
                    mismatch.path, mismatch.want, mismatch.got
                )),
            );
        }
        if let Some(control) = &case.control {
            line(out, &format!("      control  {}", safe(control)));
        }
        if !case.needs_earlier.is_empty() {
            line(out, &format!("      after    {}", case.needs_earlier.join(", ")));
        }
        wire(&case.wire, out);
        for repro in super::repro::lines(case) {
            line(out, &format!("      repro    {repro}"));
        }
        if let Some(hint) = self.ledger.get(&case.clause).and_then(|c| c.hint.as_ref()) {
            line(out, &format!("      usually  {hint}"));
        }
        line(out, &format!("      more     civispec explain {}\n", case.id));
    }

    fn summary(&self, report: &RunReport, out: &mut String) {
        let info = &report.info;
        line(out, &paint(BOLD, &format!("{} · profile {} · {}", info.suite, info.profile, info.target)));
        line(out, &format!("  header   {}", safe(&info.identity)));
        let proof = report.proof();
        let of = |level: Level| report.clauses.iter().filter(move |c| c.level == level);
        let good = |c: &&ClauseResult| c.proven;
        let count = |level: Level| (of(level).filter(good).count(), of(level).count());
        line(
            out,
            &format!(
                "  clauses  must and states: {} proven / {} applicable / {} total",
                proof.proven, proof.applicable, proof.total
            ),
        );
        let rest = [Level::Should, Level::Shown, Level::May, Level::Robust].map(|level| {
            let (held, all) = count(level);
            format!("{level} {held}/{all}")
        });
        line(
            out,
            &format!(
                "           {}; {} client clauses are not tested here",
                rest.join(", "),
                report.client_clauses
            ),
        );
        let verdicts: Vec<String> = [
            Verdict::Pass,
            Verdict::Fail,
            Verdict::Crash,
            Verdict::Hang,
            Verdict::Warn,
            Verdict::Flaky,
            Verdict::Inconclusive,
            Verdict::Known,
            Verdict::Stale,
            Verdict::NotApplicable,
            Verdict::Unreachable,
            Verdict::HarnessError,
        ]
        .into_iter()
        .map(|v| (v, report.count(v)))
        .filter(|(_, n)| *n > 0)
        .map(|(v, n)| paint(style_of(v), &format!("{n} {}", v.word())))
        .collect();
        line(out, &format!("  cases    {} of {}", verdicts.join(", "), report.cases.len()));
        self.open_ends(report, out);
        line(
            out,
            &format!(
                "  run      seed {}, {} sessions, {:.2} s, suite {}",
                info.seed,
                info.sessions,
                report.duration.as_secs_f64(),
                info.suite_version
            ),
        );
        for remark in &report.remarks {
            line(out, &paint(YELLOW, &format!("  target   {remark}")));
        }
        if let Some(why) = &report.unreachable {
            line(out, &paint(RED, &format!("  the target cannot be reached any more: {why}")));
        }
        if report.interrupted {
            line(out, &paint(YELLOW, "  interrupted: what was not run is unproven"));
        }
    }

    fn open_ends(&self, report: &RunReport, out: &mut String) {
        let readings: Vec<String> = report
            .clauses
            .iter()
            .filter_map(|c| c.reading.as_ref().map(|r| format!("{}={r}", c.id)))
            .collect();
        if !readings.is_empty() {
            if self.verbose {
                line(out, "  readings");
                for reading in &readings {
                    line(out, &format!("           {reading}"));
                }
            } else {
                line(
                    out,
                    &format!(
                        "  readings {} chosen (listed with --verbose and in the JSON report)",
                        readings.len()
                    ),
                );
            }
        }
        let unproven: Vec<&str> = report
            .clauses
            .iter()
            .filter(|c| matches!(c.level, Level::Must | Level::States) && !c.proven)
            .filter(|c| !matches!(c.verdict, Verdict::NotApplicable | Verdict::Known))
            .map(|c| c.id.as_str())
            .collect();
        if !unproven.is_empty() {
            let shown = unproven.iter().take(8).copied().collect::<Vec<_>>().join(", ");
            let more = unproven.len().saturating_sub(8);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            line(out, &format!("  {} {shown}{more}", paint(RED, "unproven")));
        }
        let skipped: Vec<&CaseResult> =
            report.cases.iter().filter(|c| c.verdict == Verdict::NotApplicable).collect();
        if self.verbose {
            for case in &skipped {
                line(
                    out,
                    &format!("  {}", paint(DIM, &format!("not applicable: {}: {}", case.id, case.reason))),
                );
            }
        } else if !skipped.is_empty() {
            let mut reasons: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
            for case in &skipped {
                *reasons.entry(case.reason.as_str()).or_default() += 1;
            }
            for (reason, n) in reasons {
                line(out, &format!("  {}", paint(DIM, &format!("skipped  {n}: {reason}"))));
            }
        }
    }
}

/// One line of progress for an event, if there is anything to say.
#[must_use]
pub fn progress(event: &Event, done: usize, total: usize) -> Option<String> {
    match event {
        Event::Decided(result) if total > 0 => {
            let id: String = result.id.chars().take(50).collect();
            Some(format!("\r\x1b[2K  {done}/{total} {id}"))
        }
        Event::Finished(_) => Some("\r\x1b[2K".to_owned()),
        _ => None,
    }
}

fn wire(wire: &[Wire], out: &mut String) {
    let two = wire.iter().any(|w| w.session > 0);
    let skipped = wire.len().saturating_sub(WIRE_SHOWN);
    if skipped > 0 {
        line(out, &format!("      wire     … {skipped} earlier stretches are in the JSON report"));
    }
    for (i, w) in wire.iter().skip(skipped).enumerate() {
        let label = if i == 0 && skipped == 0 { "wire" } else { "" };
        let mark = match w.kind {
            WireKind::Sent => ">",
            WireKind::Marker | WireKind::Setup => "·>",
            WireKind::Received => "<",
            WireKind::Event => "--",
        };
        let who = match (two, w.session) {
            (false, _) => "",
            (true, 0) => "A ",
            (true, _) => "B ",
        };
        let ms = w.at.as_secs_f64() * 1000.0;
        line(out, &format!("      {label:<8} {ms:>8.1} ms {who}{mark} {}", visible(&w.bytes, w.total)));
    }
}

/// Text that may hold what a target wrote, with its control characters escaped.
fn safe(text: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}

/// Bytes as text that harms no terminal: control characters escaped, LF as ⏎, cut after 200 characters.
#[must_use]
pub fn visible(bytes: &[u8], total: usize) -> String {
    let mut out = String::new();
    let mut shown = 0;
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if shown == 200 {
                let _ = write!(out, "… ({total} bytes)");
                return out;
            }
            shown += 1;
            match c {
                '\n' => out.push('⏎'),
                c if c.is_control() => {
                    let _ = write!(out, "{}", c.escape_default());
                }
                c => out.push(c),
            }
        }
        for b in chunk.invalid() {
            shown += 1;
            let _ = write!(out, "\\x{b:02x}");
        }
    }
    if bytes.len() < total {
        let _ = write!(out, "… ({total} bytes)");
    }
    out
}

/// A line of carets under the places of `got` that differ, if it is short enough to be read in one line.
fn marks(case: &CaseResult, got: &str) -> Option<String> {
    if got.chars().count() > 200 || got.chars().any(char::is_control) {
        return None;
    }
    let places: Vec<(usize, usize)> =
        case.mismatches.iter().filter_map(|m| super::mark::place(got, &m.path)).collect();
    let end = places.iter().map(|(at, width)| at + width).max()?;
    let marked = |i: usize| places.iter().any(|(at, width)| (*at..at + width).contains(&i));
    Some((0..end).map(|i| if marked(i) { '^' } else { ' ' }).collect())
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_bytes_are_shown_without_harm() {
        assert_eq!(visible(b"\x1b[31mred\n\xff", 12), "\\u{1b}[31mred⏎\\xff… (12 bytes)");
        assert!(visible(&[b'x'; 5000], 5000).len() < 250);
    }
}
