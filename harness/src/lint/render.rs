//! Judgements as text: in full for people who mend a server, in one line each for reviews.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::finding::{Finding, Judged};
use super::recording::Session;
use crate::clause::{Ledger, Level};

/// How much is written for each session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// One line for each session, and each finding with what was sent, wanted and got.
    Full,
    /// One line for each finding; sessions without any are joined.
    Brief,
}

/// The judgements on all sessions of one file.
#[must_use]
pub fn file(name: &str, sessions: &[(Session, Judged)], detail: Detail) -> String {
    let mut out = format!("{name}\n");
    let mut sound: Vec<&str> = Vec::new();
    for (session, judged) in sessions {
        if detail == Detail::Brief && judged.findings.is_empty() && judged.notes.is_empty() {
            sound.push(&session.name);
            continue;
        }
        write_sound(&mut out, &mut sound);
        let word = if judged.findings.iter().any(Finding::is_broken) {
            "FAIL"
        } else if judged.findings.is_empty() {
            "ok  "
        } else {
            "warn"
        };
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(out, "  {word} {}  {}", session.name, one_line(&session.about, 100));
        for finding in &judged.findings {
            match detail {
                Detail::Full => write_finding(&mut out, finding),
                Detail::Brief => {
                    let (wanted, got) = (one_line(&finding.wanted, 120), one_line(&finding.got, 160));
                    let _ = writeln!(
                        out,
                        "    {:>4} {} {}: wanted {wanted}; got {got}",
                        finding.line,
                        word_of(finding),
                        finding.clause
                    );
                }
            }
        }
        for (line, note) in &judged.notes {
            let _ = writeln!(
                out,
                "    {line:>4} note: {}",
                one_line(note, if detail == Detail::Full { 600 } else { 200 })
            );
        }
    }
    write_sound(&mut out, &mut sound);
    out
}

fn write_sound(out: &mut String, sound: &mut Vec<&str>) {
    match sound.as_slice() {
        [] => {}
        [one] => {
            let _ = writeln!(out, "  ok   {one}");
        }
        [first, .., last] => {
            let _ = writeln!(out, "  ok   {first} to {last}, {} sessions", sound.len());
        }
    }
    sound.clear();
}

fn write_finding(out: &mut String, finding: &Finding) {
    let _ = writeln!(out, "    line {}: {} ({})", finding.line, finding.clause, word_of(finding));
    if let Some(sent) = &finding.sent {
        let _ = writeln!(out, "      sent    {}", one_line(sent, 600));
    }
    let _ = writeln!(out, "      wanted  {}", one_line(&finding.wanted, 600));
    let _ = writeln!(out, "      got     {}", one_line(&finding.got, 600));
}

/// The level, and whether the finding is only a warning.
fn word_of(finding: &Finding) -> String {
    let level = finding.level.to_string();
    if finding.warns { format!("{level}, warning only") } else { level }
}

/// The text on one line: control characters as escapes, cut where it is too long.
fn one_line(text: &str, limit: usize) -> String {
    let mut line = String::new();
    for (i, c) in text.chars().enumerate() {
        if i == limit {
            line.push('…');
            break;
        }
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

/// The counts over all files: sessions, clauses, readings.
#[must_use]
pub fn summary<'a>(ledger: &Ledger, judged: impl Iterator<Item = &'a Judged>) -> String {
    let (mut sound, mut warned, mut broken, mut requests, mut answers) = (0, 0, 0, 0, 0);
    let mut clauses: BTreeMap<(Level, bool, &str), usize> = BTreeMap::new();
    let mut readings: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for one in judged {
        if one.findings.iter().any(Finding::is_broken) {
            broken += 1;
        } else if one.findings.is_empty() {
            sound += 1;
        } else {
            warned += 1;
        }
        requests += one.requests;
        answers += one.answers;
        for finding in &one.findings {
            *clauses.entry((finding.level, finding.warns, finding.clause)).or_default() += 1;
        }
        for (reading, n) in &one.readings {
            *readings.entry(*reading).or_default() += n;
        }
    }
    let all = sound + warned + broken;
    let mut out = format!(
        "{all} sessions, {requests} requests, {answers} answers: {sound} ok, {warned} with warnings, {broken} break a must or states clause\n"
    );
    for ((level, warns, clause), n) in clauses {
        let level = if warns { format!("{level}*") } else { level.to_string() };
        let says = ledger.get(clause).map_or("", |c| c.says.as_str());
        let _ = writeln!(out, "  {n:>4}  {level:<7} {clause}\n                {says}");
    }
    if !readings.is_empty() {
        out.push_str("readings taken where a clause has several; choosing one is never wrong\n");
    }
    for ((clause, name), n) in readings {
        let _ = writeln!(out, "  {n:>4}  {clause} = {name}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_on_its_line_whatever_it_holds() {
        assert_eq!(one_line("a\n\u{1}\u{1b}[31mé", 99), "a\\n\\u{1}\\u{1b}[31mé");
        assert_eq!(one_line("abcdef", 3), "abc…");
    }
}
