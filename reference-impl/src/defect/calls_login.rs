//! Further defects of the method `login`: whom it lets in, and what it returns.

use civispec_wire::json::{Json, object};
use civispec_wire::jsonrpc::Request;

use crate::pipe::ACCOUNT;
use crate::pipe::code::LOGIN_REFUSED;
use crate::pipe::hooks::Hook;
use crate::pipe::methods::Outcome;

use super::{Seed, member};

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "login-by-unknown-contact-id-answered",
        about: "answers a login by a contactId that no contact has as a success",
        hooks: &[Hook::Outcome(|request, outcome, _, _| answer_unknown(request, "contactId", outcome))],
    },
    Seed {
        slug: "login-by-unknown-user-id-answered",
        about: "answers a login by a userId that no user has as a success",
        hooks: &[Hook::Outcome(|request, outcome, _, _| answer_unknown(request, "userId", outcome))],
    },
    Seed {
        slug: "login-by-empty-user-answered",
        about: "answers a login by an empty user as a success",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if principal(request, "user") == Some(&"".into()) {
                answer_unknown(request, "user", outcome);
            }
        })],
    },
    Seed {
        slug: "login-by-cred-compared-in-part",
        about: "accepts a credential that only begins like a known one",
        hooks: &[Hook::Request(|request, _, _| {
            if request.method == "login"
                && let Some(Json::String(cred)) =
                    request.params.as_mut().and_then(|params| member(params, "cred"))
                && cred.starts_with(ACCOUNT.cred)
            {
                cred.truncate(ACCOUNT.cred.len());
            }
        })],
    },
    Seed {
        slug: "login-by-wrong-cred-answered-in-batch",
        about: "answers a login by a wrong credential in a batch as a success",
        hooks: &[Hook::Outcome(|request, outcome, _, scene| {
            if scene.batch.is_some() {
                answer_unknown(request, "cred", outcome);
            }
        })],
    },
    Seed {
        slug: "login-by-cred-without-rights",
        about: "gives no rights to a user that was named by a credential",
        hooks: &[Hook::Outcome(|request, outcome, state, _| {
            if principal(request, "cred").is_some()
                && outcome.is_ok()
                && let Some(account) = &mut state.account
            {
                account.permissions = &[];
            }
        })],
    },
    Seed {
        slug: "login-ids-as-strings",
        about: "returns contactId and userId of a login as strings",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if let ("login", Ok(Json::Object(ids))) = (request.method.as_str(), outcome) {
                for (_, id) in ids.iter_mut().filter(|(_, id)| *id != Json::Null) {
                    *id = Json::String(id.to_string());
                }
            }
        })],
    },
];

/// The principal of a login.
fn principal<'a>(request: &'a Request, name: &str) -> Option<&'a Json> {
    request.params.as_ref().filter(|_| request.method == "login")?.get(name)
}

/// Answers a login that was refused since nobody is called so, and sets no user.
fn answer_unknown(request: &Request, name: &str, outcome: &mut Outcome) {
    if let Some(id) = principal(request, name)
        && matches!(outcome, Err(error) if error.code == LOGIN_REFUSED)
    {
        let id = if id.as_i64().is_some() { id.clone() } else { Json::Null };
        *outcome = Ok(object([("contactId", id), ("userId", Json::Null)]));
    }
}
