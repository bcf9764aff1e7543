//! Looks at text that may be no JSON: where a value ends, how deep it nests, what a lenient reader would make of it.

use std::fmt::Write as _;
use std::ops::ControlFlow;

use civispec_wire::json::{self, Json, JsonError};

/// Walks over JSON-like text; `see` learns of every byte outside of strings.
fn walk(text: &[u8], mut see: impl FnMut(usize, u8) -> ControlFlow<()>) -> bool {
    let (mut in_string, mut escaped) = (false, false);
    for (i, b) in text.iter().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            _ => {
                if see(i, *b).is_break() {
                    return false;
                }
            }
        }
    }
    in_string
}

/// Where the array or object that begins at the start of `text` ends, if it begins and ends there.
pub(super) fn value_end(text: &[u8]) -> Option<usize> {
    if !matches!(text.first(), Some(b'{' | b'[')) {
        return None;
    }
    let (mut depth, mut end) = (0usize, None);
    walk(text, |i, b| {
        match b {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            end = Some(i + 1);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    end
}

/// The deepest nesting of brackets.
pub(super) fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    walk(text, |_, b| {
        match b {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
        ControlFlow::Continue(())
    });
    deepest
}

/// Whether the text ends inside of a string, an array or an object.
pub(super) fn is_truncated(text: &[u8]) -> bool {
    let mut open = 0i64;
    let in_string = walk(text, |_, b| {
        open += match b {
            b'{' | b'[' => 1,
            b'}' | b']' => -1,
            _ => 0,
        };
        ControlFlow::Continue(())
    });
    in_string || open > 0
}

/// The text as a lenient reader may take it: no byte order mark, bad UTF-8 and halves of surrogate pairs replaced, raw
/// control characters in strings escaped, commas before a closing bracket passed over.
pub(super) fn repaired(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    rewrite(text.strip_prefix('\u{feff}').unwrap_or(&text), true)
}

/// A value in strict JSON, but for halves of surrogate pairs in escapes: the grammar permits them, though no string of
/// characters can hold them.
pub(super) fn parse_answer(text: &[u8]) -> Result<Json, JsonError> {
    json::parse(text).or_else(|error| match std::str::from_utf8(text) {
        Ok(text) => json::parse(rewrite(text, false).as_bytes()).map_err(|_| error),
        Err(_) => Err(error),
    })
}

fn rewrite(text: &str, lenient: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_string = false;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let step = match c {
            '\\' if in_string => {
                let (step, written) = escape(rest);
                out.push_str(written);
                step
            }
            c if lenient && in_string && u32::from(c) < 0x20 => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
                1
            }
            ',' if lenient && !in_string && closes(&rest[1..]) => 1,
            c => {
                in_string ^= c == '"';
                out.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[step..];
    }
    out
}

fn closes(rest: &str) -> bool {
    matches!(rest.trim_start_matches([' ', '\t', '\r']).chars().next(), Some('}' | ']'))
}

/// How long the escape at the start of `rest` is, and what to write for it.
fn escape(rest: &str) -> (usize, &str) {
    let unit = |at: usize| {
        let digits = rest.get(at..at + 6)?.strip_prefix("\\u")?;
        u32::from_str_radix(digits, 16).ok()
    };
    match unit(0) {
        Some(0xd800..=0xdbff) if matches!(unit(6), Some(0xdc00..=0xdfff)) => (12, &rest[..12]),
        Some(0xd800..=0xdfff) => (6, "\\ufffd"),
        _ => {
            let length = 1 + rest.chars().nth(1).map_or(0, char::len_utf8);
            (length, &rest[..length])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_ends_where_its_brackets_close_whatever_its_strings_hold() {
        assert_eq!(value_end(br#"{"a":"}\"]"}x"#), Some(12));
        assert_eq!(value_end(b"[[1],\n2]"), Some(8));
        for text in [&b"{"[..], b"x{}", b"", b"[\"]"] {
            assert_eq!(value_end(text), None, "{text:?}");
        }
        assert_eq!(depth(br#"[{"a":"[[["}]"#), 2);
    }

    #[test]
    fn truncated_text_is_told_from_text_that_is_merely_wrong() {
        for text in ["[1,2", r#"{"a":"b"#, r#"{"a":"}"#, "{"] {
            assert!(is_truncated(text.as_bytes()), "{text}");
        }
        for text in ["hello", "{a:1}", "[1,]", "]"] {
            assert!(!is_truncated(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn each_freedom_of_json_is_repaired_and_sound_text_is_left_alone() {
        for (text, wanted) in [
            ("\u{feff}{\"a\":1}", r#"{"a":1}"#),
            ("[\"a\tb\"]", r#"["a\u0009b"]"#),
            (r#"[1, ,{"a":1 , }]"#, r#"[1, ,{"a":1  }]"#),
            (r#"["\ud800x\ude00\ud83d\ude00"]"#, r#"["\ufffdx\ufffd\ud83d\ude00"]"#),
            (r#"["a\\","\",]"]"#, r#"["a\\","\",]"]"#),
            ("[\"\\", "[\"\\"),
            ("[\"\\u12\u{e9}\u{e9}", "[\"\\u12\u{e9}\u{e9}"),
        ] {
            assert_eq!(repaired(text.as_bytes()), wanted, "{text}");
        }
        assert_eq!(repaired(b"\"\xff\""), "\"\u{fffd}\"");
    }

    #[test]
    fn an_answer_may_hold_half_a_surrogate_pair_and_nothing_else_that_is_no_json() {
        assert!(parse_answer(br#"["\ud800"]"#).is_ok());
        for text in [&b"[\"\t\"]"[..], b"[1,]", b"\xef\xbb\xbf[]", b"[\"\xff\"]", br#"["\ud800",]"#] {
            assert!(parse_answer(text).is_err(), "{text:?}");
        }
    }
}
