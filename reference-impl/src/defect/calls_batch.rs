//! Further defects of batches, of the answers to them, and of notifications.

use civispec_wire::json::Json;
use civispec_wire::jsonrpc::INVALID_REQUEST;

use crate::pipe::hooks::{Hook, Received};

use super::Seed;

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "batch-of-one-answered-bare",
        about: "answers a batch of one request that is no API call with a response that is not in an array",
        hooks: &[
            Hook::Response(|request, _, _, scene| {
                scene.count = usize::from(request.is_some_and(|request| request.method.starts_with("api")));
            }),
            Hook::Reply(|received, reply, _, scene| {
                if received == Received::Batch(1)
                    && scene.count == 0
                    && let Some(Json::Array(responses)) = reply
                    && let Some(response) = responses.pop()
                {
                    *reply = Some(response);
                }
            }),
        ],
    },
    Seed {
        slug: "batch-after-invalid-request-cut-short",
        about: "leaves out the last response of a batch of two that follows an invalid request",
        hooks: &[
            Hook::Line(|_, _, scene| {
                scene.count = usize::from(scene.history.last_code == Some(INVALID_REQUEST));
            }),
            Hook::Reply(|received, reply, _, scene| {
                if scene.count == 1
                    && let (Received::Batch(2), Some(Json::Array(responses))) = (received, reply)
                    && responses.len() == 2
                {
                    responses.pop();
                }
            }),
        ],
    },
    Seed {
        slug: "batch-nested-executed",
        about: "executes the request of a batch of one that is a member of a batch",
        hooks: &[Hook::Message(|message, _, scene| {
            if let (Some(_), Json::Array(members)) = (scene.batch, &mut *message)
                && let [_] = members[..]
                && let Some(member) = members.pop()
            {
                *message = member;
            }
        })],
    },
    Seed {
        slug: "batch-response-behind-error-missing",
        about: "leaves out the last of three responses of a batch when only the one before it is an error",
        hooks: &[Hook::Reply(|received, reply, _, _| {
            if let (Received::Batch(3), Some(Json::Array(responses))) = (received, reply)
                && let [first, second, _] = &responses[..]
                && first.get("error").is_none()
                && second.get("error").is_some()
            {
                responses.pop();
            }
        })],
    },
    Seed {
        slug: "notification-answered-with-null",
        about: "writes a line that is null in answer to a notification",
        hooks: &[Hook::Reply(|received, reply, _, _| {
            if received == Received::Single {
                reply.get_or_insert(Json::Null);
            }
        })],
    },
    Seed {
        slug: "notification-that-fails-answered-without-id",
        about: "answers a notification that fails on a line of its own with an error that has no id",
        hooks: &[Hook::Response(|request, answer, _, scene| {
            let is_notification = request.is_some_and(|request| request.id.is_none());
            if is_notification && scene.batch.is_none() && answer.message.get("error").is_some() {
                super::remove(&mut answer.message, "id");
                answer.send = true;
            }
        })],
    },
];
