//! Defects of the welcome header.

use civispec_wire::json::Json;

use crate::pipe::hooks::Hook;

use super::{Seed, member};

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "header-unknown-flag-empty",
        about: "reports unknown flags as an empty string",
        hooks: &[Hook::Header(|header, _, _| unknown_as_empty(header, |_| true))],
    },
    Seed {
        slug: "header-unknown-digit-empty",
        about: "reports unknown flags as an empty string if they are digits",
        hooks: &[Hook::Header(|header, _, _| {
            unknown_as_empty(header, |flag| flag.chars().all(|c| c.is_ascii_digit()));
        })],
    },
    Seed {
        slug: "header-lacks-j",
        about: "does not report the flag j",
        hooks: &[Hook::Header(|header, _, _| {
            if let Some(Json::Object(flags)) = member(header, "Civi::pipe") {
                flags.retain(|(flag, _)| flag != "j");
            }
        })],
    },
    Seed {
        slug: "header-pretty-printed",
        about: "prints its header on several lines",
        hooks: &[Hook::Frame(|frame, _, _| {
            if frame.is_header {
                frame.body.insert(1, b'\n');
            }
        })],
    },
];

fn unknown_as_empty(header: &mut Json, which: fn(&str) -> bool) {
    if let Some(Json::Object(flags)) = member(header, "Civi::pipe") {
        for (flag, value) in flags {
            if *value == Json::Null && which(flag) {
                *value = "".into();
            }
        }
    }
}
