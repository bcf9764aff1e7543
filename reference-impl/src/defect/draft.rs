//! Defects that show in the profile of the draft.

use civispec_wire::json::Json;
use civispec_wire::jsonrpc::{ErrorObject, Request};

use crate::pipe::Profile;
use crate::pipe::code::LOGIN_REFUSED;
use crate::pipe::hooks::Hook;
use crate::pipe::methods::Outcome;
use crate::pipe::options::Options;
use crate::pipe::state::State;

use super::api::throw;
use super::{Seed, member};

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "draft-header-as-object",
        about: "puts an object of flags into the header of the draft",
        hooks: &[Hook::Header(|header, state, _| {
            if let (Profile::Draft, Some(list)) = (state.profile, member(header, "Civi::pipe")) {
                *list = Json::Object(vec![("t".to_owned(), "trusted".into())]);
            }
        })],
    },
    Seed {
        slug: "draft-header-of-two",
        about: "puts a second flavour of JSON-RPC into the header of the draft",
        hooks: &[Hook::Header(|header, state, _| {
            if let (Profile::Draft, Some(Json::Array(list))) = (state.profile, member(header, "Civi::pipe")) {
                list.push("jsonrpc-2.0".into());
            }
        })],
    },
    Seed {
        slug: "draft-api-error-thrown",
        about: "reports API errors as JSON-RPC errors in the draft",
        hooks: &[Hook::Outcome(|_, outcome, state, _| {
            if state.profile == Profile::Draft {
                throw(outcome);
            }
        })],
    },
    Seed {
        slug: "draft-api4-error-thrown",
        about: "reports errors of api4 as JSON-RPC errors in the draft",
        hooks: &[Hook::Outcome(|request, outcome, state, _| {
            if state.profile == Profile::Draft && request.method == "api4" {
                throw(outcome);
            }
        })],
    },
    Seed {
        slug: "draft-opt-out-in-vain",
        about: "checks calls that opt out",
        hooks: &[Hook::OptOut(|_, allowed, _| *allowed = false)],
    },
    Seed {
        slug: "draft-opt-out-in-vain-in-batch",
        about: "checks calls in a batch that opt out",
        hooks: &[Hook::OptOut(|_, allowed, scene| *allowed &= scene.batch.is_none())],
    },
    Seed {
        slug: "draft-login-needs-credential",
        about: "asks for a credential at logins in the draft",
        hooks: &[Hook::Outcome(|request, outcome, state, _| {
            if request.method == "login" {
                refuse(outcome, state);
            }
        })],
    },
    Seed {
        slug: "draft-login-by-user-needs-credential",
        about: "asks for a credential at logins by user in the draft",
        hooks: &[Hook::Outcome(|request, outcome, state, _| {
            if names_user(request) {
                refuse(outcome, state);
            }
        })],
    },
    Seed {
        slug: "draft-options-not-kept",
        about: "forgets the options of the draft at once",
        hooks: &[Hook::Frame(|_, state, _| {
            if state.profile == Profile::Draft {
                state.options = Options::new(state.profile);
            }
        })],
    },
    Seed {
        slug: "draft-max-line-not-kept",
        about: "forgets the line limit of the draft at once",
        hooks: &[Hook::Frame(|_, state, _| {
            if state.profile == Profile::Draft {
                state.options.buffer_size = Options::new(state.profile).buffer_size;
            }
        })],
    },
];

fn names_user(request: &Request) -> bool {
    request.method == "login" && request.params.as_ref().is_some_and(|params| params.get("user").is_some())
}

fn refuse(outcome: &mut Outcome, state: &mut State) {
    if state.profile == Profile::Draft && outcome.is_ok() {
        state.account = None;
        *outcome = Err(ErrorObject::new(LOGIN_REFUSED, "a credential is needed"));
    }
}
