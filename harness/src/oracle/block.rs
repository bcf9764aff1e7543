//! Holds the answers of one block against its expectations.
//!
//! Pure: raw output in, judgement out. While output may still follow, "not yet" is an answer too.

use civispec_wire::json;

use super::forensics::{self, Kind};
use super::frame::{Cursor, Frame, find};
use super::passive::{Code, shorten};
use crate::case::pattern::{Mismatch, Pattern};
use crate::case::template::{self, Slot};
use crate::case::transcript::{Noise, Want};
use crate::case::{Case, Envelope};
use crate::draw::Vars;

/// What the target wrote for one block, and how it ended.
#[derive(Debug, Clone, Copy)]
pub struct Output<'a> {
    /// Everything on standard output since the block began.
    pub raw: &'a [u8],
    /// The token of a marker request that was sent behind the block.
    pub marker: Option<&'a str>,
    /// Whether nothing more will come: the marker was answered or the output ended.
    pub complete: bool,
    /// How the target ended, if it did: exit status, or `None` for a signal.
    pub ended: Option<Option<i32>>,
}

/// How answers and expectations compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// They agree.
    Fits,
    /// So far they do, but more must come.
    NotYet,
    /// They do not.
    Differs,
    /// An answer was no JSON, so the case cannot be judged.
    Unreadable,
}

/// The judgement on one block.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The outcome.
    pub fit: Fit,
    /// Where the answers differ, in the case's own matter.
    pub mismatches: Vec<Mismatch>,
    /// The answer that differs, as text.
    pub answer: Option<String>,
    /// What was wanted where it differs, as the case has it.
    pub wanted: Option<String>,
    /// Departures charged to a passive rule, with what stood there and the answer.
    pub charged: Vec<(Code, String, String)>,
    /// Answer lines, for the passive rules.
    pub answers: Vec<Vec<u8>>,
    /// The prefix in force after the block.
    pub prefix: Option<Vec<u8>>,
    /// Captures made.
    pub vars: Vars,
    /// How many bytes of the output belong to the block.
    pub consumed: usize,
}

/// Judges `wants` on `output`. `prefix` is what answers carry when the block begins.
#[must_use]
pub fn judge(
    case: &Case,
    wants: &[Want],
    output: Output<'_>,
    prefix: Option<&[u8]>,
    vars: &Vars,
) -> Judgement {
    let mut judge = Judge {
        case,
        cursor: Cursor::new(output.raw, output.complete),
        output,
        noise: None,
        at_marker: false,
        out: Judgement {
            fit: Fit::Fits,
            mismatches: Vec::new(),
            answer: None,
            wanted: None,
            charged: Vec::new(),
            answers: Vec::new(),
            prefix: prefix.map(<[u8]>::to_vec),
            vars: vars.clone(),
            consumed: 0,
        },
    };
    for want in wants {
        judge.want(want);
        if judge.out.fit != Fit::Fits {
            break;
        }
    }
    judge.out.consumed = judge.cursor.at();
    if judge.out.fit != Fit::NotYet && output.complete {
        judge.rest();
    }
    judge.out
}

struct Judge<'a> {
    case: &'a Case,
    cursor: Cursor<'a>,
    output: Output<'a>,
    noise: Option<Noise>,
    at_marker: bool,
    out: Judgement,
}

enum Next<'a> {
    Answer(Frame<'a>),
    None,
    NotYet,
}

impl<'a> Judge<'a> {
    /// The next answer that is not the marker's.
    fn next(&mut self) -> Next<'a> {
        if self.at_marker {
            return Next::None;
        }
        let prefix = self.out.prefix.clone();
        match self.cursor.next(prefix.as_deref()) {
            None if self.output.complete => Next::None,
            None => Next::NotYet,
            Some(frame) => {
                let whole = &self.output.raw[frame.offset..self.cursor.at()];
                if self.output.marker.is_some_and(|m| find(whole, m.as_bytes()).is_some()) {
                    self.at_marker = true;
                    return Next::None;
                }
                self.out.answers.push(frame.line.to_vec());
                if !frame.terminated && json::parse_output(frame.line).is_ok() {
                    let detail =
                        format!("{}", forensics::Finding::new(Kind::MissingNewline, frame.line.len()));
                    self.out.charged.push((Code::LineEnd, detail, shorten(frame.line)));
                }
                Next::Answer(frame)
            }
        }
    }

    fn differs(&mut self, wanted: String, answer: Option<String>, mismatches: Vec<Mismatch>) {
        self.out.fit = Fit::Differs;
        self.out.wanted = Some(wanted);
        self.out.answer = answer;
        self.out.mismatches = mismatches;
    }

    fn missing(&mut self, wanted: String) {
        let got = match (self.output.ended, self.output.marker) {
            (Some(_), _) => "the output ended",
            (None, Some(_)) => "none: the next request was answered instead",
            (None, None) => "none",
        };
        let mismatch = Mismatch { path: String::new(), want: "an answer".to_owned(), got: got.to_owned() };
        self.differs(wanted, None, vec![mismatch]);
    }

    fn want(&mut self, want: &Want) {
        match want {
            Want::Answer { any_of, ordered, optional } => self.answer(any_of, *ordered, *optional),
            Want::Unordered(group) => self.unordered(group),
            Want::Exact(slots) => self.exact(slots),
            Want::Silence => match self.next() {
                Next::None => {}
                Next::NotYet => self.out.fit = Fit::NotYet,
                Next::Answer(frame) => {
                    let answer = shorten(frame.line);
                    let mismatch =
                        Mismatch { path: String::new(), want: "no answer".to_owned(), got: answer.clone() };
                    self.differs("no answer".to_owned(), Some(answer), vec![mismatch]);
                }
            },
            Want::Exit(status) => match self.output.ended {
                None => self.out.fit = Fit::NotYet,
                Some(code) if code.is_some() && (status.is_none() || code == *status) => {}
                Some(code) => {
                    let words = |c: Option<i32>| c.map_or_else(|| "any status".to_owned(), |n| n.to_string());
                    let got = code.map_or_else(|| "a signal".to_owned(), |c| format!("status {c}"));
                    let wanted = format!("exit with {}", words(*status));
                    let mismatch = Mismatch { path: String::new(), want: wanted.clone(), got };
                    self.differs(wanted, None, vec![mismatch]);
                }
            },
            Want::Prefix(slots) => {
                let text = slots.as_ref().map(|s| template::text_of(s, &mut self.out.vars).into_bytes());
                self.out.prefix = text;
            }
            Want::Noise(noise) => self.noise = Some(noise.clone()),
        }
    }

    /// Checks what stands before an answer: its prefix and nothing but the announced noise.
    fn check_prefix(&mut self, frame: Frame<'_>) -> bool {
        let noise = self.noise.take();
        if frame.prefix_missing {
            let prefix = self.out.prefix.as_deref().map(shorten).unwrap_or_default();
            let mismatch = Mismatch {
                path: String::new(),
                want: format!("the prefix {prefix:?} before the answer"),
                got: shorten(frame.line),
            };
            self.differs(format!("{prefix:?} + answer"), Some(shorten(frame.line)), vec![mismatch]);
            return false;
        }
        let wanted = match noise {
            Some(Noise::Any) => return true,
            Some(Noise::Some) if !frame.noise.is_empty() => return true,
            Some(Noise::Some) => "some noise before the prefix".to_owned(),
            Some(Noise::Exact(slots)) => {
                let text = template::text_of(&slots, &mut self.out.vars);
                if text.as_bytes() == frame.noise {
                    return true;
                }
                format!("the noise {text:?} before the prefix")
            }
            None if frame.noise.is_empty() => return true,
            None => "the prefix at the start of the line".to_owned(),
        };
        let got = shorten(frame.noise);
        let mismatch =
            Mismatch { path: String::new(), want: wanted.clone(), got: format!("{got:?} before it") };
        self.differs(wanted, Some(got), vec![mismatch]);
        false
    }

    fn answer(&mut self, any_of: &[Pattern], ordered: bool, optional: bool) {
        // For people to read; nothing is drawn or captured by it.
        let mut vars = self.out.vars.clone();
        let wanted =
            any_of.iter().map(|p| p.resolved(&mut vars).to_string()).collect::<Vec<_>>().join("  or  ");
        loop {
            let before = self.cursor.clone();
            match self.next() {
                Next::NotYet => return self.out.fit = Fit::NotYet,
                Next::None if optional => return,
                Next::None => return self.missing(wanted),
                Next::Answer(frame) => {
                    if !self.check_prefix(frame) {
                        return;
                    }
                    let value = match json::parse_output(frame.line) {
                        Ok(value) => value,
                        Err(e) => return self.unreadable(frame.line, &e),
                    };
                    let mut closest: Option<Vec<Mismatch>> = None;
                    for pattern in any_of {
                        let mut vars = self.out.vars.clone();
                        let mut found = Vec::new();
                        pattern.check(&value, ordered, &mut vars, "", &mut found);
                        let (charged, own) = self.blame(pattern, found);
                        if own.is_empty() {
                            self.out.vars = vars;
                            let text = shorten(frame.line);
                            let charged =
                                charged.into_iter().map(|(code, detail)| (code, detail, text.clone()));
                            self.out.charged.extend(charged);
                            return;
                        }
                        // An answer to something else: charge it and look at the next one.
                        if charged.iter().any(|(c, _)| *c == Code::Id) && self.is_stray(&before) {
                            closest = None;
                            break;
                        }
                        if closest.as_ref().is_none_or(|c| own.len() < c.len()) {
                            closest = Some(own);
                        }
                    }
                    match closest {
                        Some(_) if optional => {
                            self.cursor = before;
                            self.out.answers.pop();
                            return;
                        }
                        Some(own) => return self.differs(wanted, Some(shorten(frame.line)), own),
                        None => self.out.charged.push((
                            Code::Extra,
                            "an answer that nobody asked for".to_owned(),
                            shorten(frame.line),
                        )),
                    }
                }
            }
        }
    }

    /// Whether another answer stands behind the one at `before`, so that one of the two is too many.
    fn is_stray(&self, before: &Cursor<'a>) -> bool {
        let mut look = before.clone();
        let prefix = self.out.prefix.as_deref();
        look.next(prefix);
        look.next(prefix).is_some_and(|frame| {
            let whole = &self.output.raw[frame.offset..look.at()];
            self.output.marker.is_none_or(|m| find(whole, m.as_bytes()).is_none())
        })
    }

    fn unreadable(&mut self, line: &[u8], error: &json::JsonError) {
        // With a prefix in force, what follows it is the case's own matter.
        self.out.fit = if self.out.prefix.is_some() { Fit::Differs } else { Fit::Unreadable };
        self.out.answer = Some(shorten(line));
        self.out.mismatches = vec![Mismatch {
            path: String::new(),
            want: "JSON".to_owned(),
            got: format!("no JSON ({error}){}", looks(line)),
        }];
    }

    fn unordered(&mut self, group: &[Pattern]) {
        let mut left: Vec<&Pattern> = group.iter().collect();
        while !left.is_empty() {
            let wanted = || left.iter().map(|p| p.to_string()).collect::<Vec<_>>().join("  and  ");
            match self.next() {
                Next::NotYet => return self.out.fit = Fit::NotYet,
                Next::None => return self.missing(wanted()),
                Next::Answer(frame) => {
                    if !self.check_prefix(frame) {
                        return;
                    }
                    let value = match json::parse_output(frame.line) {
                        Ok(value) => value,
                        Err(e) => return self.unreadable(frame.line, &e),
                    };
                    let fitting = left.iter().position(|pattern| {
                        let mut vars = self.out.vars.clone();
                        let mut found = Vec::new();
                        pattern.check(&value, false, &mut vars, "", &mut found);
                        found.retain(|m| !m.path.ends_with("/jsonrpc"));
                        let fits = found.is_empty();
                        if fits {
                            self.out.vars = vars;
                        }
                        fits
                    });
                    match fitting {
                        Some(i) => {
                            left.remove(i);
                        }
                        None => {
                            let got = shorten(frame.line);
                            let mismatch = Mismatch {
                                path: String::new(),
                                want: format!("one of {} expected answers", left.len()),
                                got: got.clone(),
                            };
                            return self.differs(wanted(), Some(got), vec![mismatch]);
                        }
                    }
                }
            }
        }
    }

    fn exact(&mut self, slots: &[Slot]) {
        let wanted = match template::render(slots, &mut self.out.vars) {
            Ok(bytes) => bytes,
            Err(what) => return self.differs(what, None, Vec::new()),
        };
        match self.next() {
            Next::NotYet => self.out.fit = Fit::NotYet,
            Next::None => self.missing(shorten(&wanted)),
            Next::Answer(frame) => {
                if self.check_prefix(frame) && frame.line != wanted {
                    let (want, got) = (shorten(&wanted), shorten(frame.line));
                    let mismatch = Mismatch { path: String::new(), want: want.clone(), got: got.clone() };
                    self.differs(want, Some(got), vec![mismatch]);
                }
            }
        }
    }

    /// Splits mismatches into those that belong to everybody's envelope and the case's own.
    fn blame(&self, pattern: &Pattern, found: Vec<Mismatch>) -> (Vec<(Code, String)>, Vec<Mismatch>) {
        let mut charged = Vec::new();
        let mut own = Vec::new();
        for mismatch in found {
            let member = mismatch.path.rsplit('/').next().unwrap_or_default();
            let outer = mismatch.path.rsplit_once('/').map_or("", |(o, _)| o);
            let in_envelope = outer.is_empty()
                || (outer.starts_with('/') && outer[1..].chars().all(|c| c.is_ascii_digit()));
            let code = match member {
                "jsonrpc" if in_envelope && !self.case.judges.contains(&Envelope::Jsonrpc) => {
                    Some(Code::Version)
                }
                "id" if in_envelope
                    && !self.case.judges.contains(&Envelope::Id)
                    && asks_for_the_sent_id(pattern, outer) =>
                {
                    Some(Code::Id)
                }
                _ => None,
            };
            match code {
                Some(code) => {
                    charged.push((code, format!("{member} is {}, not {}", mismatch.got, mismatch.want)));
                }
                None => own.push(mismatch),
            }
        }
        (charged, own)
    }

    /// What is left behind the last expectation: nothing should be.
    fn rest(&mut self) {
        // Where the block differs, what follows may well be what it should have been.
        let fits = self.out.fit == Fit::Fits;
        while let Next::Answer(frame) = self.next() {
            if fits {
                let looks = if self.output.ended.is_some() {
                    format!(": {}", forensics::explain_late(frame.line))
                } else {
                    looks(frame.line)
                };
                let detail = format!("an answer behind the last one that was asked for{looks}");
                self.out.charged.push((Code::Extra, detail, shorten(frame.line)));
                self.out.consumed = self.cursor.at();
            }
        }
    }
}

/// What a line that is no answer looks like, as the end of a sentence.
fn looks(line: &[u8]) -> String {
    forensics::explain(line).map_or_else(String::new, |finding| format!(": {finding}"))
}

/// Whether the `id` of the response at `outer` in a pattern is the one that was sent: a drawn value.
fn asks_for_the_sent_id(pattern: &Pattern, outer: &str) -> bool {
    let response = match (pattern, outer.strip_prefix('/').map(str::parse::<usize>)) {
        (Pattern::Array(items, _), Some(Ok(i))) => items.get(i),
        (pattern, None) => Some(pattern),
        _ => None,
    };
    let Some(Pattern::Object(members, _)) = response else { return true };
    members
        .iter()
        .find(|m| m.name == "id")
        .is_none_or(|m| matches!(m.value, Pattern::Var(_) | Pattern::Text(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::transcript;

    fn case(extra: &str) -> Case {
        let ledger = crate::clause::Ledger::parse(
            "c",
            "[[clause]]\nid = \"x:a.b\"\nlevel = \"must\"\nrole = \"server\"\nsays = \"\"\nprofiles = []\n",
        )
        .unwrap();
        let text = format!(
            "[[case]]\nid = \"x/a\"\nclause = \"x:a.b\"\nabout = \"\"\n{extra}\ntranscript = '''\n> x\n.\n'''\n"
        );
        crate::case::parse_file("f", &text, &ledger).unwrap().remove(0)
    }

    fn fit(extra: &str, wants: &str, raw: &str, complete: bool) -> Judgement {
        let output = Output { raw: raw.as_bytes(), marker: Some("MARK"), complete, ended: None };
        judge(&case(extra), &transcript::parse_wants(wants).unwrap(), output, None, &Vars::new(1, "x", 0))
    }

    const OK: &str = r#"< {"jsonrpc":"2.0","result":1,"id":7}"#;

    #[test]
    fn answers_that_match_fit_and_a_missing_one_is_proved_by_the_marker() {
        assert_eq!(fit("", OK, "{\"jsonrpc\":\"2.0\",\"result\":1,\"id\":7}\n", false).fit, Fit::Fits);
        assert_eq!(fit("", OK, "", false).fit, Fit::NotYet);
        let missing = fit("", OK, "{\"id\":\"MARK\"}\n", true);
        assert_eq!(missing.fit, Fit::Differs);
        assert!(missing.mismatches[0].got.contains("next request"));
    }

    #[test]
    fn silence_holds_only_when_nothing_stands_before_the_marker() {
        assert_eq!(fit("", ".", "{\"id\":\"MARK\"}\n", true).fit, Fit::Fits);
        assert_eq!(fit("", ".", "{}\n{\"id\":\"MARK\"}\n", true).fit, Fit::Differs);
        assert_eq!(fit("", ".", "", false).fit, Fit::NotYet);
    }

    #[test]
    fn a_wrong_version_is_charged_to_everybodys_rule_and_not_to_the_case() {
        let j = fit(
            "",
            r#"< {"jsonrpc":"2.0","result":1,"id":<$n>}"#,
            "{\"jsonrpc\":\"1\",\"result\":1,\"id\":9}\n",
            true,
        );
        assert_eq!(j.fit, Fit::Fits);
        assert_eq!(j.charged.iter().map(|c| c.0).collect::<Vec<_>>(), [Code::Version, Code::Id]);
        let own = fit(
            "judges = [\"id\"]",
            r#"< {"jsonrpc":"2.0","result":1,"id":<$n>}"#,
            "{\"jsonrpc\":\"2.0\",\"result\":1,\"id\":9}\n",
            true,
        );
        assert_eq!(own.fit, Fit::Differs);
    }

    #[test]
    fn an_id_that_the_pattern_spells_out_is_the_cases_own_matter() {
        let j = fit("", r#"< {"error":<any>,"id":null,...}"#, "{\"error\":1,\"id\":9}\n", true);
        assert_eq!(j.fit, Fit::Differs);
    }

    #[test]
    fn an_answer_that_is_no_json_leaves_the_case_unjudged() {
        assert_eq!(fit("", OK, "Warning: x\n", true).fit, Fit::Unreadable);
    }

    #[test]
    fn an_answer_too_many_is_charged_as_such() {
        let two =
            "{\"jsonrpc\":\"2.0\",\"result\":1,\"id\":7}\n{\"jsonrpc\":\"2.0\",\"result\":1,\"id\":7}\n";
        let j = fit("", OK, two, true);
        assert_eq!((j.fit, j.charged.len()), (Fit::Fits, 1));
        assert_eq!(j.charged[0].0, Code::Extra);
    }

    #[test]
    fn unordered_answers_fit_in_every_order_and_only_all_of_them() {
        let wants = "<* {\"id\":1}\n<* {\"id\":2}";
        assert_eq!(fit("", wants, "{\"id\":2}\n{\"id\":1}\n", true).fit, Fit::Fits);
        assert_eq!(fit("", wants, "{\"id\":1}\n{\"id\":1}\n", true).fit, Fit::Differs);
    }
}
