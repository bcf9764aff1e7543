//! Explains output that is no answer: what stands there, at which byte, and what usually puts it there.
//!
//! Pure, and never a judge: clauses are judged by [`super::block`] and [`super::passive`], which put these words into
//! their reasons. Every answer of a sound server passes through here without a finding.

use std::fmt;

use civispec_wire::json::{self, Json};

use super::frame::Cursor;

/// Bytes of one line that are looked at, and places in it where an answer may begin.
const LOOKED_AT: usize = 64 << 10;
const TRIES: usize = 64;
/// Findings after which nobody reads on.
const ENOUGH: usize = 64;

/// Standard output of a session or of a part of it.
#[derive(Debug, Clone, Copy)]
pub struct Recording<'a> {
    /// The bytes.
    pub raw: &'a [u8],
    /// What answers carry before them; what stands before that is noise and allowed.
    pub prefix: Option<&'a [u8]>,
    /// How many bytes had come when standard input was closed.
    pub closed: Option<usize>,
    /// Answers that were owed when standard input was closed.
    pub owed: usize,
    /// How many bytes had come when everything was answered and the session was over.
    pub over: Option<usize>,
}

impl<'a> Recording<'a> {
    /// Output of which nothing more is known.
    #[must_use]
    pub const fn of(raw: &'a [u8]) -> Self {
        Self { raw, prefix: None, closed: None, owed: 0, over: None }
    }
}

/// What stands where an answer should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An answer that came only after standard input had been closed.
    AnswerAfterClose,
    /// Something behind the last answer.
    AfterEnd,
    /// A line of nothing but white space.
    BlankLine,
    /// EF BB BF.
    ByteOrderMark,
    /// A CR before the LF.
    CarriageReturn,
    /// A piece of an answer.
    CutOff,
    /// A code for a terminal, such as a colour.
    EscapeCode,
    /// Text at the end of a line that begins with an answer.
    GluedBehind,
    /// Text at the start of a line that ends with an answer.
    GluedBefore,
    /// The last answer ends without a LF.
    MissingNewline,
    /// A notice, warning or error of PHP.
    PhpMessage,
    /// An answer on several lines.
    SpreadOut,
    /// A line of text, and no answer anywhere.
    Text,
    /// A line of text before the first answer.
    TextBefore,
    /// A line of text between answers.
    TextBetween,
    /// A second answer on the same line.
    TwoOnALine,
}

impl Kind {
    /// What it is, in words.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::AnswerAfterClose => "an answer that came only after standard input was closed",
            Self::AfterEnd => "output behind the last answer",
            Self::BlankLine => "a blank line",
            Self::ByteOrderMark => "a byte order mark",
            Self::CarriageReturn => "a CR before the line end",
            Self::CutOff => "an answer that breaks off",
            Self::EscapeCode => "a terminal escape code",
            Self::GluedBehind => "text glued to the end of an answer",
            Self::GluedBefore => "text glued to the start of an answer",
            Self::MissingNewline => "no newline behind the last answer",
            Self::PhpMessage => "a message of PHP",
            Self::SpreadOut => "an answer spread over several lines",
            Self::Text => "text that is no answer",
            Self::TextBefore => "text before the first answer",
            Self::TextBetween => "text between answers",
            Self::TwoOnALine => "a second answer on the same line",
        }
    }

    /// What usually puts it there.
    #[must_use]
    pub const fn cause(self) -> &'static str {
        match self {
            Self::AnswerAfterClose => {
                "output is held in a buffer: flush after every line (PHP: end output buffering; Python: flush=True; \
                 C: setvbuf); or the target is slower than --timeout allows"
            }
            Self::AfterEnd => "a farewell, a shutdown function or a destructor prints to standard output",
            Self::BlankLine => {
                "two line ends are written per answer, or an empty line stands outside the code of a file"
            }
            Self::ByteOrderMark => {
                "a source file or the output encoding begins with one: save it as UTF-8 without"
            }
            Self::CarriageReturn => "lines are written with CR LF, as on Windows or through a terminal",
            Self::CutOff => {
                "the process died while it wrote, a raw newline stands inside a string, or a buffer is too short"
            }
            Self::EscapeCode => "output is coloured: switch colours off where standard output is no terminal",
            Self::GluedBehind => {
                "something prints before the newline of the answer is written, or that is missing"
            }
            Self::GluedBefore => "something that the request called prints without a newline",
            Self::MissingNewline => "newlines are written before the next answer instead of behind each",
            Self::PhpMessage => "display_errors shows it on standard output: set display_errors=stderr",
            Self::SpreadOut => "a pretty-printer is on, such as JSON_PRETTY_PRINT or indent=",
            Self::Text | Self::TextBetween => {
                "something that was called prints to standard output instead of standard error"
            }
            Self::TextBefore => {
                "a banner or a message of the start goes to standard output instead of standard error"
            }
            Self::TwoOnALine => "the newline behind the first answer is missing",
        }
    }
}

/// Something that stands where an answer should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// Its first byte, counted from the start of the recording.
    pub offset: usize,
}

impl Finding {
    /// A finding at an offset.
    #[must_use]
    pub const fn new(kind: Kind, offset: usize) -> Self {
        Self { kind, offset }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {} (likely: {})", self.kind.in_words(), self.offset, self.kind.cause())
    }
}

/// What is wrong with one line that should have been an answer, if its looks tell; offsets count from its start.
#[must_use]
pub fn explain(line: &[u8]) -> Option<Finding> {
    let line = [&line[..line.len().min(LOOKED_AT)], b"\n"].concat();
    // A mark or a colour around text matters less than the text.
    let findings = examine(Recording::of(&line));
    let minor = |f: &&Finding| matches!(f.kind, Kind::EscapeCode | Kind::CarriageReturn);
    findings.iter().find(|f| !minor(f)).or(findings.first()).cloned()
}

/// What is wrong with a line behind the last answer, when the session was over.
#[must_use]
pub fn explain_late(line: &[u8]) -> Finding {
    match explain(line) {
        Some(finding) if finding.kind != Kind::Text => finding,
        _ => Finding::new(Kind::AfterEnd, 0),
    }
}

/// Everything in a recording that is no answer, in the order of the bytes.
#[must_use]
pub fn examine(recording: Recording<'_>) -> Vec<Finding> {
    let mut scene =
        Scene { raw: recording.raw, findings: Vec::new(), frames: Vec::new(), text: None, texts: Vec::new() };
    for piece in pieces(recording) {
        if scene.findings.len() + scene.texts.len() >= ENOUGH {
            break;
        }
        scene.piece(piece);
    }
    scene.end_text();
    scene.place_texts();
    let Scene { mut findings, frames, .. } = scene;
    if let Some(closed) = recording.closed.filter(|_| recording.owed > 0)
        && let Some(late) = frames.iter().find(|f| **f >= closed)
    {
        findings.push(Finding { kind: Kind::AnswerAfterClose, offset: *late });
    }
    if let Some(over) = recording.over
        && let Some(more) =
            recording.raw.get(over..).and_then(|rest| rest.iter().position(|b| !b.is_ascii_whitespace()))
    {
        findings.retain(|f| f.offset < over);
        findings.push(Finding { kind: Kind::AfterEnd, offset: over + more });
    }
    findings.sort_by_key(|f| (f.offset, f.kind));
    findings
}

/// A stretch of output that should be one answer.
#[derive(Clone, Copy)]
struct Piece {
    start: usize,
    end: usize,
    terminated: bool,
}

fn pieces(recording: Recording<'_>) -> Vec<Piece> {
    let mut cursor = Cursor::new(recording.raw, true);
    let mut pieces: Vec<Piece> = Vec::new();
    while let Some(frame) = cursor.next(recording.prefix) {
        let end = cursor.at() - usize::from(frame.terminated);
        pieces.push(Piece { start: end - frame.line.len(), end, terminated: frame.terminated });
    }
    pieces
}

struct Scene<'a> {
    raw: &'a [u8],
    findings: Vec<Finding>,
    /// Where each answer begins.
    frames: Vec<usize>,
    /// A run of text lines: where it begins, whether PHP wrote it, and blank lines before it that belong to it.
    text: Option<(usize, bool)>,
    /// Runs of text with the number of answers before them.
    texts: Vec<(usize, bool, usize)>,
}

impl Scene<'_> {
    fn find(&mut self, kind: Kind, offset: usize) {
        self.findings.push(Finding { kind, offset });
    }

    fn piece(&mut self, piece: Piece) {
        if self.frames.last().is_some_and(|f| *f >= piece.start) {
            // Part of an answer that was found to be spread over several lines.
            return;
        }
        let (mut start, mut end) = (piece.start, piece.end);
        if self.raw[start..end].starts_with(b"\xef\xbb\xbf") {
            self.find(Kind::ByteOrderMark, start);
            start += 3;
        }
        let body = &self.raw[start..end];
        if body.iter().all(u8::is_ascii_whitespace) {
            return self.blank(piece);
        }
        while piece.terminated && end > start && self.raw[end - 1] == b'\r' {
            end -= 1;
        }
        if end < piece.end {
            self.find(Kind::CarriageReturn, end);
        }
        let body = &self.raw[start..end];
        if is_whole(body) {
            self.end_text();
            self.frames.push(start);
            if !piece.terminated {
                self.find(Kind::MissingNewline, self.raw.len());
            }
            return;
        }
        if self.spread_out(start) {
            return;
        }
        self.dissect(start, end);
    }

    /// A blank line: part of a message of PHP, which begins with one, or a finding of its own.
    fn blank(&mut self, piece: Piece) {
        let next = self.raw.get(piece.end + 1..).unwrap_or_default();
        let next = &next[..next.iter().position(|b| *b == b'\n').unwrap_or(next.len())];
        if self.text.is_none() && !is_php(next) {
            self.find(Kind::BlankLine, piece.start);
        }
    }

    fn spread_out(&mut self, start: usize) -> bool {
        let rest = &self.raw[start..self.raw.len().min(start + LOOKED_AT)];
        let Some(length) = value_length(rest).filter(|n| is_frame(&rest[..*n])) else { return false };
        let Some(line_end) = rest[..length].iter().position(|b| *b == b'\n') else { return false };
        self.end_text();
        self.find(Kind::SpreadOut, start + line_end);
        // Everything up to the last line of it is accounted for.
        let last = self.raw[start..start + length]
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(start, |i| start + i + 1);
        self.frames.push(last);
        true
    }

    /// A line that is no answer as a whole: finds the answers in it and what stands around them.
    fn dissect(&mut self, start: usize, end: usize) {
        let line = &self.raw[start..end.min(start + LOOKED_AT)];
        let (mut at, mut tries, mut escaped) = (0, 0, false);
        let mut frames: Vec<usize> = Vec::new();
        let mut texts: Vec<(usize, usize)> = Vec::new();
        while at < line.len() {
            let rest = &line[at..];
            if rest[0] == 0x1b {
                if !escaped {
                    self.find(Kind::EscapeCode, start + at);
                    escaped = true;
                }
                at += escape_length(rest);
                continue;
            }
            if matches!(rest[0], b'{' | b'[') && tries < TRIES {
                tries += 1;
                if let Some(length) = value_length(rest).filter(|n| is_frame(&rest[..*n])) {
                    frames.push(at);
                    at += length;
                    continue;
                }
            }
            if !rest[0].is_ascii_whitespace() {
                match texts.last_mut() {
                    Some((_, to)) if *to >= at => *to = at + 1,
                    // Spaces do not end a text.
                    Some((_, to)) if line[*to..at].iter().all(u8::is_ascii_whitespace) => *to = at + 1,
                    _ => texts.push((at, at + 1)),
                }
            }
            at += 1;
        }
        let Some(&first) = frames.first() else {
            let object =
                if matches!(line.first(), Some(b'{' | b'[')) { Some(value_length(line)) } else { None };
            match (object, texts.first()) {
                (Some(None), _) => {
                    self.end_text();
                    self.find(Kind::CutOff, start);
                }
                // Brackets that match around something that is no JSON: a bad answer, but nothing strange beside it.
                (Some(Some(length)), _) if line[length..].iter().all(u8::is_ascii_whitespace) => {
                    self.end_text();
                }
                (_, Some((from, _))) => self.text_line(start + from, &line[*from..]),
                (_, None) => {}
            }
            return;
        };
        self.end_text();
        for (from, to) in texts {
            let kind = match from {
                _ if is_php(&line[from..to]) => Kind::PhpMessage,
                from if from < first => Kind::GluedBefore,
                _ => Kind::GluedBehind,
            };
            self.find(kind, start + from);
        }
        if let Some(second) = frames.get(1) {
            self.find(Kind::TwoOnALine, start + second);
        }
        self.frames.extend(frames.into_iter().map(|f| start + f));
    }

    /// A line of text continues the run that it stands in.
    fn text_line(&mut self, offset: usize, text: &[u8]) {
        let php = is_php(text);
        match &mut self.text {
            Some((_, known)) => *known |= php,
            None => self.text = Some((offset, php)),
        }
    }

    fn end_text(&mut self) {
        if let Some((offset, php)) = self.text.take() {
            self.texts.push((offset, php, self.frames.len()));
        }
    }

    /// Now that all answers are known: where each run of text stands among them.
    fn place_texts(&mut self) {
        for (offset, php, before) in std::mem::take(&mut self.texts) {
            let kind = match (before, self.frames.len()) {
                _ if php => Kind::PhpMessage,
                (0, 0) => Kind::Text,
                (0, _) => Kind::TextBefore,
                (n, all) if n == all => Kind::AfterEnd,
                _ => Kind::TextBetween,
            };
            self.find(kind, offset);
        }
    }
}

/// Whether a line is one JSON object or array: some answer, be it a good one or not.
fn is_whole(line: &[u8]) -> bool {
    matches!(json::parse_output(line), Ok(Json::Object(_) | Json::Array(_)))
}

/// Whether text is an answer or a header, and not just brackets in a text.
fn is_frame(text: &[u8]) -> bool {
    const MEMBERS: [&str; 5] = ["jsonrpc", "result", "error", "id", "Civi::pipe"];
    let is_object = |v: &Json| MEMBERS.iter().any(|m| v.get(m).is_some());
    match json::parse_output(text) {
        Ok(Json::Array(items)) => !items.is_empty() && items.iter().all(is_object),
        Ok(value) => is_object(&value),
        Err(_) => false,
    }
}

/// The length of the JSON object or array that `text` begins with, by its brackets.
fn value_length(text: &[u8]) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (i, b) in text.iter().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(i + 1);
                }
            }
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// The length of the terminal escape code that `text` begins with.
fn escape_length(text: &[u8]) -> usize {
    let ends = |from: usize, is_end: fn(&u8) -> bool| {
        text[from..].iter().position(is_end).map_or(text.len(), |i| from + i + 1)
    };
    match text.get(1) {
        Some(b'[') => ends(2, |b| (0x40..=0x7e).contains(b)),
        Some(b']') => ends(2, |b| *b == 0x07),
        Some(_) => 2,
        None => 1,
    }
}

/// Whether PHP wrote this text, plain or as HTML.
fn is_php(text: &[u8]) -> bool {
    const WORDS: [&str; 8] = [
        "Notice",
        "Warning",
        "Deprecated",
        "Fatal error",
        "Parse error",
        "Strict Standards",
        "Recoverable fatal error",
        "Catchable fatal error",
    ];
    let text = String::from_utf8_lossy(&text[..text.len().min(4096)]);
    let plain = text.replace("<br />", "").replace("<b>", "").replace("</b>", "");
    let plain = plain.trim_start();
    let message = plain.strip_prefix("PHP ").unwrap_or(plain);
    WORDS.iter().any(|word| {
        message.strip_prefix(word).is_some_and(|rest| rest.starts_with(": ") || rest.starts_with(":  "))
    }) && (message.contains(" on line ") || message.contains(" in "))
}

#[cfg(test)]
mod tests;
