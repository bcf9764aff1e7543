//! Defects of batches.

use civispec_wire::json::Json;

use crate::pipe::hooks::{Hook, Received};

use super::{KEEP_LINE, Seed};

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "batch-answered-line-by-line",
        about: "answers each member of a batch on a line of its own",
        hooks: &[Hook::Reply(|received, reply, state, scene| {
            // The last response becomes the reply, the others go before it like what a call has printed.
            if let (Received::Batch(_), Some(Json::Array(responses))) = (received, &mut *reply)
                && let Some(last) = responses.pop()
            {
                scene.held.clear();
                for response in responses {
                    scene.held.extend_from_slice(response.print(state.style).as_bytes());
                    scene.held.push(b'\n');
                }
                *reply = Some(last);
                state.noise.append(&mut scene.held);
            }
        })],
    },
    Seed {
        slug: "batch-response-after-error-missing",
        about: "leaves out the response behind an error in a batch",
        hooks: &[Hook::Response(|_, answer, _, scene| {
            let follows = scene.batch.is_some_and(|position| position > 0);
            answer.send &= !(follows && scene.history.last_failed);
        })],
    },
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
        slug: "batch-broken-answered-in-array",
        about: "answers a broken batch with an array",
        hooks: &[
            KEEP_LINE,
            Hook::Reply(|received, reply, _, scene| {
                if received == Received::Garbled && scene.held.starts_with(b"[") {
                    *reply = reply.take().map(|error| Json::Array(vec![error]));
                }
            }),
        ],
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
    Seed {
        slug: "batch-of-notifications-answered-on-error",
        about: "answers a batch of notifications with an empty array if the last of them fails",
        hooks: &[Hook::Reply(|received, reply, _, scene| {
            if matches!(received, Received::Batch(_)) && scene.history.last_failed {
                reply.get_or_insert_with(|| Json::Array(Vec::new()));
            }
        })],
    },
    Seed {
        slug: "batch-invalid-members-skipped",
        about: "passes over members of a batch that are no objects",
        hooks: &[
            Hook::Message(|message, _, scene| scene.count = usize::from(message.as_object().is_none())),
            Hook::Response(|_, answer, _, scene| answer.send &= scene.batch.is_none() || scene.count == 0),
        ],
    },
    Seed {
        slug: "batch-null-members-skipped",
        about: "passes over members of a batch that are null",
        hooks: &[
            Hook::Message(|message, _, scene| scene.count = usize::from(*message == Json::Null)),
            Hook::Response(|_, answer, _, scene| answer.send &= scene.batch.is_none() || scene.count == 0),
        ],
    },
];
