//! Variants that read an open point of the texts in another way than the reference does.
//!
//! Each is called `reading-`, then the clause without its source, then the reading. What JSON leaves free is in
//! `lenient`.

use civispec_wire::json::{Json, object, parse};
use civispec_wire::jsonrpc::{ErrorObject, INVALID_PARAMS, INVALID_REQUEST};
use civispec_wire::line::Line;

use crate::pipe::Profile;
use crate::pipe::hooks::{Hook, Incoming, Received};
use crate::pipe::options::options;
use crate::pipe::state::{State, Trust};

use super::{Seed, add, member};

pub(super) const VARIANTS: &[Seed] = &[
    Seed {
        slug: "reading-flags-json-rpc-extra-entries",
        about: "reports a further flavour of JSON-RPC",
        hooks: &[Hook::Header(|header, _, _| {
            if let Some(Json::Array(list)) = member(header, "Civi::pipe").and_then(|flags| member(flags, "j"))
            {
                list.push("jsonrpc-1.0".into());
            }
        })],
    },
    Seed {
        slug: "reading-flags-default-other-flags",
        about: "has v, t, l and j as the flags of a connection that asks for none",
        hooks: &[Hook::Start(|state, _| {
            if state.requested.is_none() {
                state.flags.push('j');
            }
        })],
    },
    Seed {
        slug: "reading-flags-non-ascii-per-byte",
        about: "takes each byte of a flag beyond ASCII for a flag of its own",
        hooks: &[Hook::Start(|state, _| {
            if let Some(bytes) = &state.requested {
                state.flags.clear();
                for flag in bytes.iter().map(|byte| char::from(*byte)) {
                    if !state.flags.contains(&flag) {
                        state.flags.push(flag);
                    }
                }
            }
        })],
    },
    Seed {
        slug: "reading-flags-non-ascii-one-key",
        about: "reports flags beyond ASCII that follow each other as one",
        hooks: &[Hook::Header(|header, _, _| {
            if let Some(Json::Object(flags)) = member(header, "Civi::pipe") {
                flags.dedup_by(|next, run| {
                    let joins = !next.0.is_ascii() && !run.0.is_ascii();
                    if joins {
                        run.0.push_str(&next.0);
                    }
                    joins
                });
            }
        })],
    },
    Seed {
        slug: "reading-flags-trust-both-trusted-wins",
        about: "trusts a session that asks for t and u",
        hooks: &[Hook::Start(|state, _| trust_if(|t, u| t.is_some() && u.is_some(), state))],
    },
    Seed {
        slug: "reading-flags-trust-both-last-wins",
        about: "trusts a session that asks for u and then t",
        hooks: &[Hook::Start(|state, _| trust_if(|t, u| u.is_some() && t > u, state))],
    },
    Seed {
        slug: "reading-flags-trust-both-first-wins",
        about: "trusts a session that asks for t and then u",
        hooks: &[Hook::Start(|state, _| trust_if(|t, u| t.is_some() && t < u, state))],
    },
    Seed {
        slug: "reading-flags-trust-neither-trusted",
        about: "trusts a session that asks for neither t nor u",
        hooks: &[Hook::Start(|state, _| trust_if(|t, u| t.is_none() && u.is_none(), state))],
    },
    Seed {
        slug: "reading-line-empty-ignored-blank-ignored",
        about: "passes over lines of blanks",
        hooks: &[Hook::Line(|incoming, _, _| {
            if let Line::Text(text) = &incoming.line {
                incoming.ignored |= text.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
            }
        })],
    },
    Seed {
        slug: "reading-echo-input-no-params-null",
        about: "answers an echo without params with null",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if request.method == "echo" && request.params.is_none() {
                *outcome = Ok(Json::Null);
            }
        })],
    },
    Seed {
        slug: "reading-echo-input-no-params-empty-object",
        about: "answers an echo without params with an empty object",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if request.method == "echo" && request.params.is_none() {
                *outcome = Ok(Json::Object(Vec::new()));
            }
        })],
    },
    Seed {
        slug: "reading-echo-input-no-params-error",
        about: "answers an echo without params with an error",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if request.method == "echo" && request.params.is_none() {
                *outcome = Err(ErrorObject::new(INVALID_PARAMS, "there is nothing to echo"));
            }
        })],
    },
    Seed {
        slug: "reading-login-one-principal-several-one-wins",
        about: "takes the first of several principals of a login",
        hooks: &[Hook::Request(|request, _, _| {
            if let ("login", Some(Json::Object(members))) = (request.method.as_str(), &mut request.params) {
                let mut found = false;
                members.retain(|(name, _)| {
                    let is_principal = ["cred", "contactId", "userId", "user"].contains(&name.as_str());
                    !is_principal || !std::mem::replace(&mut found, true)
                });
            }
        })],
    },
    Seed {
        slug: "reading-options-list-two-in-example",
        about: "lists only the two options of the example",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            let is_update = request.params.as_ref().and_then(Json::as_object).is_some_and(|m| !m.is_empty());
            if let ("options", false, Ok(Json::Object(list))) = (request.method.as_str(), is_update, outcome)
            {
                list.retain(|(name, _)| matches!(name.as_str(), "bufferSize" | "responsePrefix"));
            }
        })],
    },
    Seed {
        slug: "reading-options-modified-at-least-modified",
        about: "answers an update with all options",
        hooks: &[Hook::Outcome(|request, outcome, state, _| {
            if request.method == "options" && outcome.is_ok() {
                *outcome = options(None, state);
            }
        })],
    },
    Seed {
        slug: "reading-options-unknown-ignored",
        about: "passes over unknown options",
        hooks: &[
            Hook::Request(|request, _, scene| {
                scene.count = 0;
                if let ("options", Some(Json::Object(members))) =
                    (request.method.as_str(), &mut request.params)
                {
                    let many = members.len();
                    members.retain(|(name, _)| is_option(name));
                    scene.count = usize::from(members.len() < many && members.is_empty());
                }
            }),
            Hook::Outcome(|_, outcome, _, scene| nothing_modified(&mut scene.count, outcome)),
        ],
    },
    Seed {
        slug: "reading-options-bad-value-ignored",
        about: "passes over options that are to be set to a bad value",
        hooks: &[
            Hook::Request(|request, _, scene| {
                scene.count = 0;
                if let ("options", Some(Json::Object(members))) =
                    (request.method.as_str(), &mut request.params)
                {
                    let many = members.len();
                    members.retain(|(name, value)| !is_option(name) || good(name, value) == *value);
                    scene.count = usize::from(members.len() < many && members.is_empty());
                }
            }),
            Hook::Outcome(|_, outcome, _, scene| nothing_modified(&mut scene.count, outcome)),
        ],
    },
    Seed {
        slug: "reading-options-bad-value-clamped",
        about: "sets options to the nearest good value when the one given is bad",
        hooks: &[Hook::Request(|request, _, _| {
            if let ("options", Some(Json::Object(members))) = (request.method.as_str(), &mut request.params) {
                for (name, value) in members.iter_mut().filter(|(name, _)| is_option(name)) {
                    *value = good(name, value);
                }
            }
        })],
    },
    Seed {
        slug: "reading-buffer-limit-newline-counted",
        about: "counts the line feed as a part of the line",
        hooks: &[Hook::Limit(|limit, _| *limit = limit.saturating_sub(1))],
    },
    Seed {
        slug: "reading-buffer-over-long-session-ends",
        about: "ends the session after an over-long line without a word",
        hooks: &[Hook::Reply(|received, reply, _, scene| {
            if received == Received::TooLong {
                *reply = None;
                scene.quit = true;
            }
        })],
    },
    Seed {
        slug: "reading-buffer-default-kb-1000",
        about: "has a default bufferSize of 64000 bytes",
        hooks: &[Hook::Start(|state, _| {
            if state.profile == Profile::Published {
                state.options.buffer_size = 64_000;
            }
        })],
    },
    Seed {
        slug: "reading-prefix-before-response-set-reply-bare",
        about: "uses a new prefix only from the next answer on",
        hooks: &[
            Hook::Request(|request, state, scene| {
                let sets =
                    request.params.as_ref().is_some_and(|params| params.get("responsePrefix").is_some());
                if request.method == "options" && sets && scene.count == 0 {
                    scene.count = 1;
                    scene.held = state.options.response_prefix.clone().unwrap_or_default().into_bytes();
                }
            }),
            Hook::Frame(|frame, _, scene| {
                if std::mem::take(&mut scene.count) == 1 && !frame.body.is_empty() {
                    frame.prefix = std::mem::take(&mut scene.held);
                }
            }),
        ],
    },
    Seed {
        slug: "reading-echo-any-params-refused",
        about: "refuses an echo of a bare value in the draft",
        hooks: &[Hook::Outcome(|request, outcome, state, _| {
            let is_bare = !matches!(request.params, None | Some(Json::Array(_) | Json::Object(_)));
            if state.profile == Profile::Draft && request.method == "echo" && is_bare {
                *outcome = Err(ErrorObject::new(INVALID_PARAMS, "params must be an array or an object"));
            }
        })],
    },
    Seed {
        slug: "reading-options-notation-json-rpc",
        about: "knows nothing of the older notation of the draft",
        hooks: &[Hook::Line(|incoming, _, _| {
            rewrite(incoming, |message| match message.as_object() {
                Some([(name, _)]) if name == "OPTIONS" => Some(b"{}".to_vec()),
                _ => None,
            });
        })],
    },
    Seed {
        slug: "reading-request-rpc-reserved-extension",
        about: "serves rpc.discover",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if request.method == "rpc.discover" {
                let methods =
                    ["api3", "api4", "echo", "login", "options"].map(|name| object([("name", name.into())]));
                *outcome = Ok(object([
                    ("openrpc", "1.2.6".into()),
                    ("methods", Json::Array(methods.into_iter().collect())),
                ]));
            }
        })],
    },
    Seed {
        slug: "reading-request-version-1-answered-as-1",
        about: "serves requests of JSON-RPC 1.0 and answers them in its manner",
        hooks: &[
            Hook::Message(|message, _, scene| {
                let has_id = !matches!(message.get("id"), None | Some(Json::Null));
                let is_of_1 = message.get("jsonrpc").is_none()
                    && message.get("method").is_some_and(|method| method.as_str().is_some());
                scene.count = usize::from(is_of_1 && has_id);
                if scene.count == 1 {
                    add(message, "jsonrpc", "2.0".into());
                }
            }),
            Hook::Response(|_, answer, _, scene| {
                if std::mem::take(&mut scene.count) == 1 {
                    let part = |name| answer.message.get(name).cloned().unwrap_or(Json::Null);
                    answer.message =
                        object([("result", part("result")), ("error", part("error")), ("id", part("id"))]);
                }
            }),
        ],
    },
    Seed {
        slug: "reading-request-scalar-line-parse-error",
        about: "takes only objects and arrays for JSON texts",
        hooks: &[Hook::Line(|incoming, _, _| {
            rewrite(incoming, |text| match text {
                Json::Array(_) | Json::Object(_) => None,
                _ => Some(b"?".to_vec()),
            });
        })],
    },
    Seed {
        slug: "reading-params-wrong-type-invalid-request",
        about: "calls a request whose params are a scalar an invalid one",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if let (Some(Json::Bool(_) | Json::Number(_) | Json::String(_)), Err(error)) =
                (&request.params, outcome)
                && error.code == INVALID_PARAMS
            {
                error.code = INVALID_REQUEST;
            }
        })],
    },
    Seed {
        slug: "reading-params-null-omitted",
        about: "takes params that are null for none",
        hooks: &[Hook::Request(|request, _, _| {
            if request.params == Some(Json::Null) {
                request.params = None;
            }
        })],
    },
    Seed {
        slug: "reading-notification-no-reply-null-reply",
        about: "answers a notification on a line of its own with the id null",
        hooks: &[Hook::Response(|_, answer, _, scene| answer.send |= scene.batch.is_none())],
    },
    Seed {
        slug: "reading-error-code-invalid-request-id-null",
        about: "answers what is no request with the id null",
        hooks: &[Hook::Response(|request, answer, _, _| {
            if let (None, Some(id)) = (request, member(&mut answer.message, "id")) {
                *id = Json::Null;
            }
        })],
    },
    // Also the reading `refused` of the clauses batch.all-notifications and batch.invalid-members.
    Seed {
        slug: "reading-batch-responses-refused",
        about: "answers a batch with one error and executes none of it",
        hooks: &[Hook::Line(|incoming, _, _| {
            rewrite(incoming, |message| message.as_array().map(|_| b"{}".to_vec()));
        })],
    },
    Seed {
        slug: "reading-batch-order-other-order",
        about: "answers a batch in reverse order",
        hooks: &[Hook::Reply(|received, reply, _, _| {
            if let (Received::Batch(_), Some(Json::Array(responses))) = (received, reply) {
                responses.reverse();
            }
        })],
    },
    Seed {
        slug: "reading-end-exits-last-line-refused",
        about: "refuses a last line that lacks its line feed",
        hooks: &[Hook::Line(|incoming, _, _| {
            if let (false, Line::Text(text)) = (incoming.terminated, &mut incoming.line) {
                text.push(b'?');
            }
        })],
    },
    Seed {
        slug: "reading-end-exits-last-line-dropped",
        about: "passes over a last line that lacks its line feed",
        hooks: &[Hook::Line(|incoming, _, _| incoming.ignored |= !incoming.terminated)],
    },
];

/// Trusts a session if the places of t and u among its flags are as `is_trusted` says.
fn trust_if(is_trusted: fn(Option<usize>, Option<usize>) -> bool, state: &mut State) {
    let place = |flag| state.flags.iter().position(|known| *known == flag);
    if state.profile == Profile::Published && is_trusted(place('t'), place('u')) {
        state.trust = Trust::Trusted;
    }
}

/// Puts other text in the place of a line that is JSON.
fn rewrite(incoming: &mut Incoming, other: fn(&Json) -> Option<Vec<u8>>) {
    if let Line::Text(text) = &mut incoming.line
        && let Some(instead) = parse(text).ok().and_then(|message| other(&message))
    {
        *text = instead;
    }
}

fn is_option(name: &str) -> bool {
    ["apiCheckPermissions", "apiError", "bufferSize", "responsePrefix"].contains(&name)
}

/// The good value of an option that is nearest to the one given; that one if it is good.
fn good(name: &str, value: &Json) -> Json {
    match name {
        "apiCheckPermissions" => match value {
            Json::Bool(_) => value.clone(),
            Json::Number(_) => (value.as_i64() != Some(0)).into(),
            _ => true.into(),
        },
        "apiError" => match value.as_str() {
            Some("array" | "exception") => value.clone(),
            _ => "exception".into(),
        },
        "bufferSize" => match value {
            Json::Number(number) => {
                let whole = value.as_i64().or_else(|| number.text().split('.').next()?.parse().ok());
                // A session with next to no buffer would be of no use, so what is too small becomes the least default.
                match whole.unwrap_or(0) {
                    ..1 => 64_000.into(),
                    size @ 1..=16_777_216 if value.as_i64() == Some(size) => value.clone(),
                    size => size.min(16_777_216).into(),
                }
            }
            _ => 64_000.into(),
        },
        _ => match value {
            Json::Null | Json::String(_) => value.clone(),
            other => Json::String(other.to_string()),
        },
    }
}

/// Answers an update of which nothing was left with an empty object.
fn nothing_modified(wanted: &mut usize, outcome: &mut crate::pipe::methods::Outcome) {
    if std::mem::take(wanted) == 1 && outcome.is_ok() {
        *outcome = Ok(Json::Object(Vec::new()));
    }
}
