//! Judges the answer to a batch: its shape, which of its members were answered, and each of the answers.

use civispec_wire::json::Json;

use super::ask::{Shape, Single};
use super::clauses as c;
use super::court::Court;
use super::finding::Place;
use super::numbers::{Same, compare};

impl Court<'_> {
    /// Judges what came back for a batch on one line.
    pub(super) fn batch(&mut self, place: Place<'_>, members: &[Single], answer: &Json) {
        match answer {
            Json::Array(items) if items.is_empty() => {
                let clause = if members.iter().all(Single::is_notification) {
                    c::BATCH_ALL_NOTIFICATIONS
                } else {
                    c::BATCH_RESPONSES
                };
                self.sheet.find(clause, place, "no line at all, or an array of responses", "an empty array");
            }
            Json::Array(items) => {
                self.sheet.reading(c::BATCH_RESPONSES, "served");
                self.members(place, members, items);
            }
            answer
                if answer.get("error").is_some() && matches!(answer.get("id"), Some(Json::Null) | None) =>
            {
                self.sheet.reading(c::BATCH_RESPONSES, "refused");
            }
            answer => {
                let got = format!("one response that is not in an array: {}", brief(answer));
                self.sheet.find(
                    c::BATCH_RESPONSES,
                    place,
                    "an array of responses, or one error with the id null",
                    got,
                );
                self.members(place, members, std::slice::from_ref(answer));
            }
        }
    }

    /// Pairs the members of a batch with responses by id, and judges each pair.
    pub(super) fn members(&mut self, place: Place<'_>, members: &[Single], responses: &[Json]) {
        let mut left: Vec<(usize, &Json)> = responses.iter().enumerate().collect();
        let mut order = Vec::new();
        let mut unanswered = Vec::new();
        for member in members.iter().filter(|m| !m.is_notification()) {
            // An id that the server rounded still tells whose answer it is.
            let fits = |own: &Json, response: &Json| {
                response.get("id").is_some_and(|id| compare(own, id) <= Same::Rounded)
            };
            let own = member.accepted_ids(true).find_map(|own| left.iter().position(|(_, r)| fits(own, r)));
            match own {
                Some(at) => {
                    let (index, response) = left.remove(at);
                    order.push(index);
                    self.single(place, member, response, true);
                }
                None if matches!(member.shape, Shape::Invalid { quiet: true, .. }) => {}
                None => unanswered.push(member),
            }
        }
        if unanswered.len() == left.len() {
            // As many as are missing: they only have the wrong ids.
            for (member, (_, response)) in unanswered.drain(..).zip(left.drain(..)) {
                self.single(place, member, response, true);
            }
        }
        for member in unanswered {
            let (clause, wanted) = missing(member);
            self.sheet.find(clause, place, wanted, format!("none for {}", describe(member)));
        }
        if order.len() > 1 {
            let in_order = order.is_sorted();
            self.sheet.reading(c::BATCH_ORDER, if in_order { "in-order" } else { "other-order" });
        }
        for (_, response) in left {
            let nulls = response.get("id") == Some(&Json::Null);
            let clause = if nulls && members.iter().any(Single::is_notification) {
                c::NOTIFICATION_NO_REPLY
            } else {
                c::BATCH_RESPONSES
            };
            self.sheet.find(
                clause,
                place,
                "one response for each request of the batch that has an id",
                brief(response),
            );
        }
        for member in members.iter().filter(|m| m.is_notification()) {
            self.silent(member);
        }
    }
}

fn missing(member: &Single) -> (&'static str, &'static str) {
    match member.shape {
        Shape::Call(_) | Shape::Notification(_) => {
            (c::RESPONSE_ALWAYS, "a response to each request of the batch that has an id")
        }
        Shape::Invalid { .. } => {
            (c::BATCH_INVALID_MEMBERS, "an error to each member of the batch that is no request")
        }
    }
}

fn describe(member: &Single) -> String {
    match (&member.shape, member.ids.first()) {
        (Shape::Call(request), Some(id)) => format!("{} with the id {id}", request.method),
        (_, Some(id)) => format!("the invalid member with the id {id}"),
        _ => "an invalid member".to_owned(),
    }
}

/// A value for a message.
pub(super) fn brief(value: &Json) -> String {
    crate::oracle::passive::shorten(value.to_string().as_bytes())
}
