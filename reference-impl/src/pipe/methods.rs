//! The five methods and what they are called. The list is purposefully short; everything else is not found.

use civispec_wire::json::Json;
use civispec_wire::jsonrpc::{ErrorObject, INVALID_PARAMS, METHOD_NOT_FOUND, Request};

use super::api::Calls;
use super::hooks::Hooks;
use super::state::State;
use super::{Profile, api3, api4, login, options};

/// What comes of a request.
pub(crate) type Outcome = Result<Json, ErrorObject>;

/// Executes a request. Names count to the letter, case included.
pub(crate) fn call(request: &Request, state: &mut State, hooks: &mut Hooks) -> Outcome {
    let params = request.params.as_ref();
    let known = ["api3", "api4", "echo", "login", "options"].contains(&request.method.as_str());
    if known && !takes(params, &request.method, state.profile) {
        return Err(ErrorObject::new(INVALID_PARAMS, "params must be an array or an object"));
    }
    match request.method.as_str() {
        "api3" => api3::api3(params, &mut Calls::new(state, hooks)),
        "api4" => api4::api4(params, &mut Calls::new(state, hooks)),
        "echo" => Ok(params.cloned().unwrap_or_else(|| Json::Array(Vec::new()))),
        "login" => login::login(params, state),
        "options" => options::options(params, state),
        _ => Err(ErrorObject::new(METHOD_NOT_FOUND, "method not found")),
    }
}

/// Whether the params have a type that JSON-RPC allows; null is none. The draft shows an `echo` of a bare string,
/// against the JSON-RPC that it imports, and is followed there.
fn takes(params: Option<&Json>, method: &str, profile: Profile) -> bool {
    matches!(params, None | Some(Json::Array(_) | Json::Object(_)))
        || (method == "echo" && profile == Profile::Draft)
}
