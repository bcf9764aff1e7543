//! Judges the header of a session: the first line, and the flags that it reports.

use civispec_wire::json::{self, Json};

use super::clauses as c;
use super::finding::{Place, Sheet};
use super::fit::is_response;
use super::recording::{Protocol, Session};
use super::text::parse_answer;
use crate::oracle::frame::find;
use crate::oracle::passive::{self, Code, shorten};

/// The member that makes a line a header.
const NAME: &str = "Civi::pipe";

/// What the header tells about the session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Where the output behind the header begins.
    pub end: usize,
    /// Whether the session is trusted, where that is beyond doubt.
    pub trusted: Option<bool>,
    /// Whether the header says that there are no logins.
    pub no_login: bool,
}

/// Judges the header, and says where it ends.
pub(super) fn judge(session: &Session, sheet: &mut Sheet<'_>) -> Facts {
    let out = session.received.bytes.as_slice();
    let flags = session.flags.as_deref();
    let wanted = "the header on the first line: {\"Civi::pipe\":…}";
    let asked = flags.map(|f| format!("the connection with the flags {f:?}"));
    let asked = asked.as_deref().or(Some("the connection without flags"));
    let mut at = 0;
    while at < out.len() {
        let end = out[at..].iter().position(|b| *b == b'\n').map_or(out.len(), |n| at + n);
        let next = (end + 1).min(out.len());
        let line = &out[at..end];
        let place = Place { line: session.received.line_at(at), sent: asked };
        match parse_answer(line).or_else(|_| json::parse(line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)))
        {
            Ok(header) if header.get(NAME).is_some() => {
                if at > 0 {
                    let first = Place { line: session.received.line_at(0), sent: asked };
                    sheet.find(
                        c::HEADER_FIRST,
                        first,
                        wanted,
                        format!("before it {:?}", shorten(&out[..at])),
                    );
                }
                line_rules(line, end < out.len() || session.end.is_none(), place, sheet);
                let facts = value(session, &header, place, sheet);
                return Facts { end: next, ..facts };
            }
            Ok(other) if is_response(&other) => break,
            // An answer behind a prefix.
            _ if find(line, b"\"jsonrpc\"").is_some() => break,
            _ => at = next,
        }
    }
    if out.is_empty() && session.end.is_none() {
        sheet.note(session.line, "the recording ends before the header; not judged");
        return Facts::default();
    }
    let got = match (&out[..at], session.end) {
        ([], Some(_)) if out.is_empty() => "nothing: the session ended".to_owned(),
        ([], _) => "an answer to a request, and no header".to_owned(),
        (b"\n", _) => "an empty line".to_owned(),
        (text, _) => format!("{:?}", shorten(text)),
    };
    sheet.find(
        c::HEADER_FIRST,
        Place { line: session.received.line_at(0).max(session.line), sent: asked },
        wanted,
        got,
    );
    Facts { end: at, trusted: trust(flags, None), no_login: false }
}

/// The rules for every line that bind a header too.
fn line_rules(line: &[u8], terminated: bool, place: Place<'_>, sheet: &mut Sheet<'_>) {
    let got = || format!("{:?}", shorten(line));
    if !terminated {
        sheet.find(c::NEWLINE_OUT, place, "a line feed behind the header", "none");
    }
    for violation in passive::check(line, &[]).1 {
        match violation.code {
            Code::LineEnd => {
                sheet.find(
                    c::NEWLINE_OUT,
                    place,
                    "one line feed and nothing else behind the header",
                    "CR LF",
                );
            }
            Code::OneLine => sheet.find(c::CONDENSED, place, "condensed JSON", got()),
            Code::DuplicateMembers => {
                sheet.find(c::GENERATOR_UNIQUE_NAMES, place, "each flag once", violation.detail);
            }
            Code::Json => sheet.find(c::GENERATOR_STRICT, place, "strict JSON", violation.detail),
            _ => {}
        }
    }
}

fn value(session: &Session, header: &Json, place: Place<'_>, sheet: &mut Sheet<'_>) -> Facts {
    let Some(value) = header.get(NAME) else { return Facts::default() };
    if session.protocol == Protocol::Draft {
        let is_list = value.as_array().is_some_and(|l| matches!(l, [Json::String(s)] if s == "jsonrpc20"));
        if !is_list {
            sheet.find(c::HEADER_LIST, place, "[\"jsonrpc20\"]", value.to_string());
        }
        return Facts::default();
    }
    let flags = session.flags.as_deref();
    let Some(members) = value.as_object() else {
        sheet.find(c::HEADER_SHAPE, place, "an object with one member for each flag", value.to_string());
        unknown_flags(flags, value, place, sheet);
        return Facts { trusted: trust(flags, None), ..Facts::default() };
    };
    for (name, value) in members {
        known_flag(name, value, flags, place, sheet);
    }
    unknown_flags(flags, value, place, sheet);
    reported(flags, members, place, sheet);
    let no_login = value.get("l").and_then(Json::as_array).is_some_and(|l| l.contains(&"nologin".into()));
    Facts { end: 0, trusted: trust(flags, Some(value)), no_login }
}

fn known_flag(name: &str, value: &Json, flags: Option<&str>, place: Place<'_>, sheet: &mut Sheet<'_>) {
    let is_list_of =
        |wanted: &str| value.as_array().is_some_and(|l| matches!(l, [Json::String(s)] if s == wanted));
    // Where both are requested, the texts do not say what becomes of the one that loses.
    let both = flags.is_some_and(|f| f.contains('t') && f.contains('u'));
    let (clause, good, wanted) = match name {
        "v" => (c::FLAGS_VERSION, value.as_str().is_some_and(|v| !v.is_empty()), "a string"),
        "j" => {
            let list = value.as_array().unwrap_or_default();
            let good = list.contains(&"jsonrpc-2.0".into());
            if good {
                sheet.reading(c::FLAGS_JSON_RPC, if list.len() == 1 { "only-2-0" } else { "extra-entries" });
            }
            (c::FLAGS_JSON_RPC, good, "a list with \"jsonrpc-2.0\"")
        }
        "l" => (c::FLAGS_LOGIN, is_list_of("login") || is_list_of("nologin"), "[\"login\"] or [\"nologin\"]"),
        "t" => (c::FLAGS_TRUSTED, both || value.as_str() == Some("trusted"), "\"trusted\""),
        "u" => (c::FLAGS_UNTRUSTED, both || value.as_str() == Some("untrusted"), "\"untrusted\""),
        _ => return,
    };
    if !good {
        sheet.find(clause, place, format!("{name}: {wanted}"), value.to_string());
    }
}

/// Flags that the text does not name: each is reported, as null unless the server knows it.
fn unknown_flags(flags: Option<&str>, value: &Json, place: Place<'_>, sheet: &mut Sheet<'_>) {
    let mut unknown: Vec<char> =
        flags.unwrap_or_default().chars().filter(|f| f.is_ascii() && !"vjltu".contains(*f)).collect();
    unknown.sort_unstable();
    unknown.dedup();
    for flag in unknown {
        let name = flag.to_string();
        let wanted = format!("{}: null", Json::from(name.as_str()));
        match value.get(&name) {
            Some(Json::Null) => {}
            None => {
                sheet.find(
                    c::FLAGS_UNKNOWN_NULL,
                    place,
                    wanted,
                    format!("the flag is not reported: {value}"),
                );
            }
            Some(v) if is_nothing(v) => sheet.find(c::FLAGS_UNKNOWN_NULL, place, wanted, v.to_string()),
            Some(v) => sheet.note(
                place.line,
                format!("the flag {name:?} is reported as {v}: the server seems to know it"),
            ),
        }
    }
}

fn is_nothing(value: &Json) -> bool {
    match value {
        Json::Bool(b) => !b,
        Json::String(s) => s.is_empty(),
        Json::Number(n) => n.as_i64() == Some(0),
        Json::Array(items) => items.is_empty(),
        Json::Object(members) => members.is_empty(),
        Json::Null => false,
    }
}

/// Which of the known flags are reported, and in which order.
fn reported(flags: Option<&str>, members: &[(String, Json)], place: Place<'_>, sheet: &mut Sheet<'_>) {
    let names: Vec<&str> = members.iter().map(|(n, _)| n.as_str()).collect();
    let Some(flags) = flags else {
        let mut sorted = names.clone();
        sorted.sort_unstable();
        let reading = if sorted == ["l", "t", "v"] { "v-t-l" } else { "other-flags" };
        return sheet.reading(c::FLAGS_DEFAULT, reading);
    };
    let mut wanted: Vec<String> = Vec::new();
    for flag in flags.chars().map(String::from) {
        if !wanted.contains(&flag) {
            wanted.push(flag);
        }
    }
    let known: Vec<&String> = wanted.iter().filter(|f| "vjltu".contains(f.as_str())).collect();
    let both = known.iter().any(|f| *f == "t") && known.iter().any(|f| *f == "u");
    let missing = known.iter().find(|f| !names.contains(&f.as_str()) && !both);
    let got = || format!("{names:?}");
    if let Some(missing) = missing {
        sheet.find(c::FLAGS_REPORTED, place, format!("the flag {missing:?}, which was requested"), got());
    } else if flags.is_ascii() && !both && names.iter().any(|n| !wanted.iter().any(|w| w == n)) {
        sheet.find(c::FLAGS_REPORTED, place, format!("the requested flags {wanted:?} and no other"), got());
    } else if known.len() > 1 {
        let order: Vec<&&str> = names.iter().filter(|n| known.iter().any(|k| k == *n)).collect();
        if order.len() == known.len() && order.iter().zip(&known).any(|(a, b)| **a != b.as_str()) {
            sheet.find(
                c::FLAGS_REPORTED,
                place,
                format!("the flags in the requested order {wanted:?}"),
                got(),
            );
        }
    }
}

fn trust(flags: Option<&str>, header: Option<&Json>) -> Option<bool> {
    let has = |flag: char, word: &str| match (flags, header) {
        (Some(flags), _) => flags.contains(flag),
        (None, Some(header)) => header.get(&flag.to_string()).and_then(Json::as_str) == Some(word),
        (None, None) => false,
    };
    match (has('t', "trusted"), has('u', "untrusted")) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}
