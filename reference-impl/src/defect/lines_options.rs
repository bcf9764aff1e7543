//! Defects of updates of the options: what is confirmed but does not hold, and what holds but is not listed.

use civispec_wire::json::{Json, parse};
use civispec_wire::jsonrpc::{INVALID_PARAMS, Request};

use crate::pipe::hooks::{Hook, Received};
use crate::pipe::methods::Outcome;
use crate::pipe::options::{ApiErrors, Options};

use super::flow::repeat_if;
use super::options::{list_of, update_of};
use super::{Seed, member};

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "options-mode-set-again-switches",
        about: "switches apiError to array when exception is set where it holds already",
        hooks: &[
            Hook::Request(|request, state, scene| {
                let to_exception = update_of(request).is_some_and(|update| {
                    update
                        .iter()
                        .any(|(name, value)| name == "apiError" && value.as_str() == Some("exception"))
                });
                scene.count = usize::from(to_exception && state.options.api_errors == ApiErrors::Exception);
            }),
            Hook::Outcome(|_, outcome, state, scene| {
                if std::mem::take(&mut scene.count) == 1 && outcome.is_ok() {
                    state.options.api_errors = ApiErrors::Array;
                }
            }),
        ],
    },
    Seed {
        slug: "options-bad-value-confirmed",
        about: "answers an update with a bad value with that value, and keeps the old one",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if let Some(update) = refused_update(request, outcome)
                && update.iter().all(|(name, _)| is_known(name))
            {
                *outcome = Ok(Json::Object(update.to_vec()));
            }
        })],
    },
    Seed {
        slug: "options-update-of-size-answered-with-former",
        about: "answers an update of bufferSize with the value that held before",
        hooks: &[
            Hook::Request(|_, state, scene| scene.count = state.options.buffer_size),
            Hook::Outcome(|request, outcome, _, scene| {
                if update_of(request).is_some()
                    && let Ok(result) = outcome
                    && let Some(size) = member(result, "bufferSize")
                {
                    *size = i64::try_from(scene.count).unwrap_or(i64::MAX).into();
                }
            }),
        ],
    },
    Seed {
        slug: "options-refused-mode-listed",
        about: "lists an apiError that was refused together with another option",
        hooks: &[Hook::Outcome(|request, outcome, _, scene| {
            if let Some(update) = update_of(request) {
                scene.held.clear();
                let mode = update.iter().find(|(name, _)| name == "apiError").and_then(|(_, v)| v.as_str());
                if let Some(mode) = mode.filter(|mode| outcome.is_err() && is_mode(mode)) {
                    scene.held.extend_from_slice(mode.as_bytes());
                }
            } else if let (Ok(mode @ ("array" | "exception")), Some(list)) =
                (std::str::from_utf8(&scene.held), list_of(request, outcome))
            {
                for (_, value) in list.iter_mut().filter(|(name, _)| name == "apiError") {
                    *value = mode.into();
                }
            }
        })],
    },
    Seed {
        slug: "options-unknown-listed",
        about: "refuses an option that does not exist, and lists it until the next update",
        hooks: &[Hook::Outcome(|request, outcome, _, scene| {
            if let Some(update) = update_of(request) {
                let unknown = update.iter().filter(|(name, _)| !is_known(name)).cloned().collect();
                scene.held = Json::Object(unknown).to_string().into_bytes();
            } else if let (Ok(Json::Object(unknown)), Some(list)) =
                (parse(&scene.held), list_of(request, outcome))
            {
                list.extend(unknown);
            }
        })],
    },
    Seed {
        slug: "options-unknown-drops-the-others",
        about: "confirms the options that stand beside one that does not exist, and sets none of them",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if let Some(update) = refused_update(request, outcome) {
                let known: Vec<_> = update.iter().filter(|(name, _)| is_known(name)).cloned().collect();
                if !known.is_empty() && known.len() < update.len() {
                    *outcome = Ok(Json::Object(known));
                }
            }
        })],
    },
    Seed {
        slug: "options-names-in-any-case",
        about: "takes the names of options in any mixture of upper and lower case",
        hooks: &[Hook::Request(|request, _, _| {
            if let ("options", Some(Json::Object(members))) = (request.method.as_str(), &mut request.params) {
                for (name, _) in members {
                    if let Some(known) = NAMES.iter().find(|known| known.eq_ignore_ascii_case(name)) {
                        (*known).clone_into(name);
                    }
                }
            }
        })],
    },
    Seed {
        slug: "options-list-late-after-size",
        about: "lists the default of bufferSize directly behind an update of it alone",
        hooks: &[Hook::Outcome(|request, outcome, state, scene| {
            let is_behind = std::mem::take(&mut scene.count) == 1;
            let size = i64::try_from(Options::new(state.profile).buffer_size).unwrap_or(i64::MAX);
            if matches!(update_of(request), Some([(name, _)]) if name == "bufferSize") {
                scene.count = usize::from(outcome.is_ok() && scene.batch.is_none());
            } else if let Some(list) = list_of(request, outcome).filter(|_| is_behind) {
                for (_, value) in list.iter_mut().filter(|(name, _)| name == "bufferSize") {
                    *value = size.into();
                }
            }
        })],
    },
    Seed {
        slug: "long-line-answered-twice",
        about: "answers an over-long line with two errors, as if it were two",
        hooks: &[
            Hook::Reply(|received, _, _, scene| scene.count = usize::from(received == Received::TooLong)),
            Hook::Frame(|frame, _, scene| repeat_if(&mut scene.count, frame)),
        ],
    },
    Seed {
        slug: "long-line-unanswered",
        about: "passes over an over-long line without a word",
        hooks: &[Hook::Reply(|received, reply, _, _| {
            if received == Received::TooLong {
                *reply = None;
            }
        })],
    },
];

/// The options of the published text.
const NAMES: [&str; 4] = ["apiCheckPermissions", "apiError", "bufferSize", "responsePrefix"];

fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

fn is_mode(word: &str) -> bool {
    ["array", "exception"].contains(&word)
}

/// The members of an update that was refused for what they say.
fn refused_update<'a>(request: &'a Request, outcome: &Outcome) -> Option<&'a [(String, Json)]> {
    update_of(request).filter(|_| matches!(outcome, Err(error) if error.code == INVALID_PARAMS))
}
