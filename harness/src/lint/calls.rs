//! Judges the response to a call by its method.

use civispec_wire::json::Json;
use civispec_wire::jsonrpc::{
    INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, Request,
};

use super::batch::brief;
use super::clauses as c;
use super::court::{Court, code, is_api_failure, is_draft, result};
use super::finding::Place;
use super::numbers::{Same, compare};
use super::options::ApiError;

/// The methods of the text.
const METHODS: [&str; 5] = ["api3", "api4", "echo", "login", "options"];

/// The response to one call.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) place: Place<'a>,
    pub(super) request: &'a Request,
    pub(super) response: &'a Json,
    pub(super) result: Option<&'a Json>,
    pub(super) code: Option<i64>,
}

impl Call<'_> {
    pub(super) fn is_error(&self) -> bool {
        self.response.get("error").is_some_and(|e| *e != Json::Null)
    }

    pub(super) fn params(&self) -> Option<&Json> {
        self.request.params.as_ref()
    }
}

impl Court<'_> {
    /// Judges the response to a valid request with an id.
    pub(super) fn call(&mut self, place: Place<'_>, request: &Request, response: &Json) {
        let result = result(response);
        let call = Call { place, request, response, result, code: code(response) };
        if result.is_none() && !call.is_error() {
            // Neither a result nor an error: said already.
            return;
        }
        let method = request.method.as_str();
        if !METHODS.contains(&method) {
            return self.other_method(call);
        }
        let wrong_type = matches!(request.params, Some(Json::String(_) | Json::Number(_) | Json::Bool(_)));
        if wrong_type {
            return self.wrong_params(call);
        }
        let is_null = request.params == Some(Json::Null);
        if is_null && matches!(call.code, Some(INVALID_PARAMS | INVALID_REQUEST)) {
            return self.sheet.reading(c::PARAMS_NULL, "invalid");
        }
        if is_null && !call.is_error() {
            self.sheet.reading(c::PARAMS_NULL, "omitted");
        }
        self.defined_codes(call);
        match method {
            "echo" => self.echo(call),
            "options" => self.options_call(call),
            "login" => self.login(call),
            "api3" | "api4" => self.api(call),
            _ => {}
        }
    }

    /// A request that is sound gets no code that says it is not.
    fn defined_codes(&mut self, call: Call<'_>) {
        match call.code {
            Some(PARSE_ERROR) => {
                self.sheet.find(
                    c::PARSE_ERROR,
                    call.place,
                    "-32700 only for what is no JSON",
                    brief(call.response),
                );
            }
            Some(INVALID_REQUEST) => {
                self.sheet.find(
                    c::INVALID_REQUEST,
                    call.place,
                    "-32600 only for what is no valid request",
                    brief(call.response),
                );
            }
            _ => {}
        }
    }

    fn wrong_params(&mut self, call: Call<'_>) {
        if is_draft(self.session) {
            let echo = call.request.method == "echo";
            if let (true, Some(params)) = (echo, call.params()) {
                match call.result.map(|r| compare(params, r)) {
                    Some(Same::No) => {
                        self.sheet.find(
                            c::DRAFT_ECHO,
                            call.place,
                            format!("the result {params}, or an error"),
                            brief(call.response),
                        );
                    }
                    Some(_) => self.sheet.reading(c::DRAFT_ECHO, "returned"),
                    None => self.sheet.reading(c::DRAFT_ECHO, "refused"),
                }
            }
            return;
        }
        match call.code {
            Some(INVALID_PARAMS) => self.sheet.reading(c::PARAMS_WRONG_TYPE, "invalid-params"),
            Some(INVALID_REQUEST) => self.sheet.reading(c::PARAMS_WRONG_TYPE, "invalid-request"),
            _ => self.sheet.find(
                c::PARAMS_WRONG_TYPE,
                call.place,
                "the error -32602 or -32600",
                brief(call.response),
            ),
        }
    }

    fn other_method(&mut self, call: Call<'_>) {
        let method = call.request.method.as_str();
        let known = METHODS.iter().find(|m| m.eq_ignore_ascii_case(method));
        let bare: String = method.chars().filter(char::is_ascii_alphanumeric).collect();
        let disguised = METHODS.iter().any(|m| m.eq_ignore_ascii_case(&bare));
        let wanted = "the error -32601";
        if call.code == Some(METHOD_NOT_FOUND) {
            if method.starts_with("rpc.") {
                self.sheet.reading(c::REQUEST_RPC_RESERVED, "no-extension");
            }
            return;
        }
        let got = brief(call.response);
        if let Some(known) = known {
            let wanted = format!("{wanted}, as {method} is not {known}");
            return self.sheet.find(c::REQUEST_NAMES_CASE, call.place, wanted, got);
        }
        if method.starts_with("__") || method.chars().any(char::is_control) {
            return self.sheet.find(c::METHOD_INTERNALS, call.place, wanted, got);
        }
        match call.result {
            Some(result) if method.starts_with("rpc.") => {
                let rest = &method[4..];
                let echoed = call.params().is_some_and(|p| compare(p, result) <= Same::Rounded);
                if METHODS.contains(&rest) || echoed {
                    self.sheet.find(
                        c::REQUEST_RPC_RESERVED,
                        call.place,
                        "no ordinary method under this name",
                        got,
                    );
                } else {
                    self.sheet.reading(c::REQUEST_RPC_RESERVED, "extension");
                }
            }
            Some(_) if disguised => self.sheet.find(c::METHOD_NOT_FOUND, call.place, wanted, got),
            Some(_) => self.sheet.note(
                call.place.line,
                format!("the server has a method {method:?} beyond the five; not judged"),
            ),
            None if self.served.iter().any(|m| m == method) => {}
            None => self.sheet.find(c::METHOD_NOT_FOUND, call.place, wanted, got),
        }
    }

    fn echo(&mut self, call: Call<'_>) {
        let Some(params) = call.params().filter(|p| **p != Json::Null) else {
            let reading = match call.result {
                None => "no-params-error",
                Some(Json::Null) => "no-params-null",
                Some(Json::Array(items)) if items.is_empty() => "no-params-empty-array",
                Some(Json::Object(members)) if members.is_empty() => "no-params-empty-object",
                Some(_) => {
                    let wanted = "null, [], {} or an error, as there was no input";
                    return self.sheet.find(c::ECHO_INPUT, call.place, wanted, brief(call.response));
                }
            };
            return self.sheet.reading(c::ECHO_INPUT, reading);
        };
        let wanted = format!("the result {}", brief(params));
        match call.result.map_or(Same::No, |result| compare(params, result)) {
            Same::Exactly => {}
            Same::Rounded => self.sheet.warn(c::NUMBER_EXACT, call.place, wanted, brief(call.response)),
            Same::Changed => self.sheet.find(c::NUMBER_EXACT, call.place, wanted, brief(call.response)),
            Same::No => self.sheet.find(c::ECHO_INPUT, call.place, wanted, brief(call.response)),
        }
    }

    fn login(&mut self, call: Call<'_>) {
        let Some(result) = call.result else { return };
        let has = |name: &str| call.params().is_some_and(|p| p.get(name).is_some());
        let principals: Vec<&str> =
            ["cred", "contactId", "userId", "user"].into_iter().filter(|p| has(p)).collect();
        let got = brief(call.response);
        if self.facts.no_login {
            self.sheet.find(
                c::LOGIN_AUTHX,
                call.place,
                "an error, as the header reports nologin",
                got.as_str(),
            );
        }
        match principals.as_slice() {
            [] => self.sheet.find(
                c::LOGIN_ONE_PRINCIPAL,
                call.place,
                "an error, as no principal is named",
                got.as_str(),
            ),
            ["cred"] => {}
            [one] if self.facts.trusted == Some(false) => {
                let clause = match *one {
                    "contactId" => c::LOGIN_CONTACT_ID_TRUSTED,
                    "userId" => c::LOGIN_USER_ID_TRUSTED,
                    _ => c::LOGIN_USER_TRUSTED,
                };
                self.sheet.find(
                    clause,
                    call.place,
                    format!("an error, as {one} requires trusted mode"),
                    got.as_str(),
                );
            }
            _ => {}
        }
        if result.get("contactId").is_none() || result.get("userId").is_none() {
            self.sheet.find(c::LOGIN_RESULT, call.place, "a result with contactId and userId", got.as_str());
        }
    }

    fn api(&mut self, call: Call<'_>) {
        let version = call.request.method.as_str();
        if let Some(what) = unusable(call.params()) {
            let by_name = call.params().is_some_and(|p| p.as_object().is_some());
            if by_name
                && (call.result.is_some() || self.served.iter().any(|m| *m == format!("{version} by name")))
            {
                return;
            }
            if call.result.is_some() && call.params().and_then(Json::as_array).is_some_and(|p| p.len() > 1) {
                // The server makes something of them.
                return;
            }
            let mode = self.options.api_error();
            let refused =
                call.result.is_some_and(|r| is_api_failure(r) && !matches!(mode, ApiError::DefaultException));
            if call.code != Some(INVALID_PARAMS) && !refused && !what.is_empty() {
                self.sheet.find(
                    c::INVALID_PARAMS,
                    call.place,
                    format!("the error -32602, as {what}"),
                    brief(call.response),
                );
            }
            return;
        }
        match call.result {
            None => self.api_error(call),
            Some(result) if is_api_failure(result) => self.api_failure(call, result),
            Some(result) => self.api_success(call, result),
        }
    }

    /// An API call answered with a JSON-RPC error.
    fn api_error(&mut self, call: Call<'_>) {
        // What the server itself says of the request is no error of the API.
        if matches!(
            call.code,
            Some(INVALID_PARAMS | INTERNAL_ERROR | INVALID_REQUEST | PARSE_ERROR | METHOD_NOT_FOUND)
        ) {
            return;
        }
        match self.options.api_error() {
            ApiError::Array => {
                let wanted = "a result with is_error, as apiError is array";
                self.sheet.find(c::API_ERROR_ARRAY, call.place, wanted, brief(call.response));
            }
            ApiError::DraftArray => {
                self.sheet.find(
                    c::DRAFT_ERRORS_IN_RESULT,
                    call.place,
                    "a result with is_error",
                    brief(call.response),
                );
            }
            _ => {}
        }
    }

    /// An API call answered with a result that reports a failure.
    fn api_failure(&mut self, call: Call<'_>, result: &Json) {
        let got = || brief(call.response);
        let is_text = |name: &str| result.get(name).is_some_and(|v| v.as_str().is_some());
        match self.options.api_error() {
            ApiError::DefaultException => {
                self.sheet.find(
                    c::API_ERRORS,
                    call.place,
                    "a JSON-RPC error, as apiError was not changed",
                    got(),
                );
            }
            ApiError::Exception => {
                self.sheet.find(
                    c::API_ERROR_EXCEPTION,
                    call.place,
                    "a JSON-RPC error, as apiError is exception",
                    got(),
                );
            }
            ApiError::Array if !is_text("error_message") => {
                self.sheet.find(c::API_ERROR_ARRAY, call.place, "an error_message beside is_error", got());
            }
            ApiError::DraftArray => {
                let wanted = ["error_message", "error_code", "entity", "action"];
                if let Some(missing) = wanted.iter().find(|name| result.get(name).is_none()) {
                    self.sheet.find(
                        c::DRAFT_ERROR_SHAPE,
                        call.place,
                        format!("{missing} in the result"),
                        got(),
                    );
                }
            }
            _ => {}
        }
    }

    /// An API call that succeeded: the shape of `get`.
    fn api_success(&mut self, call: Call<'_>, result: &Json) {
        let params = call.params().and_then(Json::as_array).unwrap_or_default();
        if !params.get(1).and_then(Json::as_str).is_some_and(|action| action.eq_ignore_ascii_case("get")) {
            return;
        }
        let plain = params.get(2).is_none_or(|p| p.get("options").is_none() && p.get("sequential").is_none());
        let good = match call.request.method.as_str() {
            // A fourth element chooses another shape.
            "api4" => params.get(3).is_some() || result.as_array().is_some(),
            _ => !plain || ["is_error", "count", "values"].iter().all(|name| result.get(name).is_some()),
        };
        if !good {
            let wanted = if call.request.method == "api4" {
                "a list of records"
            } else {
                "an object with is_error, count and values"
            };
            self.sheet.find(c::API_RESULT, call.place, wanted, brief(call.response));
        }
    }
}

/// Why the params of an API call are none that it can use; empty where servers may differ.
fn unusable(params: Option<&Json>) -> Option<&'static str> {
    match params {
        None | Some(Json::Null) => Some("there are no params"),
        Some(Json::Object(_)) => Some("the params are no list of entity, action and params"),
        Some(Json::Array(items)) => match items.as_slice() {
            [] | [_] => Some("the entity or the action is missing"),
            [Json::Number(_), ..] | [_, Json::Number(_), ..] => Some(""),
            [entity, action, ..] if entity.as_str().is_none() || action.as_str().is_none() => {
                Some("the entity and the action are strings")
            }
            [_, _, Json::String(_) | Json::Number(_) | Json::Bool(_), ..] => {
                Some("the third element is an object")
            }
            _ => None,
        },
        Some(_) => Some(""),
    }
}
