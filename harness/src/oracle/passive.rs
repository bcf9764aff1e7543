//! Rules that bind every answer of a server, whatever was asked.
//!
//! A case that `observe`s a rule fails when any answer of the whole run breaks it; other cases leave it alone.

use std::collections::BTreeMap;

use civispec_wire::json::{self, Json};

use super::forensics::{self, Finding, Kind};

/// A rule for all answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "`Code::rule` says what each asks")]
pub enum Code {
    Json,
    Utf8,
    LineEnd,
    OneLine,
    Object,
    Version,
    Id,
    IdPresent,
    ResultOrError,
    ErrorShape,
    ErrorCodeInteger,
    ErrorMessageString,
    ErrorCodeReserved,
    MembersKnown,
    DuplicateMembers,
    Extra,
    Leak,
    Header,
}

impl Code {
    /// Every rule.
    pub const ALL: [Self; 18] = [
        Self::Json,
        Self::Utf8,
        Self::LineEnd,
        Self::OneLine,
        Self::Object,
        Self::Version,
        Self::Id,
        Self::IdPresent,
        Self::ResultOrError,
        Self::ErrorShape,
        Self::ErrorCodeInteger,
        Self::ErrorMessageString,
        Self::ErrorCodeReserved,
        Self::MembersKnown,
        Self::DuplicateMembers,
        Self::Extra,
        Self::Leak,
        Self::Header,
    ];

    /// The name that cases write in `observe`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Utf8 => "utf8",
            Self::LineEnd => "line-end",
            Self::OneLine => "one-line",
            Self::Object => "object",
            Self::Version => "version",
            Self::Id => "id",
            Self::IdPresent => "id-present",
            Self::ResultOrError => "result-or-error",
            Self::ErrorShape => "error-shape",
            Self::ErrorCodeInteger => "error-code-integer",
            Self::ErrorMessageString => "error-message-string",
            Self::ErrorCodeReserved => "error-code-reserved",
            Self::MembersKnown => "members-known",
            Self::DuplicateMembers => "duplicate-members",
            Self::Extra => "extra",
            Self::Leak => "leak",
            Self::Header => "header",
        }
    }

    /// What the rule asks for, as a sentence.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Json => "each answer is one strict JSON text",
            Self::Utf8 => "each answer is UTF-8",
            Self::LineEnd => "an answer ends with a LF, and no CR stands before it",
            Self::OneLine => "no tab, CR or run of spaces stands between the tokens of an answer",
            Self::Object => "an answer is an object, or an array for a batch",
            Self::Version => "jsonrpc is exactly \"2.0\"",
            Self::Id => "an answer carries the id that was asked with",
            Self::IdPresent => "an answer has an id",
            Self::ResultOrError => "an answer has a result or an error, and never both",
            Self::ErrorShape => "an error is an object with a code and a message",
            Self::ErrorCodeInteger => "the code of an error is an integer",
            Self::ErrorMessageString => "the message of an error is a string",
            Self::ErrorCodeReserved => "a code in -32768..-32000 is a defined one or lies in -32099..-32000",
            Self::MembersKnown => "an answer has no members but jsonrpc, result, error and id",
            Self::DuplicateMembers => "no object of an answer has a member twice",
            Self::Extra => "no answer comes that nobody asked for",
            Self::Leak => "no path, stack trace or credential stands in an answer",
            Self::Header => "the first line is the header",
        }
    }
}

/// A rule that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub code: Code,
    /// What stood there instead.
    pub detail: String,
}

/// How often each rule was looked at, and where it was broken first.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Answers judged, by rule.
    pub judged: BTreeMap<Code, u64>,
    /// The violation of the first case in the order of ids, with that case's id and the answer.
    pub first: BTreeMap<Code, Sighting>,
}

/// A violation with the place where it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The case during which it was seen.
    pub case: String,
    /// What stood there.
    pub detail: String,
    /// The answer, shortened.
    pub answer: String,
}

impl Tally {
    /// Counts one judged answer.
    pub fn count(&mut self, code: Code) {
        *self.judged.entry(code).or_default() += 1;
    }

    /// Notes a violation; of several the one of the smallest case id is kept, so the order of work does not matter.
    pub fn note(&mut self, code: Code, sighting: Sighting) {
        match self.first.get(&code) {
            Some(known) if known.case <= sighting.case => {}
            _ => {
                self.first.insert(code, sighting);
            }
        }
    }

    /// Adds another tally to this one.
    pub fn merge(&mut self, other: Self) {
        for (code, n) in other.judged {
            *self.judged.entry(code).or_default() += n;
        }
        for (code, sighting) in other.first {
            self.note(code, sighting);
        }
    }

    /// Judges a header, which is one line of JSON like an answer but no response.
    pub fn judge_header(&mut self, case: &str, line: &[u8]) {
        self.count(Code::Header);
        if json::parse_output(line).ok().and_then(|header| header.get("Civi::pipe").map(|_| ())).is_none() {
            let detail = "the first line is no object with a member Civi::pipe".to_owned();
            self.note(Code::Header, Sighting { case: case.to_owned(), detail, answer: shorten(line) });
        }
        for Violation { code, detail } in check(line, &[]).1 {
            if matches!(
                code,
                Code::Utf8 | Code::Json | Code::LineEnd | Code::OneLine | Code::DuplicateMembers
            ) {
                self.note(code, Sighting { case: case.to_owned(), detail, answer: shorten(line) });
            }
        }
    }

    /// Judges one answer line of `case` and counts what was looked at.
    pub fn judge(&mut self, case: &str, line: &[u8], secrets: &[String]) {
        let (looked_at, violations) = check(line, secrets);
        for code in looked_at {
            self.count(code);
        }
        for Violation { code, detail } in violations {
            self.note(code, Sighting { case: case.to_owned(), detail, answer: shorten(line) });
        }
    }
}

/// The rules that apply to one answer, and those that it breaks.
#[must_use]
pub fn check(line: &[u8], secrets: &[String]) -> (Vec<Code>, Vec<Violation>) {
    let mut looked_at =
        vec![Code::Utf8, Code::Json, Code::LineEnd, Code::OneLine, Code::DuplicateMembers, Code::Object];
    let mut found = Vec::new();
    let mut note = |code, detail: String| found.push(Violation { code, detail });
    if let Err(e) = std::str::from_utf8(line) {
        note(Code::Utf8, format!("bad UTF-8 at byte {}", e.valid_up_to()));
    }
    let body = line.strip_suffix(b"\r").unwrap_or(line);
    if body.len() < line.len() {
        note(Code::LineEnd, Finding::new(Kind::CarriageReturn, body.len()).to_string());
    }
    if let Some(offset) = spread_out(body) {
        note(Code::OneLine, format!("white space of a pretty-printer at byte {offset}"));
    }
    match json::parse_output(line) {
        Err(e) => {
            let looks = forensics::explain(line).map_or_else(String::new, |finding| format!(": {finding}"));
            note(Code::Json, format!("{e}{looks}"));
        }
        Ok(value) => {
            if let Some(name) = value.duplicate_member() {
                note(Code::DuplicateMembers, format!("member {name:?} stands twice"));
            }
            match &value {
                Json::Object(_) => check_response(&value, secrets, &mut looked_at, &mut note),
                Json::Array(items) if !items.is_empty() => {
                    for item in items {
                        check_response(item, secrets, &mut looked_at, &mut note);
                    }
                }
                other => note(Code::Object, format!("{} instead of a response", other.kind())),
            }
        }
    }
    (looked_at, found)
}

fn check_response(
    response: &Json,
    secrets: &[String],
    looked_at: &mut Vec<Code>,
    note: &mut impl FnMut(Code, String),
) {
    let Json::Object(members) = response else {
        note(Code::Object, format!("{} instead of a response object", response.kind()));
        return;
    };
    looked_at.extend([Code::Version, Code::IdPresent, Code::ResultOrError, Code::MembersKnown, Code::Leak]);
    match response.get("jsonrpc") {
        Some(Json::String(v)) if v == "2.0" => {}
        Some(other) => note(Code::Version, format!("jsonrpc is {other}")),
        None => note(Code::Version, "there is no member jsonrpc".to_owned()),
    }
    if response.get("id").is_none() {
        note(Code::IdPresent, "there is no member id".to_owned());
    }
    match (response.get("result"), response.get("error")) {
        (Some(_), Some(_)) => note(Code::ResultOrError, "both result and error stand there".to_owned()),
        (None, None) => note(Code::ResultOrError, "neither result nor error stands there".to_owned()),
        _ => {}
    }
    if let Some((name, _)) =
        members.iter().find(|(n, _)| !["jsonrpc", "result", "error", "id"].contains(&n.as_str()))
    {
        note(Code::MembersKnown, format!("unknown member {name:?}"));
    }
    // An API error may stand inside a result.
    if let Some(result) =
        response.get("result").filter(|r| r.get("is_error").and_then(Json::as_i64) == Some(1))
        && let Some(what) = leak(&result.to_string(), secrets)
    {
        note(Code::Leak, what);
    }
    if let Some(error) = response.get("error") {
        looked_at.extend([
            Code::ErrorShape,
            Code::ErrorCodeInteger,
            Code::ErrorMessageString,
            Code::ErrorCodeReserved,
        ]);
        check_error(error, secrets, note);
    }
}

fn check_error(error: &Json, secrets: &[String], note: &mut impl FnMut(Code, String)) {
    if error.as_object().is_none() {
        return note(Code::ErrorShape, format!("error is {}", error.kind()));
    }
    match error.get("code") {
        None => note(Code::ErrorShape, "error has no code".to_owned()),
        Some(Json::Number(n)) if n.is_integer() => {
            let defined = [-32700, -32600, -32601, -32602, -32603];
            if let Some(code) = error.get("code").and_then(Json::as_i64)
                && (-32768..=-32000).contains(&code)
                && !(-32099..=-32000).contains(&code)
                && !defined.contains(&code)
            {
                note(Code::ErrorCodeReserved, format!("code {code} is reserved"));
            }
        }
        Some(other) => note(Code::ErrorCodeInteger, format!("code is {other}")),
    }
    match error.get("message") {
        None => note(Code::ErrorShape, "error has no message".to_owned()),
        Some(Json::String(_)) => {}
        Some(other) => note(Code::ErrorMessageString, format!("message is {other}")),
    }
    let text = error.to_string();
    if let Some(what) = leak(&text, secrets) {
        note(Code::Leak, what);
    }
}

/// What an error text gives away: a declared credential, a path on the server, a stack trace.
fn leak(text: &str, secrets: &[String]) -> Option<String> {
    if secrets.iter().any(|s| !s.is_empty() && text.contains(s.as_str())) {
        return Some("a declared credential stands in it".to_owned());
    }
    let unescaped = text.replace("\\/", "/");
    let roots = ["/var/", "/srv/", "/home/", "/usr/", "/etc/", "/opt/", "/tmp/", "/root/", "/www/", "C:\\\\"];
    if let Some(root) = roots.iter().find(|r| unescaped.contains(**r)) {
        return Some(format!("a path of the server ({root}…) stands in it"));
    }
    let traces = ["Stack trace", "stack trace", "Traceback (most recent", ".php on line", "#0 {"];
    traces.iter().find(|t| text.contains(**t)).map(|t| format!("a stack trace ({t}…) stands in it"))
}

/// Offset of white space between tokens that no condensed rendering has: anything but one space after `,` or `:`.
fn spread_out(line: &[u8]) -> Option<usize> {
    let mut in_string = false;
    let mut escaped = false;
    for (i, b) in line.iter().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'\t' | b'\r' if !in_string => return Some(i),
            b' ' if !in_string => {
                let after = i.checked_sub(1).and_then(|j| line.get(j));
                if !matches!(after, Some(b',' | b':')) {
                    return Some(i);
                }
            }
            _ => {}
        }
    }
    None
}

/// An answer as text for a message, at most 400 characters of it.
#[must_use]
pub fn shorten(line: &[u8]) -> String {
    // 400 characters have at most 1600 bytes; the rest of a flood need not become text.
    let text = String::from_utf8_lossy(&line[..line.len().min(1700)]);
    match text.char_indices().nth(400) {
        Some((at, _)) => format!("{}… ({} bytes)", &text[..at], line.len()),
        None => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(line: &str) -> Vec<Code> {
        check(line.as_bytes(), &["s3cret".to_owned()]).1.into_iter().map(|v| v.code).collect()
    }

    #[test]
    fn a_correct_answer_breaks_no_rule() {
        for line in [
            r#"{"jsonrpc":"2.0","result":{"a":[1, 2]},"id":1}"#,
            r#"{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found","data":null},"id":null}"#,
            r#"[{"jsonrpc":"2.0","result":null,"id":"x"}]"#,
            r#"{"jsonrpc":"2.0","error":{"code":-32001,"message":"x"},"id":null}"#,
        ] {
            assert_eq!(broken(line), vec![], "{line}");
        }
    }

    #[test]
    fn each_rule_is_broken_by_the_answer_that_breaks_it_and_by_no_other() {
        for (line, code) in [
            ("{\"jsonrpc\":\"2.0\",\"result\":1,\"id\":1", Code::Json),
            (r#"{"jsonrpc":"1.0","result":1,"id":1}"#, Code::Version),
            (r#"{"result":1,"id":1}"#, Code::Version),
            (r#"{"jsonrpc":"2.0","result":1}"#, Code::IdPresent),
            (r#"{"jsonrpc":"2.0","result":1,"error":{"code":1,"message":""},"id":1}"#, Code::ResultOrError),
            (r#"{"jsonrpc":"2.0","id":1}"#, Code::ResultOrError),
            (r#"{"jsonrpc":"2.0","error":{"code":1},"id":1}"#, Code::ErrorShape),
            (r#"{"jsonrpc":"2.0","error":{"code":"1","message":""},"id":1}"#, Code::ErrorCodeInteger),
            (r#"{"jsonrpc":"2.0","error":{"code":1,"message":null},"id":1}"#, Code::ErrorMessageString),
            (r#"{"jsonrpc":"2.0","error":{"code":-32500,"message":""},"id":1}"#, Code::ErrorCodeReserved),
            (r#"{"jsonrpc":"2.0","result":1,"id":1,"x":2}"#, Code::MembersKnown),
            (r#"{"jsonrpc":"2.0","result":{"a":1,"a":2},"id":1}"#, Code::DuplicateMembers),
            (r#"{"jsonrpc":"2.0","error":{"code":1,"message":"in \/srv\/x.php"},"id":1}"#, Code::Leak),
            (r#"{"jsonrpc":"2.0","error":{"code":1,"message":"bad s3cret"},"id":1}"#, Code::Leak),
            (r#"{"jsonrpc":"2.0","result":{"is_error":1,"error_message":"\/srv\/x"},"id":1}"#, Code::Leak),
            ("{ \"jsonrpc\":\"2.0\",\"result\":1,\"id\":1}", Code::OneLine),
            ("{\"jsonrpc\":\"2.0\",\"result\":1,\"id\":1}\r", Code::LineEnd),
            ("{\"jsonrpc\":\"2.0\",\r\"result\":1,\"id\":1}", Code::OneLine),
            ("[]", Code::Object),
            ("5", Code::Object),
        ] {
            assert_eq!(broken(line), vec![code], "{line}");
        }
        assert!(broken("\u{0}").contains(&Code::Json));
    }

    #[test]
    fn of_several_violations_the_one_of_the_smallest_case_id_is_kept() {
        let mut tally = Tally::default();
        tally.judge("pipe/b", b"5", &[]);
        tally.judge("pipe/a", b"6", &[]);
        tally.judge("pipe/c", b"7", &[]);
        assert_eq!(tally.first[&Code::Object].case, "pipe/a");
        assert_eq!(tally.judged[&Code::Object], 3);
    }
}
