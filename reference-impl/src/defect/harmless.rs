//! Variants that are as good as the reference: other spellings of the same messages.

use civispec_wire::json::{Json, object};

use crate::pipe::code::{API_FAILED, LOGIN_REFUSED, NOT_TRUSTED};
use crate::pipe::hooks::Hook;

use super::{Seed, add, code_of, each_response, member, set_code};

pub(super) const VARIANTS: &[Seed] = &[
    Seed {
        slug: "json-ascii",
        about: "writes characters beyond ASCII as escapes",
        hooks: &[Hook::Start(|state, _| state.style.ascii = true)],
    },
    Seed {
        slug: "json-spaced",
        about: "writes a space after every comma and colon",
        hooks: &[Hook::Start(|state, _| state.style.space = true)],
    },
    Seed {
        slug: "json-slash-escaped",
        about: "writes a backslash before every slash",
        hooks: &[Hook::Start(|state, _| state.style.escape_slash = true)],
    },
    Seed {
        slug: "json-as-php",
        about: "writes ASCII with a backslash before every slash, as PHP does",
        hooks: &[Hook::Start(|state, _| {
            state.style.ascii = true;
            state.style.escape_slash = true;
        })],
    },
    Seed {
        slug: "members-reversed",
        about: "writes the members of responses and errors in reverse order",
        hooks: &[Hook::Reply(|_, reply, _, _| {
            each_response(reply, |response| {
                if let Some(error) = member(response, "error") {
                    reverse(error);
                }
                reverse(response);
            });
        })],
    },
    Seed {
        slug: "error-messages-other",
        about: "words its error messages in another way",
        hooks: &[Hook::Reply(|_, reply, _, _| {
            each_response(reply, |response| {
                if let Some(message) = member(response, "error").and_then(|error| member(error, "message")) {
                    *message = "Leider nicht möglich".into();
                }
            });
        })],
    },
    Seed {
        slug: "error-data-added",
        about: "adds data to every error",
        hooks: &[Hook::Reply(|_, reply, _, _| {
            each_response(reply, |response| {
                if let Some(error) = member(response, "error") {
                    error_data(error);
                }
            });
        })],
    },
    Seed {
        slug: "error-codes-other",
        about: "has other codes for the errors that are its own",
        hooks: &[Hook::Response(|_, answer, _, _| {
            if let Some(code @ (API_FAILED | LOGIN_REFUSED | NOT_TRUSTED)) = code_of(&answer.message) {
                set_code(&mut answer.message, if code == API_FAILED { -32000 } else { -32050 });
            }
        })],
    },
    Seed {
        slug: "stderr-talkative",
        about: "writes a line to standard error for every line that it reads",
        hooks: &[Hook::Line(|_, state, _| {
            state.stderr.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"result\":\"a line came\",\"id\":null}\n");
        })],
    },
];

fn reverse(value: &mut Json) {
    if let Json::Object(members) = value {
        members.reverse();
    }
}

fn error_data(error: &mut Json) {
    if error.get("data").is_none() {
        add(error, "data", object([("hint", "the manual has a list of errors".into())]));
    }
}
