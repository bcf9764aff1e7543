//! Patterns: JSON with holes, as it stands behind `<` in a transcript, and how an answer is held against them.
//!
//! Pure. A pattern knows nothing of transcripts, clauses or targets. `cases/README.md` documents the notation.

use civispec_wire::json::{self, Json, Number};

use super::template::{Slot, Var};
use crate::draw::Vars;

/// What an answer, or a part of one, must look like.
#[derive(Debug, Clone, PartialEq)]
pub enum Pattern {
    /// This value.
    Literal(Json),
    /// A string put together from text and variables.
    Text(Vec<Slot>),
    /// Any value of a kind, captured if a name is given.
    Kind(Kind, Option<String>),
    /// An integer within bounds, both included.
    Range(Option<i64>, Option<i64>),
    /// One of these values.
    OneOf(Vec<Json>),
    /// Any value but these.
    NoneOf(Vec<Json>),
    /// A string that contains this.
    Has(String),
    /// A drawn, captured or declared value.
    Var(Var),
    /// An array; `true` allows more items at its end.
    Array(Vec<Self>, bool),
    /// An object; `true` allows more members.
    Object(Vec<Member>, bool),
}

/// A member of an object pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Whether it may be missing (`"name"?:`).
    pub optional: bool,
    /// What its value must look like.
    pub value: Pattern,
}

/// A kind of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the JSON kind of its name; Filled is explained by `accepts`")]
pub enum Kind {
    Any,
    String,
    Number,
    Integer,
    Bool,
    Array,
    Object,
    Filled,
}

const KINDS: [(&str, Kind); 8] = [
    ("any", Kind::Any),
    ("string", Kind::String),
    ("number", Kind::Number),
    ("integer", Kind::Integer),
    ("bool", Kind::Bool),
    ("array", Kind::Array),
    ("object", Kind::Object),
    ("filled", Kind::Filled),
];

impl Kind {
    fn accepts(self, value: &Json) -> bool {
        match (self, value) {
            (Self::Any, _)
            | (Self::String, Json::String(_))
            | (Self::Number, Json::Number(_))
            | (Self::Bool, Json::Bool(_))
            | (Self::Array, Json::Array(_))
            | (Self::Object, Json::Object(_)) => true,
            (Self::Integer, Json::Number(n)) => n.is_integer(),
            // Neither null, false, 0, "", [] nor {}.
            (Self::Filled, v) => match v {
                Json::Null => false,
                Json::Bool(b) => *b,
                Json::Number(_) => v.as_i64() != Some(0),
                Json::String(s) => !s.is_empty(),
                Json::Array(a) => !a.is_empty(),
                Json::Object(o) => !o.is_empty(),
            },
            _ => false,
        }
    }
}

/// One place where an answer is not what the pattern asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// JSON pointer of the place.
    pub path: String,
    /// What was wanted there, in words or JSON.
    pub want: String,
    /// What stood there.
    pub got: String,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Column (in bytes, from 0) and what was expected there.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut parser = Parser { text, at: 0, depth: 0 };
        let pattern = parser.value()?;
        parser.space();
        if parser.at < text.len() {
            return parser.fail("the end of the line");
        }
        Ok(pattern)
    }

    /// The pattern with drawn, captured and declared values in the place of their names, for people to read.
    #[must_use]
    pub fn resolved(&self, vars: &mut Vars) -> Self {
        match self {
            Self::Var(var) => Self::Literal(var.value(vars)),
            Self::Text(slots) => Self::Literal(Json::String(super::template::text_of(slots, vars))),
            Self::Array(items, more) => Self::Array(items.iter().map(|i| i.resolved(vars)).collect(), *more),
            Self::Object(members, more) => {
                let resolve = |m: &Member| Member { value: m.value.resolved(vars), ..m.clone() };
                Self::Object(members.iter().map(resolve).collect(), *more)
            }
            other => other.clone(),
        }
    }

    /// Holds `got` against the pattern and adds every mismatch to `out`. Captures go to `vars`.
    pub fn check(&self, got: &Json, ordered: bool, vars: &mut Vars, path: &str, out: &mut Vec<Mismatch>) {
        let mut miss = |want: String| {
            out.push(Mismatch { path: path.to_owned(), want, got: clip(&got.to_string()) });
        };
        match self {
            Self::Literal(want) if !want.same_value(got) => miss(want.to_string()),
            Self::Literal(_) => {}
            Self::Text(slots) => {
                let want = Json::String(super::template::text_of(slots, vars));
                if !want.same_value(got) {
                    miss(want.to_string());
                }
            }
            Self::Kind(kind, _) if !kind.accepts(got) => miss(self.to_string()),
            Self::Kind(_, name) => {
                if let Some(name) = name {
                    vars.capture(name, got.clone());
                }
            }
            Self::Range(low, high) => {
                let within =
                    got.as_i64().is_some_and(|n| low.is_none_or(|l| n >= l) && high.is_none_or(|h| n <= h));
                if !within {
                    miss(self.to_string());
                }
            }
            Self::OneOf(values) if !values.iter().any(|v| v.same_value(got)) => miss(self.to_string()),
            Self::NoneOf(values) if values.iter().any(|v| v.same_value(got)) => miss(self.to_string()),
            Self::OneOf(_) | Self::NoneOf(_) => {}
            Self::Has(part) => {
                if !got.as_str().is_some_and(|s| s.contains(part.as_str())) {
                    miss(self.to_string());
                }
            }
            Self::Var(var) => {
                let want = var.value(vars);
                if !want.same_value(got) {
                    miss(want.to_string());
                }
            }
            Self::Array(items, more) => {
                let Json::Array(got_items) = got else { return miss(self.to_string()) };
                for (i, (item, got)) in items.iter().zip(got_items).enumerate() {
                    item.check(got, ordered, vars, &format!("{path}/{i}"), out);
                }
                if got_items.len() < items.len() || (got_items.len() > items.len() && !more) {
                    let want = format!("{}{} items", if *more { "at least " } else { "" }, items.len());
                    out.push(Mismatch {
                        path: path.to_owned(),
                        want,
                        got: format!("{} items: {}", got_items.len(), clip(&got.to_string())),
                    });
                }
            }
            Self::Object(members, more) => {
                let Json::Object(got_members) = got else { return miss(self.to_string()) };
                check_object(members, *more, got_members, ordered, vars, path, out);
            }
        }
    }
}

fn check_object(
    members: &[Member],
    more: bool,
    got: &[(String, Json)],
    ordered: bool,
    vars: &mut Vars,
    path: &str,
    out: &mut Vec<Mismatch>,
) {
    let pointer = |name: &str| format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
    for member in members {
        match got.iter().rev().find(|(name, _)| *name == member.name) {
            Some((name, value)) => member.value.check(value, ordered, vars, &pointer(name), out),
            None if member.optional => {}
            None => {
                let error = got.iter().find(|(name, _)| name == "error" && member.name == "result");
                let instead = error
                    .map_or_else(String::new, |(_, e)| format!(", but the error {}", clip(&e.to_string())));
                out.push(Mismatch {
                    path: pointer(&member.name),
                    want: member.value.to_string(),
                    got: format!("no such member{instead}"),
                });
            }
        }
    }
    if !more {
        for (name, value) in got.iter().filter(|(name, _)| members.iter().all(|m| m.name != *name)) {
            out.push(Mismatch {
                path: pointer(name),
                want: "no such member".to_owned(),
                got: clip(&value.to_string()),
            });
        }
    }
    if ordered {
        let listed: Vec<&str> =
            got.iter().map(|(n, _)| n.as_str()).filter(|n| members.iter().any(|m| m.name == *n)).collect();
        let wanted: Vec<&str> =
            members.iter().map(|m| m.name.as_str()).filter(|n| listed.contains(n)).collect();
        if listed != wanted {
            out.push(Mismatch {
                path: path.to_owned(),
                want: format!("members in the order {}", wanted.join(", ")),
                got: listed.join(", "),
            });
        }
    }
}

/// Shortens long text for messages; the wire keeps the whole.
fn clip(text: &str) -> String {
    const MOST: usize = 300;
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}… ({} bytes)", &text[..at], text.len()),
        None => text.to_owned(),
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |values: &[Json]| values.iter().map(Json::to_string).collect::<Vec<_>>().join("|");
        match self {
            Self::Literal(value) => write!(f, "{value}"),
            Self::Text(slots) => write!(f, "\"{}\"", slots.iter().map(Slot::to_string).collect::<String>()),
            Self::Kind(kind, name) => {
                let word = KINDS.iter().find(|(_, k)| k == kind).map_or("any", |(w, _)| w);
                match name {
                    Some(name) => write!(f, "<{word}={name}>"),
                    None => write!(f, "<{word}>"),
                }
            }
            Self::Range(low, high) => {
                let text = |n: &Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
                write!(f, "<int {}..{}>", text(low), text(high))
            }
            Self::OneOf(values) if values.is_empty() => f.write_str("<none>"),
            Self::OneOf(values) => write!(f, "<one {}>", list(values)),
            Self::NoneOf(values) => write!(f, "<not {}>", list(values)),
            Self::Has(part) => write!(f, "<has {part}>"),
            Self::Var(var) => write!(f, "<{var}>"),
            Self::Array(items, more) => {
                let mut parts: Vec<String> = items.iter().map(Self::to_string).collect();
                parts.extend(more.then(|| "...".to_owned()));
                write!(f, "[{}]", parts.join(","))
            }
            Self::Object(members, more) => {
                let mut parts: Vec<String> = members
                    .iter()
                    .map(|m| {
                        let mark = if m.optional { "?" } else { "" };
                        format!("{}{mark}:{}", Json::String(m.name.clone()), m.value)
                    })
                    .collect();
                parts.extend(more.then(|| "...".to_owned()));
                write!(f, "{{{}}}", parts.join(","))
            }
        }
    }
}

/// Deepest nesting of a pattern.
const DEEPEST: usize = 200;

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn fail<T>(&self, wanted: &str) -> Result<T, (usize, String)> {
        Err((self.at, format!("expected {wanted}")))
    }

    fn space(&mut self) {
        while self.text[self.at..].starts_with([' ', '\t']) {
            self.at += 1;
        }
    }

    fn eat(&mut self, token: &str) -> bool {
        self.space();
        let found = self.text[self.at..].starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn nested(
        &mut self,
        read: fn(&mut Self) -> Result<Pattern, (usize, String)>,
    ) -> Result<Pattern, (usize, String)> {
        if self.depth == DEEPEST {
            return Err((self.at, format!("a pattern is nested at most {DEEPEST} deep")));
        }
        self.depth += 1;
        let pattern = read(self)?;
        self.depth -= 1;
        Ok(pattern)
    }

    fn value(&mut self) -> Result<Pattern, (usize, String)> {
        self.space();
        match self.text[self.at..].chars().next() {
            Some('<') => self.hole(),
            Some('[') => self.nested(Self::array),
            Some('{') => self.nested(Self::object),
            Some('"') => {
                let start = self.at;
                let literal = self.string_literal()?;
                let text = decode(literal).map_err(|e| (start, e))?;
                let slots = super::template::parse_inside_string(&text).map_err(|e| (start, e))?;
                Ok(match slots.as_slice() {
                    [] | [Slot::Bytes(_)] => Pattern::Literal(Json::String(text)),
                    _ => Pattern::Text(slots),
                })
            }
            Some(_) => {
                let rest = &self.text[self.at..];
                let end = rest.find([',', ']', '}', ' ']).unwrap_or(rest.len());
                let value = json::parse(&rest.as_bytes()[..end])
                    .map_err(|_| (self.at, "expected a JSON value or a <hole>".to_owned()))?;
                self.at += end;
                Ok(Pattern::Literal(value))
            }
            None => self.fail("a JSON value or a <hole>"),
        }
    }

    fn string_literal(&mut self) -> Result<&'a str, (usize, String)> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut i = start + 1;
        while let Some(b) = bytes.get(i) {
            match b {
                b'\\' => i += 2,
                b'"' => {
                    self.at = i + 1;
                    return Ok(&self.text[start..=i]);
                }
                _ => i += 1,
            }
        }
        Err((start, "this string has no end".to_owned()))
    }

    fn array(&mut self) -> Result<Pattern, (usize, String)> {
        self.at += 1;
        let mut items = Vec::new();
        if self.eat("]") {
            return Ok(Pattern::Array(items, false));
        }
        loop {
            if self.eat("...") {
                if self.eat("]") {
                    return Ok(Pattern::Array(items, true));
                }
                return self.fail("']' after '...'");
            }
            items.push(self.value()?);
            if self.eat("]") {
                return Ok(Pattern::Array(items, false));
            }
            if !self.eat(",") {
                return self.fail("',' or ']'");
            }
        }
    }

    fn object(&mut self) -> Result<Pattern, (usize, String)> {
        self.at += 1;
        let mut members: Vec<Member> = Vec::new();
        if self.eat("}") {
            return Ok(Pattern::Object(members, false));
        }
        loop {
            if self.eat("...") {
                if self.eat("}") {
                    return Ok(Pattern::Object(members, true));
                }
                return self.fail("'}' after '...'");
            }
            self.space();
            let start = self.at;
            if !self.text[self.at..].starts_with('"') {
                return self.fail("a member name in quotes, or '...'");
            }
            let literal = self.string_literal()?;
            let name = decode(literal).map_err(|e| (start, e))?;
            if members.iter().any(|m| m.name == name) {
                return Err((start, format!("member '{name}' stands twice in this pattern")));
            }
            let optional = self.eat("?");
            if !self.eat(":") {
                return self.fail("':'");
            }
            let value = self.value()?;
            members.push(Member { name, optional, value });
            if self.eat("}") {
                return Ok(Pattern::Object(members, false));
            }
            if !self.eat(",") {
                return self.fail("',' or '}'");
            }
        }
    }

    fn hole(&mut self) -> Result<Pattern, (usize, String)> {
        let start = self.at;
        let end = hole_end(&self.text[start..]).ok_or((start, "this hole has no '>'".to_owned()))?;
        let inner = &self.text[start + 1..start + end];
        self.at = start + end + 1;
        hole(inner).map_err(|e| (start, e))
    }
}

/// Offset of the `>` that ends the hole at the start of `text`; string literals inside may contain `>`.
fn hole_end(text: &str) -> Option<usize> {
    let mut in_string = false;
    let mut escaped = false;
    for (i, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            '>' if !in_string => return Some(i),
            _ => {}
        }
    }
    None
}

fn hole(inner: &str) -> Result<Pattern, String> {
    if inner.starts_with(['$', '@']) {
        return Var::parse(inner).map(Pattern::Var);
    }
    let (word, rest) = inner.split_once(' ').unwrap_or((inner, ""));
    match word {
        "int" => {
            let (low, high) = rest.split_once("..").ok_or("expected <int LOW..HIGH>")?;
            let bound = |t: &str| match t.trim() {
                "" => Ok(None),
                t => t.parse().map(Some).map_err(|_| format!("'{t}' is not an integer")),
            };
            Ok(Pattern::Range(bound(low)?, bound(high)?))
        }
        "none" => Ok(Pattern::OneOf(Vec::new())),
        "one" => literals(rest).map(Pattern::OneOf),
        "not" => literals(rest).map(Pattern::NoneOf),
        "has" => Ok(Pattern::Has(rest.to_owned())),
        _ => {
            let (word, name) = match inner.split_once('=') {
                Some((word, name)) => (word, Some(name.to_owned())),
                None => (inner, None),
            };
            KINDS.iter().find(|(w, _)| *w == word).map(|(_, k)| Pattern::Kind(*k, name)).ok_or_else(|| {
                format!(
                    "unknown hole <{inner}>; expected any, string, number, integer, bool, array, object, filled, \
                     int, one, none, not, has, $name or @value"
                )
            })
        }
    }
}

/// Literals separated by `|`; a `|` inside a string literal does not separate.
fn literals(text: &str) -> Result<Vec<Json>, String> {
    let mut values = Vec::new();
    let mut rest = text;
    loop {
        let cut = rest
            .match_indices('|')
            .map(|(i, _)| i)
            .chain([rest.len()])
            .find(|&i| json::parse(&rest.as_bytes()[..i]).is_ok())
            .ok_or_else(|| format!("'{rest}' does not begin with a JSON literal"))?;
        values.push(json::parse(&rest.as_bytes()[..cut]).map_err(|e| e.to_string())?);
        match rest.get(cut + 1..) {
            Some(next) => rest = next,
            None => return Ok(values),
        }
    }
}

fn decode(literal: &str) -> Result<String, String> {
    match json::parse(literal.as_bytes()) {
        Ok(Json::String(s)) => Ok(s),
        Ok(_) => Err("expected a string".to_owned()),
        Err(e) => Err(format!("this is not a JSON string: {e}")),
    }
}

/// A number literal, for the arithmetic of holes.
#[must_use]
pub fn integer(n: i64) -> Json {
    Number::new(&n.to_string()).map_or(Json::Null, Json::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn misses(pattern: &str, got: &str) -> Vec<Mismatch> {
        let mut out = Vec::new();
        let pattern = Pattern::parse(pattern).unwrap();
        pattern.check(&json::parse(got.as_bytes()).unwrap(), false, &mut Vars::default(), "", &mut out);
        out
    }

    #[test]
    fn a_pattern_accepts_what_it_describes_and_nothing_else() {
        for (pattern, good, bad) in [
            ("{\"a\":<any>}", "{\"a\":[]}", "{\"a\":1,\"b\":2}"),
            ("{\"a\":1,...}", "{\"b\":0,\"a\":1.0}", "{\"b\":0}"),
            ("{\"a\"?:1}", "{}", "{\"a\":2}"),
            ("[1,...]", "[1,2]", "[]"),
            ("<int 64000..>", "65536", "63999"),
            ("<int ..0>", "-1", "1"),
            ("<one 1|\"a|b\"|null>", "\"a|b\"", "2"),
            ("<not null|false>", "0", "false"),
            ("<has pat>", "\"a path\"", "\"none\""),
            ("<integer>", "1e2", "1.5"),
            ("<filled>", "[0]", "[]"),
            ("{}", "{}", "[]"),
            ("[]", "[]", "{}"),
        ] {
            assert_eq!(misses(pattern, good), vec![], "{pattern} should accept {good}");
            assert!(!misses(pattern, bad).is_empty(), "{pattern} should refuse {bad}");
        }
    }

    #[test]
    fn a_mismatch_names_its_place_and_both_sides() {
        let found = misses("{\"e\":{\"code\":-32700,...}}", "{\"e\":{\"code\":-32600}}");
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].path.as_str(), found[0].want.as_str(), found[0].got.as_str()),
            ("/e/code", "-32700", "-32600")
        );
    }

    #[test]
    fn captured_and_drawn_values_are_compared_by_value() {
        let mut vars = Vars::new(1, "c", 0);
        let mut out = Vec::new();
        Pattern::parse("[<number=x>,<$x+1>]").unwrap().check(
            &json::parse(b"[7,8]").unwrap(),
            false,
            &mut vars,
            "",
            &mut out,
        );
        assert_eq!(out, vec![]);
        let s = vars.get("s");
        Pattern::parse("\"<$s>!\"").unwrap().check(
            &Json::String(format!("{}!", s.as_str().unwrap())),
            false,
            &mut vars,
            "",
            &mut out,
        );
        assert_eq!(out, vec![]);
    }

    #[test]
    fn a_bad_pattern_is_refused_with_its_column() {
        for (text, column, wanted) in [
            ("{\"a\" 1}", 5, "':'"),
            ("[1 2]", 3, "',' or ']'"),
            ("<nonsense>", 0, "unknown hole"),
            ("{\"a\":1,\"a\":2}", 7, "twice"),
            ("{\"a\":1} x", 8, "end of the line"),
        ] {
            let (at, message) = Pattern::parse(text).unwrap_err();
            assert_eq!(at, column, "{text}: {message}");
            assert!(message.contains(wanted), "{text}: {message}");
        }
    }

    proptest! {
        #[test]
        fn every_value_matches_itself_and_a_changed_leaf_does_not(n in any::<i64>(), s in "[a-z]{0,8}") {
            let text = format!("{{\"n\":{n},\"s\":[\"{s}\",null]}}");
            prop_assert_eq!(misses(&text, &text), vec![]);
            let changed = format!("{{\"n\":{n},\"s\":[\"{s}x\",null]}}");
            prop_assert_eq!(misses(&text, &changed).len(), 1);
        }

        #[test]
        fn printing_a_pattern_and_reading_it_again_gives_the_same_pattern(n in any::<i64>(), more: bool) {
            let dots = if more { ",..." } else { "" };
            let text = format!("{{\"a\":<int {n}..>,\"b\"?:[<one 1|\"x\">,<string=q>{dots}]{dots}}}");
            let pattern = Pattern::parse(&text).unwrap();
            prop_assert_eq!(Pattern::parse(&pattern.to_string()).unwrap(), pattern);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,40}|[<>\\[\\]{}\"$@.,:?|a-z ]{0,20}") {
            let _ = Pattern::parse(&text);
        }
    }
}
