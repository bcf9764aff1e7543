//! Defects of the method `echo`.

use civispec_wire::json::Json;

use crate::pipe::hooks::Hook;

use super::Seed;

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "echo-object-as-list",
        about: "echoes an object as the list of its values",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if request.method == "echo"
                && let Ok(Json::Object(members)) = outcome
            {
                *outcome = Ok(Json::Array(members.drain(..).map(|(_, value)| value).collect()));
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
];
