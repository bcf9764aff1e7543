//! Defects of the flow: what is answered how often and where, and what a session remembers.

use civispec_wire::json::Json;
use civispec_wire::jsonrpc::{ErrorObject, INTERNAL_ERROR, Response};

use crate::pipe::code::API_FAILED;
use crate::pipe::hooks::{Answer, Frame, Hook, Received};
use crate::pipe::options::Options;
use crate::pipe::state::State;

use super::{KEEP_LINE, Seed, code_of, each_value, is_cut_off};

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "request-after-cut-off-one-refused",
        about: "refuses the request that follows a truncated one",
        hooks: &[
            KEEP_LINE,
            Hook::Reply(|received, _, _, scene| {
                if received == Received::Garbled && is_cut_off(&scene.held) {
                    scene.count = 1;
                }
            }),
            Hook::Response(|_, answer, _, scene| refuse_if(&mut scene.count, answer)),
        ],
    },
    Seed {
        slug: "request-after-empty-batch-refused",
        about: "refuses the request that follows an empty batch",
        hooks: &[
            Hook::Reply(|received, _, _, scene| {
                if received == Received::Batch(0) {
                    scene.count = 1;
                }
            }),
            Hook::Response(|_, answer, _, scene| refuse_if(&mut scene.count, answer)),
        ],
    },
    Seed {
        slug: "request-after-bad-utf-8-refused",
        about: "refuses the request that follows a line that is no UTF-8",
        hooks: &[
            KEEP_LINE,
            Hook::Reply(|received, _, _, scene| {
                if received == Received::Garbled && std::str::from_utf8(&scene.held).is_err() {
                    scene.count = 1;
                }
            }),
            Hook::Response(|_, answer, _, scene| refuse_if(&mut scene.count, answer)),
        ],
    },
    Seed {
        slug: "api-error-answered-twice",
        about: "answers an api4 call of an entity that does not exist twice",
        hooks: &[
            Hook::Response(|request, answer, _, scene| {
                let entity =
                    request.and_then(|request| request.params.as_ref()?.as_array()?.first()?.as_str());
                let is_known = entity.is_none_or(|entity| {
                    ["contact", "noise", "system"].contains(&entity.to_ascii_lowercase().as_str())
                });
                let failed = code_of(&answer.message) == Some(API_FAILED);
                let is_api4 = request.is_some_and(|request| request.method == "api4");
                scene.count = usize::from(failed && is_api4 && !is_known && scene.batch.is_none());
            }),
            Hook::Frame(|frame, _, scene| repeat_if(&mut scene.count, frame)),
        ],
    },
    Seed {
        slug: "login-without-params-answered-twice",
        about: "answers a login with empty params twice while nobody is logged in",
        hooks: &[
            Hook::Response(|request, _, state, scene| {
                let is_empty = request.is_some_and(|request| {
                    request.method == "login" && request.params == Some(Json::Object(Vec::new()))
                });
                scene.count = usize::from(is_empty && scene.batch.is_none() && state.account.is_none());
            }),
            Hook::Frame(|frame, _, scene| repeat_if(&mut scene.count, frame)),
        ],
    },
    Seed {
        slug: "long-answer-on-stderr",
        about: "writes answers of more than 32 KiB to standard error while bufferSize is at its default",
        hooks: &[Hook::Frame(|frame, state, _| {
            if frame.body.len() > 32 * 1024 {
                divert(frame, state);
            }
        })],
    },
    Seed {
        slug: "answer-of-56-to-60-kib-on-stderr",
        about: "writes answers of 56 to 60 KiB to standard error while bufferSize is at its default",
        hooks: &[Hook::Frame(|frame, state, _| {
            if (56 * 1024..=60 * 1024).contains(&frame.body.len()) {
                divert(frame, state);
            }
        })],
    },
    Seed {
        slug: "text-beyond-the-first-plane-replaced",
        about: "replaces characters beyond U+FFFF in results",
        hooks: &[Hook::Outcome(|_, outcome, _, _| {
            if let Ok(result) = outcome {
                each_value(result, |value| replace(value, |c| c > '\u{ffff}'));
            }
        })],
    },
    Seed {
        slug: "text-of-the-last-plane-replaced",
        about: "replaces characters beyond U+FFFFF in results",
        hooks: &[Hook::Outcome(|_, outcome, _, _| {
            if let Ok(result) = outcome {
                each_value(result, |value| replace(value, |c| c > '\u{fffff}'));
            }
        })],
    },
    Seed {
        slug: "buffer-size-lost-after-batch",
        about: "sets bufferSize back after a batch",
        hooks: &[Hook::Frame(|frame, state, _| {
            if frame.body.starts_with(b"[") {
                state.options.buffer_size = Options::new(state.profile).buffer_size;
            }
        })],
    },
    Seed {
        slug: "options-lost-after-cut-off-request",
        about: "sets the options back after a truncated request",
        hooks: &[
            KEEP_LINE,
            Hook::Reply(|received, _, _, scene| {
                if received == Received::Garbled && is_cut_off(&scene.held) {
                    scene.count = 1;
                }
            }),
            // Only now, so that the answer to the truncated one still has its prefix.
            Hook::Request(|_, state, scene| {
                if std::mem::take(&mut scene.count) == 1 {
                    state.options = Options::new(state.profile);
                }
            }),
        ],
    },
    Seed {
        slug: "farewell-at-the-end",
        about: "says good-bye when the input has ended",
        hooks: &[Hook::End(|output, _| {
            output.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"result\":\"bye\",\"id\":null}\n");
        })],
    },
];

/// Makes the answer an error, once.
pub(super) fn refuse_if(wanted: &mut usize, answer: &mut Answer) {
    if std::mem::take(wanted) == 1 && answer.message.get("result").is_some() {
        let id = answer.message.get("id").cloned().unwrap_or(Json::Null);
        let outcome = Err(ErrorObject::new(INTERNAL_ERROR, "the server is out of step"));
        answer.message = Response { id, outcome }.into_json();
    }
}

/// Has the frame repeat itself, once.
pub(super) fn repeat_if(wanted: &mut usize, frame: &mut Frame) {
    if std::mem::take(wanted) == 1 && !frame.body.is_empty() {
        frame.end = [&frame.end[..], &frame.prefix, &frame.body, &frame.end].concat();
    }
}

/// Sends a frame to standard error.
fn divert(frame: &mut Frame, state: &mut State) {
    if state.options.buffer_size == Options::new(state.profile).buffer_size {
        for part in [&mut frame.prefix, &mut frame.body, &mut frame.end] {
            state.stderr.append(part);
        }
    }
}

fn replace(value: &mut Json, which: fn(char) -> bool) {
    if let Json::String(text) = value {
        *text = text.replace(which, "\u{fffd}");
    }
}
