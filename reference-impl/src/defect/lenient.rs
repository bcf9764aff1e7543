//! Variants that read JSON in another way than the reference does, where its texts leave that open.
//!
//! Most of them see the line before it is parsed and put another one in its place: one that the parser takes, or one
//! that it refuses.

use civispec_wire::json::{Json, Number, parse};
use civispec_wire::line::Line;

use crate::pipe::hooks::{Hook, Incoming};

use super::Seed;

pub(super) const VARIANTS: &[Seed] = &[
    Seed {
        slug: "reading-number-beyond-beyond-refused",
        about: "refuses integers beyond 2^53-1 and numbers of more than 15 digits",
        hooks: &[Hook::Line(|incoming, _, _| {
            refuse_if(incoming, |text| parse(text).is_ok_and(|value| has_number(&value, is_beyond)));
        })],
    },
    Seed {
        slug: "reading-freedom-raw-control-accepted",
        about: "takes control characters within strings as they come",
        hooks: &[Hook::Line(|incoming, _, _| replace(incoming, escape_control))],
    },
    Seed {
        slug: "reading-freedom-trailing-comma-accepted",
        about: "passes over a comma behind the last element or member",
        hooks: &[Hook::Line(|incoming, _, _| replace(incoming, drop_commas))],
    },
    Seed {
        slug: "reading-freedom-byte-order-mark-accepted",
        about: "passes over a byte order mark before a request",
        hooks: &[Hook::Line(|incoming, _, _| {
            replace(incoming, |text| text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text).to_vec());
        })],
    },
    Seed {
        slug: "reading-freedom-lone-surrogate-accepted",
        about: "takes the escape of half a surrogate pair for U+FFFD",
        hooks: &[Hook::Line(|incoming, _, _| replace(incoming, pair_surrogates))],
    },
    Seed {
        slug: "reading-freedom-duplicate-member-first-wins",
        about: "takes the first of several members of the same name",
        hooks: &[Hook::Message(|message, _, _| first_wins(message))],
    },
    Seed {
        slug: "reading-freedom-duplicate-member-refused",
        about: "refuses a line with two members of the same name in an object",
        hooks: &[Hook::Line(|incoming, _, _| {
            refuse_if(incoming, |text| parse(text).is_ok_and(|value| value.duplicate_member().is_some()));
        })],
    },
    Seed {
        slug: "reading-freedom-huge-number-refused",
        about: "refuses a number that is too large for a double",
        hooks: &[Hook::Line(|incoming, _, _| {
            refuse_if(incoming, |text| parse(text).is_ok_and(|value| has_number(&value, is_huge)));
        })],
    },
    Seed {
        slug: "reading-freedom-deep-nesting-refused",
        about: "refuses a text that is nested deeper than 64 levels",
        hooks: &[Hook::Line(|incoming, _, _| refuse_if(incoming, |text| depth(text) > 64))],
    },
];

/// Puts another text in the place of a line.
fn replace(incoming: &mut Incoming, other: fn(&[u8]) -> Vec<u8>) {
    if let Line::Text(text) = &mut incoming.line {
        *text = other(text);
    }
}

/// Makes a line something that is not JSON.
fn refuse_if(incoming: &mut Incoming, is_refused: fn(&[u8]) -> bool) {
    if let Line::Text(text) = &mut incoming.line
        && is_refused(text)
    {
        text.push(b'?');
    }
}

fn has_number(value: &Json, which: fn(&Number) -> bool) -> bool {
    match value {
        Json::Number(number) => which(number),
        Json::Array(items) => items.iter().any(|item| has_number(item, which)),
        Json::Object(members) => members.iter().any(|(_, value)| has_number(value, which)),
        _ => false,
    }
}

fn is_beyond(number: &Number) -> bool {
    let mantissa = number.text().split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    if digits.trim_start_matches('0').trim_end_matches('0').len() <= 15 {
        return is_huge(number);
    }
    Json::Number(number.clone()).as_i64().is_none_or(|n| n.unsigned_abs() > (1 << 53) - 1)
}

fn is_huge(number: &Number) -> bool {
    number.text().parse::<f64>().is_ok_and(f64::is_infinite)
}

/// The bytes of a text, and for each whether it stands in a string and whether a backslash stands before it.
fn places(text: &[u8]) -> impl Iterator<Item = (usize, u8, bool)> {
    let (mut in_string, mut escaped) = (false, false);
    text.iter().enumerate().map(move |(at, byte)| {
        let inside = in_string;
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ => {}
        }
        (at, *byte, inside)
    })
}

fn escape_control(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for (_, byte, inside) in places(text) {
        if inside && byte < 0x20 {
            out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
        } else {
            out.push(byte);
        }
    }
    out
}

fn drop_commas(text: &[u8]) -> Vec<u8> {
    let is_last = |at: usize| matches!(text[at + 1..].trim_ascii_start().first(), Some(b']' | b'}'));
    places(text)
        .filter(|(at, byte, inside)| *inside || *byte != b',' || !is_last(*at))
        .map(|(_, byte, _)| byte)
        .collect()
}

/// Replaces each `\uD800` to `\uDFFF` that has no other half by `\uFFFD`.
fn pair_surrogates(text: &[u8]) -> Vec<u8> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let (part, length): (&[u8], usize) = match (text[at], unit(at)) {
            (b'\\', Some(0xd800..0xdc00)) if matches!(unit(at + 6), Some(0xdc00..0xe000)) => {
                (&text[at..at + 12], 12)
            }
            (b'\\', Some(0xd800..0xe000)) => (b"\\ufffd", 6),
            (b'\\', _) => (&text[at..(at + 2).min(text.len())], 2),
            _ => (&text[at..=at], 1),
        };
        out.extend_from_slice(part);
        at += length;
    }
    out
}

fn first_wins(value: &mut Json) {
    match value {
        Json::Array(items) => items.iter_mut().for_each(first_wins),
        Json::Object(members) => {
            let mut seen = std::collections::HashSet::new();
            members.retain(|(name, _)| seen.insert(name.clone()));
            members.iter_mut().for_each(|(_, value)| first_wins(value));
        }
        _ => {}
    }
}

/// How deep brackets are nested in a text.
fn depth(text: &[u8]) -> usize {
    let (mut open, mut deepest) = (0usize, 0);
    for (_, byte, _) in places(text).filter(|(_, _, inside)| !inside) {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest
}
