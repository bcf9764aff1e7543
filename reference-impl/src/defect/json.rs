//! Defects of JSON itself, read and written.

use civispec_wire::json::{Json, Number};

use crate::pipe::hooks::Hook;

use super::{Seed, each_value, member, remove};

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "members-in-another-order-refused",
        about: "knows a request only by jsonrpc as its first member",
        hooks: &[Hook::Message(|message, _, _| {
            if message
                .as_object()
                .is_some_and(|members| members.first().is_some_and(|(name, _)| name != "jsonrpc"))
            {
                remove(message, "jsonrpc");
            }
        })],
    },
    Seed {
        slug: "control-characters-raw",
        about: "writes control characters without escaping them",
        hooks: &[Hook::Frame(|frame, _, _| unescape(&mut frame.body, |code| code < 0x20))],
    },
    Seed {
        slug: "escape-character-raw",
        about: "writes the control character U+001F without escaping it",
        hooks: &[Hook::Frame(|frame, _, _| unescape(&mut frame.body, |code| code == 0x1f))],
    },
    Seed {
        slug: "error-code-twice",
        about: "writes the code of an error twice",
        hooks: &[Hook::Response(|_, answer, _, _| {
            if let Some(Json::Object(members)) = member(&mut answer.message, "error")
                && let Some(code) = members.first().cloned()
            {
                members.push(code);
            }
        })],
    },
    Seed {
        slug: "id-twice-in-batch",
        about: "writes the id of a response twice within a batch",
        hooks: &[Hook::Response(|_, answer, _, scene| {
            if scene.batch.is_some()
                && let Json::Object(members) = &mut answer.message
                && let Some(id) = members.last().cloned()
            {
                members.push(id);
            }
        })],
    },
    Seed {
        slug: "numbers-of-single-precision",
        about: "returns numbers in single precision",
        hooks: &[Hook::Outcome(|_, outcome, _, _| {
            if let Ok(result) = outcome {
                each_value(result, to_single);
            }
        })],
    },
    Seed {
        slug: "numbers-from-2-52-made-even",
        about: "returns the next even integer for odd ones beyond 2^52",
        hooks: &[Hook::Outcome(|_, outcome, _, _| {
            if let Ok(result) = outcome {
                each_value(result, |value| {
                    if let Some(odd) = value.as_i64().filter(|n| n % 2 != 0 && n.unsigned_abs() > 1 << 52) {
                        *value = (odd + odd.signum()).into();
                    }
                });
            }
        })],
    },
];

fn to_single(value: &mut Json) {
    if let Json::Number(number) = value
        && let Some(single) = number.text().parse::<f32>().ok().filter(|single| single.is_finite())
        && single.to_string() != number.text()
        && let Ok(rounded) = Number::new(&single.to_string())
    {
        *number = rounded;
    }
}

/// Writes out the characters of which the escape is `\u00XX` and the code is as `which` says, and the short escapes.
fn unescape(text: &mut Vec<u8>, which: fn(u8) -> bool) {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_slice();
    while let Some((byte, behind)) = rest.split_first() {
        let (escaped, length) = match (byte, behind.first()) {
            (b'\\', Some(b't')) => (Some(b'\t'), 2),
            (b'\\', Some(b'r')) => (Some(b'\r'), 2),
            (b'\\', Some(b'u')) => {
                let digits = rest.get(2..6).and_then(|digits| std::str::from_utf8(digits).ok());
                (digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()), 6)
            }
            (b'\\', _) => (None, 2),
            _ => (None, 1),
        };
        match escaped.filter(|code| which(*code)) {
            Some(code) => out.push(code),
            None => out.extend_from_slice(&rest[..length]),
        }
        rest = &rest[length..];
    }
    *text = out;
}
