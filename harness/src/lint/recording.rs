//! The format of recorded sessions: one JSON object per line, read without judging anything.
//!
//! A session starts with `{"session","about","flags","protocol"}`, goes on with `{"dir","text"}` or `{"dir","hex"}`
//! (`>` sent, `<` standard output, `!` standard error; line ends as they were) and ends with `{"exit"}`, which is
//! missing where the recording was cut off.

use std::fmt::Write as _;

use civispec_wire::json::{self, Json};

use crate::error::{DataError, at_line};

/// The text that a session is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// The published reference.
    #[default]
    Published,
    /// The earlier draft.
    Draft,
}

impl Protocol {
    /// Its name, which is that of a profile.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Draft => "draft",
        }
    }
}

/// The bytes of one direction, with the lines of the file that they came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stream {
    /// All bytes, in order.
    pub bytes: Vec<u8>,
    /// Offset of the first byte of each record, and the line of the record.
    marks: Vec<(usize, usize)>,
}

impl Stream {
    fn push(&mut self, bytes: &[u8], line: usize) {
        self.marks.push((self.bytes.len(), line));
        self.bytes.extend_from_slice(bytes);
    }

    /// The line of the file that holds the byte at `offset`; that of the last record beyond the end.
    #[must_use]
    pub fn line_at(&self, offset: usize) -> usize {
        let after = self.marks.partition_point(|(start, _)| *start <= offset);
        self.marks.get(after.saturating_sub(1)).map_or(0, |(_, line)| *line)
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Its exit status; `None` for a signal.
    pub code: Option<i64>,
    /// The signal that ended it, where one did.
    pub signal: Option<i64>,
    /// Line of the record.
    pub line: usize,
}

/// One recorded session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its name, such as `02_id/1`.
    pub name: String,
    /// What it is about, for people.
    pub about: String,
    /// The flag string that the server was started with; `None`: no argument.
    pub flags: Option<String>,
    /// The text to hold it against.
    pub protocol: Protocol,
    /// Line of its first record.
    pub line: usize,
    /// Bytes on the server's standard input.
    pub sent: Stream,
    /// Bytes on its standard output.
    pub received: Stream,
    /// Bytes on its standard error.
    pub stderr: Stream,
    /// How it ended; `None` where the recording was cut off.
    pub end: Option<End>,
}

/// What a file held.
#[derive(Debug, Clone, Default)]
pub struct Parsed {
    /// The sessions; one that holds damage is cut off before it.
    pub sessions: Vec<Session>,
    /// The lines that are no records. What follows one is passed over up to the next session.
    pub damage: Vec<DataError>,
}

/// Where in a line it is damaged (a byte offset) and what was expected there.
type Damage = (usize, String);

/// Reads the recording `bytes` of `file`, as far as it is sound.
#[must_use]
pub fn parse(file: &str, bytes: &[u8]) -> Parsed {
    let mut parsed = Parsed::default();
    let mut lost = false;
    for (number, raw) in (1..).zip(bytes.split(|b| *b == b'\n')) {
        if raw.iter().all(u8::is_ascii_whitespace) || (lost && !raw.starts_with(OPENING)) {
            continue;
        }
        lost = false;
        if let Err((offset, what)) = record(&mut parsed.sessions, number, raw) {
            let column = String::from_utf8_lossy(&raw[..offset.min(raw.len())]).chars().count() + 1;
            let text = String::from_utf8_lossy(bytes);
            parsed.damage.push(at_line(file, &text, number, column, what));
            lost = true;
        }
    }
    parsed
}

/// How the line of a new session begins, as [`opening_record`] writes it.
pub const OPENING: &[u8] = b"{\"session\"";

fn record(sessions: &mut Vec<Session>, line: usize, raw: &[u8]) -> Result<(), Damage> {
    let value = json::parse(raw).map_err(|e| {
        (
            e.offset,
            format!(
                "this line is no JSON ({}); expected one object such as {{\"dir\":\"<\",\"text\":\"…\"}}",
                e.reason
            ),
        )
    })?;
    let members =
        value.as_object().ok_or_else(|| (0, format!("expected an object, found {}", value.kind())))?;
    let kind = ["session", "dir", "exit"].into_iter().find(|name| value.get(name).is_some());
    let known: &[&str] = match kind {
        Some("session") => &["session", "about", "flags", "protocol"],
        Some("dir") => &["dir", "text", "hex"],
        Some(_) => &["exit", "signal"],
        None => return Err((0, "expected a member \"session\", \"dir\" or \"exit\"".to_owned())),
    };
    if let Some((name, _)) = members.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        return Err((place(raw, name), format!("unknown member {name:?}; expected {}", known.join(", "))));
    }
    if kind == Some("session") {
        sessions.push(opening(line, raw, &value)?);
        return Ok(());
    }
    let Some(session) = sessions.last_mut() else {
        return Err((0, "expected {\"session\":…} before the first record of a session".to_owned()));
    };
    if session.end.is_some() {
        return Err((0, format!("session {} has ended; expected {{\"session\":…}}", session.name)));
    }
    if kind == Some("exit") {
        session.end = Some(ending(line, raw, &value)?);
        return Ok(());
    }
    let bytes = payload(raw, &value)?;
    let stream = match value.get("dir").and_then(Json::as_str) {
        Some(">") => &mut session.sent,
        Some("<") => &mut session.received,
        Some("!") => &mut session.stderr,
        _ => return Err((place(raw, "dir"), "dir must be \">\", \"<\" or \"!\"".to_owned())),
    };
    stream.push(&bytes, line);
    Ok(())
}

fn opening(line: usize, raw: &[u8], value: &Json) -> Result<Session, Damage> {
    let text = |name: &str| match value.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(s)) => Ok(Some(s.clone())),
        Some(other) => Err((place(raw, name), format!("{name} must be a string, not {}", other.kind()))),
    };
    let protocol = match text("protocol")?.as_deref() {
        None | Some("published") => Protocol::Published,
        Some("draft") => Protocol::Draft,
        Some(other) => {
            return Err((
                place(raw, "protocol"),
                format!("unknown protocol {other:?}; expected published or draft"),
            ));
        }
    };
    Ok(Session {
        name: text("session")?.ok_or_else(|| (place(raw, "session"), "session must be a name".to_owned()))?,
        about: text("about")?.unwrap_or_default(),
        flags: text("flags")?,
        protocol,
        line,
        sent: Stream::default(),
        received: Stream::default(),
        stderr: Stream::default(),
        end: None,
    })
}

fn ending(line: usize, raw: &[u8], value: &Json) -> Result<End, Damage> {
    let number = |name: &str| match value.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(n) => n
            .as_i64()
            .map(Some)
            .ok_or_else(|| (place(raw, name), format!("{name} must be an integer or null"))),
    };
    Ok(End { code: number("exit")?, signal: number("signal")?, line })
}

fn payload(raw: &[u8], value: &Json) -> Result<Vec<u8>, Damage> {
    match (value.get("text"), value.get("hex")) {
        (Some(Json::String(text)), None) => Ok(text.clone().into_bytes()),
        (None, Some(Json::String(hex))) => unhex(hex).ok_or_else(|| {
            (place(raw, "hex"), "hex must be pairs of hexadecimal digits, such as \"0a00ff\"".to_owned())
        }),
        (Some(_), Some(_)) => Err((place(raw, "hex"), "expected text or hex, not both".to_owned())),
        _ => Err((place(raw, "dir"), "expected a string \"text\" or \"hex\" beside dir".to_owned())),
    }
}

/// Where the member `name` stands in the line.
fn place(raw: &[u8], name: &str) -> usize {
    crate::oracle::frame::find(raw, format!("\"{name}\"").as_bytes()).unwrap_or(0)
}

fn unhex(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes();
    let pairs = digits.chunks(2);
    pairs
        .map(|pair| match pair {
            [a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {
                u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()
            }
            _ => None,
        })
        .collect()
}

/// Bytes as records: text where they are UTF-8, hexadecimal where not. The lines end with a line feed.
#[must_use]
pub fn records(dir: char, bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        // One record per line of the wire keeps a recording readable.
        for line in chunk.valid().split_inclusive('\n') {
            let _ = writeln!(
                out,
                "{}",
                json::object([("dir", dir.to_string().as_str().into()), ("text", line.into())])
            );
        }
        if !chunk.invalid().is_empty() {
            let hex: String = chunk.invalid().iter().fold(String::new(), |mut hex, b| {
                let _ = write!(hex, "{b:02x}");
                hex
            });
            let _ = writeln!(
                out,
                "{}",
                json::object([("dir", dir.to_string().as_str().into()), ("hex", hex.as_str().into())])
            );
        }
    }
    out
}

/// The first record of a session, with its line feed.
#[must_use]
pub fn opening_record(name: &str, about: &str, flags: Option<&str>, protocol: Protocol) -> String {
    let members = [
        ("session", name.into()),
        ("about", about.into()),
        ("flags", flags.map_or(Json::Null, Json::from)),
        ("protocol", protocol.name().into()),
    ];
    format!("{}\n", json::object(members))
}

/// The last record of a session, with its line feed.
#[must_use]
pub fn closing_record(code: Option<i32>, signal: Option<i32>) -> String {
    let number = |n: i32| Json::from(i64::from(n));
    let exit = ("exit", code.map_or(Json::Null, number));
    match signal {
        None => format!("{}\n", json::object([exit])),
        Some(signal) => format!("{}\n", json::object([exit, ("signal", number(signal))])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIRST: &str = r#"{"session":"s/1","about":"a","flags":null,"protocol":"draft"}"#;

    fn damage(lines: &[&str]) -> (usize, usize, String) {
        let e = parse("x.jsonl", lines.join("\n").as_bytes()).damage.remove(0);
        (e.line, e.column, e.what)
    }

    #[test]
    fn a_recording_is_read_into_streams_that_know_their_lines() {
        let text = [
            FIRST,
            r#"{"dir":">","text":"ab\n"}"#,
            "",
            r#"{"dir":"<","text":"x"}"#,
            r#"{"dir":"<","hex":"FF0a"}"#,
            r#"{"dir":"!","text":"oops"}"#,
            r#"{"exit":3}"#,
            FIRST,
        ];
        let parsed = parse("x", text.join("\n").as_bytes());
        assert_eq!(parsed.damage, []);
        let [first, second] = parsed.sessions.as_slice() else { panic!("two sessions") };
        assert_eq!(
            (first.sent.bytes.as_slice(), first.received.bytes.as_slice()),
            (&b"ab\n"[..], &b"x\xff\n"[..])
        );
        assert_eq!(
            (first.received.line_at(0), first.received.line_at(1), first.received.line_at(99)),
            (4, 5, 5)
        );
        assert_eq!(first.end, Some(End { code: Some(3), signal: None, line: 7 }));
        assert_eq!((first.protocol, second.end, second.line), (Protocol::Draft, None, 8));
    }

    #[test]
    fn damage_is_reported_with_its_place_and_what_was_expected() {
        for (lines, line, column, what) in [
            (vec![FIRST, r#"{"dir":"<","text":"x"#], 2, 19, "no JSON"),
            (vec![FIRST, r#"["dir"]"#], 2, 1, "expected an object"),
            (vec![FIRST, r#"{"dir":"?","text":""}"#], 2, 2, "dir must be"),
            (vec![FIRST, r#"{"dir":"<","text":"é","dri":1}"#], 2, 23, "unknown member \"dri\""),
            (vec![FIRST, r#"{"dir":"<","hex":"0"}"#], 2, 12, "pairs of hexadecimal"),
            (vec![FIRST, r#"{"dir":"<","hex":"+1"}"#], 2, 12, "pairs of hexadecimal"),
            (vec![FIRST, r#"{"dir":"<"}"#], 2, 2, "\"text\" or \"hex\""),
            (vec![FIRST, r#"{"exit":"0"}"#], 2, 2, "integer"),
            (vec![FIRST, r#"{"exit":0}"#, r#"{"exit":0}"#], 3, 1, "has ended"),
            (vec![r#"{"dir":"<","text":""}"#], 1, 1, "before the first"),
            (vec![r#"{"session":"s","protocol":"final"}"#], 1, 16, "published or draft"),
            (vec![r#"{"session":7}"#], 1, 2, "session must be a string"),
            (vec![r#"{"flags":"v"}"#], 1, 1, "expected a member"),
        ] {
            let (at_line, at_column, said) = damage(&lines);
            assert_eq!((at_line, at_column), (line, column), "{lines:?}: {said}");
            assert!(said.contains(what), "{lines:?}: {said}");
        }
    }

    #[test]
    fn damage_costs_the_rest_of_its_session_and_no_other() {
        let sent = r#"{"dir":">","text":"a"}"#;
        let text =
            [FIRST, r#"{"exit":0}"#, FIRST, sent, "{", sent, "[", FIRST, sent, r#"{"exit":0}"#].join("\n");
        let parsed = parse("x", text.as_bytes());
        let kept: Vec<(&[u8], bool)> =
            parsed.sessions.iter().map(|s| (s.sent.bytes.as_slice(), s.end.is_some())).collect();
        assert_eq!(kept, [(&b""[..], true), (b"a", false), (b"a", true)]);
        assert_eq!(parsed.damage.iter().map(|e| e.line).collect::<Vec<_>>(), [5]);
    }

    proptest! {
        #[test]
        fn whatever_bytes_are_recorded_come_back_the_same(
            bytes in prop::collection::vec(prop::sample::select(b"a\n\r\0\"\\\xc3\xa9\xe2\x82\xac\xff".to_vec()), 0..60),
            cut in 0usize..60,
        ) {
            let cut = cut.min(bytes.len());
            let text = [
                opening_record("s", "", Some("v\u{e9}"), Protocol::Published),
                records('<', &bytes[..cut]),
                records('<', &bytes[cut..]),
                closing_record(None, Some(9)),
            ].concat();
            let parsed = parse("x", text.as_bytes());
            prop_assert!(parsed.damage.is_empty(), "{:?}", parsed.damage);
            prop_assert_eq!(&parsed.sessions[0].received.bytes, &bytes);
            prop_assert_eq!(parsed.sessions[0].end.map(|e| (e.code, e.signal)), Some((None, Some(9))));
        }
    }
}
