//! Reads what one line of a client asks for, and which freedoms the texts leave in answering it.

use civispec_wire::json::{self, Json};
use civispec_wire::jsonrpc::{InvalidReason, Request};

use super::numbers::has_huge;
use super::recording::Protocol;
use super::text;

/// Nesting beyond which a reader may refuse a text.
const FREE_DEPTH: usize = 64;

/// What a line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Nothing: the line is empty.
    Empty,
    /// Nothing or a parse error: blanks or a lone CR.
    Blank,
    /// A parse error.
    NotJson {
        /// Whether the text ends before it is complete, so that nobody can make a request of it.
        truncated: bool,
        /// Whether it begins like a batch.
        array: bool,
    },
    /// One error: a lone string, number, boolean or null.
    Scalar,
    /// Whatever the server makes of it: nested too deeply for us to read.
    Open,
    /// One error: `[]`.
    EmptyBatch,
    /// A batch.
    Batch(Vec<Single>),
    /// One message.
    Single(Single),
    /// The options in the notation of the draft: `{"OPTIONS":{…}}`.
    OldOptions,
}

/// One message, alone or in a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Single {
    /// What it is.
    pub shape: Shape,
    /// The ids that an answer may carry.
    pub ids: Vec<Json>,
    /// Whether JSON leaves it open to refuse the line, so that any error is right and no result is compared.
    pub free: bool,
}

/// What a message is by the letter of JSON-RPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// A request with an id.
    Call(Request),
    /// A request without an id.
    Notification(Request),
    /// No request.
    Invalid {
        /// Why.
        reason: InvalidReason,
        /// Whether the member that is wrong is absent.
        absent: bool,
        /// Whether it looks like a notification, so that silence may be right.
        quiet: bool,
    },
}

impl Single {
    /// The request, where it is one.
    #[must_use]
    pub const fn request(&self) -> Option<&Request> {
        match &self.shape {
            Shape::Call(request) | Shape::Notification(request) => Some(request),
            Shape::Invalid { .. } => None,
        }
    }

    /// Whether it is a notification.
    #[must_use]
    pub const fn is_notification(&self) -> bool {
        matches!(self.shape, Shape::Notification(_))
    }

    /// Whether it calls an API, which may print by itself.
    #[must_use]
    pub fn calls_api(&self) -> bool {
        self.request().is_some_and(|r| is_api(&r.method))
    }

    fn read(message: &Json, free: bool) -> Self {
        let mut ids: Vec<Json> = match message {
            Json::Object(members) => members.iter().filter(|(n, _)| n == "id").map(|(_, v)| v.clone()).collect(),
            _ => Vec::new(),
        };
        let shape = match Request::decode(message.clone()) {
            Ok(request) if request.id.is_some() => Shape::Call(request),
            Ok(request) => Shape::Notification(request),
            Err(invalid) => {
                let member = match invalid.reason {
                    InvalidReason::Version => "jsonrpc",
                    InvalidReason::Method => "method",
                    _ => "",
                };
                Shape::Invalid {
                    reason: invalid.reason,
                    absent: message.as_object().is_some() && message.get(member).is_none(),
                    quiet: ids.is_empty() && message.get("method").is_some_and(|m| m.as_str().is_some()),
                }
            }
        };
        if free || !matches!(shape, Shape::Call(_)) {
            ids.push(Json::Null);
        }
        Self { shape, ids, free }
    }
}

/// Whether the method calls an API, in whatever letters.
#[must_use]
pub fn is_api(method: &str) -> bool {
    ["api3", "api4"].iter().any(|name| name.eq_ignore_ascii_case(method))
}

impl Ask {
    /// Reads a line, without its line feed.
    #[must_use]
    pub fn read(line: &[u8], protocol: Protocol) -> Self {
        if line.is_empty() {
            return Self::Empty;
        }
        if line.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r')) {
            return Self::Blank;
        }
        let depth = text::depth(line);
        let (value, repaired) = match json::parse(line) {
            Ok(value) => (value, false),
            Err(_) if depth >= json::MAX_DEPTH => return Self::Open,
            Err(_) => match json::parse(text::repaired(line).as_bytes()) {
                Ok(value) => (value, true),
                Err(_) => {
                    return Self::NotJson {
                        truncated: text::is_truncated(line),
                        array: line.trim_ascii_start().first() == Some(&b'['),
                    };
                }
            },
        };
        let free = repaired || depth > FREE_DEPTH || value.duplicate_member().is_some() || has_huge(&value);
        match &value {
            Json::Array(items) if items.is_empty() => Self::EmptyBatch,
            Json::Array(items) => Self::Batch(items.iter().map(|item| Single::read(item, free)).collect()),
            Json::Object(members) => match members.as_slice() {
                [(name, _)] if name == "OPTIONS" && protocol == Protocol::Draft => Self::OldOptions,
                _ => Self::Single(Single::read(&value, free)),
            },
            _ => Self::Scalar,
        }
    }

    /// The messages that it holds.
    #[must_use]
    pub fn messages(&self) -> &[Single] {
        match self {
            Self::Single(single) => std::slice::from_ref(single),
            Self::Batch(members) => members,
            _ => &[],
        }
    }

    /// Whether it calls an API, which may print by itself.
    #[must_use]
    pub fn calls_api(&self) -> bool {
        self.messages().iter().any(Single::calls_api)
    }

    /// Whether no answer at all may be right.
    #[must_use]
    pub fn may_be_silent(&self) -> bool {
        match self {
            Self::Empty | Self::Blank => true,
            Self::Single(Single { shape: Shape::Invalid { quiet, .. }, .. }) => *quiet,
            Self::Single(single) => single.is_notification(),
            Self::Batch(members) => members.iter().all(Single::is_notification),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(line: &str) -> Ask {
        Ask::read(line.as_bytes(), Protocol::Published)
    }

    fn single(line: &str) -> Single {
        match ask(line) {
            Ask::Single(single) => single,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn lines_that_ask_for_nothing_are_told_from_lines_that_ask_for_an_error() {
        for (line, wanted) in [
            ("", Ask::Empty),
            (" \t\r", Ask::Blank),
            ("null", Ask::Scalar),
            ("[]", Ask::EmptyBatch),
            ("[1", Ask::NotJson { truncated: true, array: true }),
            ("hello", Ask::NotJson { truncated: false, array: false }),
        ] {
            assert_eq!(ask(line), wanted, "{line}");
        }
        assert_eq!(ask(&format!("{}{}", "[".repeat(600), "]".repeat(600))), Ask::Open);
    }

    #[test]
    fn a_message_is_a_call_a_notification_or_invalid_and_names_the_ids_it_may_get() {
        let call = single(r#"{"jsonrpc":"2.0","method":"m","id":7}"#);
        assert!(matches!(call.shape, Shape::Call(_)) && call.ids == [Json::from(7)] && !call.free);
        let note = single(r#"{"jsonrpc":"2.0","method":"m"}"#);
        assert!(note.is_notification() && note.ids == [Json::Null]);
        let bad = single(r#"{"jsonrpc":"2.0","id":7}"#);
        assert_eq!(bad.ids, [Json::from(7), Json::Null]);
        assert_eq!(bad.shape, Shape::Invalid { reason: InvalidReason::Method, absent: true, quiet: false });
        let old = single(r#"{"method":"m"}"#);
        assert_eq!(old.shape, Shape::Invalid { reason: InvalidReason::Version, absent: true, quiet: true });
    }

    #[test]
    fn what_json_leaves_open_is_free_to_be_refused() {
        for line in [
            "\u{feff}{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":1}",
            "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":[\"\t\"],\"id\":1}",
            r#"{"jsonrpc":"2.0","method":"m","params":[1,],"id":1}"#,
            r#"{"jsonrpc":"2.0","method":"m","params":["\ud800"],"id":1}"#,
            r#"{"jsonrpc":"2.0","method":"m","params":{"a":1,"a":2},"id":1}"#,
            r#"{"jsonrpc":"2.0","method":"m","params":[1e999],"id":1}"#,
        ] {
            let single = single(line);
            assert!(single.free, "{line}");
            assert_eq!(single.ids, [Json::from(1), Json::Null], "{line}");
        }
        let twice = single(r#"{"jsonrpc":"2.0","id":1,"method":"m","id":2}"#);
        assert_eq!(twice.ids, [Json::from(1), Json::from(2), Json::Null]);
    }

    #[test]
    fn only_the_draft_knows_the_older_notation() {
        assert_eq!(Ask::read(br#"{"OPTIONS":{}}"#, Protocol::Draft), Ask::OldOptions);
        assert!(matches!(ask(r#"{"OPTIONS":{}}"#), Ask::Single(_)));
    }
}
