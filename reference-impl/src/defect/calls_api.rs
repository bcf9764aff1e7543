//! Further defects of API calls: names, results, errors, and calls whose checks depend on where they stand.

use civispec_wire::json::Json;
use civispec_wire::jsonrpc::Request;

use crate::pipe::api::ApiVersion;
use crate::pipe::entity::Verb;
use crate::pipe::hooks::Hook;
use crate::pipe::options::ApiErrors;
use crate::pipe::permission::{Access, Ask};

use super::api::{into_result, word_of};
use super::{Seed, api_failed, api_failed_in_result, member, remove};

/// Shows users of untrusted sessions their own contact and no other, as many sites do. It is no defect: it lets the
/// defects beside it show what a user gains.
const OWN_ONLY: Hook = Hook::Rights(|ask, access, _| {
    if ask.checked
        && !ask.trusted
        && *access == Access::All
        && let Some(account) = ask.account
        && is_read(ask)
    {
        *access = Access::Own(account.contact);
    }
});

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "api3-unknown-entity-as-contact",
        about: "takes an entity that APIv3 does not know for Contact",
        hooks: &[Hook::Request(|request, _, _| {
            if request.method == "api3"
                && let Some(Json::Array(tuple)) = &mut request.params
                && tuple.len() == 3
                && let Some(Json::String(entity)) = tuple.first_mut()
                && !["contact", "noise", "system"].contains(&entity.to_ascii_lowercase().as_str())
            {
                "Contact".clone_into(entity);
            }
        })],
    },
    Seed {
        slug: "api4-unknown-entity-in-result",
        about: "reports in the result that APIv4 does not know an entity although apiError is exception",
        hooks: &[Hook::Outcome(|request, outcome, _, scene| {
            let entity = request.params.as_ref().and_then(|tuple| tuple.as_array()?.first()?.as_str());
            let is_known = entity.is_none_or(|entity| ["Contact", "Noise", "System"].contains(&entity));
            if request.method == "api4" && !is_known && scene.batch.is_none() && api_failed(outcome) {
                into_result(request, outcome);
            }
        })],
    },
    Seed {
        slug: "api-not-found-in-result-in-batch",
        about: "reports in the result of a call in a batch that there is no such action although apiError is exception",
        hooks: &[Hook::Outcome(|request, outcome, _, scene| {
            if word_of(outcome) == Some("not-found") && scene.batch.is_some() {
                into_result(request, outcome);
            }
        })],
    },
    Seed {
        slug: "api3-none-found-as-error",
        about: "sets is_error in a result of api3 that has no rows",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if let ("api3", Ok(result)) = (request.method.as_str(), outcome)
                && result.get("count") == Some(&Json::from(0))
                && let Some(is_error) = member(result, "is_error")
            {
                *is_error = 1.into();
            }
        })],
    },
    Seed {
        slug: "api4-none-found-as-null",
        about: "returns null for an empty list of rows of api4",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if request.method == "api4" && *outcome == Ok(Json::Array(Vec::new())) {
                *outcome = Ok(Json::Null);
            }
        })],
    },
    Seed {
        slug: "api-error-in-result-tells-path",
        about: "names a file of the host in errors that are reported in the result",
        hooks: &[Hook::Outcome(|_, outcome, state, _| {
            if state.options.api_errors == ApiErrors::Array
                && api_failed_in_result(outcome)
                && let Ok(result) = outcome
                && let Some(Json::String(message)) = member(result, "error_message")
            {
                message.push_str(" in /srv/civicrm/api.php on line 7");
            }
        })],
    },
    Seed {
        slug: "draft-api-error-without-entity",
        about: "leaves out entity and action in errors that are reported in the result",
        hooks: &[Hook::Outcome(|_, outcome, _, _| {
            if api_failed_in_result(outcome)
                && let Ok(result) = outcome
            {
                remove(result, "entity");
                remove(result, "action");
            }
        })],
    },
    Seed {
        slug: "draft-api-empty-tuple-answered",
        about: "answers an API call with an empty list in the draft as a success",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if is_api(request) && request.params == Some(Json::Array(Vec::new())) {
                *outcome = Ok(Json::Array(Vec::new()));
            }
        })],
    },
    Seed {
        slug: "check-not-by-default-of-api4-without-params",
        about: "does not check calls of api4 that have no params at all",
        hooks: &[
            Hook::Request(|request, _, scene| {
                let tuple = request.params.as_ref().and_then(Json::as_array);
                scene.count = usize::from(tuple.is_some_and(|tuple| tuple.len() == 2));
            }),
            Hook::Rights(|ask, access, scene| {
                if ask.api == ApiVersion::Four && scene.count == 1 && is_read(ask) {
                    *access = Access::All;
                }
            }),
        ],
    },
    Seed {
        slug: "check-not-by-default-of-api3-after-echo",
        about: "does not check calls of api3 in an untrusted session that say nothing about it right after an echo",
        hooks: &[
            Hook::Response(|request, _, _, scene| {
                scene.count = usize::from(request.is_some_and(|request| request.method == "echo"));
            }),
            Hook::Rights(|ask, access, scene| {
                let is_silent = !ask.trusted && !ask.explicit && ask.depth == 0;
                if is_silent && ask.api == ApiVersion::Three && scene.count == 1 && is_read(ask) {
                    *access = Access::All;
                }
            }),
        ],
    },
    Seed {
        slug: "check-not-by-default-when-nested",
        about: "shows users of untrusted sessions their own contact, and all contacts in calls that are nested in others",
        hooks: &[
            OWN_ONLY,
            Hook::Rights(|ask, access, _| {
                if matches!(access, Access::Own(_)) && !ask.explicit && ask.depth > 0 {
                    *access = Access::All;
                }
            }),
        ],
    },
    Seed {
        slug: "opt-out-of-api4-in-vain-for-users",
        about: "shows a user who opts out of checks with api4 the own contact and no other",
        hooks: &[Hook::Rights(|ask, access, _| {
            if ask.trusted
                && !ask.checked
                && ask.explicit
                && ask.api == ApiVersion::Four
                && is_read(ask)
                && let Some(account) = ask.account
            {
                *access = Access::Own(account.contact);
            }
        })],
    },
    Seed {
        slug: "opt-out-untrusted-api3-by-user",
        about: "shows users of untrusted sessions their own contact, and all contacts if they opt out with api3",
        hooks: &[
            OWN_ONLY,
            Hook::OptOut(|opt_out, allowed, scene| {
                *allowed |=
                    opt_out.api == ApiVersion::Three && opt_out.depth == 0 && scene.history.logins > 0;
            }),
        ],
    },
    Seed {
        slug: "opt-out-untrusted-api4-by-user",
        about: "shows users of untrusted sessions their own contact, and all contacts if they opt out with api4",
        hooks: &[
            OWN_ONLY,
            Hook::OptOut(|opt_out, allowed, scene| {
                *allowed |= opt_out.api == ApiVersion::Four && opt_out.depth == 0 && scene.history.logins > 0;
            }),
        ],
    },
    Seed {
        slug: "opt-out-untrusted-by-user-in-nested-call",
        about: "shows users of untrusted sessions their own contact, and all contacts in nested calls that opt out",
        hooks: &[
            OWN_ONLY,
            Hook::OptOut(|opt_out, allowed, scene| {
                *allowed |= opt_out.depth > 0 && scene.history.logins > 0;
            }),
        ],
    },
];

fn is_api(request: &Request) -> bool {
    matches!(request.method.as_str(), "api3" | "api4")
}

fn is_read(ask: &Ask<'_>) -> bool {
    matches!(ask.verb, Verb::ContactGet | Verb::ContactCount)
}
