//! Variants that are as good as the reference.

use civispec_wire::json::Json;

use crate::pipe::hooks::{Hook, Received};

use super::Seed;

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
        slug: "batch-reversed",
        about: "answers a batch in reverse order",
        hooks: &[Hook::Reply(|received, reply, _, _| {
            if let (Received::Batch(_), Some(Json::Array(responses))) = (received, reply) {
                responses.reverse();
            }
        })],
    },
];
