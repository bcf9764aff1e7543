//! What it costs to take an answer for the one to a line, and which prefix a line asks for.

use civispec_wire::json::Json;

use super::align::{Slot, Taken};
use super::ask::{Ask, Shape, Single};
use super::numbers::{Same, compare};

/// The prefix that a line asks for; of several in a batch the last one.
pub(super) fn asked_prefix(slot: &Slot) -> Option<Vec<u8>> {
    slot.ask.updates().rev().find_map(|options| prefix_of(options.get("responsePrefix")?))
}

/// The bytes that a value of the option stands for; a number or `true` as most languages print them.
pub(super) fn prefix_of(value: &Json) -> Option<Vec<u8>> {
    match value {
        Json::String(s) => Some(s.clone().into_bytes()),
        Json::Number(n) => Some(n.text().as_bytes().to_vec()),
        Json::Bool(true) => Some(b"1".to_vec()),
        Json::Null | Json::Bool(false) => Some(Vec::new()),
        Json::Array(_) | Json::Object(_) => None,
    }
}

pub(super) fn price_of_silence(slot: &Slot, at_end: bool) -> u32 {
    if slot.ask.may_be_silent() || !slot.ended {
        0
    } else if slot.long {
        1
    } else if at_end {
        3
    } else {
        10
    }
}

/// How badly an answer fits the line that asked.
pub(super) fn fit(slot: &Slot, taken: &Taken<'_>) -> u32 {
    let Some(value) = taken.value.as_deref() else {
        // A cut-off or empty answer is likelier than a text in place of one.
        return if matches!(taken.text.first(), None | Some(b'{' | b'[')) { 5 } else { 9 };
    };
    if !is_response(value) {
        return match (&slot.ask, value) {
            (Ask::Batch(_) | Ask::EmptyBatch, Json::Array(_)) => 1,
            _ => 9,
        };
    }
    let id = value.get("id");
    let is_error = value.get("error").is_some_and(|e| *e != Json::Null);
    if slot.long && is_error && matches!(id, Some(Json::Null) | None) {
        return 0;
    }
    if !slot.ended && is_error {
        return 1;
    }
    match &slot.ask {
        Ask::Single(single) => {
            let known = match id {
                None if single.is_notification() => 2,
                None => 3,
                Some(id) if single.accepted_ids(is_error).any(|own| compare(own, id) <= Same::Rounded) => {
                    u32::from(single.is_notification())
                }
                // The server could not read the id.
                Some(Json::Null) if is_error => 5,
                // The same id in another type, or the result that only this request gets.
                Some(id) if is_akin(single, id) || is_certain(single, value) => 4,
                // Less than to think that it answers nothing and the request got none.
                Some(_) => 10,
            };
            match (&single.shape, is_improbable(single, value)) {
                (_, false) => known,
                (Shape::Invalid { .. }, true) => known + 1,
                (_, true) => known + 1 + known / 4,
            }
        }
        Ask::Batch(members) => match value {
            Json::Array(items) if items.iter().any(|item| belongs(members, item)) => {
                let wanted = members.iter().filter(|m| !m.is_notification()).count();
                if wanted == items.len() { 0 } else { 2 }
            }
            Json::Array(_) => 6,
            _ if is_error && matches!(id, Some(Json::Null) | None) => 1,
            _ => 12,
        },
        Ask::Blank | Ask::NotJson { .. } | Ask::Scalar | Ask::EmptyBatch | Ask::Open => {
            match (is_error, id) {
                (true, Some(Json::Null) | None) => 0,
                (true, _) if slot.ask == Ask::Open => 2,
                (true, _) => 6,
                (false, _) => 8,
            }
        }
        Ask::Empty => match (is_error, id) {
            (true, Some(Json::Null) | None) => 3,
            _ => 12,
        },
        Ask::OldOptions(_) => 0,
    }
}

/// Whether an id is that of the message but for its type.
pub(super) fn is_akin(single: &Single, id: &Json) -> bool {
    let bare = |id: &Json| id.to_string().trim_matches('"').to_ascii_lowercase();
    single.ids.iter().any(|own| bare(own) == bare(id))
}

/// Whether the answer is the one result that fits the request.
pub(super) fn is_certain(single: &Single, answer: &Json) -> bool {
    match (&single.shape, answer.get("result")) {
        (Shape::Call(request), Some(result)) => {
            request.method == "echo"
                && request.params.as_ref().is_some_and(|p| compare(p, result) <= Same::Rounded)
        }
        _ => false,
    }
}

/// Whether the answer is of a kind that the request hardly gets, which tells requests with the same id apart.
pub(super) fn is_improbable(single: &Single, answer: &Json) -> bool {
    match (&single.shape, answer.get("result")) {
        (Shape::Call(request), Some(result)) if request.method == "echo" => {
            request.params.as_ref().is_some_and(|params| compare(params, result) > Same::Rounded)
        }
        (Shape::Call(request), Some(_)) => !["api3", "api4", "login", "options"]
            .iter()
            .any(|name| name.eq_ignore_ascii_case(&request.method)),
        (Shape::Call(request), None) => request.method == "echo",
        (Shape::Invalid { .. }, result) => result.is_some(),
        (Shape::Notification(_), _) => false,
    }
}

/// Whether a response is one to a member of the batch.
pub(super) fn belongs(members: &[Single], response: &Json) -> bool {
    let is_error = response.get("error").is_some_and(|e| *e != Json::Null);
    let is_own = |id: &Json| {
        members.iter().any(|m| m.accepted_ids(is_error).any(|own| compare(own, id) <= Same::Rounded))
    };
    response.as_object().is_some() && response.get("id").is_some_and(is_own)
}

/// Whether a value looks like a response, or a batch of them.
pub(super) fn is_response(value: &Json) -> bool {
    match value {
        Json::Object(_) => ["jsonrpc", "result", "error", "OK"].iter().any(|name| value.get(name).is_some()),
        Json::Array(items) => {
            items.first().is_some_and(|first| first.as_object().is_some() && is_response(first))
        }
        _ => false,
    }
}
