//! Walks over a session and says what each step breaks: lines and their answers, the output between them, the end.

use civispec_wire::json::Json;

use super::align::{Slot, Step, Taken, align};
use super::ask::{Ask, Shape, Single};
use super::clauses as c;
use super::finding::{Judged, Place, Sheet};
use super::header::{self, Facts};
use super::options::Options;
use super::recording::{Protocol, Session};
use crate::clause::Ledger;
use crate::oracle::passive::shorten;

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

pub(super) const fn least_limit(session: &Session) -> u64 {
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
    pub secrets: Vec<String>,
    /// Bytes of the line that is being judged.
    pub length: usize,
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
                return self.sheet.find(
                    c::ONE_RESPONSE,
                    place,
                    "one response to each request",
                    format!("one more: {text}"),
                );
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
        for options in slot.ask.updates() {
            self.options.maybe(Some(options));
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
pub(super) const fn wanted_of(ask: &Ask) -> (&'static str, &'static str) {
    match ask {
        Ask::NotJson { .. } => (c::PARSE_ERROR, "the error -32700"),
        Ask::Scalar => (c::REQUEST_SCALAR_LINE, "the error -32700 or -32600"),
        Ask::EmptyBatch => (c::BATCH_SINGLE_RESPONSE, "a single response object with an error"),
        Ask::Single(Single { shape: Shape::Invalid { .. }, .. }) => (c::INVALID_REQUEST, "the error -32600"),
        Ask::Empty | Ask::Blank => (c::EMPTY_IGNORED, "no line at all"),
        Ask::Single(Single { shape: Shape::Notification(_), .. }) => {
            (c::NOTIFICATION_NO_REPLY, "no line at all")
        }
        Ask::OldOptions(_) => (c::DRAFT_OPTIONS, "an answer"),
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

pub(super) fn api_name(ask: &Ask) -> String {
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

/// Whether the session is held against the draft.
pub(super) fn is_draft(session: &Session) -> bool {
    session.protocol == Protocol::Draft
}
