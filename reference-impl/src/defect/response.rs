//! Defects of responses: that there is one, its id, its version, and which of result and error it has.

use civispec_wire::json::{Json, Number};
use civispec_wire::jsonrpc::{INVALID_REQUEST, PARSE_ERROR};

use crate::pipe::hooks::{Hook, Received};

use super::{KEEP_LINE, Seed, add, code_of, each_response, member, remove};

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "id-null-unanswered",
        about: "takes a request with the id null for a notification",
        hooks: &[Hook::Response(|request, answer, _, _| {
            answer.send &= request.is_none_or(|request| request.id != Some(Json::Null));
        })],
    },
    Seed {
        slug: "id-null-unanswered-on-error",
        about: "does not answer a request with the id null that fails",
        hooks: &[Hook::Response(|request, answer, _, _| {
            let is_null = request.is_some_and(|request| request.id == Some(Json::Null));
            answer.send &= !is_null || answer.message.get("error").is_none();
        })],
    },
    Seed {
        slug: "id-number-as-string",
        about: "answers a number as id with a string",
        hooks: &[Hook::Response(|_, answer, _, _| {
            if let Some(id @ Json::Number(_)) = member(&mut answer.message, "id") {
                *id = Json::String(id.to_string());
            }
        })],
    },
    Seed {
        slug: "id-empty-string-as-null",
        about: "answers an empty string as id with null",
        hooks: &[Hook::Response(|_, answer, _, _| {
            if let Some(id) = member(&mut answer.message, "id")
                && *id == Json::from("")
            {
                *id = Json::Null;
            }
        })],
    },
    Seed {
        slug: "id-string-as-number",
        about: "answers a string of digits as id with a number",
        hooks: &[Hook::Response(|_, answer, _, _| id_as_number(&mut answer.message))],
    },
    Seed {
        slug: "id-string-as-number-in-batch",
        about: "answers a string of digits as id with a number within a batch",
        hooks: &[Hook::Response(|_, answer, _, scene| {
            if scene.batch.is_some() {
                id_as_number(&mut answer.message);
            }
        })],
    },
    Seed {
        slug: "id-string-as-number-after-error",
        about: "answers a string of digits as id with a number right after an error",
        hooks: &[Hook::Response(|_, answer, _, scene| {
            if scene.history.last_failed {
                id_as_number(&mut answer.message);
            }
        })],
    },
    Seed {
        slug: "id-fraction-cut",
        about: "answers an id that has a fraction without it",
        hooks: &[Hook::Response(|_, answer, _, _| {
            if let Some(id @ Json::Number(_)) = member(&mut answer.message, "id")
                && let Some(whole) =
                    id.to_string().split_once('.').and_then(|(whole, _)| whole.parse::<i64>().ok())
            {
                *id = whole.into();
            }
        })],
    },
    Seed {
        slug: "id-zero-on-parse-error",
        about: "answers a line that is no JSON with the id 0",
        hooks: &[Hook::Reply(|received, reply, _, _| {
            if received == Received::Garbled
                && let Some(id) = reply.as_mut().and_then(|reply| member(reply, "id"))
            {
                *id = 0.into();
            }
        })],
    },
    Seed {
        slug: "id-fished-from-broken-line",
        about: "fishes the id out of a line that is no JSON",
        hooks: &[
            KEEP_LINE,
            Hook::Reply(|received, reply, _, scene| {
                if received == Received::Garbled
                    && let Some(fished) = number_behind(&scene.held, "\"id\":")
                    && let Some(id) = reply.as_mut().and_then(|reply| member(reply, "id"))
                {
                    *id = fished.into();
                }
            }),
        ],
    },
    Seed {
        slug: "result-beside-error-in-batch",
        about: "puts the result null beside an error within a batch",
        hooks: &[Hook::Response(|_, answer, _, scene| {
            if scene.batch.is_some() && answer.message.get("error").is_some() {
                add(&mut answer.message, "result", Json::Null);
            }
        })],
    },
    Seed {
        slug: "result-left-out-when-empty-list",
        about: "leaves out a result that is an empty list",
        hooks: &[Hook::Response(|_, answer, _, _| {
            if answer.message.get("result") == Some(&Json::Array(Vec::new())) {
                remove(&mut answer.message, "result");
            }
        })],
    },
    Seed {
        slug: "error-null-beside-result-in-batch",
        about: "puts the error null beside a result within a batch",
        hooks: &[Hook::Response(|_, answer, _, scene| {
            if scene.batch.is_some() && answer.message.get("result").is_some() {
                add(&mut answer.message, "error", Json::Null);
            }
        })],
    },
    Seed {
        slug: "error-as-text-on-bad-id",
        about: "answers a request whose id is of a wrong type with a text instead of an error object",
        hooks: &[
            Hook::Message(|message, _, scene| {
                let id = message.get("id");
                scene.count =
                    usize::from(matches!(id, Some(Json::Bool(_) | Json::Array(_) | Json::Object(_))));
            }),
            Hook::Response(|_, answer, _, scene| {
                if code_of(&answer.message) == Some(INVALID_REQUEST)
                    && scene.count == 1
                    && let Some(error) = member(&mut answer.message, "error")
                {
                    *error = "invalid request".into();
                }
            }),
        ],
    },
    Seed {
        slug: "response-version-missing",
        about: "leaves out the version in responses",
        hooks: &[Hook::Reply(|_, reply, _, _| each_response(reply, |response| remove(response, "jsonrpc")))],
    },
    Seed {
        slug: "response-version-missing-on-parse-error",
        about: "leaves out the version in the answer to a line that is no JSON",
        hooks: &[Hook::Reply(|_, reply, _, _| {
            each_response(reply, |response| {
                if code_of(response) == Some(PARSE_ERROR) {
                    remove(response, "jsonrpc");
                }
            });
        })],
    },
];

fn id_as_number(response: &mut Json) {
    if let Some(id) = member(response, "id")
        && let Some(number) = id.as_str().and_then(|text| Number::new(text).ok())
    {
        *id = Json::Number(number);
    }
}

/// The first whole number behind `mark` in a text.
fn number_behind(text: &[u8], mark: &str) -> Option<i64> {
    let text = String::from_utf8_lossy(text);
    let (_, rest) = text.split_once(mark)?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}
