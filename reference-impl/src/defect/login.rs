//! Defects of the method `login`.

use civispec_wire::json::{Json, object};
use civispec_wire::jsonrpc::{ErrorObject, Request};

use crate::pipe::api::ApiVersion;
use crate::pipe::code::{LOGIN_REFUSED, NOT_TRUSTED};
use crate::pipe::hooks::{Hook, Scene};
use crate::pipe::methods::Outcome;
use crate::pipe::permission::{Ask, access};
use crate::pipe::state::{State, Trust};

use super::{Seed, member};

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "login-without-effect",
        about: "answers a login without a credential as a success and sets no user",
        hooks: &[Hook::Outcome(|request, outcome, state, _| {
            if request.method == "login" && !names(request, "cred") && outcome.is_ok() {
                state.account = None;
            }
        })],
    },
    Seed {
        slug: "login-unknown-to-api3",
        about: "tells nothing of a login to APIv3",
        hooks: &[Hook::Rights(|ask, granted, _| {
            if ask.api == ApiVersion::Three {
                *granted = access(&Ask { account: None, ..*ask });
            }
        })],
    },
    Seed {
        slug: "login-served-where-header-says-nologin",
        about: "reports nologin and serves logins all the same",
        hooks: &[Hook::Header(|header, _, _| say_nologin(header))],
    },
    Seed {
        slug: "login-by-cred-served-where-header-says-nologin",
        about: "reports nologin and serves logins by credential all the same",
        hooks: &[
            Hook::Header(|header, _, _| say_nologin(header)),
            Hook::Request(|request, state, _| state.authx = names(request, "cred")),
        ],
    },
    Seed {
        slug: "login-by-unknown-principal-answered",
        about: "answers a login that names only unknown principals as a success",
        hooks: &[Hook::Outcome(|request, outcome, state, _| {
            let names_any = request.params.as_ref().and_then(Json::as_object).is_some_and(|m| !m.is_empty());
            if request.method == "login" && names_any && principals(request) == 0 {
                *outcome = Ok(active(state));
            }
        })],
    },
    Seed {
        slug: "login-without-params-answered",
        about: "answers a login without params as a success",
        hooks: &[Hook::Outcome(|request, outcome, state, _| {
            if request.method == "login" && request.params.is_none() {
                *outcome = Ok(active(state));
            }
        })],
    },
    Seed {
        slug: "login-by-cred-refused-untrusted",
        about: "refuses logins by credential in an untrusted session",
        hooks: &[Hook::Request(|request, state, _| {
            if !state.is_trusted() && names(request, "cred") {
                state.authx = false;
            }
        })],
    },
    Seed {
        slug: "login-by-wrong-cred-accepted-when-trusted",
        about: "accepts any credential in a trusted session",
        hooks: &[Hook::Outcome(|request, outcome, state, _| {
            if state.is_trusted() && names(request, "cred") && is_refused(outcome, LOGIN_REFUSED) {
                *outcome = Ok(object([("contactId", 202.into()), ("userId", 1.into())]));
            }
        })],
    },
    Seed {
        slug: "login-contact-id-as-user-id",
        about: "takes a contactId for a userId",
        hooks: &[Hook::Request(|request, _, _| rename(request, "contactId", "userId"))],
    },
    Seed {
        slug: "login-by-contact-id-without-rights",
        about: "gives no rights to a contact that was named by contactId",
        hooks: &[Hook::Outcome(|request, outcome, state, _| {
            drop_rights(request, "contactId", outcome, state);
        })],
    },
    Seed {
        slug: "login-user-id-as-contact-id",
        about: "takes a userId for a contactId",
        hooks: &[Hook::Request(|request, _, _| rename(request, "userId", "contactId"))],
    },
    Seed {
        slug: "login-by-user-id-without-rights",
        about: "gives no rights to a user that was named by userId",
        hooks: &[Hook::Outcome(|request, outcome, state, _| drop_rights(request, "userId", outcome, state))],
    },
    Seed {
        slug: "login-by-user-unknown",
        about: "knows no principal called user",
        hooks: &[Hook::Request(|request, _, _| rename(request, "user", "name"))],
    },
    Seed {
        slug: "login-by-user-without-rights",
        about: "gives no rights to a user that was named by user",
        hooks: &[Hook::Outcome(|request, outcome, state, _| drop_rights(request, "user", outcome, state))],
    },
    Seed {
        slug: "login-by-contact-id-untrusted",
        about: "serves logins by contactId in an untrusted session",
        hooks: &[
            Hook::Request(|request, state, scene| trust_if(names(request, "contactId"), state, scene)),
            Hook::Outcome(|_, _, state, scene| {
                distrust(state, scene);
            }),
        ],
    },
    Seed {
        slug: "login-by-contact-id-untrusted-refused-too-late",
        about: "refuses a login by contactId in an untrusted session after it has set the user",
        hooks: &[
            Hook::Request(|request, state, scene| trust_if(names(request, "contactId"), state, scene)),
            Hook::Outcome(|_, outcome, state, scene| refuse_late(outcome, state, scene)),
        ],
    },
    Seed {
        slug: "login-by-user-id-untrusted",
        about: "serves logins by userId in an untrusted session",
        hooks: &[
            Hook::Request(|request, state, scene| trust_if(names(request, "userId"), state, scene)),
            Hook::Outcome(|_, _, state, scene| {
                distrust(state, scene);
            }),
        ],
    },
    Seed {
        slug: "login-by-user-id-untrusted-refused-too-late",
        about: "refuses a login by userId in an untrusted session after it has set the user",
        hooks: &[
            Hook::Request(|request, state, scene| trust_if(names(request, "userId"), state, scene)),
            Hook::Outcome(|_, outcome, state, scene| refuse_late(outcome, state, scene)),
        ],
    },
    Seed {
        slug: "login-by-user-untrusted",
        about: "serves logins by user in an untrusted session",
        hooks: &[
            Hook::Request(|request, state, scene| trust_if(names(request, "user"), state, scene)),
            Hook::Outcome(|_, _, state, scene| {
                distrust(state, scene);
            }),
        ],
    },
    Seed {
        slug: "login-by-user-untrusted-refused-too-late",
        about: "refuses a login by user in an untrusted session after it has set the user",
        hooks: &[
            Hook::Request(|request, state, scene| trust_if(names(request, "user"), state, scene)),
            Hook::Outcome(|_, outcome, state, scene| refuse_late(outcome, state, scene)),
        ],
    },
    Seed {
        slug: "login-failure-logs-out",
        about: "logs the active user out when a login fails",
        hooks: &[Hook::Outcome(|request, outcome, state, _| {
            if request.method == "login" && outcome.is_err() {
                state.account = None;
            }
        })],
    },
];

/// How many principals a login names.
fn principals(request: &Request) -> usize {
    ["cred", "contactId", "userId", "user"].into_iter().filter(|name| names(request, name)).count()
}

/// Whether a request is a login that names this principal.
fn names(request: &Request, principal: &str) -> bool {
    request.method == "login" && request.params.as_ref().is_some_and(|params| params.get(principal).is_some())
}

fn rename(request: &mut Request, from: &str, to: &str) {
    if request.method == "login"
        && let Some(Json::Object(members)) = &mut request.params
    {
        for (name, _) in members.iter_mut().filter(|(name, _)| name == from) {
            to.clone_into(name);
        }
    }
}

fn is_refused(outcome: &Outcome, code: i64) -> bool {
    matches!(outcome, Err(error) if error.code == code)
}

/// What a login as the active user would return.
fn active(state: &State) -> Json {
    let id = |id: Option<i64>| id.map_or(Json::Null, Json::from);
    let account = state.account.as_ref();
    object([
        ("contactId", id(account.map(|account| account.contact))),
        ("userId", id(account.and_then(|account| account.user))),
    ])
}

fn say_nologin(header: &mut Json) {
    if let Some(login) = member(header, "Civi::pipe").and_then(|flags| member(flags, "l")) {
        *login = Json::Array(vec!["nologin".into()]);
    }
}

fn drop_rights(request: &Request, principal: &str, outcome: &Outcome, state: &mut State) {
    if names(request, principal)
        && outcome.is_ok()
        && let Some(account) = &mut state.account
    {
        account.permissions = &[];
    }
}

/// Lets an untrusted session be trusted for one request.
fn trust_if(wanted: bool, state: &mut State, scene: &mut Scene) {
    if wanted && !state.is_trusted() {
        state.trust = Trust::Trusted;
        scene.count = 1;
    }
}

/// Takes that trust away. Whether there was any.
fn distrust(state: &mut State, scene: &mut Scene) -> bool {
    let was = std::mem::take(&mut scene.count) == 1;
    if was {
        state.trust = Trust::Untrusted;
    }
    was
}

fn refuse_late(outcome: &mut Outcome, state: &mut State, scene: &mut Scene) {
    if distrust(state, scene) && outcome.is_ok() {
        *outcome = Err(ErrorObject::new(NOT_TRUSTED, "the login needs a trusted connection"));
    }
}
