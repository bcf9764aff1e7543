//! Defects of what counts as a request: version, method, params, notifications.

use civispec_wire::json::Json;

use crate::pipe::hooks::{Hook, Received};

use super::{KEEP_LINE, Seed, add, member};

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
        slug: "version-as-number-accepted",
        about: "executes requests whose version is a number",
        hooks: &[Hook::Message(|message, _, _| {
            if let Some(version @ Json::Number(_)) = member(message, "jsonrpc") {
                *version = "2.0".into();
            }
        })],
    },
    Seed {
        slug: "version-missing-accepted",
        about: "executes requests without a version and answers them like those of 2.0",
        hooks: &[Hook::Message(|message, _, _| add_version(message))],
    },
    Seed {
        slug: "version-missing-accepted-in-batch",
        about: "executes requests without a version in a batch and answers them like those of 2.0",
        hooks: &[Hook::Message(|message, _, scene| {
            if scene.batch.is_some() {
                add_version(message);
            }
        })],
    },
    Seed {
        slug: "method-of-wrong-type-as-echo",
        about: "takes a request whose method is a number, a boolean or an object for an echo",
        hooks: &[Hook::Message(|message, _, _| {
            if let Some(method @ (Json::Number(_) | Json::Bool(_) | Json::Object(_))) =
                member(message, "method")
            {
                *method = "echo".into();
            }
        })],
    },
    Seed {
        slug: "method-in-list-accepted",
        about: "takes a list of one name for that name of a method",
        hooks: &[Hook::Message(|message, _, _| {
            if let Some(method @ Json::Array(_)) = member(message, "method")
                && let Some([name]) = method.as_array()
            {
                *method = name.clone();
            }
        })],
    },
    Seed {
        slug: "method-prefix-rpc-dropped",
        about: "drops rpc. from the names of methods",
        hooks: &[Hook::Request(|request, _, _| drop_prefix(&mut request.method))],
    },
    Seed {
        slug: "method-prefix-rpc-dropped-in-batch",
        about: "drops rpc. from the names of methods in a batch",
        hooks: &[Hook::Request(|request, _, scene| {
            if scene.batch.is_some() {
                drop_prefix(&mut request.method);
            }
        })],
    },
    Seed {
        slug: "method-in-any-case",
        about: "finds methods in any case",
        hooks: &[Hook::Request(|request, _, _| request.method.make_ascii_lowercase())],
    },
    Seed {
        slug: "member-method-in-any-case",
        about: "finds the member method in any case",
        hooks: &[Hook::Message(|message, _, _| {
            if let Json::Object(members) = message {
                for (name, _) in members {
                    if name.eq_ignore_ascii_case("method") {
                        name.make_ascii_lowercase();
                    }
                }
            }
        })],
    },
    Seed {
        slug: "method-internal-served",
        about: "finds a constructor among the methods",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if request.method == "__construct" {
                *outcome = Ok(Json::Null);
            }
        })],
    },
    Seed {
        slug: "method-cut-at-nul",
        about: "cuts the name of a method at a NUL",
        hooks: &[Hook::Request(|request, _, _| {
            if let Some(place) = request.method.find('\0') {
                request.method.truncate(place);
            }
        })],
    },
    Seed {
        slug: "scalar-line-ignored",
        about: "passes over a line that is a lone scalar",
        hooks: &[
            KEEP_LINE,
            Hook::Reply(|received, reply, _, scene| {
                if received == Received::Single && !scene.held.trim_ascii().starts_with(b"{") {
                    *reply = None;
                }
            }),
        ],
    },
    Seed {
        slug: "params-scalar-wrapped",
        about: "takes params that are a scalar for a list of that one value",
        hooks: &[Hook::Request(|request, _, _| {
            if let Some(params @ (Json::Bool(_) | Json::Number(_) | Json::String(_))) = &mut request.params {
                *params = Json::Array(vec![params.clone()]);
            }
        })],
    },
    Seed {
        slug: "params-false-as-omitted",
        about: "takes params that are false for none",
        hooks: &[Hook::Request(|request, _, _| {
            if request.params == Some(Json::Bool(false)) {
                request.params = None;
            }
        })],
    },
    Seed {
        slug: "notification-answered",
        about: "answers notifications",
        hooks: &[Hook::Response(|_, answer, _, _| answer.send = true)],
    },
    Seed {
        slug: "notification-that-fails-answered-in-batch",
        about: "answers notifications that fail in a batch",
        hooks: &[Hook::Response(|_, answer, _, scene| {
            answer.send |= scene.batch.is_some() && answer.message.get("error").is_some();
        })],
    },
];

/// Adds the version to what is a request but for that.
fn add_version(message: &mut Json) {
    if message.get("jsonrpc").is_none() && message.get("method").is_some() {
        add(message, "jsonrpc", "2.0".into());
    }
}

fn drop_prefix(method: &mut String) {
    if let Some(rest) = method.strip_prefix("rpc.") {
        *method = rest.to_owned();
    }
}
