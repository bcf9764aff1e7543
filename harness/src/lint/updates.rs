//! Judges the responses to the method options: the list, the updates, and whether what is reported is what holds.

use civispec_wire::json::Json;

use super::batch::brief;
use super::calls::Call;
use super::clauses as c;
use super::court::{Court, LEAST_LIMIT};
use super::finding::Place;
use super::numbers::{Same, compare};
use super::options::DEFINED;

impl Court<'_> {
    /// The answer to the notation of the draft.
    pub(super) fn old_options(&mut self, place: Place<'_>, asked: &Json, answer: &Json) {
        let Some(told) = answer.get("OK") else {
            self.options.maybe(Some(asked));
            return self.sheet.reading(c::DRAFT_OPTIONS, "json-rpc");
        };
        self.sheet.reading(c::DRAFT_OPTIONS, "older-notation");
        for (name, value) in told.as_object().unwrap_or_default() {
            if let Some(known) =
                self.options.reported(name).filter(|known| compare(known, value) > Same::Rounded)
            {
                let wanted = format!("{name}: {known}, as was set or reported before");
                self.sheet.find(c::DRAFT_OPTIONS, place, wanted, format!("{name}: {value}"));
            }
            self.options.report(name, value);
        }
        // The examples have no values but these; others may be refused in ways that the draft does not tell.
        for (name, value) in asked.as_object().unwrap_or_default() {
            let ordinary = match name.as_str() {
                "responsePrefix" => value.as_str().is_some_and(|p| !p.is_empty()),
                "maxLine" => value.as_i64().is_some_and(|n| (1_024..=1 << 20).contains(&n)),
                _ => false,
            };
            if ordinary && *told == Json::Bool(true) {
                self.options.report(name, value);
            } else {
                self.options.maybe(Some(asked));
            }
        }
    }

    pub(super) fn options_call(&mut self, call: Call<'_>) {
        let updates = match call.params() {
            Some(Json::Object(members)) => members.as_slice(),
            _ => &[],
        };
        let lists = matches!(call.params(), None | Some(Json::Null)) || updates.is_empty();
        let Some(result) = call.result else {
            if call.params().is_none() {
                self.sheet.find(c::OPTIONS_LIST, call.place, "the list of the options", brief(call.response));
            } else if !updates.is_empty() && updates.iter().all(|(n, v)| self.is_ordinary(n, v)) {
                self.sheet.find(c::OPTIONS_UPDATE, call.place, "the options to be set", brief(call.response));
            }
            return self.options.maybe(call.params());
        };
        if call.params().is_none() {
            let listed: Vec<&str> = DEFINED.into_iter().filter(|n| result.get(n).is_some()).collect();
            match listed.as_slice() {
                ["apiCheckPermissions", "apiError", "bufferSize", "responsePrefix"] => {
                    self.sheet.reading(c::OPTIONS_LIST, "four-defined");
                }
                ["bufferSize", "responsePrefix"] => self.sheet.reading(c::OPTIONS_LIST, "two-in-example"),
                _ => {
                    let wanted = "an object with the four options, or with bufferSize and responsePrefix";
                    self.sheet.find(c::OPTIONS_LIST, call.place, wanted, brief(call.response));
                }
            }
        }
        self.modified(call, updates, result);
        let members = result.as_object().unwrap_or_default();
        for (name, value) in members {
            self.option_value(call, name, value, updates);
        }
        if lists {
            return;
        }
        let unreported: Vec<(String, Json)> =
            updates.iter().filter(|(n, _)| result.get(n).is_none()).cloned().collect();
        self.options.maybe(Some(&Json::Object(unreported)));
    }

    /// The answer to an update has the options that it set, with their new values.
    pub(super) fn modified(&mut self, call: Call<'_>, updates: &[(String, Json)], result: &Json) {
        for (name, asked) in updates {
            let reported = result.get(name);
            if !DEFINED.contains(&name.as_str()) {
                if reported.is_some() {
                    let wanted = format!("an error, or no member {name:?}, as there is no such option");
                    self.sheet.find(c::OPTIONS_UNKNOWN, call.place, wanted, brief(call.response));
                } else {
                    self.sheet.reading(c::OPTIONS_UNKNOWN, "ignored");
                }
                continue;
            }
            // The type of a boolean has a clause of its own.
            let holds = |now: &Json| match asked {
                Json::Bool(asked) => *asked != is_false(now),
                asked => compare(asked, now) <= Same::Rounded,
            };
            if self.is_ordinary(name, asked) && !reported.is_some_and(holds) {
                self.sheet.find(
                    c::OPTIONS_MODIFIED,
                    call.place,
                    format!("{name}: {asked}"),
                    brief(call.response),
                );
            }
        }
        if !updates.is_empty() && updates.iter().all(|(n, _)| result.get(n).is_some()) {
            let only = result.as_object().is_some_and(|members| members.len() == updates.len());
            self.sheet.reading(c::OPTIONS_MODIFIED, if only { "only-modified" } else { "at-least-modified" });
        }
    }

    /// What is reported of one option: its type, and whether it is what holds.
    pub(super) fn option_value(
        &mut self,
        call: Call<'_>,
        name: &str,
        value: &Json,
        updates: &[(String, Json)],
    ) {
        let updated = updates.iter().any(|(n, _)| n == name);
        let got = || format!("{name}: {value}");
        match name {
            "apiError" if !matches!(value.as_str(), Some("array" | "exception")) => {
                self.sheet.find(
                    c::API_ERROR_VALUES,
                    call.place,
                    "apiError: \"array\" or \"exception\", and nothing else",
                    got(),
                );
            }
            "apiCheckPermissions" if !matches!(value, Json::Bool(_)) => {
                self.sheet.find(c::API_CHECKS_TYPE, call.place, "apiCheckPermissions: true or false", got());
            }
            "apiCheckPermissions" if *value == Json::Bool(false) && self.facts.trusted == Some(false) => {
                self.sheet.find(
                    c::API_CHECKS_OFF_UNTRUSTED,
                    call.place,
                    "apiCheckPermissions: true, as the session is untrusted",
                    got(),
                );
            }
            "bufferSize" if !updated && self.options.is_default_limit() => {
                let enough = value.as_i64().is_some_and(|n| n >= LEAST_LIMIT.cast_signed());
                if !enough {
                    self.sheet.find(
                        c::BUFFER_DEFAULT,
                        call.place,
                        "a default bufferSize of at least 64,000",
                        got(),
                    );
                }
            }
            "responsePrefix" if !updated && self.options.is_untouched(name) && *value != Json::Null => {
                self.sheet.find(
                    c::PREFIX_DEFAULT,
                    call.place,
                    "responsePrefix: null, until it is set",
                    got(),
                );
            }
            _ => {}
        }
        if !updated
            && let Some(known) =
                self.options.reported(name).filter(|known| compare(known, value) > Same::Rounded)
        {
            let wanted = format!("{name}: {known}, as was reported before");
            self.sheet.find(c::OPTIONS_UPDATE, call.place, wanted, got());
        }
        self.options.report(name, value);
    }

    /// Whether the option and the value are such that no server has a reason to refuse them.
    pub(super) fn is_ordinary(&self, name: &str, value: &Json) -> bool {
        match (name, value) {
            ("apiError", Json::String(s)) => s == "array" || s == "exception",
            ("apiCheckPermissions", Json::Bool(b)) => *b || self.facts.trusted == Some(true),
            ("bufferSize", n @ Json::Number(_)) => {
                n.as_i64().is_some_and(|n| (65_536..=1 << 20).contains(&n))
            }
            ("responsePrefix", Json::Null) => true,
            ("responsePrefix", Json::String(s)) => !s.is_empty() && !s.contains(['\n', '\r', '\0', '{', '[']),
            _ => false,
        }
    }
}

/// Whether most languages take the value for false.
fn is_false(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Bool(b) => !b,
        Json::Number(n) => n.as_i64() == Some(0),
        Json::String(s) => s.is_empty() || s == "0" || s == "false",
        Json::Array(items) => items.is_empty(),
        Json::Object(members) => members.is_empty(),
    }
}
