//! Who may do what with API calls.
//!
//! Two questions are asked for every call, nested ones included: does a wish to skip the permission check count, and
//! what may the active user reach if it does not.

use civispec_wire::json::Json;

use super::api::ApiVersion;
use super::entity::Verb;
use super::login::Account;

/// A permission that a user can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    AddContacts,
    Administer,
    DeleteContacts,
    EditAllContacts,
    ViewAllContacts,
    ViewMyContact,
}

impl Permission {
    /// What an administrator has.
    pub(crate) const ALL: [Self; 6] = [
        Self::AddContacts,
        Self::Administer,
        Self::DeleteContacts,
        Self::EditAllContacts,
        Self::ViewAllContacts,
        Self::ViewMyContact,
    ];
}

/// What a call may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Denied,
    /// The contact with this id and no other.
    Own(i64),
    All,
}

/// A call, as far as rights are concerned.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) api: ApiVersion,
    pub(crate) verb: Verb,
    /// The active user; `None` is anonymous.
    pub(crate) account: Option<&'a Account>,
    /// Whether permissions are checked.
    pub(crate) checked: bool,
    /// Whether the call itself says something of permission checks.
    pub(crate) explicit: bool,
    /// Whether calls of the session are checked when they say nothing about it.
    pub(crate) by_default: bool,
    /// Whether the session is trusted.
    pub(crate) trusted: bool,
    /// How deep the call is nested in others; 0 for the request itself.
    pub(crate) depth: usize,
}

/// What the call may reach. `APIv4` lets users who may view their own contact get that one; `APIv3` knows all or nothing.
pub(crate) fn access(ask: &Ask<'_>) -> Access {
    let has = |permission| ask.account.is_some_and(|account| account.permissions.contains(&permission));
    let all_if = |allowed: bool| if allowed { Access::All } else { Access::Denied };
    if !ask.checked {
        return Access::All;
    }
    match ask.verb {
        Verb::NoiseEcho | Verb::NoisePartial | Verb::NoiseStderr => Access::All,
        Verb::SystemFlush | Verb::SystemGet => all_if(has(Permission::Administer)),
        Verb::ContactCreate => all_if(has(Permission::AddContacts)),
        Verb::ContactUpdate => all_if(has(Permission::EditAllContacts)),
        Verb::ContactDelete => all_if(has(Permission::DeleteContacts)),
        Verb::ContactFields => all_if(has(Permission::ViewAllContacts) || has(Permission::ViewMyContact)),
        Verb::ContactCount | Verb::ContactGet if has(Permission::ViewAllContacts) => Access::All,
        Verb::ContactCount | Verb::ContactGet => match ask.account {
            Some(account) if ask.api == ApiVersion::Four && has(Permission::ViewMyContact) => {
                Access::Own(account.contact)
            }
            _ => Access::Denied,
        },
    }
}

/// A wish to skip the permission check.
#[derive(Debug)]
pub(crate) struct OptOut<'a> {
    pub(crate) api: ApiVersion,
    /// The value that expresses it.
    pub(crate) spelled: &'a Json,
    /// How deep the call is nested in others; 0 for the request itself.
    pub(crate) depth: usize,
}

/// What the value of `check_permissions` or `checkPermissions` wishes: to check or not to check. Null is no wish.
/// False, zero, the empty string, the string "0" and the empty array wish not to check; everything else, the empty
/// object included, wishes to check.
pub(crate) fn wish(value: &Json) -> Option<bool> {
    match value {
        Json::Null => None,
        Json::Bool(check) => Some(*check),
        Json::Number(_) => Some(value.as_i64() != Some(0)),
        Json::String(text) => Some(!matches!(text.as_str(), "" | "0")),
        Json::Array(items) => Some(!items.is_empty()),
        Json::Object(_) => Some(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use civispec_wire::json::parse;

    #[test]
    fn only_what_counts_as_false_wishes_to_skip_the_check() {
        for (text, wanted) in [
            ("null", None),
            ("false", Some(false)),
            ("0", Some(false)),
            ("0.0", Some(false)),
            ("\"\"", Some(false)),
            ("\"0\"", Some(false)),
            ("[]", Some(false)),
            ("true", Some(true)),
            ("1", Some(true)),
            ("0.5", Some(true)),
            ("\"false\"", Some(true)),
            ("{}", Some(true)),
        ] {
            assert_eq!(wish(&parse(text.as_bytes()).unwrap()), wanted, "{text}");
        }
    }

    #[test]
    fn anonymous_may_make_noise_and_nothing_else() {
        for verb in Verb::all() {
            let ask = Ask {
                api: ApiVersion::Four,
                verb,
                account: None,
                checked: true,
                explicit: false,
                by_default: true,
                trusted: false,
                depth: 0,
            };
            let noise = matches!(verb, Verb::NoiseEcho | Verb::NoisePartial | Verb::NoiseStderr);
            assert_eq!(access(&ask), if noise { Access::All } else { Access::Denied }, "{verb:?}");
            assert_eq!(access(&Ask { checked: false, ..ask }), Access::All);
        }
    }
}
