//! Further defects of the method `echo`: values that do not come back as they were.

use civispec_wire::json::{Json, Number, parse};

use crate::pipe::Profile;
use crate::pipe::hooks::Hook;
use crate::pipe::methods::Outcome;

use super::{Seed, each_value};

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "echo-literals-in-strings-resolved",
        about: "echoes the strings true, false and null as what they spell",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            echo(&request.method, outcome, |value| {
                if let Json::String(text) = value
                    && let Ok(literal @ (Json::Bool(_) | Json::Null)) = parse(text.as_bytes())
                {
                    *value = literal;
                }
            });
        })],
    },
    Seed {
        slug: "echo-numbers-in-strings-resolved",
        about: "echoes strings of six digits as numbers",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            echo(&request.method, outcome, |value| {
                if let Json::String(text) = value
                    && text.len() == 6
                    && let Ok(number) = Number::new(text)
                {
                    *value = Json::Number(number);
                }
            });
        })],
    },
    Seed {
        slug: "echo-form-feed-dropped",
        about: "drops form feeds from what it echoes",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            echo(&request.method, outcome, |value| {
                if let Json::String(text) = value {
                    text.retain(|c| c != '\u{c}');
                }
            });
        })],
    },
    Seed {
        slug: "echo-markup-escaped",
        about: "echoes < as &lt;",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            echo(&request.method, outcome, |value| {
                if let Json::String(text) = value {
                    *text = text.replace('<', "&lt;");
                }
            });
        })],
    },
    Seed {
        slug: "echo-inner-empty-object-as-list",
        about: "echoes an empty object within the params as an empty list",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if let ("echo", Ok(Json::Array(items))) = (request.method.as_str(), outcome) {
                for item in items {
                    each_value(item, |value| {
                        if *value == Json::Object(Vec::new()) {
                            *value = Json::Array(Vec::new());
                        }
                    });
                }
            }
        })],
    },
    Seed {
        slug: "draft-echo-of-bare-value-wrapped",
        about: "echoes a bare value of the draft in a list",
        hooks: &[Hook::Outcome(|request, outcome, state, _| {
            if let (Profile::Draft, "echo", Ok(value)) = (state.profile, request.method.as_str(), outcome)
                && !matches!(value, Json::Array(_) | Json::Object(_))
            {
                *value = Json::Array(vec![value.clone()]);
            }
        })],
    },
];

/// Calls `change` with every value of the result of an echo.
fn echo(method: &str, outcome: &mut Outcome, change: fn(&mut Json)) {
    if let ("echo", Ok(result)) = (method, outcome) {
        each_value(result, change);
    }
}
