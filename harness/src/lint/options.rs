//! What a session knows of its options: what was reported, what may have changed, which modes hold.

use civispec_wire::json::Json;

use super::numbers::{Same, compare};
use super::recording::Protocol;

/// The options that the published text defines.
pub(super) const DEFINED: [&str; 4] = ["apiCheckPermissions", "apiError", "bufferSize", "responsePrefix"];

/// How API errors are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ApiError {
    /// As JSON-RPC errors, because nobody changed it.
    DefaultException,
    /// As JSON-RPC errors, because it was set so.
    Exception,
    /// In the result, because it was set so.
    Array,
    /// In the result, because the draft has it so.
    DraftArray,
    /// Not known.
    Unknown,
}

/// The value of one option, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Reported(Json),
    Unknown,
}

/// The options of a session.
#[derive(Debug, Clone)]
pub(super) struct Options {
    draft: bool,
    /// What is known by name; absent: nothing was ever said of it.
    known: Vec<(String, Value)>,
}

impl Options {
    pub(super) const fn new(protocol: Protocol) -> Self {
        Self { draft: matches!(protocol, Protocol::Draft), known: Vec::new() }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.known.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    fn set(&mut self, name: &str, value: Value) {
        self.known.retain(|(n, _)| n != name);
        self.known.push((name.to_owned(), value));
    }

    /// What was reported last of an option, unless it may have changed since.
    pub(super) fn reported(&self, name: &str) -> Option<&Json> {
        match self.get(name) {
            Some(Value::Reported(value)) => Some(value),
            _ => None,
        }
    }

    /// Whether nobody has said anything of the option so far.
    pub(super) fn is_untouched(&self, name: &str) -> bool {
        self.get(name).is_none()
    }

    /// Takes what the server reports for the truth.
    pub(super) fn report(&mut self, name: &str, value: &Json) {
        self.set(name, Value::Reported(value.clone()));
    }

    /// An update of which nothing is known: it was refused, or not answered.
    pub(super) fn maybe(&mut self, params: Option<&Json>) {
        for (name, asked) in params.and_then(Json::as_object).unwrap_or_default() {
            let same = self.reported(name).is_some_and(|now| compare(asked, now) == Same::Exactly);
            if !same {
                self.set(name, Value::Unknown);
            }
        }
    }

    /// Something happened to the options that cannot be read.
    pub(super) fn forget(&mut self) {
        for name in DEFINED {
            self.set(name, Value::Unknown);
        }
    }

    /// How API errors are reported now.
    pub(super) fn api_error(&self) -> ApiError {
        match self.get("apiError") {
            None if self.draft => ApiError::DraftArray,
            None => ApiError::DefaultException,
            Some(Value::Reported(value)) => match value.as_str() {
                Some("array") if self.draft => ApiError::DraftArray,
                Some("array") => ApiError::Array,
                Some("exception") => ApiError::Exception,
                _ => ApiError::Unknown,
            },
            Some(Value::Unknown) => ApiError::Unknown,
        }
    }

    /// The longest line in bytes, if the server has said so.
    pub(super) fn limit(&self) -> Option<u64> {
        self.reported(self.limit_name()).and_then(Json::as_i64).and_then(|n| u64::try_from(n).ok())
    }

    /// Whether nobody has touched the limit.
    pub(super) fn is_default_limit(&self) -> bool {
        self.is_untouched(self.limit_name())
    }

    const fn limit_name(&self) -> &'static str {
        if self.draft { "maxLine" } else { "bufferSize" }
    }

    /// Whether answers carry a prefix now.
    pub(super) fn prefix_is_set(&self) -> bool {
        match self.get("responsePrefix") {
            Some(Value::Reported(value)) => {
                !matches!(value, Json::Null | Json::Bool(false)) && value.as_str() != Some("")
            }
            Some(Value::Unknown) => true,
            None => false,
        }
    }
}
