//! Walks over a session and says what each step breaks: lines and their answers, the output between them, the end.

use std::cmp::Reverse;

use civispec_wire::json::Json;
use civispec_wire::jsonrpc::{INVALID_REQUEST, InvalidReason, PARSE_ERROR};

use super::align::{Slot, Step, Taken, align};
use super::ask::{Ask, Freedom, Shape, Single};
use super::batch::brief;
use super::clauses as c;
use super::finding::{Judged, Place, Sheet};
use super::header::{self, Facts};
use super::numbers::{Same, compare};
use super::options::Options;
use super::recording::{Protocol, Session};
use crate::clause::Ledger;
use crate::oracle::passive::{self, Code, shorten};

/// The least line length that every server accepts by default: the 64 kB of the published text.
pub(super) const LEAST_LIMIT: u64 = 64_000;
/// The same for the draft, from its example.
const LEAST_LIMIT_OF_DRAFT: u64 = 16_384;

/// Judges one session against the clauses of `ledger`.
#[must_use]
pub fn judge(ledger: &Ledger, session: &Session) -> Judged {
    let mut sheet = Sheet::new(ledger, session.protocol.name());
    let facts = header::judge(session, &mut sheet);
    let slots = slots(session);
    let steps = align(&slots, &session.received.bytes, facts.end);
    let mut court = Court {
        session,
        facts,
        slots: &slots,
        options: Options::new(session.protocol),
        served: served(&slots, &steps),
        secrets: secrets(&slots),
        length: 0,
        sheet,
    };
    court.walk(&steps);
    court.end(&steps);
    let mut judged = court.sheet.judged;
    judged.requests = slots.iter().filter(|s| !s.ask.may_be_silent()).count();
    judged.findings.sort_by_key(|f| f.line);
    judged
}

/// The lines of the client.
fn slots(session: &Session) -> Vec<Slot> {
    let sent = &session.sent;
    let mut slots = Vec::new();
    let mut at = 0;
    let mut least = least_limit(session);
    for line in sent.bytes.split_inclusive(|b| *b == b'\n') {
        let ended = line.ends_with(b"\n");
        let bytes = &line[..line.len() - usize::from(ended)];
        let ask = Ask::read(bytes, session.protocol);
        for request in ask.messages().iter().filter_map(Single::request) {
            // Whether the server took the new limit is not known yet.
            let asked = ["bufferSize", "maxLine"]
                .iter()
                .find_map(|name| request.params.as_ref()?.get(name)?.as_i64());
            if let Some(asked) = asked.filter(|_| request.method.eq_ignore_ascii_case("options")) {
                least = least.min(u64::try_from(asked).unwrap_or(0));
            }
        }
        let long = bytes.len() as u64 >= least;
        slots.push(Slot { line: sent.line_at(at), bytes: bytes.to_vec(), ended, ask, long });
        at += line.len();
    }
    slots
}

/// A request of this length may be refused because of it.
const LONG: usize = 4096;

const fn least_limit(session: &Session) -> u64 {
    match session.protocol {
        Protocol::Published => LEAST_LIMIT,
        Protocol::Draft => LEAST_LIMIT_OF_DRAFT,
    }
}

/// Methods that were answered with a result somewhere in the session: the server has them.
fn served(slots: &[Slot], steps: &[Step<'_>]) -> Vec<String> {
    let mut served = Vec::new();
    for step in steps {
        let Step::Answered { slot, taken } = step else { continue };
        let Ask::Single(Single { shape: Shape::Call(request), .. }) = &slots[*slot].ask else { continue };
        let result = taken.first().and_then(|t| t.value.as_deref()).and_then(|v| v.get("result"));
        if result.is_some_and(|r| !is_api_failure(r)) {
            let by_name = request.params.as_ref().is_some_and(|p| p.as_object().is_some());
            served.push(request.method.clone());
            if by_name {
                served.push(format!("{} by name", request.method));
            }
        }
    }
    served
}

/// Credentials of the session, which no answer may quote.
fn secrets(slots: &[Slot]) -> Vec<String> {
    let requests = slots.iter().flat_map(|s| s.ask.messages()).filter_map(Single::request);
    let creds = requests.filter_map(|r| r.params.as_ref()?.get("cred")?.as_str());
    let mut secrets = Vec::new();
    for cred in creds {
        let word = cred.split_once(' ').map_or(cred, |(_, word)| word);
        secrets.extend([cred, word].into_iter().filter(|s| s.len() >= 6).map(str::to_owned));
    }
    secrets
}

/// Whether the result of an API call reports a failure of it.
pub(super) fn is_api_failure(result: &Json) -> bool {
    match result.get("is_error") {
        Some(Json::Bool(b)) => *b,
        Some(Json::Number(n)) => n.as_i64() != Some(0),
        Some(Json::String(s)) => !s.is_empty() && s != "0",
        _ => false,
    }
}

/// A session under judgement.
pub(super) struct Court<'a> {
    pub session: &'a Session,
    pub facts: Facts,
    pub slots: &'a [Slot],
    pub options: Options,
    pub served: Vec<String>,
    secrets: Vec<String>,
    /// Bytes of the line that is being judged.
    length: usize,
    pub sheet: Sheet<'a>,
}

impl Court<'_> {
    fn walk(&mut self, steps: &[Step<'_>]) {
        let slots = self.slots;
        for (i, step) in steps.iter().enumerate() {
            match step {
                Step::Extra { slot, offset, bytes, response } => {
                    let next = steps[i + 1..].iter().find_map(|s| match s {
                        Step::Answered { taken, .. } => taken.first(),
                        _ => None,
                    });
                    let is_double = *response && next.is_some_and(|next| is_double(bytes, next));
                    self.extra(*slot, *offset, bytes, *response, is_double);
                }
                Step::Unanswered { slot } => {
                    let last = steps[i..].iter().all(|s| !matches!(s, Step::Answered { .. }));
                    self.unanswered(&slots[*slot], last);
                }
                Step::Answered { slot, taken } => {
                    self.sheet.judged.answers += taken.len();
                    self.answered(&slots[*slot], taken);
                }
            }
        }
    }

    /// Output that answers nothing.
    fn extra(&mut self, slot: usize, offset: usize, bytes: &[u8], response: bool, is_double: bool) {
        let line = self.session.received.line_at(offset);
        let text = shorten(bytes);
        let next = self.slots.get(slot);
        let before = slot.checked_sub(1).and_then(|i| self.slots.get(i));
        if let Some(api) = next.filter(|s| s.ask.calls_api()) {
            if is_double {
                let sent = shorten(&api.bytes);
                let place = Place { line, sent: Some(&sent) };
                return self.sheet.find(c::ONE_RESPONSE, place, "one response to each request", format!("one more: {text}"));
            }
            let what = if response { "a line that looks like a response" } else { "output" };
            let hint = if self.options.prefix_is_set() {
                ""
            } else {
                "; with a responsePrefix it can be told apart"
            };
            let name = api_name(&api.ask);
            return self.sheet.note(
                line,
                format!("{what} before the answer to {name}, which may have printed it: {text:?}{hint}"),
            );
        }
        let sent = before.map(|s| shorten(&s.bytes));
        let place = Place { line, sent: sent.as_deref() };
        if response && before.is_some_and(|s| s.long) {
            let wanted = "one error to the over-long line, and nothing of it executed";
            return self.sheet.find(c::OVER_LONG_UNEXECUTED, place, wanted, text);
        }
        if response {
            self.sheet.find(
                c::ONE_RESPONSE,
                place,
                "one response to each request",
                format!("one that nobody asked for: {text}"),
            );
        } else {
            self.sheet.find(
                c::ONLY_RESPONSES,
                place,
                "responses and nothing else on standard output",
                format!("{text:?}"),
            );
        }
    }

    fn unanswered(&mut self, slot: &Slot, last: bool) {
        let sent = shorten(&slot.bytes);
        let place = Place { line: slot.line, sent: Some(&sent) };
        for single in slot.ask.messages() {
            self.silent(single);
        }
        match &slot.ask {
            Ask::Single(single) if single.is_notification() => {
                self.sheet.reading(c::NOTIFICATION_NO_REPLY, "no-reply");
                return;
            }
            Ask::Blank => return self.sheet.reading(c::EMPTY_IGNORED, "blank-ignored"),
            ask if ask.may_be_silent() => return,
            _ => {}
        }
        if !slot.ended {
            return self.sheet.reading(c::EXITS, "last-line-dropped");
        }
        if slot.long && self.is_over_long(slot) != Some(false) {
            if last {
                self.sheet.reading(c::BUFFER_OVER_LONG, "session-ends");
            } else {
                self.sheet.find(
                    c::BUFFER_OVER_LONG,
                    place,
                    "one error, or the end of the session",
                    "no answer, and the session went on",
                );
            }
            return;
        }
        // The last ones are counted together at the end.
        if !last {
            let (clause, wanted) = wanted_of(&slot.ask);
            self.sheet.find(clause, place, wanted, "none: the next request was answered instead");
        }
    }

    fn answered(&mut self, slot: &Slot, taken: &[Taken<'_>]) {
        self.length = slot.bytes.len();
        let sent = shorten(&slot.bytes);
        for (i, one) in taken.iter().enumerate() {
            let place = Place { line: self.session.received.line_at(one.offset), sent: Some(&sent) };
            self.frame(place, slot, one);
            if i == 0 && taken.len() > 1 {
                let got = format!("{} responses on lines of their own", taken.len());
                self.sheet.find(c::BATCH_RESPONSES, place, "one array with all responses of the batch", got);
            }
            self.passive(place, slot, one);
        }
        let Some(first) = taken.first() else { return };
        let place = Place { line: self.session.received.line_at(first.offset), sent: Some(&sent) };
        if let (Ask::Batch(members), true) = (&slot.ask, taken.len() > 1) {
            let all: Vec<Json> = taken.iter().filter_map(|t| t.value.as_deref().cloned()).collect();
            return self.members(place, members, &all);
        }
        let Some(value) = first.value.as_deref() else { return self.unreadable(place, slot, first) };
        self.answer(place, slot, value);
    }

    /// What an answer shares its line with, and what stands before it.
    fn frame(&mut self, place: Place<'_>, slot: &Slot, taken: &Taken<'_>) {
        let api = slot.ask.calls_api();
        if taken.prefix_missing {
            let wanted = "the response prefix before the response";
            self.sheet.find(c::PREFIX_BEFORE_RESPONSE, place, wanted, shorten(taken.text));
        }
        let set = taken.value.as_deref().is_some_and(|v| v.get("result").is_some());
        if self.options.asks_prefix(slot) && !taken.prefix_missing && set {
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
    fn passive(&mut self, place: Place<'_>, slot: &Slot, taken: &Taken<'_>) {
        let Some(value) = taken.value.as_deref() else { return };
        if value.get("OK").is_some() && slot.ask == Ask::OldOptions {
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
                Code::OneLine if text.ends_with(b"\r") => {
                    (c::NEWLINE_OUT, "a line feed and nothing else behind the response")
                }
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
    fn quotes_request(&self, slot: &Slot, answer: &[u8]) -> bool {
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

    /// An answer that is no JSON.
    fn unreadable(&mut self, place: Place<'_>, slot: &Slot, taken: &Taken<'_>) {
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
    fn answer(&mut self, place: Place<'_>, slot: &Slot, value: &Json) {
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
                self.sheet.find(c::EMPTY_IGNORED, place, "nothing: an empty line is ignored", brief(value))
            }
            Ask::Open => {}
            Ask::OldOptions => {
                let old = value.get("OK").is_some();
                self.sheet.reading(c::DRAFT_OPTIONS, if old { "older-notation" } else { "json-rpc" });
            }
        }
    }

    /// Whether the line is beyond the limit by either count; `None`: not known.
    fn is_over_long(&self, slot: &Slot) -> Option<bool> {
        let length = slot.bytes.len() as u64;
        match self.options.limit() {
            Some(limit) if length > limit => Some(true),
            Some(limit) if length < limit => Some(false),
            None if self.options.is_default_limit() && length < least_limit(self.session) => Some(false),
            _ => None,
        }
    }

    fn over_long(&mut self, place: Place<'_>, slot: &Slot, value: &Json, is_error: bool) {
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

    fn null_id(&mut self, place: Place<'_>, value: &Json) {
        if let Some(id) = value.get("id").filter(|id| **id != Json::Null) {
            self.sheet.find(
                c::RESPONSE_ID_NULL,
                place,
                "the id null, as no id can be read",
                format!("the id {id}"),
            );
        }
    }

    fn parse_error(&mut self, place: Place<'_>, value: &Json, truncated: bool, array: bool) {
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

    fn scalar(&mut self, place: Place<'_>, value: &Json) {
        match code(value) {
            Some(PARSE_ERROR) => self.sheet.reading(c::REQUEST_SCALAR_LINE, "parse-error"),
            Some(INVALID_REQUEST) => self.sheet.reading(c::REQUEST_SCALAR_LINE, "invalid-request"),
            _ => self.sheet.find(c::REQUEST_SCALAR_LINE, place, "the error -32700 or -32600", brief(value)),
        }
        self.null_id(place, value);
    }

    fn empty_batch(&mut self, place: Place<'_>, value: &Json) {
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
                self.invalid(place, *reason, *absent, response, in_batch)
            }
        }
    }

    /// Whether a sound request was refused without its id for no reason but its length, and the clause that says so.
    fn is_taken_for_long(&mut self, place: Place<'_>, single: &Single, response: &Json) -> bool {
        let length = self.length;
        let is_call = matches!(single.shape, Shape::Call(_));
        let nameless = response.get("id") == Some(&Json::Null) && !single.ids.contains(&Json::Null);
        if !is_call || length < LONG || !nameless || code(response).is_none() || single.freedom != Freedom::None {
            return false;
        }
        match self.options.limit() {
            Some(limit) => {
                let wanted = format!("a line of {length} bytes to be served, as bufferSize is {limit}");
                self.sheet.find(c::BUFFER_LIMIT, place, wanted, brief(response));
            }
            None => {
                let wanted = format!("a line of {length} bytes to be served, as the default is at least 64,000");
                self.sheet.find(c::BUFFER_DEFAULT, place, wanted, brief(response));
            }
        }
        true
    }

    fn id(&mut self, place: Place<'_>, single: &Single, response: &Json) {
        let Some(id) = response.get("id") else { return };
        let is_error = response.get("error").is_some_and(|e| *e != Json::Null);
        let best = single.accepted_ids(is_error).map(|own| compare(own, id)).min().unwrap_or(Same::No);
        let wanted =
            single.accepted_ids(is_error).map(|own| format!("the id {own}")).collect::<Vec<_>>().join(" or ");
        match best {
            Same::Exactly => {}
            Same::Rounded => self.sheet.warn(c::NUMBER_EXACT, place, wanted, format!("the id {id}")),
            Same::No => {
                let clause = if single.ids.is_empty() { c::RESPONSE_ID_NULL } else { c::RESPONSE_ID };
                self.sheet.find(clause, place, wanted, format!("the id {id}"));
            }
        }
    }

    fn invalid(
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

    fn end(&mut self, steps: &[Step<'_>]) {
        let slots = self.slots;
        let answered = steps.iter().rposition(|s| matches!(s, Step::Answered { .. }));
        let rest: Vec<&Slot> = steps[answered.map_or(0, |i| i + 1)..]
            .iter()
            .filter_map(|s| if let Step::Unanswered { slot } = s { slots.get(*slot) } else { None })
            .filter(|s| !s.ask.may_be_silent() && s.ended)
            .collect();
        let how = self.session.end.map(|end| match (end.code, end.signal) {
            (Some(code), _) => format!("exit status {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "an unknown end".to_owned(),
        });
        if let Some(first) = rest.first() {
            let sent = shorten(&first.bytes);
            let place = Place { line: first.line, sent: Some(&sent) };
            match how.as_deref() {
                None => self.sheet.note(
                    first.line,
                    format!(
                        "the recording ends before {} of the requests were answered; not judged",
                        rest.len()
                    ),
                ),
                // A session may end at an over-long line, and whatever follows it gets no answer.
                Some(_) if first.long && self.is_over_long(first) != Some(false) => {}
                Some(how) => {
                    let (clause, wanted) = wanted_of(&first.ask);
                    let more = if rest.len() > 1 {
                        format!(", and none to {} behind it", rest.len() - 1)
                    } else {
                        String::new()
                    };
                    self.sheet.find(
                        clause,
                        place,
                        wanted,
                        format!("none{more}: the session ended with {how}"),
                    );
                }
            }
        }
        let Some((end, how)) = self.session.end.zip(how).filter(|(end, _)| end.code != Some(0)) else {
            return;
        };
        let stderr = String::from_utf8_lossy(&self.session.stderr.bytes).into_owned();
        let said = stderr
            .lines()
            .find(|l| !l.trim().is_empty())
            .map_or_else(String::new, |l| format!("; standard error: {}", shorten(l.as_bytes())));
        self.sheet.find(
            c::EXITS,
            Place { line: end.line, sent: None },
            "exit status 0",
            format!("{how}{said}"),
        );
    }
}

/// Whether a line answers the same request as the answer behind it: no API prints the very same response, or an error
/// with the id of the request that calls it.
fn is_double(line: &[u8], next: &Taken<'_>) -> bool {
    let Some(answer) = next.value.as_deref() else { return false };
    let start = crate::oracle::frame::find(line, b"{\"").unwrap_or(0);
    let Ok(extra) = super::text::parse_answer(line[start..].trim_ascii_end()) else { return false };
    extra.same_value(answer) || (extra.get("error").is_some() && extra.get("id") == answer.get("id"))
}

/// The clause that asks for an answer to a line, and what it asks for.
const fn wanted_of(ask: &Ask) -> (&'static str, &'static str) {
    match ask {
        Ask::NotJson { .. } => (c::PARSE_ERROR, "the error -32700"),
        Ask::Scalar => (c::REQUEST_SCALAR_LINE, "the error -32700 or -32600"),
        Ask::EmptyBatch => (c::BATCH_SINGLE_RESPONSE, "a single response object with an error"),
        Ask::Single(Single { shape: Shape::Invalid { .. }, .. }) => (c::INVALID_REQUEST, "the error -32600"),
        Ask::Empty | Ask::Blank => (c::EMPTY_IGNORED, "no line at all"),
        Ask::Single(Single { shape: Shape::Notification(_), .. }) => {
            (c::NOTIFICATION_NO_REPLY, "no line at all")
        }
        Ask::OldOptions => (c::DRAFT_OPTIONS, "an answer"),
        _ => (c::RESPONSE_ALWAYS, "a response"),
    }
}

/// The result, where the response is no error.
pub(super) fn result(response: &Json) -> Option<&Json> {
    response.get("result").filter(|_| response.get("error").is_none_or(|e| *e == Json::Null))
}

/// The code of an error, where the response is one.
pub(super) fn code(response: &Json) -> Option<i64> {
    response.get("error")?.get("code")?.as_i64()
}

/// Whether a line holds a message that may be answered in the manner of JSON-RPC 1.0.
fn may_answer_version_1(ask: &Ask) -> bool {
    let is_old =
        |m: &Single| matches!(m.shape, Shape::Invalid { reason: InvalidReason::Version, absent: true, .. });
    ask.messages().iter().any(is_old)
}

/// Whether this is a response in the manner of JSON-RPC 1.0.
fn is_version_1(response: &Json) -> bool {
    response.get("jsonrpc").is_none() && response.get("result").is_some() && response.get("error").is_some()
}

fn api_name(ask: &Ask) -> String {
    let call = ask.messages().iter().filter(|m| m.calls_api()).find_map(Single::request);
    call.map_or_else(
        || "an API call".to_owned(),
        |request| {
            let params = request.params.as_ref().and_then(Json::as_array).unwrap_or_default();
            let words: Vec<&str> = params.iter().take(2).filter_map(Json::as_str).collect();
            format!("{} {}", request.method, words.join("."))
        },
    )
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

/// Whether the session is held against the draft.
pub(super) fn is_draft(session: &Session) -> bool {
    session.protocol == Protocol::Draft
}
