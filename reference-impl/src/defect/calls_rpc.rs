//! Further defects of JSON-RPC itself: which requests are executed and answered, and the members of responses.

use civispec_wire::json::{Json, object, parse};
use civispec_wire::jsonrpc::{
    ErrorObject, INTERNAL_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, Response,
};
use civispec_wire::line::Line;

use crate::pipe::Profile;
use crate::pipe::hooks::{Hook, Received};

use super::{Seed, add, code_of, each_response, member, remove};

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "id-zero-unanswered",
        about: "takes a request with the id 0 for a notification",
        hooks: &[Hook::Response(|request, answer, _, _| {
            answer.send &= request.is_none_or(|request| request.id != Some(0.into()));
        })],
    },
    Seed {
        slug: "id-missing-for-numbers-in-batch",
        about: "leaves out the id in the answer to a member of a batch that is a number",
        hooks: &[
            Hook::Message(|message, _, scene| scene.count = usize::from(matches!(message, Json::Number(_)))),
            Hook::Response(|_, answer, _, scene| {
                if scene.batch.is_some() && scene.count == 1 {
                    remove(&mut answer.message, "id");
                }
            }),
        ],
    },
    Seed {
        slug: "id-beyond-ascii-garbled",
        about: "answers an id with a question mark for each of its characters beyond ASCII",
        hooks: &[Hook::Response(|_, answer, _, _| garble_id(&mut answer.message, |c| !c.is_ascii()))],
    },
    Seed {
        slug: "id-control-characters-garbled",
        about: "answers an id with a question mark for each of its control characters",
        hooks: &[Hook::Response(|_, answer, _, _| {
            garble_id(&mut answer.message, |c| c.is_ascii_control());
        })],
    },
    Seed {
        slug: "method-missing-as-echo",
        about: "takes a request without a method for an echo if it has params",
        hooks: &[Hook::Message(|message, _, _| {
            if message.get("jsonrpc") == Some(&"2.0".into())
                && message.get("method").is_none()
                && message.get("params").is_some()
            {
                add(message, "method", "echo".into());
            }
        })],
    },
    Seed {
        slug: "method-rpc-discover-as-invalid-request",
        about: "calls a request for rpc.discover an invalid one",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if request.method == "rpc.discover" {
                *outcome = Err(ErrorObject::new(INVALID_REQUEST, "the method is reserved"));
            }
        })],
    },
    Seed {
        slug: "params-number-of-options-as-none",
        about: "takes params of options that are a number for none",
        hooks: &[Hook::Request(|request, _, _| {
            if request.method == "options" && matches!(request.params, Some(Json::Number(_))) {
                request.params = None;
            }
        })],
    },
    Seed {
        slug: "params-string-of-api4-answered",
        about: "answers a call of api4 whose params are a string with an empty list",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if request.method == "api4" && matches!(request.params, Some(Json::String(_))) {
                *outcome = Ok(Json::Array(Vec::new()));
            }
        })],
    },
    Seed {
        slug: "params-null-as-internal-error",
        about: "has an internal error at params that are null",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if request.params == Some(Json::Null) {
                *outcome = Err(ErrorObject::new(INTERNAL_ERROR, "internal error"));
            }
        })],
    },
    Seed {
        slug: "draft-result-null-left-out",
        about: "leaves out a result that is null in the draft",
        hooks: &[Hook::Response(|_, answer, state, _| {
            if state.profile == Profile::Draft && answer.message.get("result") == Some(&Json::Null) {
                remove(&mut answer.message, "result");
            }
        })],
    },
    Seed {
        slug: "result-beside-error-of-what-is-unknown",
        about: "puts the result null beside an error when a line is no JSON or what it calls does not exist",
        hooks: &[Hook::Reply(|received, reply, _, _| {
            if !matches!(received, Received::Batch(_)) {
                each_response(reply, |response| {
                    let error = response.get("error");
                    let word = error.and_then(|error| error.get("data")?.get("error_code")?.as_str());
                    let is_unknown = word == Some("not-found")
                        || matches!(code_of(response), Some(METHOD_NOT_FOUND | PARSE_ERROR));
                    if is_unknown {
                        add(response, "result", Json::Null);
                    }
                });
            }
        })],
    },
    Seed {
        slug: "draft-options-answered-without-list",
        about: "answers a request for the options in the older notation of the draft with true",
        hooks: &[Hook::Reply(|_, reply, _, _| {
            if let Some(ok @ Json::Object(_)) = reply.as_mut().and_then(|reply| member(reply, "OK")) {
                *ok = true.into();
            }
        })],
    },
    Seed {
        slug: "options-set-by-cut-off-request",
        about: "refuses an update of bufferSize that lacks its last bracket, and makes it all the same",
        hooks: &[Hook::Line(|incoming, state, _| {
            if let Line::Text(text) = &incoming.line
                && parse(text).is_err()
                && let Ok(request) = parse(&[&text[..], b"}"].concat())
                && request.get("method") == Some(&"options".into())
                && let Some(size) =
                    request.get("params").and_then(|params| params.get("bufferSize")?.as_i64())
                && let Ok(size @ 1..) = usize::try_from(size)
            {
                state.options.buffer_size = size;
            }
        })],
    },
    Seed {
        slug: "log-record-on-login-with-list",
        about: "prints a record of its log when the params of a login are a list in a list",
        hooks: &[Hook::Request(|request, state, _| {
            if request.method == "login"
                && let Some([Json::Array(_)]) = request.params.as_ref().and_then(Json::as_array)
            {
                let log =
                    object([("level", "warning".into()), ("message", "array to string conversion".into())]);
                state.noise.extend_from_slice(log.to_string().as_bytes());
                state.noise.push(b'\n');
            }
        })],
    },
    Seed {
        slug: "last-line-answered-with-null",
        about: "answers a last line that lacks its line feed with null",
        hooks: &[
            Hook::Line(|incoming, _, scene| scene.count = usize::from(!incoming.terminated)),
            Hook::Reply(|_, reply, _, scene| {
                if scene.count == 1 {
                    *reply = Some(Json::Null);
                }
            }),
        ],
    },
    Seed {
        slug: "requests-beyond-nine-at-once-refused",
        about: "refuses what follows nine lines that arrived together",
        hooks: &[
            Hook::Line(|_, _, scene| scene.count += 1),
            Hook::Reply(|_, reply, _, scene| {
                if scene.count > 9 {
                    let error = ErrorObject::new(-32000, "too many requests");
                    *reply = Some(Response { id: Json::Null, outcome: Err(error) }.into_json());
                }
                if !scene.waiting {
                    scene.count = 0;
                }
            }),
        ],
    },
];

/// Puts question marks into the id of a response, where it is a string.
fn garble_id(response: &mut Json, which: fn(char) -> bool) {
    if let Some(Json::String(id)) = member(response, "id") {
        *id = id.replace(which, "?");
    }
}
