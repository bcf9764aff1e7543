//! Defects of the welcome header and of what its flags report.

use civispec_wire::json::Json;
use civispec_wire::jsonrpc::{ErrorObject, INTERNAL_ERROR};

use crate::pipe::hooks::Hook;
use crate::pipe::state::State;

use super::{Seed, member};

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "header-nameless",
        about: "leaves out the name Civi::pipe in the header",
        hooks: &[Hook::Header(|header, _, _| drop_name(header))],
    },
    Seed {
        slug: "header-nameless-without-flags",
        about: "leaves out the name Civi::pipe in the header when no flags were asked for",
        hooks: &[Hook::Header(|header, state, _| {
            if state.requested.is_none() {
                drop_name(header);
            }
        })],
    },
    Seed {
        slug: "flag-v-number",
        about: "reports the version as a number",
        hooks: &[Hook::Header(|header, _, _| set(header, "v", Json::from(5)))],
    },
    Seed {
        slug: "flag-v-null-untrusted",
        about: "reports no version in a session that asks for u",
        hooks: &[Hook::Header(|header, state, _| {
            if state.flags.contains(&'u') {
                set(header, "v", Json::Null);
            }
        })],
    },
    Seed {
        slug: "flag-j-string",
        about: "reports the flavours of JSON-RPC as a string",
        hooks: &[Hook::Header(|header, _, _| set(header, "j", "jsonrpc-2.0".into()))],
    },
    Seed {
        slug: "flag-j-as-in-draft-when-first",
        about: "spells the flavour of JSON-RPC as the draft does when j is asked for first",
        hooks: &[Hook::Header(|header, state, _| {
            if state.flags.first() == Some(&'j') {
                set(header, "j", Json::Array(vec!["jsonrpc20".into()]));
            }
        })],
    },
    Seed {
        slug: "flag-l-string",
        about: "reports the support of logins as a string",
        hooks: &[Hook::Header(|header, _, _| set(header, "l", "login".into()))],
    },
    Seed {
        slug: "flag-l-string-when-last",
        about: "reports the support of logins as a string when no other flags follow",
        hooks: &[Hook::Header(|header, state, _| {
            if state.flags.last() == Some(&'l') {
                set(header, "l", "login".into());
            }
        })],
    },
    Seed {
        slug: "flag-t-true",
        about: "reports trust as true",
        hooks: &[Hook::Header(|header, _, _| set(header, "t", true.into()))],
    },
    Seed {
        slug: "flag-t-true-behind-v",
        about: "reports trust as true when v was asked for before t",
        hooks: &[Hook::Header(|header, state, _| {
            let place = |flag| state.flags.iter().position(|known| *known == flag);
            if place('v') < place('t') && place('v').is_some() {
                set(header, "t", true.into());
            }
        })],
    },
    Seed {
        slug: "flag-u-true",
        about: "reports the lack of trust as true",
        hooks: &[Hook::Header(|header, _, _| set(header, "u", true.into()))],
    },
    Seed {
        slug: "flag-unknown-refuses-requests",
        about: "refuses all requests of a session that asks for an unknown flag",
        hooks: &[Hook::Outcome(|_, outcome, state, _| {
            if has_unknown(state) {
                *outcome = Err(ErrorObject::new(INTERNAL_ERROR, "the session was not set up"));
            }
        })],
    },
    Seed {
        slug: "flag-unknown-refuses-after-first",
        about: "serves one request of a session that asks for an unknown flag and refuses the others",
        hooks: &[Hook::Outcome(|_, outcome, state, scene| {
            if has_unknown(state) && scene.history.messages > 0 {
                *outcome = Err(ErrorObject::new(INTERNAL_ERROR, "the session was not set up"));
            }
        })],
    },
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
];

/// Makes the flags the header itself.
fn drop_name(header: &mut Json) {
    if let Some(flags) = member(header, "Civi::pipe") {
        *header = flags.clone();
    }
}

/// Has a flag report another value, if it reports at all.
fn set(header: &mut Json, flag: &str, value: Json) {
    if let Some(known) = member(header, "Civi::pipe").and_then(|flags| member(flags, flag)) {
        *known = value;
    }
}

fn has_unknown(state: &State) -> bool {
    state.flags.iter().any(|flag| !"vjltu".contains(*flag))
}

fn unknown_as_empty(header: &mut Json, which: fn(&str) -> bool) {
    if let Some(Json::Object(flags)) = member(header, "Civi::pipe") {
        for (flag, value) in flags {
            if *value == Json::Null && which(flag) {
                *value = "".into();
            }
        }
    }
}
