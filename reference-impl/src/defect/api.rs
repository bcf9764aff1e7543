//! Defects of API calls: permissions, and how errors are reported.

use civispec_wire::json::Json;
use civispec_wire::jsonrpc::ErrorObject;

use crate::pipe::api::ApiVersion;
use crate::pipe::code::API_FAILED;
use crate::pipe::hooks::Hook;
use crate::pipe::permission::Access;

use super::Seed;

pub(super) const DEFECTS: &[Seed] = &[
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
    Seed {
        slug: "opt-out-untrusted-api3",
        about: "lets an untrusted session skip permission checks with api3",
        hooks: &[Hook::OptOut(|opt_out, allowed, _| *allowed |= opt_out.api == ApiVersion::Three)],
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
        slug: "rights-own-as-all",
        about: "shows all contacts to users who may view their own",
        hooks: &[Hook::Rights(|_, access, _| {
            if matches!(access, Access::Own(_)) {
                *access = Access::All;
            }
        })],
    },
    Seed {
        slug: "api3-array-error-thrown-in-batch",
        about: "reports errors of api3 as JSON-RPC errors within a batch although apiError is array",
        hooks: &[Hook::Outcome(|request, outcome, _, scene| {
            if request.method == "api3"
                && scene.batch.is_some()
                && matches!(outcome, Ok(result) if result.get("is_error") == Some(&Json::from(1)))
            {
                *outcome = Err(ErrorObject::new(API_FAILED, "the call failed"));
            }
        })],
    },
];
