//! Defects of how flags are taken and reported, most of them of languages that take digits for list indexes, `0` for
//! false, and an empty list for an empty object.

use civispec_wire::json::Json;

use crate::pipe::hooks::Hook;
use crate::pipe::state::{State, Trust};

use super::{Seed, member};

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "header-empty-flags-as-list",
        about: "reports an empty list when the string of flags is empty",
        hooks: &[Hook::Header(|header, _, _| {
            if let Some(welcome) = member(header, NAME)
                && *welcome == Json::Object(Vec::new())
            {
                *welcome = Json::Array(Vec::new());
            }
        })],
    },
    Seed {
        slug: "header-digits-as-list",
        about: "reports flags that count from 0 as a list",
        hooks: &[Hook::Header(|header, _, _| {
            if let Some(welcome) = member(header, NAME)
                && let Json::Object(flags) = welcome
                && !flags.is_empty()
                && flags.iter().enumerate().all(|(place, (flag, _))| *flag == place.to_string())
            {
                *welcome = Json::Array(flags.drain(..).map(|(_, value)| value).collect());
            }
        })],
    },
    Seed {
        slug: "header-null-without-flags",
        about: "reports null in place of the flags when none were asked for",
        hooks: &[Hook::Header(|header, state, _| {
            if state.requested.is_none()
                && let Some(welcome) = member(header, NAME)
            {
                *welcome = Json::Null;
            }
        })],
    },
    Seed {
        slug: "flag-zero-as-none",
        about: "takes the flag string 0 for no flags",
        hooks: &[Hook::Start(|state, _| {
            if state.requested.as_deref() == Some(b"0") {
                state.flags = "vtl".chars().collect();
                state.trust = Trust::Trusted;
            }
        })],
    },
    Seed {
        slug: "flag-l-unasked-untrusted",
        about: "reports the support of logins to every untrusted session, asked for or not",
        hooks: &[Hook::Header(|header, state, _| {
            if state.flags.contains(&'u')
                && !state.flags.contains(&'l')
                && let Some(Json::Object(flags)) = member(header, NAME)
            {
                flags.push(("l".to_owned(), Json::Array(vec!["login".into()])));
            }
        })],
    },
    Seed {
        slug: "flags-in-order-of-the-text",
        about: "reports flags in the order in which the text defines them, unknown ones last",
        hooks: &[Hook::Header(|header, _, _| {
            if let Some(Json::Object(flags)) = member(header, NAME) {
                flags.sort_by_key(|(flag, _)| "vjltu".find(flag.as_str()).unwrap_or(usize::MAX));
            }
        })],
    },
    Seed {
        slug: "flags-non-ascii-left-out",
        about: "leaves out flags that are no ASCII",
        hooks: &[Hook::Header(|header, _, _| {
            if let Some(Json::Object(flags)) = member(header, NAME) {
                flags.retain(|(flag, _)| flag.is_ascii());
            }
        })],
    },
    Seed {
        slug: "trust-unclear-for-calls-only",
        about: "trusts a session that asks for both t and u, or for neither, in API calls and not in its options",
        hooks: &[
            Hook::Request(|request, state, scene| {
                if request.method.starts_with("api") && is_unclear(state) && !state.is_trusted() {
                    state.trust = Trust::Trusted;
                    scene.count = 1;
                }
            }),
            Hook::Outcome(|_, _, state, scene| {
                if std::mem::take(&mut scene.count) == 1 {
                    state.trust = Trust::Untrusted;
                }
            }),
        ],
    },
    Seed {
        slug: "trust-lost-behind-l",
        about: "does not trust a session that asks for l before t, though it says so",
        hooks: &[Hook::Start(|state, _| {
            let place = |flag| state.flags.iter().position(|known| *known == flag);
            if place('l').is_some() && place('l') < place('t') {
                state.trust = Trust::Untrusted;
            }
        })],
    },
];

/// The member of the header that holds the flags.
const NAME: &str = "Civi::pipe";

/// Whether the flags leave open if the session is trusted.
fn is_unclear(state: &State) -> bool {
    state.flags.contains(&'t') == state.flags.contains(&'u')
}
