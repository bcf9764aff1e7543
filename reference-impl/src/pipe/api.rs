//! What the two API versions have in common: the tuple of a request, nested calls, rights, and how errors are
//! reported.

use civispec_wire::json::{Json, object};
use civispec_wire::jsonrpc::{ErrorObject, INVALID_PARAMS};

use crate::store::{Record, StoreError};

use super::code;
use super::entity::{self, Input, Verb, Yield};
use super::hooks::Hooks;
use super::methods::Outcome;
use super::options::ApiErrors;
use super::permission::{self, Access, Ask, OptOut};
use super::state::State;

/// How many calls one request may bring about.
const MAX_CALLS: usize = 1000;

/// How deep calls may be nested in each other.
const MAX_DEPTH: usize = 10;

/// Which API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ApiVersion {
    Three,
    Four,
}

/// Why an API call failed. The message quotes nothing of the request and names nothing of the host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ApiError {
    /// The kind of error, as clients match it.
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl ApiError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// There is no such action.
    pub(crate) fn not_found() -> Self {
        Self::new("not-found", "there is no such entity or action")
    }

    /// A param has a value that makes no sense.
    pub(crate) fn bad_value(what: &str) -> Self {
        Self::new("invalid_value", format!("{what} is not valid"))
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::new("database", error.to_string())
    }
}

/// The tuple of entity, action and params that both API methods take.
pub(crate) struct Tuple<'a> {
    pub(crate) entity: &'a str,
    pub(crate) action: &'a str,
    pub(crate) params: &'a [(String, Json)],
    /// The fourth element, where a call may have one.
    pub(crate) index: Option<&'a Json>,
}

impl<'a> Tuple<'a> {
    /// Reads a tuple of at most `longest` elements. The params are an object, an empty array, or absent; `None` for
    /// anything else.
    pub(crate) fn new(items: &'a Json, longest: usize) -> Option<Self> {
        let items = items.as_array().filter(|items| items.len() <= longest)?;
        let params = match items.get(2) {
            None => &[],
            Some(Json::Array(none)) if none.is_empty() => &[],
            Some(params) => params.as_object()?,
        };
        let index = items.get(3);
        if !matches!(index, None | Some(Json::Null | Json::String(_))) && index?.as_i64().is_none() {
            return None;
        }
        Some(Self { entity: items.first()?.as_str()?, action: items.get(1)?.as_str()?, params, index })
    }

    /// The tuple that a request brings.
    ///
    /// # Errors
    /// Invalid params.
    pub(crate) fn of_request(params: Option<&'a Json>, longest: usize) -> Result<Self, ErrorObject> {
        params
            .and_then(|params| Self::new(params, longest))
            .ok_or_else(|| ErrorObject::new(INVALID_PARAMS, "the params must be [entity, action, params]"))
    }

    /// A param by name; of duplicates the last one.
    pub(crate) fn param(&self, name: &str) -> Option<&'a Json> {
        self.params.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

/// The API calls that one request brings about.
pub(crate) struct Calls<'a> {
    state: &'a mut State,
    hooks: &'a mut Hooks,
    made: usize,
    /// Whether the call that was last asked about says something of permission checks.
    explicit: bool,
}

impl<'a> Calls<'a> {
    pub(crate) fn new(state: &'a mut State, hooks: &'a mut Hooks) -> Self {
        Self { state, hooks, made: 0, explicit: false }
    }

    /// Whether calls are checked when they say nothing about it.
    pub(crate) fn default_check(&self) -> bool {
        self.state.options.api_check_permissions
    }

    /// Whether a call is checked. Its own wish counts, where it is to check or the session is trusted; without one
    /// it takes after the call that it is nested in, and the outermost after the option.
    pub(crate) fn is_checked(
        &mut self,
        api: ApiVersion,
        spelled: Option<&Json>,
        inherited: bool,
        depth: usize,
    ) -> bool {
        let spelled = spelled.and_then(|value| Some((value, permission::wish(value)?)));
        self.explicit = spelled.is_some();
        let Some((spelled, wish)) = spelled else {
            return inherited;
        };
        if wish {
            return true;
        }
        let mut allowed = self.state.is_trusted();
        self.hooks.opt_out(&OptOut { api, spelled, depth }, &mut allowed);
        if allowed { false } else { inherited }
    }

    /// What a call may reach.
    pub(crate) fn access(
        &mut self,
        api: ApiVersion,
        verb: Verb,
        checked: bool,
        depth: usize,
    ) -> Result<Access, ApiError> {
        self.made += 1;
        if self.made > MAX_CALLS || depth > MAX_DEPTH {
            return Err(ApiError::new("too-many-calls", "the request brings about too many calls"));
        }
        let ask = Ask {
            api,
            verb,
            account: self.state.account.as_ref(),
            checked,
            explicit: self.explicit,
            by_default: self.state.options.api_check_permissions,
            trusted: self.state.is_trusted(),
            depth,
        };
        let mut access = permission::access(&ask);
        self.hooks.rights(&ask, &mut access);
        match access {
            Access::Denied => Err(ApiError::new("unauthorized", "insufficient permission")),
            access => Ok(access),
        }
    }

    /// Carries out an action.
    pub(crate) fn perform(&mut self, verb: Verb, input: Input, access: Access) -> Result<Yield, ApiError> {
        entity::perform(verb, input, access, self.state)
    }

    /// What a failed call is answered with, according to the option `apiError`.
    pub(crate) fn report(&self, error: &ApiError, tuple: &Tuple<'_>) -> Outcome {
        match self.state.options.api_errors {
            ApiErrors::Array => Ok(object([
                ("is_error", 1.into()),
                ("error_message", error.message.as_str().into()),
                ("error_code", error.code.into()),
                ("entity", tuple.entity.into()),
                ("action", tuple.action.into()),
            ])),
            ApiErrors::Exception => Err(ErrorObject {
                data: Some(object([("error_code", error.code.into())])),
                ..ErrorObject::new(code::API_FAILED, error.message.as_str())
            }),
        }
    }
}

/// The members of a row as an object.
pub(crate) fn row(record: Record) -> Vec<(String, Json)> {
    record.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Replaces each string that is `mark` and the name of a member of the row by the value of that member.
pub(crate) fn fill_in(value: &Json, mark: &str, row: &[(String, Json)]) -> Json {
    match value {
        Json::String(text) => text
            .strip_prefix(mark)
            .and_then(|name| row.iter().find(|(known, _)| known == name))
            .map_or_else(|| value.clone(), |(_, value)| value.clone()),
        Json::Array(items) => Json::Array(items.iter().map(|item| fill_in(item, mark, row)).collect()),
        Json::Object(members) => {
            Json::Object(members.iter().map(|(name, v)| (name.clone(), fill_in(v, mark, row))).collect())
        }
        other => other.clone(),
    }
}
