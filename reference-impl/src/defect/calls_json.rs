//! Further defects of JSON itself: texts that are half understood, and numbers beyond those of a double.
//!
//! Most of them see the line before it is parsed and put another one in its place.

use civispec_wire::json::{Json, Number, parse};
use civispec_wire::line::Line;

use crate::pipe::hooks::{Hook, Incoming};

use super::{Seed, each_value, member};

const MARK: &[u8] = "\u{feff}".as_bytes();

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "nesting-beyond-32-refused",
        about: "refuses a text that is nested deeper than 32 levels",
        hooks: &[Hook::Line(|incoming, _, _| {
            if let Line::Text(text) = &mut incoming.line
                && depth(text) > 32
            {
                text.push(b'?');
            }
        })],
    },
    Seed {
        slug: "nesting-beyond-256-ignored",
        about: "passes over a line that is nested deeper than 256 levels",
        hooks: &[Hook::Line(|incoming, _, _| {
            incoming.ignored |= matches!(&incoming.line, Line::Text(text) if depth(text) > 256);
        })],
    },
    Seed {
        slug: "escapes-in-names-unresolved",
        about: "takes escapes in the names of members to the letter",
        hooks: &[Hook::Line(|incoming, _, _| {
            rewrite(incoming, |piece, behind| {
                let is_name = behind.trim_ascii_start().starts_with(b":");
                is_name.then(|| piece.split(|byte| *byte == b'\\').collect::<Vec<_>>().join(&b"\\\\"[..]))
            });
        })],
    },
    Seed {
        slug: "exponents-with-capital-refused",
        about: "refuses numbers with an exponent that is written with a capital and a plus",
        hooks: &[Hook::Line(|incoming, _, _| {
            if let Line::Text(text) = &mut incoming.line
                && text.windows(2).any(|window| window == b"E+")
            {
                text.push(b'?');
            }
        })],
    },
    Seed {
        slug: "escape-characters-dropped-from-results",
        about: "drops U+001B from results",
        hooks: &[Hook::Outcome(|_, outcome, _, _| {
            if let Ok(result) = outcome {
                each_value(result, |value| {
                    if let Json::String(text) = value {
                        text.retain(|c| c != '\u{1b}');
                    }
                });
            }
        })],
    },
    Seed {
        slug: "flag-repeated-reported-again",
        about: "reports the flag v as often as it was requested",
        hooks: &[Hook::Header(|header, state, _| {
            let times = state.requested.iter().flatten().filter(|flag| **flag == b'v').count();
            if let Some(Json::Object(flags)) = member(header, "Civi::pipe")
                && let Some(flag) = flags.iter().find(|(name, _)| name == "v").cloned()
            {
                flags.extend(std::iter::repeat_n(flag, times.saturating_sub(1)));
            }
        })],
    },
    Seed {
        slug: "trailing-comma-adds-null",
        about: "takes a comma behind the last element or member for a further one that is null",
        hooks: &[Hook::Line(|incoming, _, _| {
            if let Line::Text(text) = &mut incoming.line {
                replace(text, b",]", b",null]");
                replace(text, b",}", b",\"\":null}");
            }
        })],
    },
    Seed {
        slug: "byte-order-mark-accepted-once",
        about: "passes over the first byte order mark of a session and refuses the others",
        hooks: &[Hook::Line(|incoming, _, scene| {
            if let Line::Text(text) = &mut incoming.line
                && text.starts_with(MARK)
            {
                if scene.count == 0 {
                    text.drain(..MARK.len());
                }
                scene.count += 1;
            }
        })],
    },
    Seed {
        slug: "byte-order-mark-accepted-first-of-all",
        about: "passes over a byte order mark that comes before anything else, and refuses others",
        hooks: &[Hook::Line(|incoming, _, scene| {
            if let Line::Text(text) = &mut incoming.line
                && text.starts_with(MARK)
                && scene.count == 0
            {
                text.drain(..MARK.len());
            }
            scene.count += 1;
        })],
    },
    Seed {
        slug: "string-with-raw-control-as-null",
        about: "takes a string that holds a control character for null",
        hooks: &[Hook::Line(|incoming, _, _| {
            rewrite(incoming, |piece, _| piece.iter().any(|byte| *byte < b' ').then(|| b"null".to_vec()));
        })],
    },
    Seed {
        slug: "string-with-lone-surrogate-as-null",
        about: "takes a string with the escape of half a surrogate pair for null",
        hooks: &[Hook::Line(|incoming, _, _| {
            rewrite(incoming, |piece, _| {
                let is_escaped = piece.windows(3).any(|window| window.eq_ignore_ascii_case(b"\\ud"));
                (is_escaped && parse(piece).is_err()).then(|| b"null".to_vec())
            });
        })],
    },
    Seed {
        slug: "duplicate-members-collected",
        about: "takes several members of the same name for one that is the list of their values",
        hooks: &[Hook::Message(|message, _, _| each_value(message, collect))],
    },
    Seed {
        slug: "duplicate-method-any-that-is-known",
        about: "takes that one of two members method that names a known one",
        hooks: &[Hook::Message(|message, _, _| {
            if let Json::Object(members) = message
                && members.iter().filter(|(name, _)| name == "method").count() > 1
                && members.iter().any(|(name, value)| name == "method" && *value == "echo".into())
            {
                members.retain(|(name, value)| name != "method" || *value == "echo".into());
            }
        })],
    },
    Seed {
        slug: "numbers-beyond-2-53-rounded",
        about: "returns numbers of more than 16 digits as doubles",
        hooks: &[Hook::Outcome(|_, outcome, _, _| {
            if let Ok(result) = outcome {
                each_value(result, |value| {
                    number(value, |text| {
                        let digits = text.bytes().filter(u8::is_ascii_digit).count();
                        let double = text.parse::<f64>().ok().filter(|double| double.is_finite())?;
                        (!text.contains(['e', 'E']) && digits > 15).then(|| double.to_string())
                    });
                });
            }
        })],
    },
    Seed {
        slug: "exponents-beyond-2-63-cut-down",
        about: "returns 2^63-1 for numbers with an exponent that are larger",
        hooks: &[Hook::Outcome(|_, outcome, _, _| {
            if let Ok(result) = outcome {
                each_value(result, |value| {
                    number(value, |text| {
                        let double = text.parse::<f64>().ok().filter(|double| double.is_finite())?;
                        (text.contains('e') && double > 1e19).then(|| i64::MAX.to_string())
                    });
                });
            }
        })],
    },
    Seed {
        slug: "numbers-beyond-doubles-dropped",
        about: "drops numbers that no double can hold from lists that it returns",
        hooks: &[Hook::Outcome(|_, outcome, _, _| {
            if let Ok(Json::Array(items)) = outcome {
                items.retain(|item| !matches!(item, Json::Number(number) if is_huge(number)));
            }
        })],
    },
];

/// Puts something else in the place of the strings of a line, quotation marks included, according to their text and
/// what stands behind them.
fn rewrite(incoming: &mut Incoming, other: fn(&[u8], &[u8]) -> Option<Vec<u8>>) {
    let Line::Text(text) = &mut incoming.line else { return };
    let mut out = Vec::with_capacity(text.len());
    let mut rest = &text[..];
    while let Some(start) = rest.iter().position(|byte| *byte == b'"') {
        let mut end = start + 1;
        while end < rest.len() && rest[end] != b'"' {
            end += if rest[end] == b'\\' { 2 } else { 1 };
        }
        let Some((piece, behind)) = rest[start..].split_at_checked(end + 1 - start) else { break };
        out.extend_from_slice(&rest[..start]);
        match other(piece, behind) {
            Some(instead) => out.extend(instead),
            None => out.extend_from_slice(piece),
        }
        rest = behind;
    }
    out.extend_from_slice(rest);
    *text = out;
}

/// How deep the brackets outside of strings are nested.
fn depth(text: &[u8]) -> usize {
    let (mut in_string, mut escaped, mut depth, mut deepest) = (false, false, 0usize, 0);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn replace(text: &mut Vec<u8>, from: &[u8], to: &[u8]) {
    while let Some(at) = text.windows(from.len()).position(|window| window == from) {
        text.splice(at..at + from.len(), to.iter().copied());
    }
}

/// Replaces a number by another one, if there is one for its text.
fn number(value: &mut Json, other: fn(&str) -> Option<String>) {
    if let Json::Number(number) = value
        && let Some(text) = other(number.text())
        && let Ok(rounded) = Number::new(&text)
    {
        *number = rounded;
    }
}

fn is_huge(number: &Number) -> bool {
    number.text().parse::<f64>().is_ok_and(f64::is_infinite)
}

/// Makes one member of all that have the same name.
fn collect(value: &mut Json) {
    let Json::Object(members) = value else { return };
    let mut collected: Vec<(String, Json, usize)> = Vec::new();
    for (name, value) in members.drain(..) {
        match collected.iter_mut().find(|(known, _, _)| *known == name) {
            None => collected.push((name, value, 1)),
            Some((_, Json::Array(values), times @ 2..)) => {
                values.push(value);
                *times += 1;
            }
            Some((_, first, times)) => {
                *first = Json::Array(vec![first.clone(), value]);
                *times += 1;
            }
        }
    }
    members.extend(collected.into_iter().map(|(name, value, _)| (name, value)));
}
