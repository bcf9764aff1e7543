//! Defects of what errors give away.

use crate::pipe::hooks::Hook;

use super::Seed;

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "error-tells-path",
        about: "names a file of the host in error messages",
        hooks: &[Hook::Outcome(|_, outcome, _, _| {
            if let Err(error) = outcome {
                error.message.push_str(" in /srv/civicrm/pipe.php on line 99");
            }
        })],
    },
    Seed {
        slug: "error-tells-credential",
        about: "quotes a refused credential",
        hooks: &[Hook::Outcome(|request, outcome, _, _| {
            if let Err(error) = outcome
                && let Some(cred) = request.params.as_ref().and_then(|params| params.get("cred")?.as_str())
            {
                error.message.push_str(cred);
            }
        })],
    },
];
