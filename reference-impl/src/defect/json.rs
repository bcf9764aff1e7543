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
        slug: "control-characters-raw-in-ids",
        about: "writes control characters in an id without escaping them",
        hooks: &[Hook::Frame(|frame, _, _| {
            if let Some(at) = frame.body.windows(6).rposition(|window| window == b"\"id\":\"") {
                let mut id = frame.body.split_off(at);
                unescape(&mut id);
                frame.body.append(&mut id);
            }
        })],
    },
    Seed {
        slug: "number-1e999-as-infinity",
        about: "writes the number 1e999 as INF",
        hooks: &[Hook::Frame(|frame, _, _| {
            while let Some(at) =
                frame.body.windows(5).position(|window| window.eq_ignore_ascii_case(b"1e999"))
            {
                frame.body.splice(at..at + 5, *b"INF");
            }
        })],
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

/// Writes out the characters of which the escape is `\u00XX`.
fn unescape(text: &mut Vec<u8>) {
    while let Some(at) = text.windows(4).position(|window| window == b"\\u00") {
        let code = text
            .get(at + 4..at + 6)
            .and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
        text.splice(at..at + 6, code);
    }
}
