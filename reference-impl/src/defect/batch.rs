//! Defects of batches as a whole.

use civispec_wire::json::Json;

use crate::pipe::hooks::{Hook, Received};

use super::Seed;

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "batch-empty-answered-empty",
        about: "answers an empty batch with an empty array",
        hooks: &[Hook::Reply(|received, reply, _, _| {
            if received == Received::Batch(0) {
                *reply = Some(Json::Array(Vec::new()));
            }
        })],
    },
    Seed {
        slug: "batch-of-notifications-answered",
        about: "answers a batch of notifications with an empty array",
        hooks: &[Hook::Reply(|received, reply, _, _| {
            if matches!(received, Received::Batch(_)) {
                reply.get_or_insert_with(|| Json::Array(Vec::new()));
            }
        })],
    },
];
