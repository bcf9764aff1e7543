//! Defects of the response prefix: how it is spelled, and when it takes hold.

use civispec_wire::json::Json;
use civispec_wire::jsonrpc::{ErrorObject, INTERNAL_ERROR};

use crate::pipe::hooks::{Frame, Hook};

use super::options::update_of;
use super::{Seed, member};

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "prefix-empty-by-default",
        about: "reports an empty string where no prefix is set",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if request.method == "options"
                && let Ok(result) = outcome
                && let Some(prefix) = member(result, "responsePrefix")
                && *prefix == Json::Null
            {
                *prefix = "".into();
            }
        })],
    },
    Seed {
        slug: "prefix-spelled-as-json",
        about: "writes the prefix with the escapes of a JSON string",
        hooks: &[Hook::Frame(|frame, _, _| {
            rewrite(frame, |prefix| {
                let quoted = Json::from(prefix).to_string();
                quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
            });
        })],
    },
    Seed {
        slug: "prefix-reduced-to-ascii",
        about: "writes a question mark for each character of the prefix that is no ASCII",
        hooks: &[Hook::Frame(|frame, _, _| {
            rewrite(frame, |prefix| prefix.replace(|c: char| !c.is_ascii(), "?"));
        })],
    },
    Seed {
        slug: "prefix-trimmed",
        about: "cuts white space and NUL from both ends of the prefix",
        hooks: &[Hook::Frame(|frame, _, _| {
            rewrite(frame, |prefix| {
                prefix.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\0').to_owned()
            });
        })],
    },
    Seed {
        slug: "prefix-empty-breaks-echo",
        about: "fails to answer an echo while the prefix is an empty string",
        hooks: &[Hook::Outcome(|request, outcome, state, _| {
            if request.method == "echo" && state.options.response_prefix.as_deref() == Some("") {
                *outcome = Err(ErrorObject::new(INTERNAL_ERROR, "empty delimiter"));
            }
        })],
    },
    Seed {
        slug: "prefix-first-one-kept",
        about: "keeps the first prefix until it is taken away, whatever else is set",
        hooks: &[Hook::Frame(|frame, _, scene| {
            if frame.prefix.is_empty() {
                scene.held.clear();
            } else if scene.held.is_empty() {
                scene.held.clone_from(&frame.prefix);
            } else {
                frame.prefix.clone_from(&scene.held);
            }
        })],
    },
    Seed {
        slug: "prefix-taken-away-with-next-params",
        about: "forgets the params of an echo directly behind a request that took the prefix away",
        hooks: &[
            Hook::Request(|request, state, scene| {
                let had_prefix = state.options.response_prefix.is_some();
                let takes_away = update_of(request).is_some_and(|update| {
                    update.iter().any(|(name, value)| name == "responsePrefix" && *value == Json::Null)
                });
                // One behind the request itself, two behind the one after it.
                scene.count = if had_prefix && takes_away { 1 } else { 2 * (scene.count % 2) };
            }),
            Hook::Outcome(|request, outcome, _, scene| {
                if request.method == "echo" && scene.count == 2 {
                    *outcome = Ok(Json::Array(vec![Json::Null]));
                }
            }),
        ],
    },
    Seed {
        slug: "prefix-untrusted-not-written",
        about: "takes a prefix in an untrusted session and writes none",
        hooks: &[Hook::Frame(|frame, state, _| {
            if !state.is_trusted() {
                frame.prefix.clear();
            }
        })],
    },
    Seed {
        slug: "prefix-for-empty-lines",
        about: "writes the prefix for empty lines as well",
        hooks: &[Hook::Line(|incoming, state, _| {
            if incoming.ignored
                && let Some(prefix) = &state.options.response_prefix
            {
                state.noise.extend_from_slice(prefix.as_bytes());
            }
        })],
    },
];

/// Spells the prefix in another way.
fn rewrite(frame: &mut Frame, spell: fn(&str) -> String) {
    if let Ok(prefix) = std::str::from_utf8(&frame.prefix) {
        frame.prefix = spell(prefix).into_bytes();
    }
}
