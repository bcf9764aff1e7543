//! Defects of batches.

use civispec_wire::json::Json;
use civispec_wire::jsonrpc::METHOD_NOT_FOUND;

use crate::pipe::hooks::{Hook, Received};

use super::{KEEP_LINE, Seed, code_of};

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "batch-answered-line-by-line",
        about: "answers each member of a batch on a line of its own when there are three or more answers",
        hooks: &[Hook::Reply(|received, reply, state, scene| {
            // The last response becomes the reply, the others go before it like what a call has printed.
            if let (Received::Batch(_), Some(Json::Array(responses))) = (received, &mut *reply)
                && responses.len() > 2
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
        about: "leaves out the second of three responses of a batch when the first is an error",
        hooks: &[Hook::Reply(|received, reply, _, _| {
            if let (Received::Batch(3), Some(Json::Array(responses))) = (received, reply)
                && responses.len() == 3
                && code_of(&responses[0]) == Some(METHOD_NOT_FOUND)
            {
                responses.remove(1);
            }
        })],
    },
    Seed {
        slug: "batch-empty-with-blank-answered-in-array",
        about: "answers an empty batch with a blank in it with an array",
        hooks: &[
            KEEP_LINE,
            Hook::Reply(|received, reply, _, scene| {
                if received == Received::Batch(0) && scene.held.contains(&b' ') {
                    *reply = reply.take().map(|error| Json::Array(vec![error]));
                }
            }),
        ],
    },
    Seed {
        slug: "batch-broken-answered-in-array",
        about: "answers a batch that breaks off behind its first member with an array",
        hooks: &[
            KEEP_LINE,
            Hook::Reply(|received, reply, _, scene| {
                if received == Received::Garbled
                    && scene.held.starts_with(b"[{")
                    && scene.held.windows(3).any(|window| window == b"},{")
                {
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
        slug: "batch-number-members-skipped",
        about: "passes over members of a batch that are numbers",
        hooks: &[
            Hook::Message(|message, _, scene| scene.count = usize::from(matches!(message, Json::Number(_)))),
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
