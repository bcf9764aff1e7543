//! Defects of the method `options` and of the limit that it sets.

use civispec_wire::json::{Json, object};

use crate::pipe::code::NOT_TRUSTED;
use crate::pipe::hooks::Hook;
use crate::pipe::methods::Outcome;
use crate::pipe::options::Options;
use crate::pipe::state::Trust;
use civispec_wire::jsonrpc::Request;

use super::{Seed, member};

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "options-list-without-defaults",
        about: "lists only options that are not at their default",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if let Some(list) = list_of(request, outcome) {
                let defaults: [(&str, Json); 3] = [
                    ("apiCheckPermissions", true.into()),
                    ("apiError", "exception".into()),
                    ("responsePrefix", Json::Null),
                ];
                list.retain(|(name, value)| !defaults.iter().any(|(n, v)| n == name && v == value));
            }
        })],
    },
    Seed {
        slug: "options-list-with-default-mode",
        about: "lists the default of apiError whatever holds",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if let Some(list) = list_of(request, outcome) {
                for (_, value) in list.iter_mut().filter(|(name, _)| name == "apiError") {
                    *value = "exception".into();
                }
            }
        })],
    },
    Seed {
        slug: "options-update-resets-buffer-size",
        about: "sets bufferSize back when an update does not name it",
        hooks: &[Hook::Request(|request, state, _| {
            if update_of(request).is_some_and(|update| update.iter().all(|(name, _)| name != "bufferSize")) {
                state.options.buffer_size = Options::new(state.profile).buffer_size;
            }
        })],
    },
    Seed {
        slug: "options-update-of-first-only",
        about: "updates only the first of several options",
        hooks: &[Hook::Request(|request, _, _| {
            if let ("options", Some(Json::Object(members))) = (request.method.as_str(), &mut request.params) {
                members.truncate(1);
            }
        })],
    },
    Seed {
        slug: "options-update-of-mode-answered-with-true",
        about: "answers an update of apiError alone with true",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            let is_mode = matches!(update_of(request), Some([(name, _)]) if name == "apiError");
            if is_mode && outcome.is_ok() {
                *outcome = Ok(true.into());
            }
        })],
    },
    Seed {
        slug: "options-update-of-prefix-answered-with-null",
        about: "answers an update of responsePrefix with null as its value",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if update_of(request).is_some()
                && let Ok(result) = outcome
                && let Some(prefix) = member(result, "responsePrefix")
            {
                *prefix = Json::Null;
            }
        })],
    },
    Seed {
        slug: "options-refused-size-listed",
        about: "lists a bufferSize that was refused together with another option",
        hooks: &[Hook::Outcome(|request, outcome, _, scene| {
            if let Some(update) = update_of(request) {
                let size = update.iter().find(|(name, _)| name == "bufferSize").and_then(|(_, v)| v.as_i64());
                let refused = size.filter(|_| outcome.is_err()).and_then(|size| usize::try_from(size).ok());
                scene.count = refused.unwrap_or(0);
            } else if scene.count > 0
                && let Some(list) = list_of(request, outcome)
            {
                let size = i64::try_from(scene.count).unwrap_or(i64::MAX);
                for (_, value) in list.iter_mut().filter(|(name, _)| name == "bufferSize") {
                    *value = size.into();
                }
            }
        })],
    },
    Seed {
        slug: "options-check-as-number",
        about: "reports apiCheckPermissions as 1 or 0",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            report_check(request, outcome, |check| Json::from(i64::from(check)));
        })],
    },
    Seed {
        slug: "options-check-off-as-empty-string",
        about: "reports apiCheckPermissions as an empty string when it is off",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            report_check(request, outcome, |check| if check { true.into() } else { "".into() });
        })],
    },
    Seed {
        slug: "options-check-off-untrusted",
        about: "lets an untrusted session switch apiCheckPermissions off",
        hooks: &[
            Hook::Request(|request, state, scene| {
                if request.method == "options" && !state.is_trusted() {
                    state.trust = Trust::Trusted;
                    scene.count = 1;
                }
            }),
            Hook::Outcome(|_, _, state, scene| {
                if std::mem::take(&mut scene.count) == 1 {
                    state.trust = Trust::Untrusted;
                }
            }),
        ],
    },
    Seed {
        slug: "options-check-off-untrusted-reported",
        about: "reports to an untrusted session that apiCheckPermissions was switched off, and checks all the same",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if update_of(request).is_some() && matches!(outcome, Err(error) if error.code == NOT_TRUSTED) {
                *outcome = Ok(object([("apiCheckPermissions", false.into())]));
            }
        })],
    },
    Seed {
        slug: "buffer-limit-ignored",
        about: "serves lines of up to 16 MiB whatever bufferSize says",
        hooks: &[Hook::Limit(|limit, _| *limit = 16 * 1024 * 1024)],
    },
    Seed {
        slug: "buffer-limit-less-two",
        about: "refuses a line of two bytes less than the limit, its line feed counted",
        hooks: &[Hook::Limit(|limit, _| *limit = limit.saturating_sub(2))],
    },
    Seed {
        slug: "buffer-of-16-kib-by-default",
        about: "has a default bufferSize of 16384 bytes, as in the draft",
        hooks: &[Hook::Start(|state, _| state.options.buffer_size = 16_384)],
    },
    Seed {
        slug: "buffer-of-40-kib-behind-the-default",
        about: "refuses lines beyond 40 KiB while bufferSize is at its default",
        hooks: &[Hook::Limit(|limit, _| {
            if *limit == 524_288 {
                *limit = 40 * 1024;
            }
        })],
    },
];

/// The members of an update.
pub(super) fn update_of(request: &Request) -> Option<&[(String, Json)]> {
    let members = request.params.as_ref()?.as_object()?;
    (request.method == "options" && !members.is_empty()).then_some(members)
}

/// The list that a call of `options` returns, unless it is an update.
pub(super) fn list_of<'a>(
    request: &Request,
    outcome: &'a mut Outcome,
) -> Option<&'a mut Vec<(String, Json)>> {
    match outcome {
        Ok(Json::Object(list)) if request.method == "options" && update_of(request).is_none() => Some(list),
        _ => None,
    }
}

fn report_check(request: &Request, outcome: &mut Outcome, spell: fn(bool) -> Json) {
    if request.method == "options"
        && let Ok(result) = outcome
        && let Some(value) = member(result, "apiCheckPermissions")
        && let Json::Bool(check) = *value
    {
        *value = spell(check);
    }
}
