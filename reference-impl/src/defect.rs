//! Seeded defects and harmless variants by name.
//!
//! A defect makes a peer break one clause, so that a suite can be seen to notice it. A variant makes use of a freedom
//! that the texts leave, so that a suite can be seen to stay green. Both are rows of tables: a name, a sentence, and
//! the functions that do it at the points the protocol modules offer. They act on messages and state, never on who
//! is asking.

mod api;
mod batch;
mod calls_api;
mod calls_batch;
mod calls_echo;
mod calls_json;
mod calls_login;
mod calls_rpc;
mod draft;
mod echo;
mod error;
mod flow;
mod harmless;
mod header;
mod json;
mod leak;
mod lenient;
mod line;
mod lines_flow;
mod lines_header;
mod lines_options;
mod lines_prefix;
mod login;
mod options;
mod readings;
mod request;
mod response;
mod rights;

use std::str::FromStr;

use civispec_wire::json::Json;
use civispec_wire::line::Line;

use crate::pipe::code::API_FAILED;
use crate::pipe::hooks::{Answer, Hook};
use crate::pipe::methods::Outcome;

/// A row of a table.
pub(crate) struct Seed {
    /// The name on the command line; unique among its kind.
    slug: &'static str,
    /// What the peer does, as a fragment that follows "the server".
    about: &'static str,
    hooks: &'static [Hook],
}

/// The tables of the defects.
static DEFECTS: [&[Seed]; 25] = [
    header::DEFECTS,
    flow::DEFECTS,
    line::DEFECTS,
    request::DEFECTS,
    response::DEFECTS,
    error::DEFECTS,
    batch::DEFECTS,
    json::DEFECTS,
    echo::DEFECTS,
    api::DEFECTS,
    rights::DEFECTS,
    login::DEFECTS,
    options::DEFECTS,
    draft::DEFECTS,
    leak::DEFECTS,
    lines_header::DEFECTS,
    lines_flow::DEFECTS,
    lines_options::DEFECTS,
    lines_prefix::DEFECTS,
    calls_api::DEFECTS,
    calls_batch::DEFECTS,
    calls_echo::DEFECTS,
    calls_json::DEFECTS,
    calls_login::DEFECTS,
    calls_rpc::DEFECTS,
];

/// The tables of the variants.
static VARIANTS: [&[Seed]; 3] = [harmless::VARIANTS, readings::VARIANTS, lenient::VARIANTS];

/// A name that no table has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no {kind} called {name:?}")]
pub struct UnknownSeed {
    /// "defect" or "variant".
    pub kind: &'static str,
    /// The name that was asked for.
    pub name: String,
}

macro_rules! kind {
    ($(#[$doc:meta])* $kind:ident, $word:literal, $tables:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $kind(&'static Seed);

        impl $kind {
            /// All of them, in the order of their tables.
            pub fn all() -> impl Iterator<Item = Self> {
                $tables.iter().flat_map(|table| table.iter()).map(Self)
            }

            /// The name on the command line.
            #[must_use]
            pub fn slug(self) -> &'static str {
                self.0.slug
            }

            /// What the peer does, as a fragment that follows "the server".
            #[must_use]
            pub fn about(self) -> &'static str {
                self.0.about
            }

            pub(crate) fn hooks(self) -> &'static [Hook] {
                self.0.hooks
            }
        }

        impl FromStr for $kind {
            type Err = UnknownSeed;

            fn from_str(name: &str) -> Result<Self, UnknownSeed> {
                Self::all()
                    .find(|seed| seed.slug() == name)
                    .ok_or_else(|| UnknownSeed { kind: $word, name: name.to_owned() })
            }
        }

        impl PartialEq for $kind {
            fn eq(&self, other: &Self) -> bool {
                self.slug() == other.slug()
            }
        }

        impl Eq for $kind {}

        impl std::fmt::Debug for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($kind), "({})"), self.slug())
            }
        }
    };
}

kind! {
    /// A seeded defect. It is parsed from its slug.
    Defect, "defect", DEFECTS
}

kind! {
    /// A harmless variant. It is parsed from its slug.
    Variant, "variant", VARIANTS
}

/// The member of an object, to be changed.
fn member<'a>(value: &'a mut Json, name: &str) -> Option<&'a mut Json> {
    match value {
        Json::Object(members) => members.iter_mut().find(|(known, _)| known == name).map(|(_, value)| value),
        _ => None,
    }
}

/// Calls `change` with each response of a reply: the one, or those of a batch. What a draft server answers in the
/// older notation is no response.
fn each_response(reply: &mut Option<Json>, change: fn(&mut Json)) {
    match reply {
        Some(Json::Array(responses)) => responses.iter_mut().for_each(change),
        Some(response) if response.get("jsonrpc").is_some() => change(response),
        _ => {}
    }
}

/// The error of a response, to be changed.
fn error_of(answer: &mut Answer) -> Option<&mut Json> {
    member(&mut answer.message, "error")
}

/// The code of a response that is an error.
fn code_of(response: &Json) -> Option<i64> {
    response.get("error")?.get("code")?.as_i64()
}

/// Gives the error of a response another code.
fn set_code(response: &mut Json, code: i64) {
    if let Some(known) = member(response, "error").and_then(|error| member(error, "code")) {
        *known = code.into();
    }
}

/// Removes a member of an object.
fn remove(value: &mut Json, name: &str) {
    if let Json::Object(members) = value {
        members.retain(|(known, _)| known != name);
    }
}

/// Adds a member to an object.
fn add(value: &mut Json, name: &str, member: Json) {
    if let Json::Object(members) = value {
        members.push((name.to_owned(), member));
    }
}

/// Calls `change` with every value inside a value, the value itself first.
fn each_value(value: &mut Json, change: fn(&mut Json)) {
    change(value);
    match value {
        Json::Array(items) => items.iter_mut().for_each(|item| each_value(item, change)),
        Json::Object(members) => members.iter_mut().for_each(|(_, value)| each_value(value, change)),
        _ => {}
    }
}

/// Whether an API call failed and is reported as a JSON-RPC error.
fn api_failed(outcome: &Outcome) -> bool {
    matches!(outcome, Err(error) if error.code == API_FAILED)
}

/// Whether an API call failed and is reported as a result.
fn api_failed_in_result(outcome: &Outcome) -> bool {
    matches!(outcome, Ok(result) if result.get("is_error") == Some(&Json::from(1)))
}

/// Keeps a line for a later hook of the same seed; one that was too long has no bytes left to keep.
const KEEP_LINE: Hook = Hook::Line(|incoming, _, scene| {
    scene.held.clear();
    if let Line::Text(text) = &incoming.line {
        scene.held.extend_from_slice(text);
    }
});

/// Whether a line looks like an object whose end was cut off.
fn is_cut_off(line: &[u8]) -> bool {
    line.starts_with(b"{") && !line.trim_ascii_end().ends_with(b"}")
}

#[cfg(test)]
mod tests;
