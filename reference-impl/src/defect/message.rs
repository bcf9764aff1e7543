//! Defects of single messages: requests, responses, errors, ids.

use civispec_wire::json::{Json, Number};
use civispec_wire::jsonrpc::INVALID_REQUEST;

use crate::pipe::hooks::{Hook, Received};

use super::{Seed, member};

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "version-unchecked",
        about: "executes requests of any version of JSON-RPC",
        hooks: &[Hook::Message(|message, _, _| {
            if let Some(version) = member(message, "jsonrpc") {
                *version = "2.0".into();
            }
        })],
    },
    Seed {
        slug: "method-in-any-case",
        about: "finds methods in any case",
        hooks: &[Hook::Request(|request, _, _| request.method.make_ascii_lowercase())],
    },
    Seed {
        slug: "notification-answered",
        about: "answers notifications",
        hooks: &[Hook::Response(|_, answer, _, _| answer.send = true)],
    },
    Seed {
        slug: "response-error-and-result",
        about: "puts a result beside an error",
        hooks: &[Hook::Response(|_, answer, _, _| {
            if let Json::Object(members) = &mut answer.message
                && members.iter().any(|(name, _)| name == "error")
            {
                members.push(("result".to_owned(), Json::Null));
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
        slug: "parse-error-as-invalid-request",
        about: "calls broken JSON an invalid request",
        hooks: &[Hook::Reply(|received, reply, _, _| {
            if received == Received::Garbled
                && let Some(code) =
                    reply.as_mut().and_then(|r| member(r, "error")).and_then(|e| member(e, "code"))
            {
                *code = INVALID_REQUEST.into();
            }
        })],
    },
    Seed {
        slug: "echo-empty-object-as-array",
        about: "echoes an empty object as an empty array",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if request.method == "echo" && *outcome == Ok(Json::Object(Vec::new())) {
                *outcome = Ok(Json::Array(Vec::new()));
            }
        })],
    },
    Seed {
        slug: "echo-through-doubles",
        about: "echoes integers through doubles",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if request.method == "echo"
                && let Ok(result) = outcome
            {
                through_doubles(result);
            }
        })],
    },
    Seed {
        slug: "error-tells-path",
        about: "names a file of the host in error messages",
        hooks: &[Hook::Outcome(|_, outcome, _, _| {
            if let Err(error) = outcome {
                error.message.push_str(" in /srv/civicrm/pipe.php on line 99");
            }
        })],
    },
    Seed {
        slug: "error-tells-credential",
        about: "quotes a refused credential",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if let Err(error) = outcome
                && let Some(cred) = request.params.as_ref().and_then(|params| params.get("cred")?.as_str())
            {
                error.message.push_str(cred);
            }
        })],
    },
    Seed {
        slug: "state-lost",
        about: "forgets the active user after each request",
        hooks: &[Hook::Request(|_, state, _| state.account = None)],
    },
    Seed {
        slug: "login-failure-logs-out",
        about: "logs the active user out when a login fails",
        hooks: &[Hook::Outcome(|request, outcome, state, _| {
            if request.method == "login" && outcome.is_err() {
                state.account = None;
            }
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

fn through_doubles(value: &mut Json) {
    match value {
        Json::Number(number) => {
            let double = number.text().parse::<f64>().ok();
            if let Some(rounded) = double.and_then(|double| Number::new(&double.to_string()).ok()) {
                *number = rounded;
            }
        }
        Json::Array(items) => items.iter_mut().for_each(through_doubles),
        Json::Object(members) => members.iter_mut().for_each(|(_, value)| through_doubles(value)),
        _ => {}
    }
}
