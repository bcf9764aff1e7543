//! Reads what one line of a client asks for, and which freedoms the texts leave in answering it.

use civispec_wire::json::{self, Json};
use civispec_wire::jsonrpc::{InvalidReason, Request};

use super::numbers::{has_huge, has_unpromised};
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
    /// An error, or whatever the server makes of it: nested too deeply for us to read, or no JSON by a hair.
    Open,
    /// One error: `[]`.
    EmptyBatch,
    /// A batch.
    Batch(Vec<Single>),
    /// One message.
    Single(Single),
    /// The options in the notation of the draft: `{"OPTIONS":{…}}`, with what stands in them.
    OldOptions(Json),
}

/// One message, alone or in a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Single {
    /// What it is.
    pub shape: Shape,
    /// Its ids: none, one, or several where a member is given twice.
    pub ids: Vec<Json>,
    /// What JSON leaves open.
    pub freedom: Freedom,
}

/// What JSON leaves open for the text of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Freedom {
    /// Nothing: every reader takes it as it is.
    None,
    /// It may be refused with any error, as it holds numbers that not every reader can keep.
    Numbers,
    /// It may be refused with any error or read in more than one way.
    Form,
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

    /// The ids that a response to it may carry: its own, and null where an error may come before any id is read.
    pub fn accepted_ids(&self, is_error: bool) -> impl Iterator<Item = &Json> {
        let null = match self.shape {
            Shape::Call(_) => is_error && self.freedom != Freedom::None,
            Shape::Notification(_) => true,
            Shape::Invalid { .. } => is_error || self.ids.is_empty(),
        };
        self.ids.iter().chain(null.then_some(&Json::Null))
    }

    fn read(message: &Json, freedom: Freedom) -> Self {
        let ids: Vec<Json> = match message {
            Json::Object(members) => {
                members.iter().filter(|(n, _)| n == "id").map(|(_, v)| v.clone()).collect()
            }
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
        Self { shape, ids, freedom }
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
        let freedom =
            if repaired || depth > FREE_DEPTH || value.duplicate_member().is_some() || has_huge(&value) {
                Freedom::Form
            } else if has_unpromised(&value) {
                Freedom::Numbers
            } else {
                Freedom::None
            };
        match &value {
            // Whether this is an empty batch, a lone value or no JSON at all is for the server to say.
            Json::Array(items) if items.is_empty() && repaired => Self::Open,
            Json::Array(items) if items.is_empty() => Self::EmptyBatch,
            Json::Array(items) => Self::Batch(items.iter().map(|item| Single::read(item, freedom)).collect()),
            Json::Object(members) => match members.as_slice() {
                [(name, options)] if name == "OPTIONS" && protocol == Protocol::Draft => {
                    Self::OldOptions(options.clone())
                }
                _ => Self::Single(Single::read(&value, freedom)),
            },
            _ if repaired => Self::Open,
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

    /// The params of the updates of options that it asks for.
    pub fn updates(&self) -> impl DoubleEndedIterator<Item = &Json> {
        let old = if let Self::OldOptions(options) = self { Some(options) } else { None };
        let calls = self.messages().iter().filter_map(Single::request);
        calls
            .filter(|r| r.method.eq_ignore_ascii_case("options"))
            .filter_map(|r| r.params.as_ref())
            .chain(old)
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

    fn accepted(single: &Single, is_error: bool) -> String {
        single.accepted_ids(is_error).map(Json::to_string).collect::<Vec<_>>().join(" ")
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
        for open in [format!("{}{}", "[".repeat(600), "]".repeat(600)), "[,]".to_owned(), "\"\t\"".to_owned()]
        {
            assert_eq!(ask(&open), Ask::Open);
        }
    }

    #[test]
    fn a_message_is_a_call_a_notification_or_invalid_and_names_the_ids_it_may_get() {
        let call = single(r#"{"jsonrpc":"2.0","method":"m","id":7}"#);
        assert!(matches!(call.shape, Shape::Call(_)) && call.freedom == Freedom::None);
        assert_eq!((accepted(&call, true), accepted(&call, false)), ("7".to_owned(), "7".to_owned()));
        let note = single(r#"{"jsonrpc":"2.0","method":"m"}"#);
        assert!(note.is_notification());
        assert_eq!(accepted(&note, false), "null");
        let bad = single(r#"{"jsonrpc":"2.0","id":7}"#);
        assert_eq!((accepted(&bad, true), accepted(&bad, false)), ("7 null".to_owned(), "7".to_owned()));
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
            assert_eq!(single.freedom, Freedom::Form, "{line}");
            assert_eq!(
                (accepted(&single, true), accepted(&single, false)),
                ("1 null".to_owned(), "1".to_owned())
            );
        }
        let exact = single(r#"{"jsonrpc":"2.0","method":"m","params":[12345678901234567890],"id":1}"#);
        assert_eq!((exact.freedom, accepted(&exact, true)), (Freedom::Numbers, "1 null".to_owned()));
        let twice = single(r#"{"jsonrpc":"2.0","id":1,"method":"m","id":2}"#);
        assert_eq!(
            (accepted(&twice, true), accepted(&twice, false)),
            ("1 2 null".to_owned(), "1 2".to_owned())
        );
    }

    #[test]
    fn only_the_draft_knows_the_older_notation() {
        assert_eq!(Ask::read(br#"{"OPTIONS":{}}"#, Protocol::Draft), Ask::OldOptions(Json::Object(vec![])));
        assert!(matches!(ask(r#"{"OPTIONS":{}}"#), Ask::Single(_)));
    }
}
