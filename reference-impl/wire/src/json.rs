//! A lossless view of JSON text (RFC 8259): duplicate members, member order and number text stay visible.
//!
//! The tokeniser is the `json-event-parser` crate; this module builds the tree, bounds its depth, and compares and
//! prints values. Numbers are compared by their exact decimal value and never pass through a double.

use std::fmt::Write as _;

use json_event_parser::{JsonEvent, SliceJsonParser};

/// Deepest nesting of arrays and objects that [`parse`] accepts.
pub const MAX_DEPTH: usize = 512;

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as the text that stood on the wire.
    Number(Number),
    /// A string, unescaped.
    String(String),
    /// An array.
    Array(Vec<Self>),
    /// An object: its members in the order of the text, duplicates included.
    Object(Vec<(String, Self)>),
}

/// The text of a JSON number. `==` compares text; [`Number::same_value`] compares values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number(String);

/// Why a text is not JSON, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: {reason}")]
pub struct JsonError {
    /// Offset of the offending byte in the text.
    pub offset: usize,
    /// What is wrong, as a lower-case fragment.
    pub reason: String,
}

/// How [`Json::print`] writes a value. Every style is strict JSON on one line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// Write characters beyond ASCII as `\u` escapes.
    pub ascii: bool,
    /// Write `/` as `\/`.
    pub escape_slash: bool,
    /// Write a space after `,` and `:`.
    pub space: bool,
}

/// Parses one JSON text: strict RFC 8259 in UTF-8, without a byte order mark, at most [`MAX_DEPTH`] deep.
///
/// # Errors
/// The first offence with its byte offset: bad UTF-8, a byte order mark, a lone surrogate escape, anything outside
/// the grammar, nesting beyond the limit, or text after the value.
pub fn parse(text: &[u8]) -> Result<Json, JsonError> {
    let text = std::str::from_utf8(text)
        .map_err(|e| JsonError { offset: e.valid_up_to(), reason: "not UTF-8".to_owned() })?;
    if text.starts_with('\u{feff}') {
        return Err(JsonError { offset: 0, reason: "a byte order mark before the value".to_owned() });
    }
    let mut parser = SliceJsonParser::new(text.as_bytes());
    let mut open: Vec<(Option<String>, Json)> = Vec::new();
    let mut key: Option<String> = None;
    let mut root: Option<Json> = None;
    loop {
        let event = parser.parse_next().map_err(|e| JsonError {
            offset: usize::try_from(e.location().start.offset).unwrap_or(usize::MAX).min(text.len()),
            reason: e.message().to_owned(),
        })?;
        let done = match event {
            JsonEvent::Eof => {
                return root.ok_or_else(|| JsonError { offset: text.len(), reason: "no value".to_owned() });
            }
            JsonEvent::ObjectKey(name) => {
                key = Some(name.into_owned());
                continue;
            }
            JsonEvent::StartArray | JsonEvent::StartObject if open.len() == MAX_DEPTH => {
                return Err(JsonError { offset: 0, reason: format!("nested deeper than {MAX_DEPTH}") });
            }
            JsonEvent::StartArray => {
                open.push((key.take(), Json::Array(Vec::new())));
                continue;
            }
            JsonEvent::StartObject => {
                open.push((key.take(), Json::Object(Vec::new())));
                continue;
            }
            JsonEvent::EndArray | JsonEvent::EndObject => match open.pop() {
                Some((name, value)) => {
                    key = name;
                    value
                }
                None => return Err(JsonError { offset: 0, reason: "unbalanced brackets".to_owned() }),
            },
            JsonEvent::Null => Json::Null,
            JsonEvent::Boolean(b) => Json::Bool(b),
            JsonEvent::Number(n) => Json::Number(Number(n.into_owned())),
            JsonEvent::String(s) => Json::String(s.into_owned()),
        };
        match open.last_mut() {
            Some((_, Json::Array(items))) => items.push(done),
            Some((_, Json::Object(members))) => members.push((key.take().unwrap_or_default(), done)),
            _ => root = Some(done),
        }
    }
}

/// Parses what a peer wrote: as [`parse`], but a lone surrogate escape, which the grammar allows and no Unicode string
/// can hold, is read as U+FFFD.
///
/// # Errors
/// As [`parse`].
pub fn parse_output(text: &[u8]) -> Result<Json, JsonError> {
    parse(text).or_else(|error| {
        let mended = without_lone_surrogates(text);
        if mended == text { Err(error) } else { parse(&mended) }
    })
}

/// The text with `\\ufffd` in the place of each surrogate escape that has no partner.
fn without_lone_surrogates(text: &[u8]) -> Vec<u8> {
    let unit = |at: usize| -> Option<u16> {
        let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let next = match (unit(at), unit(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                out.extend_from_slice(b"\\ufffd");
                at += 6;
                continue;
            }
            // An escaped backslash is no escape for what follows it.
            (None, _) if text[at] == b'\\' => 2.min(text.len() - at),
            (Some(_), _) => 6,
            (None, _) => 1,
        };
        out.extend_from_slice(&text[at..at + next]);
        at += next;
    }
    out
}

impl Json {
    /// The member called `name`; of duplicates the last one, as most readers take it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().rev().find(|(k, _)| k == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The text of a string value.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(s) => Some(s),
            _ => None,
        }
    }

    /// The value of an integer that fits, whatever its notation (`1e2` is 100).
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(n) => n.as_i64(),
            _ => None,
        }
    }

    /// The items of an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The members of an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&[(String, Self)]> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// Names of members that occur more than once in one object, anywhere in the value.
    #[must_use]
    pub fn duplicate_member(&self) -> Option<&str> {
        match self {
            Self::Object(members) => {
                let mut names: Vec<&str> = members.iter().map(|(k, _)| k.as_str()).collect();
                names.sort_unstable();
                names
                    .windows(2)
                    .find(|w| w[0] == w[1])
                    .map(|w| w[0])
                    .or_else(|| members.iter().find_map(|(_, v)| v.duplicate_member()))
            }
            Self::Array(items) => items.iter().find_map(Self::duplicate_member),
            _ => None,
        }
    }

    /// Whether two values mean the same: numbers by exact value, objects whatever the order of their members.
    #[must_use]
    pub fn same_value(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.same_value(b),
            (Self::Array(a), Self::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.same_value(y))
            }
            (Self::Object(a), Self::Object(b)) => {
                let sorted = |members: &[(String, Self)]| {
                    let mut order: Vec<usize> = (0..members.len()).collect();
                    order.sort_by(|&i, &j| members[i].0.cmp(&members[j].0));
                    order
                };
                a.len() == b.len()
                    && sorted(a)
                        .into_iter()
                        .zip(sorted(b))
                        .all(|(i, j)| a[i].0 == b[j].0 && a[i].1.same_value(&b[j].1))
            }
            _ => self == other,
        }
    }

    /// What kind of value this is, as a word for messages.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    /// The value as JSON text in the given style.
    #[must_use]
    pub fn print(&self, style: Style) -> String {
        let mut out = String::new();
        self.write(style, &mut out);
        out
    }

    fn write(&self, style: Style, out: &mut String) {
        let comma = if style.space { ", " } else { "," };
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Number(n) => out.push_str(&n.0),
            Self::String(s) => write_string(s, style, out),
            Self::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push_str(comma);
                    }
                    item.write(style, out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (i, (name, value)) in members.iter().enumerate() {
                    if i > 0 {
                        out.push_str(comma);
                    }
                    write_string(name, style, out);
                    out.push_str(if style.space { ": " } else { ":" });
                    value.write(style, out);
                }
                out.push('}');
            }
        }
    }
}

impl std::fmt::Display for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.print(Style::default()))
    }
}

impl From<&str> for Json {
    fn from(s: &str) -> Self {
        Self::String(s.to_owned())
    }
}

impl From<i64> for Json {
    fn from(n: i64) -> Self {
        Self::Number(Number(n.to_string()))
    }
}

impl From<bool> for Json {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

/// An object from members, for building messages.
#[must_use]
pub fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    Json::Object(members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
}

/// Writes `s` as a JSON string literal.
fn write_string(s: &str, style: Style, out: &mut String) {
    out.push('"');
    for c in s.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '/' if style.escape_slash => out.push_str("\\/"),
            c if u32::from(c) < 0x20 || (style.ascii && !c.is_ascii()) => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

impl Number {
    /// A number from its text.
    ///
    /// # Errors
    /// When `text` is not a JSON number.
    pub fn new(text: &str) -> Result<Self, JsonError> {
        match parse(text.as_bytes())? {
            Json::Number(n) => Ok(n),
            other => Err(JsonError { offset: 0, reason: format!("{} instead of a number", other.kind()) }),
        }
    }

    /// The text as it stood on the wire.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether two numbers have the same exact decimal value: `1.0`, `1` and `10e-1` do.
    #[must_use]
    pub fn same_value(&self, other: &Self) -> bool {
        self.0 == other.0 || self.decimal() == other.decimal()
    }

    /// Whether the value is a whole number.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        self.decimal().is_some_and(|(_, digits, exponent)| digits.is_empty() || exponent >= 0)
    }

    /// The value if it is a whole number that fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        let (negative, digits, exponent) = self.decimal()?;
        if digits.is_empty() {
            return Some(0);
        }
        let zeros = usize::try_from(exponent).ok().filter(|z| *z <= 19)?;
        let text = format!("{}{digits}{}", if negative { "-" } else { "" }, "0".repeat(zeros));
        text.parse().ok()
    }

    /// Sign, significant digits without leading and trailing zeros, and the power of ten that scales them. Zero has
    /// no digits, no sign and exponent 0. `None` when the exponent itself is beyond all measure.
    fn decimal(&self) -> Option<(bool, String, i64)> {
        let (mantissa, exponent) = match self.0.split_once(['e', 'E']) {
            Some((m, e)) => (m, e.strip_prefix('+').unwrap_or(e)),
            None => (self.0.as_str(), "0"),
        };
        let (negative, mantissa) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        let kept = digits.trim_end_matches('0');
        let dropped = digits.len() - kept.len();
        let significant = kept.trim_start_matches('0');
        if significant.is_empty() {
            return Some((false, String::new(), 0));
        }
        let exponent: i64 = exponent.parse().ok()?;
        let scale = i64::try_from(dropped).ok()?.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        Some((negative, significant.to_owned(), exponent.checked_add(scale)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn num(text: &str) -> Number {
        Number::new(text).unwrap()
    }

    #[test]
    fn numbers_are_compared_by_exact_value_and_not_by_text_or_double() {
        for (a, b) in
            [("1", "1.0"), ("100", "1e2"), ("10e-1", "1"), ("-0", "0"), ("0e5", "0"), ("1E+2", "100.00")]
        {
            assert!(num(a).same_value(&num(b)), "{a} {b}");
        }
        for (a, b) in [("1", "-1"), ("9007199254740993", "9007199254740992"), ("0.1", "0.10000000000000001")]
        {
            assert!(!num(a).same_value(&num(b)), "{a} {b}");
        }
        assert!(!num("1e99999999999999999999").same_value(&num("1e3")));
        assert_eq!(num("1e2").as_i64(), Some(100));
        assert_eq!(num("-9223372036854775808").as_i64(), Some(i64::MIN));
        assert_eq!(num("1.5").as_i64(), None);
        assert!(num("1.50e1").is_integer() && !num("1.5").is_integer());
    }

    #[test]
    fn duplicates_order_and_number_text_survive_parsing() {
        let v = parse(br#"{"b":1.0,"a":{"x":1},"b":2}"#).unwrap();
        assert_eq!(v.to_string(), r#"{"b":1.0,"a":{"x":1},"b":2}"#);
        assert_eq!(v.duplicate_member(), Some("b"));
        assert_eq!(v.get("b"), Some(&Json::from(2)));
    }

    #[test]
    fn what_is_not_strict_json_is_refused_with_an_offset() {
        for (text, offset) in [
            ("\u{feff}{}", 0),
            ("{\"a\":1,}", 7),
            ("[1,2", 4),
            ("\"\\ud800\"", 0),
            ("01", 0),
            ("{} x", 3),
            ("", 0),
            ("\"a\tb\"", 0),
            ("nul", 0),
        ] {
            let e = parse(text.as_bytes()).unwrap_err();
            assert!(e.offset >= offset && e.offset <= text.len(), "{text:?}: {e}");
        }
        assert_eq!(parse(b"\"\xff\"").unwrap_err(), JsonError { offset: 1, reason: "not UTF-8".to_owned() });
    }

    #[test]
    fn lone_surrogates_in_output_are_read_as_replacement_characters() {
        for (text, wanted) in [
            (r#""\ud83d""#, "\u{fffd}"),
            (r#""\ud83d\ude00""#, "\u{1f600}"),
            (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
            (r#""\\ud83d""#, "\\ud83d"),
        ] {
            assert_eq!(parse_output(text.as_bytes()), Ok(Json::from(wanted)), "{text}");
        }
        assert!(parse_output(b"{").is_err());
    }

    #[test]
    fn nesting_is_accepted_up_to_the_limit_and_refused_beyond_it() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert!(parse(nested(MAX_DEPTH + 1).as_bytes()).is_err());
        assert!(parse("[".repeat(1 << 20).as_bytes()).is_err());
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            any::<i64>().prop_map(Json::from),
            "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,3})?"
                .prop_map(|t| Json::Number(Number(t))),
            any::<String>().prop_map(Json::String),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
                prop::collection::vec((any::<String>(), inner), 0..6).prop_map(Json::Object),
            ]
        })
    }

    proptest! {
        #[test]
        fn printing_and_parsing_gives_the_same_value_in_every_style(v in any_json(), ascii: bool, escape_slash: bool, space: bool) {
            let text = v.print(Style { ascii, escape_slash, space });
            prop_assert!(!text.contains('\n'));
            prop_assert_eq!(parse(text.as_bytes()).unwrap(), v);
        }

        #[test]
        fn same_value_ignores_the_order_of_members(members in prop::collection::vec(("[a-c]{0,2}", any_json()), 0..6)) {
            let mut seen = std::collections::HashSet::new();
            let unique: Vec<_> = members.into_iter().filter(|(k, _)| seen.insert(k.clone())).collect();
            let mut reversed = unique.clone();
            reversed.reverse();
            prop_assert!(Json::Object(unique).same_value(&Json::Object(reversed)));
        }

        // The second witness: serde_json must accept and refuse the same texts (it is laxer only in duplicates).
        #[test]
        fn acceptance_agrees_with_serde_json(text in "[ \\[\\]{}:,\"a\\\\u0-9.eE+-]{0,16}|[\\x00-\\x7f]{0,12}") {
            let ours = parse(text.as_bytes()).is_ok();
            let theirs = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok()
                && !matches!(serde_json::from_str::<serde_json::Value>(&text), Err(e) if !e.to_string().contains("out of range"));
            prop_assert_eq!(ours, theirs, "{:?}", text);
        }
    }
}
