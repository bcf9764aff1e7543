//! The JSON-RPC 2.0 vocabulary: requests and responses as values, the codes, and nothing about how they travel.
//!
//! A message is judged by the letter of the specification. What a server does with a message that is not a request,
//! and which params a method takes, is its own affair.

use crate::json::{Json, object};

/// Invalid JSON was received.
pub const PARSE_ERROR: i64 = -32700;
/// The JSON is not a valid request object.
pub const INVALID_REQUEST: i64 = -32600;
/// The method does not exist.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// The params do not fit the method.
pub const INVALID_PARAMS: i64 = -32602;
/// An internal error of JSON-RPC itself.
pub const INTERNAL_ERROR: i64 = -32603;
/// The codes that an implementation may define for its own server errors.
pub const SERVER_ERRORS: std::ops::RangeInclusive<i64> = -32099..=-32000;

/// A request or, without an id, a notification (section 4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The name of the method, case included.
    pub method: String,
    /// The params as they came: whether they are structured is not judged here. `None` when the member is absent.
    pub params: Option<Json>,
    /// A string, a number or null; `None` for a notification. Null is a request that wants an answer.
    pub id: Option<Json>,
}

/// Why a message is not a request, and which id an answer to it may carry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Invalid {
    /// The id, when it is a string or a number; otherwise null (section 5).
    pub id: Json,
    /// What is wrong.
    pub reason: InvalidReason,
}

/// What can be wrong with a request object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReason {
    /// It is no object.
    #[error("a request must be an object")]
    NotAnObject,
    /// `jsonrpc` is absent or not the string "2.0".
    #[error("the member jsonrpc must be the string \"2.0\"")]
    Version,
    /// `method` is absent or no string.
    #[error("the member method must be a string")]
    Method,
    /// `id` is a boolean, an array or an object.
    #[error("the member id must be a string, a number or null")]
    Id,
}

impl Request {
    /// Reads a request from a JSON value. Members with other names are passed over; of a member that occurs twice the
    /// last one counts.
    ///
    /// # Errors
    /// [`Invalid`] when the value breaks section 4.
    pub fn decode(message: Json) -> Result<Self, Invalid> {
        let invalid = |id: Option<Json>, reason| match id {
            Some(id @ (Json::String(_) | Json::Number(_))) => Invalid { id, reason },
            _ => Invalid { id: Json::Null, reason },
        };
        let Json::Object(members) = message else {
            return Err(invalid(None, InvalidReason::NotAnObject));
        };
        let (mut version, mut method, mut params, mut id) = (None, None, None, None);
        for (name, value) in members {
            match name.as_str() {
                "jsonrpc" => version = Some(value),
                "method" => method = Some(value),
                "params" => params = Some(value),
                "id" => id = Some(value),
                _ => {}
            }
        }
        if matches!(id, Some(Json::Bool(_) | Json::Array(_) | Json::Object(_))) {
            return Err(invalid(None, InvalidReason::Id));
        }
        if version.as_ref().and_then(Json::as_str) != Some("2.0") {
            return Err(invalid(id, InvalidReason::Version));
        }
        let Some(Json::String(method)) = method else {
            return Err(invalid(id, InvalidReason::Method));
        };
        Ok(Self { method, params, id })
    }

    /// The request as JSON: `jsonrpc`, `method`, then `params` and `id` where present.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut members = vec![
            ("jsonrpc".to_owned(), Json::from("2.0")),
            ("method".to_owned(), self.method.as_str().into()),
        ];
        members.extend(self.params.clone().map(|params| ("params".to_owned(), params)));
        members.extend(self.id.clone().map(|id| ("id".to_owned(), id)));
        Json::Object(members)
    }
}

/// The error of a response (section 5.1).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct ErrorObject {
    /// What kind of error.
    pub code: i64,
    /// One short sentence.
    pub message: String,
    /// More about it, as the server likes.
    pub data: Option<Json>,
}

impl ErrorObject {
    /// An error without data.
    #[must_use]
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }
}

/// A response (section 5): exactly one of a result and an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The id of the request, or null where it could not be detected.
    pub id: Json,
    /// What came of the request.
    pub outcome: Result<Json, ErrorObject>,
}

/// Why a message is not a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadResponse {
    /// It is no object.
    #[error("a response must be an object")]
    NotAnObject,
    /// `jsonrpc` is absent or not the string "2.0".
    #[error("the member jsonrpc must be the string \"2.0\"")]
    Version,
    /// `id` is absent, or neither string, number nor null.
    #[error("the member id must be present, and a string, a number or null")]
    Id,
    /// Both or neither of `result` and `error` are present.
    #[error("exactly one of the members result and error must be present")]
    Outcome,
    /// `error` lacks an integer code or a string message.
    #[error("the member error must have an integer code and a string message")]
    Error,
}

impl Response {
    /// The response as JSON, in the order `jsonrpc`, `result` or `error`, `id`.
    #[must_use]
    pub fn into_json(self) -> Json {
        let outcome = match self.outcome {
            Ok(result) => ("result", result),
            Err(ErrorObject { code, message, data }) => {
                let mut error = vec![
                    ("code".to_owned(), Json::from(code)),
                    ("message".to_owned(), Json::String(message)),
                ];
                error.extend(data.map(|data| ("data".to_owned(), data)));
                ("error", Json::Object(error))
            }
        };
        object([("jsonrpc", "2.0".into()), outcome, ("id", self.id)])
    }

    /// Reads a response from a JSON value. Members with other names are passed over.
    ///
    /// # Errors
    /// [`BadResponse`] when the value breaks section 5.
    pub fn decode(message: &Json) -> Result<Self, BadResponse> {
        if message.as_object().is_none() {
            return Err(BadResponse::NotAnObject);
        }
        if message.get("jsonrpc").and_then(Json::as_str) != Some("2.0") {
            return Err(BadResponse::Version);
        }
        let Some(id @ (Json::Null | Json::String(_) | Json::Number(_))) = message.get("id") else {
            return Err(BadResponse::Id);
        };
        let outcome = match (message.get("result"), message.get("error")) {
            (Some(result), None) => Ok(result.clone()),
            (None, Some(error)) => Err(decode_error(error).ok_or(BadResponse::Error)?),
            _ => return Err(BadResponse::Outcome),
        };
        Ok(Self { id: id.clone(), outcome })
    }
}

fn decode_error(error: &Json) -> Option<ErrorObject> {
    Some(ErrorObject {
        code: error.get("code")?.as_i64()?,
        message: error.get("message")?.as_str()?.to_owned(),
        data: error.get("data").cloned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    fn decode(text: &str) -> Result<Request, Invalid> {
        Request::decode(parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn an_absent_id_makes_a_notification_and_a_null_id_does_not() {
        assert_eq!(decode(r#"{"jsonrpc":"2.0","method":"m"}"#).unwrap().id, None);
        assert_eq!(decode(r#"{"jsonrpc":"2.0","method":"m","id":null}"#).unwrap().id, Some(Json::Null));
    }

    #[test]
    fn a_request_keeps_its_params_of_whatever_type_and_the_text_of_its_id() {
        let request = decode(r#"{"id":1.50,"x":0,"params":"p","method":"M","jsonrpc":"2.0"}"#).unwrap();
        assert_eq!(request.to_json().to_string(), r#"{"jsonrpc":"2.0","method":"M","params":"p","id":1.50}"#);
    }

    #[test]
    fn an_invalid_request_tells_the_id_only_where_it_is_a_string_or_a_number() {
        for (text, id, reason) in [
            ("[]", "null", InvalidReason::NotAnObject),
            ("1", "null", InvalidReason::NotAnObject),
            (r#"{"method":"m","id":7}"#, "7", InvalidReason::Version),
            (r#"{"jsonrpc":2.0,"method":"m","id":"a"}"#, "\"a\"", InvalidReason::Version),
            (r#"{"JSONRPC":"2.0","method":"m","id":"a"}"#, "\"a\"", InvalidReason::Version),
            (r#"{"jsonrpc":"2.0","method":1}"#, "null", InvalidReason::Method),
            (r#"{"jsonrpc":"2.0","id":1.5}"#, "1.5", InvalidReason::Method),
            (r#"{"jsonrpc":"2.0","method":"m","id":{}}"#, "null", InvalidReason::Id),
            (r#"{"jsonrpc":"2.0","method":"m","id":true}"#, "null", InvalidReason::Id),
        ] {
            let invalid = decode(text).unwrap_err();
            assert_eq!((invalid.id.to_string().as_str(), invalid.reason), (id, reason), "{text}");
        }
    }

    #[test]
    fn responses_have_their_members_in_the_usual_order_and_survive_a_round_trip() {
        let error = ErrorObject { data: Some(Json::Null), ..ErrorObject::new(INVALID_PARAMS, "no") };
        for (outcome, text) in [
            (Ok(Json::Null), r#"{"jsonrpc":"2.0","result":null,"id":"x"}"#),
            (Err(error), r#"{"jsonrpc":"2.0","error":{"code":-32602,"message":"no","data":null},"id":"x"}"#),
        ] {
            let response = Response { id: "x".into(), outcome };
            let json = response.clone().into_json();
            assert_eq!(json.to_string(), text);
            assert_eq!(Response::decode(&json), Ok(response));
        }
    }

    #[test]
    fn what_is_not_a_response_is_named() {
        for (text, bad) in [
            ("[]", BadResponse::NotAnObject),
            (r#"{"result":1,"id":1}"#, BadResponse::Version),
            (r#"{"jsonrpc":"2.0","result":1}"#, BadResponse::Id),
            (r#"{"jsonrpc":"2.0","result":1,"id":[]}"#, BadResponse::Id),
            (r#"{"jsonrpc":"2.0","id":1}"#, BadResponse::Outcome),
            (
                r#"{"jsonrpc":"2.0","id":1,"result":null,"error":{"code":1,"message":""}}"#,
                BadResponse::Outcome,
            ),
            (r#"{"jsonrpc":"2.0","id":1,"error":{"code":1.5,"message":""}}"#, BadResponse::Error),
            (r#"{"jsonrpc":"2.0","id":1,"error":"no"}"#, BadResponse::Error),
        ] {
            assert_eq!(Response::decode(&parse(text.as_bytes()).unwrap()), Err(bad), "{text}");
        }
    }
}
