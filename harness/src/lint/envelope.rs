//! Judges what every answer has in common: its line, its prefix, the rules for all answers, its id.

use std::cmp::Reverse;

use civispec_wire::json::Json;
use civispec_wire::jsonrpc::InvalidReason;

use super::align::{Slot, Taken};
use super::ask::{Ask, Freedom, Shape, Single};
use super::batch::brief;
use super::clauses as c;
use super::court::{Court, api_name, code};
use super::finding::Place;
use super::fit::asked_prefix;
use super::numbers::{Same, compare};
use crate::oracle::passive::{self, Code, shorten};

/// A request of this length may be refused because of it.
const LONG: usize = 4096;

impl Court<'_> {
    /// What an answer shares its line with, and what stands before it.
    pub(super) fn frame(&mut self, place: Place<'_>, slot: &Slot, taken: &Taken<'_>) {
        let api = slot.ask.calls_api();
        if taken.prefix_missing {
            let wanted = "the response prefix before the response";
            self.sheet.find(c::PREFIX_BEFORE_RESPONSE, place, wanted, shorten(taken.text));
        }
        let set = taken.value.as_deref().is_some_and(|v| v.get("result").is_some());
        if asked_prefix(slot).is_some_and(|p| !p.is_empty()) && !taken.prefix_missing && set {
            let reading = if taken.new_prefix { "set-reply-prefixed" } else { "set-reply-bare" };
            self.sheet.reading(c::PREFIX_BEFORE_RESPONSE, reading);
        }
        if !taken.noise.is_empty() {
            let text = shorten(taken.noise);
            if api {
                let name = api_name(&slot.ask);
                self.sheet.note(
                    place.line,
                    format!("output before the answer to {name}, which may have printed it: {text:?}"),
                );
            } else {
                self.sheet.find(
                    c::ONLY_RESPONSES,
                    place,
                    "the prefix at the start of the line",
                    format!("before it {text:?}"),
                );
            }
        }
        if !taken.before.is_empty() {
            let text = shorten(taken.before);
            if api && self.options.prefix_is_set() {
                let wanted = "the response directly behind its prefix";
                self.sheet.find(c::PREFIX_AFTER_EVALUATION, place, wanted, format!("between them {text:?}"));
            } else if api {
                let name = api_name(&slot.ask);
                let hint = "with a responsePrefix it can be told apart";
                self.sheet.note(
                    place.line,
                    format!(
                        "output glued to the answer to {name}, which may have printed it: {text:?}; {hint}"
                    ),
                );
            } else {
                self.sheet.find(
                    c::SINGLE_OBJECT,
                    place,
                    "a line with the response alone",
                    format!("before it {text:?}"),
                );
            }
        }
        if !taken.after.is_empty() {
            let text = shorten(taken.after);
            self.sheet.find(
                c::SINGLE_OBJECT,
                place,
                "a line with the response alone",
                format!("behind it {text:?}"),
            );
        } else if !taken.terminated && taken.value.is_some() && self.session.end.is_some() {
            self.sheet.find(c::NEWLINE_OUT, place, "a line feed behind the response", "none");
        }
        if taken.value.is_some() && taken.text.contains(&b'\n') {
            self.sheet.find(c::NO_DELIMITER, place, "the response on one line", shorten(taken.text));
        }
    }

    /// The rules that bind every answer.
    pub(super) fn passive(&mut self, place: Place<'_>, slot: &Slot, taken: &Taken<'_>) {
        let Some(value) = taken.value.as_deref() else { return };
        if value.get("OK").is_some() && matches!(slot.ask, Ask::OldOptions(_)) {
            return;
        }
        // Line breaks between tokens have their own clause.
        let mut text: Vec<u8> = taken.text.iter().copied().filter(|b| *b != b'\n').collect();
        if may_answer_version_1(&slot.ask) {
            match value {
                Json::Array(items) => {
                    let newer: Vec<Json> = items.iter().filter(|i| !is_version_1(i)).cloned().collect();
                    if newer.len() < items.len() && !newer.is_empty() {
                        text = Json::Array(newer).to_string().into_bytes();
                    } else if newer.is_empty() {
                        return;
                    }
                }
                one if is_version_1(one) => return,
                _ => {}
            }
        }
        let responses = value.as_array().unwrap_or(std::slice::from_ref(value));
        let null_error = responses.iter().any(|r| r.get("error") == Some(&Json::Null));
        for violation in passive::check(&text, &self.secrets).1 {
            let detail = violation.detail;
            let (clause, wanted) = match violation.code {
                // Whoever sends a member twice may get it back twice.
                Code::DuplicateMembers if slot.ask.messages().iter().any(|m| m.freedom == Freedom::Form) => {
                    continue;
                }
                Code::Leak if self.quotes_request(slot, &text) => continue,
                Code::Leak => (c::NO_LEAK, "an error without paths, traces and credentials"),
                Code::Utf8 => (c::RESPONSE_FORMAT, "UTF-8"),
                Code::LineEnd => (c::NEWLINE_OUT, "a line feed and nothing else behind the response"),
                Code::OneLine if taken.text.contains(&b'\n') => continue,
                Code::OneLine => (c::CONDENSED, "condensed JSON"),
                // What a batch gets is judged with the batch.
                Code::Object if matches!(slot.ask, Ask::Batch(_) | Ask::EmptyBatch) => continue,
                Code::Object => (c::SINGLE_OBJECT, "a response object, or an array of them for a batch"),
                Code::Version => (c::RESPONSE_VERSION, "jsonrpc \"2.0\""),
                Code::Id | Code::IdPresent => (c::RESPONSE_ID, "the id of the request"),
                Code::ResultOrError if value.get("error") == Some(&Json::Null) => {
                    (c::RESPONSE_FAILURE, "no member error beside a result")
                }
                Code::ResultOrError => (c::RESPONSE_SUCCESS, "a result or an error, and not both"),
                Code::ErrorShape if null_error => continue,
                Code::ErrorShape if detail.contains("code") => {
                    (c::ERROR_CODE_INTEGER, "an error with an integer code")
                }
                Code::ErrorShape if detail.contains("message") => {
                    (c::ERROR_MESSAGE_STRING, "an error with a message")
                }
                Code::ErrorShape => (c::RESPONSE_FAILURE, "an error that is an object"),
                Code::ErrorCodeInteger => (c::ERROR_CODE_INTEGER, "an integer code"),
                Code::ErrorMessageString => (c::ERROR_MESSAGE_STRING, "a message that is a string"),
                Code::ErrorCodeReserved => (
                    c::CODE_RESERVED,
                    "a defined code, one in -32099..-32000, or one outside of -32768..-32000",
                ),
                Code::DuplicateMembers => (c::GENERATOR_UNIQUE_NAMES, "each member once"),
                // Half a surrogate pair is no fault of the writer; further members are nobody's business.
                Code::Json | Code::MembersKnown | Code::Extra | Code::Header => continue,
            };
            self.sheet.find(clause, place, wanted, format!("{detail}: {}", shorten(taken.text)));
        }
        for message in responses.iter().filter_map(|r| r.get("error")?.get("message")?.as_str()) {
            if message.trim().is_empty() || message.contains('\n') {
                self.sheet.find(
                    c::ERROR_MESSAGE_CONCISE,
                    place,
                    "one short sentence",
                    format!("{message:?}"),
                );
            }
        }
    }

    /// Whether what looks like a leak is only a quotation of the request.
    pub(super) fn quotes_request(&self, slot: &Slot, answer: &[u8]) -> bool {
        let mut text = String::from_utf8_lossy(answer).replace("\\/", "/");
        let mut quoted = Vec::new();
        strings(&slot.ask, &mut quoted);
        quoted.retain(|s| s.len() > 3 && !self.secrets.contains(s));
        quoted.sort_by_key(|s| Reverse(s.len()));
        for s in quoted {
            text = text.replace(&s, "…");
        }
        !passive::check(text.as_bytes(), &self.secrets).1.iter().any(|v| v.code == Code::Leak)
    }

    /// Whether a sound request was refused without its id for no reason but its length, and the clause that says so.
    pub(super) fn is_taken_for_long(&mut self, place: Place<'_>, single: &Single, response: &Json) -> bool {
        let length = self.length;
        let is_call = matches!(single.shape, Shape::Call(_));
        let nameless = response.get("id") == Some(&Json::Null) && !single.ids.contains(&Json::Null);
        if !is_call
            || length < LONG
            || !nameless
            || code(response).is_none()
            || single.freedom != Freedom::None
        {
            return false;
        }
        match self.options.limit() {
            Some(limit) => {
                let wanted = format!("a line of {length} bytes to be served, as bufferSize is {limit}");
                self.sheet.find(c::BUFFER_LIMIT, place, wanted, brief(response));
            }
            None => {
                let wanted =
                    format!("a line of {length} bytes to be served, as the default is at least 64,000");
                self.sheet.find(c::BUFFER_DEFAULT, place, wanted, brief(response));
            }
        }
        true
    }

    pub(super) fn id(&mut self, place: Place<'_>, single: &Single, response: &Json) {
        let Some(id) = response.get("id") else { return };
        let is_error = response.get("error").is_some_and(|e| *e != Json::Null);
        let best = single.accepted_ids(is_error).map(|own| compare(own, id)).min().unwrap_or(Same::No);
        let wanted =
            single.accepted_ids(is_error).map(|own| format!("the id {own}")).collect::<Vec<_>>().join(" or ");
        match best {
            Same::Exactly => {}
            Same::Rounded => self.sheet.warn(c::NUMBER_EXACT, place, wanted, format!("the id {id}")),
            Same::Changed | Same::No => {
                let clause = if single.ids.is_empty() { c::RESPONSE_ID_NULL } else { c::RESPONSE_ID };
                self.sheet.find(clause, place, wanted, format!("the id {id}"));
            }
        }
    }
}

/// Whether a line holds a message that may be answered in the manner of JSON-RPC 1.0.
fn may_answer_version_1(ask: &Ask) -> bool {
    let is_old =
        |m: &Single| matches!(m.shape, Shape::Invalid { reason: InvalidReason::Version, absent: true, .. });
    ask.messages().iter().any(is_old)
}

/// Whether this is a response in the manner of JSON-RPC 1.0.
pub(super) fn is_version_1(response: &Json) -> bool {
    response.get("jsonrpc").is_none() && response.get("result").is_some() && response.get("error").is_some()
}

/// All strings of a line's messages.
fn strings(ask: &Ask, out: &mut Vec<String>) {
    fn collect(value: &Json, out: &mut Vec<String>) {
        match value {
            Json::String(s) => out.push(s.clone()),
            Json::Array(items) => items.iter().for_each(|i| collect(i, out)),
            Json::Object(members) => members.iter().for_each(|(name, v)| {
                out.push(name.clone());
                collect(v, out);
            }),
            _ => {}
        }
    }
    for request in ask.messages().iter().filter_map(Single::request) {
        out.push(request.method.clone());
        if let Some(params) = &request.params {
            collect(params, out);
        }
    }
}
