//! Defects of permission checks: who skips them, who asks for them in vain.

use civispec_wire::json::Json;

use crate::pipe::api::ApiVersion;
use crate::pipe::code::API_FAILED;
use crate::pipe::entity::Verb;
use crate::pipe::hooks::Hook;
use crate::pipe::permission::{Access, Ask, access, wish};

use super::Seed;

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "rights-unchecked-after-refusal-untrusted",
        about: "does not check a call of api3 in an untrusted session when the call before it was refused, unless it \
                says something of checks",
        hooks: &[Hook::Rights(|ask, access, scene| {
            let follows = scene.history.last_code == Some(API_FAILED);
            if follows && !ask.trusted && !ask.explicit && ask.api == ApiVersion::Three {
                *access = Access::All;
            }
        })],
    },
    Seed {
        slug: "check-asked-for-in-vain",
        about: "does not check a call that asks for it while apiCheckPermissions is off",
        hooks: &[Hook::Rights(|ask, access, _| {
            if ask.explicit && !ask.by_default {
                *access = Access::All;
            }
        })],
    },
    Seed {
        slug: "check-asked-for-in-vain-in-batch",
        about: "does not check a call in a batch that asks for it while apiCheckPermissions is off",
        hooks: &[Hook::Rights(|ask, access, scene| {
            if ask.explicit && !ask.by_default && scene.batch.is_some() {
                *access = Access::All;
            }
        })],
    },
    Seed {
        slug: "check-not-by-default-in-batch",
        about: "does not check calls in a batch that say nothing about it in a trusted session",
        hooks: &[Hook::Rights(|ask, access, scene| {
            if ask.trusted && !ask.explicit && ask.depth == 0 && scene.batch.is_some() {
                *access = Access::All;
            }
        })],
    },
    Seed {
        slug: "check-not-by-default-of-api3",
        about: "does not check calls of api3 that say nothing about it in a trusted session",
        hooks: &[Hook::Rights(|ask, access, _| {
            if ask.trusted && !ask.explicit && ask.depth == 0 && ask.api == ApiVersion::Three {
                *access = Access::All;
            }
        })],
    },
    Seed {
        slug: "check-switched-off-in-vain",
        about: "checks calls that say nothing about it although apiCheckPermissions is off",
        hooks: &[Hook::Rights(check_all_the_same)],
    },
    Seed {
        slug: "check-switched-off-in-vain-for-api3",
        about: "checks calls of api3 that say nothing about it although apiCheckPermissions is off",
        hooks: &[Hook::Rights(|ask, access, scene| {
            if ask.api == ApiVersion::Three {
                check_all_the_same(ask, access, scene);
            }
        })],
    },
    Seed {
        slug: "opt-out-of-api3-in-vain",
        about: "checks calls of api3 for contacts that opt out in a trusted session",
        hooks: &[Hook::Rights(|ask, granted, _| {
            if !ask.checked
                && ask.explicit
                && ask.api == ApiVersion::Three
                && matches!(ask.verb, Verb::ContactGet | Verb::ContactCount)
            {
                *granted = access(&Ask { checked: true, ..*ask });
            }
        })],
    },
    Seed {
        slug: "opt-out-of-api3-by-false-in-vain",
        about: "checks calls of api3 that opt out with false in a trusted session",
        hooks: &[Hook::OptOut(|opt_out, allowed, _| {
            *allowed &= opt_out.api != ApiVersion::Three || *opt_out.spelled != Json::Bool(false);
        })],
    },
    Seed {
        slug: "opt-out-of-api4-in-vain-after-error",
        about: "checks calls of api4 that opt out in a trusted session when the call before them failed, nested ones excepted",
        hooks: &[Hook::OptOut(|opt_out, allowed, scene| {
            let follows = scene.history.last_code == Some(API_FAILED);
            *allowed &= opt_out.api != ApiVersion::Four || opt_out.depth > 0 || !follows;
        })],
    },
    Seed {
        slug: "opt-out-of-api4-in-vain-in-batch",
        about: "checks calls of api4 in a batch that opt out in a trusted session",
        hooks: &[Hook::OptOut(|opt_out, allowed, scene| {
            *allowed &= opt_out.api != ApiVersion::Four || scene.batch.is_none();
        })],
    },
    Seed {
        slug: "opt-out-untrusted-api3",
        about: "lets an untrusted session skip permission checks with api3",
        hooks: &[Hook::OptOut(|opt_out, allowed, _| *allowed |= opt_out.api == ApiVersion::Three)],
    },
    Seed {
        slug: "opt-out-untrusted-api3-spelled-zero",
        about: "lets an untrusted session skip permission checks with api3 when the wish is spelled 0",
        hooks: &[Hook::OptOut(|opt_out, allowed, _| {
            *allowed |= opt_out.api == ApiVersion::Three && *opt_out.spelled == Json::from(0);
        })],
    },
    Seed {
        slug: "opt-out-untrusted-api4",
        about: "lets a session that asks for u skip permission checks with api4",
        hooks: &[
            Hook::Start(|state, scene| scene.count = usize::from(state.flags.contains(&'u'))),
            Hook::OptOut(|opt_out, allowed, scene| {
                *allowed |= opt_out.api == ApiVersion::Four && scene.count == 1;
            }),
        ],
    },
    Seed {
        slug: "opt-out-untrusted-api4-after-error",
        about: "lets an untrusted session skip permission checks with api4 when the call before failed",
        hooks: &[Hook::OptOut(|opt_out, allowed, scene| {
            let follows = scene.history.last_code == Some(API_FAILED);
            *allowed |= opt_out.api == ApiVersion::Four && follows;
        })],
    },
    Seed {
        slug: "opt-out-untrusted-spelled-zero",
        about: "lets an untrusted session skip permission checks when the wish is spelled 0",
        hooks: &[Hook::OptOut(|opt_out, allowed, _| *allowed |= *opt_out.spelled == Json::from(0))],
    },
    Seed {
        slug: "opt-out-untrusted-nested",
        about: "lets an untrusted session skip all permission checks of a call that opts out in a nested one",
        hooks: &[
            Hook::Request(|request, state, scene| {
                let nested = request.params.as_ref().and_then(|tuple| tuple.as_array()?.get(2)?.as_object());
                let opts_out =
                    nested.is_some_and(|members| members.iter().any(|(_, value)| has_opt_out(value)));
                scene.count = usize::from(opts_out && !state.is_trusted());
            }),
            Hook::Rights(|_, access, scene| {
                if scene.count == 1 {
                    *access = Access::All;
                }
            }),
        ],
    },
    Seed {
        slug: "opt-out-untrusted-after-options",
        about: "lets an untrusted session skip permission checks once it has called options",
        hooks: &[Hook::OptOut(|_, allowed, scene| *allowed |= scene.history.options > 0)],
    },
];

/// Gives a call that goes unchecked by default no more than its user has.
fn check_all_the_same(ask: &Ask<'_>, granted: &mut Access, _: &mut crate::pipe::hooks::Scene) {
    if !ask.checked && !ask.explicit && !ask.by_default {
        *granted = access(&Ask { checked: true, ..*ask });
    }
}

/// Whether a call that is nested in a value opts out of permission checks.
fn has_opt_out(value: &Json) -> bool {
    match value {
        Json::Array(items) => items.iter().any(has_opt_out),
        Json::Object(members) => members.iter().any(|(name, value)| {
            let is_wish = matches!(name.as_str(), "check_permissions" | "checkPermissions");
            (is_wish && wish(value) == Some(false)) || has_opt_out(value)
        }),
        _ => false,
    }
}
