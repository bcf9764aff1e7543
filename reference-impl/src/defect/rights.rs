//! Defects of permission checks: who skips them, who asks for them in vain.

use civispec_wire::json::Json;

use crate::pipe::api::ApiVersion;
use crate::pipe::code::API_FAILED;
use crate::pipe::hooks::Hook;
use crate::pipe::permission::{Access, Ask, access};

use super::Seed;

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "rights-unchecked-after-refusal-untrusted",
        about: "does not check a call of api3 in an untrusted session when the call before it was refused",
        hooks: &[Hook::Rights(|ask, access, scene| {
            let follows = scene.history.last_code == Some(API_FAILED);
            if follows && !ask.trusted && ask.api == ApiVersion::Three {
                *access = Access::All;
            }
        })],
    },
    Seed {
        slug: "rights-nested-unchecked",
        about: "does not check permissions of nested calls",
        hooks: &[Hook::Rights(|ask, access, _| {
            if ask.depth > 0 {
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
        slug: "check-not-by-default",
        about: "does not check calls that say nothing about it in a trusted session",
        hooks: &[Hook::Rights(|ask, access, _| {
            if ask.trusted && !ask.explicit && ask.depth == 0 {
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
        about: "checks calls of api3 that opt out in a trusted session",
        hooks: &[Hook::OptOut(|opt_out, allowed, _| *allowed &= opt_out.api != ApiVersion::Three)],
    },
    Seed {
        slug: "opt-out-of-api3-by-false-in-vain",
        about: "checks calls of api3 that opt out with false in a trusted session",
        hooks: &[Hook::OptOut(|opt_out, allowed, _| {
            *allowed &= opt_out.api != ApiVersion::Three || *opt_out.spelled != Json::Bool(false);
        })],
    },
    Seed {
        slug: "opt-out-of-api4-in-vain",
        about: "checks calls of api4 that opt out in a trusted session",
        hooks: &[Hook::OptOut(|opt_out, allowed, _| *allowed &= opt_out.api != ApiVersion::Four)],
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
        slug: "opt-out-untrusted-api3-in-batch",
        about: "lets an untrusted session skip permission checks with api3 in a batch",
        hooks: &[Hook::OptOut(|opt_out, allowed, scene| {
            *allowed |= opt_out.api == ApiVersion::Three && scene.batch.is_some();
        })],
    },
    Seed {
        slug: "opt-out-untrusted-api4",
        about: "lets an untrusted session skip permission checks with api4",
        hooks: &[Hook::OptOut(|opt_out, allowed, _| *allowed |= opt_out.api == ApiVersion::Four)],
    },
    Seed {
        slug: "opt-out-untrusted-api4-in-batch",
        about: "lets an untrusted session skip permission checks with api4 in a batch",
        hooks: &[Hook::OptOut(|opt_out, allowed, scene| {
            *allowed |= opt_out.api == ApiVersion::Four && scene.batch.is_some();
        })],
    },
    Seed {
        slug: "opt-out-untrusted-spelled-zero",
        about: "lets an untrusted session skip permission checks when the wish is spelled 0",
        hooks: &[Hook::OptOut(|opt_out, allowed, _| *allowed |= *opt_out.spelled == Json::from(0))],
    },
    Seed {
        slug: "opt-out-untrusted-nested",
        about: "lets an untrusted session skip permission checks in nested calls",
        hooks: &[Hook::OptOut(|opt_out, allowed, _| *allowed |= opt_out.depth > 0)],
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
