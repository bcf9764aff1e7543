//! Judges the answer to a line by what the line asks for: a response, an error, or nothing.

use civispec_wire::json::Json;
use civispec_wire::jsonrpc::{INVALID_REQUEST, InvalidReason, PARSE_ERROR};

use super::align::{Slot, Taken};
use super::ask::{Ask, Freedom, Shape, Single};
use super::batch::brief;
use super::clauses as c;
use super::court::{Court, code, least_limit, result, wanted_of};
use super::envelope::is_version_1;
use super::finding::Place;
use crate::oracle::passive::shorten;

impl Court<'_> {
    /// An answer that is no JSON.
    pub(super) fn unreadable(&mut self, place: Place<'_>, slot: &Slot, taken: &Taken<'_>) {
        if self.session.end.is_none() && !taken.terminated {
            return self.sheet.note(place.line, "the recording ends within an answer; not judged");
        }
        let (clause, wanted) = wanted_of(&slot.ask);
        if taken.text.iter().all(u8::is_ascii_whitespace) {
            return self.sheet.find(clause, place, wanted, "an empty line");
        }
        if matches!(slot.ask, Ask::Open) {
            return;
        }
        if std::str::from_utf8(taken.text).is_err() {
            return self.sheet.find(c::RESPONSE_FORMAT, place, "UTF-8", shorten(taken.text));
        }
        self.sheet.find(c::GENERATOR_STRICT, place, "strict JSON", shorten(taken.text));
    }

    /// An answer that is JSON.
    pub(super) fn answer(&mut self, place: Place<'_>, slot: &Slot, value: &Json) {
        let error = value.get("error").filter(|e| **e != Json::Null);
        if slot.long && self.is_over_long(slot) != Some(false) {
            return self.over_long(place, slot, value, error.is_some());
        }
        if !slot.ended {
            let reading = if error.is_some() { "last-line-refused" } else { "last-line-served" };
            self.sheet.reading(c::EXITS, reading);
            if error.is_some() {
                return;
            }
        }
        match &slot.ask {
            Ask::Single(single) => self.single(place, single, value, false),
            Ask::Batch(members) => self.batch(place, members, value),
            Ask::EmptyBatch => self.empty_batch(place, value),
            Ask::NotJson { truncated, array } => self.parse_error(place, value, *truncated, *array),
            Ask::Scalar => self.scalar(place, value),
            Ask::Blank => {
                if code(value) == Some(PARSE_ERROR) {
                    self.sheet.reading(c::EMPTY_IGNORED, "blank-parse-error");
                } else {
                    self.sheet.find(c::EMPTY_IGNORED, place, "nothing, or the error -32700", brief(value));
                }
                self.null_id(place, value);
            }
            Ask::Empty => {
                self.sheet.find(c::EMPTY_IGNORED, place, "nothing: an empty line is ignored", brief(value));
            }
            Ask::Open => {}
            Ask::OldOptions(asked) => self.old_options(place, asked, value),
        }
    }

    /// Whether the line is beyond the limit by either count; `None`: not known.
    pub(super) fn is_over_long(&self, slot: &Slot) -> Option<bool> {
        let length = slot.bytes.len() as u64;
        match self.options.limit() {
            Some(limit) if length > limit => Some(true),
            Some(limit) if length < limit => Some(false),
            None if self.options.is_default_limit() && length < least_limit(self.session) => Some(false),
            _ => None,
        }
    }

    pub(super) fn over_long(&mut self, place: Place<'_>, slot: &Slot, value: &Json, is_error: bool) {
        if is_error {
            self.sheet.reading(c::BUFFER_OVER_LONG, "one-error");
            return;
        }
        if self.is_over_long(slot) == Some(true) && !matches!(slot.ask, Ask::NotJson { .. }) {
            let limit = self.options.limit().unwrap_or_default();
            let wanted = format!("a line of more than {limit} bytes not to be executed");
            self.sheet.find(c::BUFFER_LIMIT, place, wanted, brief(value));
        } else if let Ask::Single(single) = &slot.ask {
            self.single(place, single, value, false);
        }
    }

    pub(super) fn null_id(&mut self, place: Place<'_>, value: &Json) {
        if let Some(id) = value.get("id").filter(|id| **id != Json::Null) {
            self.sheet.find(
                c::RESPONSE_ID_NULL,
                place,
                "the id null, as no id can be read",
                format!("the id {id}"),
            );
        }
    }

    pub(super) fn parse_error(&mut self, place: Place<'_>, value: &Json, truncated: bool, array: bool) {
        if array && value.as_array().is_some() {
            return self.sheet.find(
                c::BATCH_SINGLE_RESPONSE,
                place,
                "a single response object",
                brief(value),
            );
        }
        match code(value) {
            Some(PARSE_ERROR) => self.null_id(place, value),
            Some(_) => {
                self.sheet.find(c::PARSE_ERROR, place, "the error -32700", brief(value));
                self.null_id(place, value);
            }
            // JSON lets a reader accept other forms, but nobody can complete what is cut off.
            None if value.get("result").is_some() && truncated => {
                self.sheet.find(c::PARSE_ERROR, place, "the error -32700", brief(value));
            }
            None => {}
        }
    }

    pub(super) fn scalar(&mut self, place: Place<'_>, value: &Json) {
        match code(value) {
            Some(PARSE_ERROR) => self.sheet.reading(c::REQUEST_SCALAR_LINE, "parse-error"),
            Some(INVALID_REQUEST) => self.sheet.reading(c::REQUEST_SCALAR_LINE, "invalid-request"),
            _ => self.sheet.find(c::REQUEST_SCALAR_LINE, place, "the error -32700 or -32600", brief(value)),
        }
        self.null_id(place, value);
    }

    pub(super) fn empty_batch(&mut self, place: Place<'_>, value: &Json) {
        if value.as_array().is_some() || value.get("error").is_none() {
            return self.sheet.find(
                c::BATCH_SINGLE_RESPONSE,
                place,
                "a single response object with an error",
                brief(value),
            );
        }
        if code(value).is_some_and(|code| code != INVALID_REQUEST) {
            self.sheet.find(c::INVALID_REQUEST, place, "the error -32600", brief(value));
        }
        self.null_id(place, value);
    }

    /// One message and the response to it.
    pub(super) fn single(&mut self, place: Place<'_>, single: &Single, response: &Json, in_batch: bool) {
        if self.is_taken_for_long(place, single, response) {
            return;
        }
        if !single.is_notification() {
            self.id(place, single, response);
        }
        if single.is_notification() {
            self.silent(single);
            if response.get("id").is_some_and(|id| *id == Json::Null) && !in_batch {
                self.sheet.reading(c::NOTIFICATION_NO_REPLY, "null-reply");
            } else {
                self.sheet.find(
                    c::NOTIFICATION_NO_REPLY,
                    place,
                    "no reply to a notification",
                    brief(response),
                );
            }
            return;
        }
        let refused = response.get("error").is_some_and(|e| *e != Json::Null);
        if single.freedom == Freedom::Form || (single.freedom == Freedom::Numbers && refused) {
            if single.request().is_some_and(|r| r.method == "options") {
                self.options.forget();
            }
            return;
        }
        match &single.shape {
            Shape::Call(request) => self.call(place, request, response),
            Shape::Notification(_) => {}
            Shape::Invalid { reason, absent, .. } => {
                self.invalid(place, *reason, *absent, response, in_batch);
            }
        }
    }

    pub(super) fn invalid(
        &mut self,
        place: Place<'_>,
        reason: InvalidReason,
        absent: bool,
        response: &Json,
        in_batch: bool,
    ) {
        let served = result(response).is_some();
        let code = code(response);
        let clause = match reason {
            InvalidReason::Version if absent => {
                if is_version_1(response) {
                    return self.sheet.reading(c::REQUEST_VERSION_1, "answered-as-1");
                }
                if code == Some(INVALID_REQUEST) {
                    self.sheet.reading(c::REQUEST_VERSION_1, "refused");
                }
                c::REQUEST_VERSION_1
            }
            InvalidReason::Version if served => c::REQUEST_VERSION,
            InvalidReason::Method if served => c::REQUEST_METHOD,
            InvalidReason::NotAnObject if in_batch => c::BATCH_INVALID_MEMBERS,
            _ => c::INVALID_REQUEST,
        };
        if served || code.is_some_and(|code| code != INVALID_REQUEST) {
            self.sheet.find(clause, place, format!("the error -32600, as {reason}"), brief(response));
        } else if code.is_some() {
            let null = response.get("id") == Some(&Json::Null);
            self.sheet.reading(c::INVALID_REQUEST, if null { "id-null" } else { "id-of-request" });
        }
    }

    /// A request that nothing came back for may have had its effect.
    pub(super) fn silent(&mut self, single: &Single) {
        if let Some(request) = single.request().filter(|r| r.method.eq_ignore_ascii_case("options")) {
            self.options.maybe(request.params.as_ref());
        }
    }
}
