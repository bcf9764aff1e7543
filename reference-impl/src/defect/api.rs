//! Defects of API calls: what they are given, and how their errors are reported.

use civispec_wire::json::{Json, object};
use civispec_wire::jsonrpc::{ErrorObject, INVALID_PARAMS, Request};

use crate::pipe::code::API_FAILED;
use crate::pipe::hooks::Hook;
use crate::pipe::methods::Outcome;
use crate::pipe::options::ApiErrors;

use super::{Seed, api_failed, api_failed_in_result, member, remove};

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "api3-params-dropped",
        about: "calls actions of APIv3 without the params of the request, check_permissions excepted",
        hooks: &[Hook::Request(|request, _, _| {
            if let ("api3", Some(Json::Array(tuple))) = (request.method.as_str(), &mut request.params)
                && let Some(Json::Object(params)) = tuple.get_mut(2)
            {
                params.retain(|(name, _)| name == "check_permissions");
            }
        })],
    },
    Seed {
        slug: "api-tuple-of-two-refused",
        about: "refuses an API call that has no third element",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            let length = request.params.as_ref().and_then(Json::as_array).map_or(0, <[Json]>::len);
            if request.method.starts_with("api") && length == 2 {
                *outcome =
                    Err(ErrorObject::new(INVALID_PARAMS, "the params must be [entity, action, params]"));
            }
        })],
    },
    Seed {
        slug: "api-refusal-in-result",
        about: "reports in the result that a user lacks permission although apiError is exception",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if word_of(outcome) == Some("unauthorized") {
                into_result(request, outcome);
            }
        })],
    },
    Seed {
        slug: "api-bad-value-in-result",
        about: "reports in the result that a param is not valid although apiError is exception",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if word_of(outcome) == Some("invalid_value") {
                into_result(request, outcome);
            }
        })],
    },
    Seed {
        slug: "api-array-error-thrown",
        about: "reports API errors as JSON-RPC errors although apiError was set to array",
        hooks: &[Hook::Outcome(|_, outcome, _, _| throw(outcome))],
    },
    Seed {
        slug: "api3-array-error-thrown-in-batch",
        about: "reports errors of api3 as JSON-RPC errors within a batch although apiError is array",
        hooks: &[Hook::Outcome(|request, outcome, _, scene| {
            if request.method == "api3" && scene.batch.is_some() {
                throw(outcome);
            }
        })],
    },
    Seed {
        slug: "api4-array-error-thrown",
        about: "reports errors of api4 as JSON-RPC errors although apiError was set to array",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if request.method == "api4" {
                throw(outcome);
            }
        })],
    },
    Seed {
        slug: "api-exception-not-restored",
        about: "passes over apiError when it is to be set back to exception",
        hooks: &[Hook::Request(|request, state, _| {
            if request.method == "options"
                && state.options.api_errors == ApiErrors::Array
                && let Some(params) = &mut request.params
                && params.get("apiError") == Some(&"exception".into())
            {
                remove(params, "apiError");
            }
        })],
    },
    Seed {
        slug: "api4-exception-restored-late",
        about: "reports errors of api4 in the result until the second call of options that finds apiError set back",
        hooks: &[Hook::Outcome(|request, outcome, state, scene| match request.method.as_str() {
            "options" if state.options.api_errors == ApiErrors::Array => scene.count = 2,
            "options" => scene.count = scene.count.saturating_sub(1),
            "api4" if scene.count == 1 && api_failed(outcome) => into_result(request, outcome),
            _ => {}
        })],
    },
    Seed {
        slug: "api-error-of-any-word",
        about: "takes and reports any string as apiError",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if let Some(word) = refused_mode(&request.method, request.params.as_ref(), outcome) {
                *outcome = Ok(object([("apiError", word.into())]));
            }
        })],
    },
    Seed {
        slug: "api-error-in-any-case",
        about: "takes array and exception in any case, and reports them as they came",
        hooks: &[Hook::Outcome(|request, outcome, state, _| {
            let mode = match refused_mode(&request.method, request.params.as_ref(), outcome) {
                Some(word) if word.eq_ignore_ascii_case("array") => ApiErrors::Array,
                Some(word) if word.eq_ignore_ascii_case("exception") => ApiErrors::Exception,
                _ => return,
            };
            state.options.api_errors = mode;
            let params = request.params.clone().unwrap_or(Json::Null);
            *outcome = Ok(params);
        })],
    },
];

/// The kind of API error, where it is reported as a JSON-RPC error.
pub(super) fn word_of(outcome: &Outcome) -> Option<&str> {
    match outcome {
        Err(error) if error.code == API_FAILED => error.data.as_ref()?.get("error_code")?.as_str(),
        _ => None,
    }
}

/// Reports an API error as the option `apiError` says for array.
pub(super) fn into_result(request: &Request, outcome: &mut Outcome) {
    if let Err(error) = outcome {
        let word = error.data.as_mut().and_then(|data| member(data, "error_code").cloned());
        let tuple = request.params.as_ref().and_then(Json::as_array).unwrap_or_default();
        let name = |place: usize| tuple.get(place).cloned().unwrap_or(Json::Null);
        *outcome = Ok(object([
            ("is_error", 1.into()),
            ("error_message", error.message.as_str().into()),
            ("error_code", word.unwrap_or(Json::Null)),
            ("entity", name(0)),
            ("action", name(1)),
        ]));
    }
}

/// Reports an API error as the option `apiError` says for exception.
pub(super) fn throw(outcome: &mut Outcome) {
    if api_failed_in_result(outcome) {
        *outcome = Err(ErrorObject::new(API_FAILED, "the call failed"));
    }
}

/// The word that `apiError` was to be set to, if the update was refused and no other option was in it.
fn refused_mode<'a>(method: &str, params: Option<&'a Json>, outcome: &Outcome) -> Option<&'a str> {
    match params?.as_object()? {
        [(name, value)] if method == "options" && name == "apiError" && outcome.is_err() => value.as_str(),
        _ => None,
    }
}
