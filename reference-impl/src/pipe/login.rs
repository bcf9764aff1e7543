//! Users, credentials and the method `login`.
//!
//! The users are test data: their credentials are public and open nothing else.

use civispec_wire::json::{Json, object};
use civispec_wire::jsonrpc::{ErrorObject, INVALID_PARAMS};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::methods::Outcome;
use super::permission::Permission;
use super::state::State;
use super::{Profile, code};

/// A contact that can be active in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) contact: i64,
    /// The user account of the contact; not every contact has one.
    pub(crate) user: Option<i64>,
    name: Option<&'static str>,
    pub(crate) permissions: &'static [Permission],
}

/// The contacts that are more than a row in the store.
const ACCOUNTS: [Account; 3] = [
    Account { contact: 202, user: Some(1), name: Some("admin"), permissions: &Permission::ALL },
    Account { contact: 203, user: Some(2), name: Some("demo"), permissions: &[Permission::ViewMyContact] },
    Account { contact: 204, user: None, name: None, permissions: &[] },
];

/// AuthX credentials, and the place of their user in [`ACCOUNTS`]. The basic ones are `admin:adm1npass` and
/// `demo:dem0pass`.
const CREDENTIALS: [(&str, u8); 4] = [
    ("Bearer s3cr3tk3y", 0),
    ("Bearer demokey", 1),
    ("Basic YWRtaW46YWRtMW5wYXNz", 0),
    ("Basic ZGVtbzpkZW0wcGFzcw==", 1),
];

/// The user that a tester of the reference would declare, in every way that a login can name it.
#[derive(Debug, Clone, Copy)]
pub struct TestAccount {
    /// An AuthX credential.
    pub cred: &'static str,
    /// The contact.
    pub contact_id: i64,
    /// The user account of the contact.
    pub user_id: i64,
    /// The name of the user.
    pub user: &'static str,
}

/// The administrator of the reference.
pub const ACCOUNT: TestAccount =
    TestAccount { cred: CREDENTIALS[0].0, contact_id: ACCOUNTS[0].contact, user_id: 1, user: "admin" };

/// The members of `params` that name a principal, and whether the published text asks for trust.
const PRINCIPALS: [(&str, bool); 4] =
    [("cred", false), ("contactId", true), ("userId", true), ("user", true)];

/// The method `login`: sets the active user, and keeps the former one when it fails. Exactly one principal is to be
/// given; other members are passed over. A principal that needs a trusted session is refused with
/// [`code::NOT_TRUSTED`] elsewhere, an unknown one and a change of user with [`code::LOGIN_REFUSED`].
pub(crate) fn login(params: Option<&Json>, state: &mut State) -> Outcome {
    let mut given = params
        .and_then(Json::as_object)
        .unwrap_or_default()
        .iter()
        .filter_map(|(name, value)| PRINCIPALS.iter().find(|p| p.0 == name).map(|p| (*p, value)))
        // The draft authenticates nobody and has no credentials.
        .filter(|((name, _), _)| state.profile == Profile::Published || *name != "cred");
    let (Some(((name, needs_trust), value)), None) = (given.next(), given.next()) else {
        return Err(ErrorObject::new(
            INVALID_PARAMS,
            "login takes exactly one of cred, contactId, userId and user",
        ));
    };
    let principal = Principal::new(name, value)?;
    if needs_trust && !state.is_trusted() {
        return Err(ErrorObject::new(code::NOT_TRUSTED, format!("{name} needs a trusted connection")));
    }
    if !state.authx {
        return Err(refused("there is no login mechanism"));
    }
    let account = find(principal, state)?.ok_or_else(|| refused("the login failed"))?;
    match state.account {
        Some(active) if active != account => return Err(refused("another user is already active")),
        _ => state.account = Some(account),
    }
    Ok(object([
        ("contactId", account.contact.into()),
        ("userId", account.user.map_or(Json::Null, Json::from)),
    ]))
}

/// Who wants to log in.
enum Principal<'a> {
    Cred(&'a str),
    Contact(i64),
    User(i64),
    Name(&'a str),
}

impl<'a> Principal<'a> {
    fn new(name: &str, value: &'a Json) -> Result<Self, ErrorObject> {
        let principal = match name {
            "cred" => value.as_str().map(Self::Cred),
            "contactId" => value.as_i64().map(Self::Contact),
            "userId" => value.as_i64().map(Self::User),
            _ => value.as_str().map(Self::Name),
        };
        principal.ok_or_else(|| {
            let wanted = if matches!(name, "cred" | "user") { "a string" } else { "an integer" };
            ErrorObject::new(INVALID_PARAMS, format!("{name} must be {wanted}"))
        })
    }
}

fn find(principal: Principal<'_>, state: &mut State) -> Result<Option<Account>, ErrorObject> {
    let find = |is: &dyn Fn(&Account) -> bool| ACCOUNTS.into_iter().find(is);
    Ok(match principal {
        Principal::Cred(cred) => authenticate(cred),
        Principal::User(id) => find(&|account| account.user == Some(id)),
        Principal::Name(name) => find(&|account| account.name == Some(name)),
        Principal::Contact(id) => match find(&|account| account.contact == id) {
            Some(account) => Some(account),
            // Any other contact can be active too, without rights of its own.
            None => state
                .store
                .open()
                .and_then(|store| store.has_contact(id))
                .map_err(|_| refused("the login failed"))?
                .then_some(Account { contact: id, user: None, name: None, permissions: &[] }),
        },
    })
}

/// The account of a credential. Every known credential is compared in full, so that the time taken tells at most the
/// length of the one given.
fn authenticate(cred: &str) -> Option<Account> {
    let mut found = Choice::from(0);
    let mut place = 0u8;
    for (known, account) in CREDENTIALS {
        let same = known.as_bytes().ct_eq(cred.as_bytes());
        place.conditional_assign(&account, same);
        found |= same;
    }
    bool::from(found).then(|| ACCOUNTS[usize::from(place)])
}

fn refused(message: &str) -> ErrorObject {
    ErrorObject::new(code::LOGIN_REFUSED, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipe::Config;
    use civispec_wire::json::parse;

    fn state(flags: &str) -> State {
        State::new(&Config { flags: Some(flags.into()), ..Config::default() })
    }

    fn attempt(state: &mut State, params: &str) -> Result<String, i64> {
        login(Some(&parse(params.as_bytes()).unwrap()), state).map(|r| r.to_string()).map_err(|e| e.code)
    }

    #[test]
    fn every_principal_works_on_a_trusted_session_and_only_cred_on_an_untrusted_one() {
        for (params, result) in [
            (r#"{"cred":"Bearer s3cr3tk3y"}"#, r#"{"contactId":202,"userId":1}"#),
            (r#"{"cred":"Basic ZGVtbzpkZW0wcGFzcw=="}"#, r#"{"contactId":203,"userId":2}"#),
            (r#"{"contactId":202}"#, r#"{"contactId":202,"userId":1}"#),
            (r#"{"contactId":204}"#, r#"{"contactId":204,"userId":null}"#),
            (r#"{"contactId":1}"#, r#"{"contactId":1,"userId":null}"#),
            (r#"{"userId":2}"#, r#"{"contactId":203,"userId":2}"#),
            (r#"{"user":"admin"}"#, r#"{"contactId":202,"userId":1}"#),
        ] {
            assert_eq!(attempt(&mut state("t"), params).unwrap(), result);
            let untrusted = attempt(&mut state("u"), params);
            if params.contains("cred") {
                assert_eq!(untrusted.unwrap(), result);
            } else {
                assert_eq!(untrusted, Err(code::NOT_TRUSTED));
            }
        }
    }

    #[test]
    fn none_several_and_wrongly_typed_principals_are_invalid_params() {
        for params in [
            "{}",
            "[202]",
            r#"{"contactId":202,"userId":1}"#,
            r#"{"contactId":202,"contactId":203}"#,
            r#"{"contactId":"202"}"#,
            r#"{"user":1}"#,
            r#"{"cred":null}"#,
            r#"{"ContactId":202}"#,
        ] {
            assert_eq!(attempt(&mut state("t"), params), Err(INVALID_PARAMS), "{params}");
        }
    }

    #[test]
    fn a_failed_login_keeps_the_user_and_another_user_cannot_take_over() {
        let mut state = state("t");
        attempt(&mut state, r#"{"userId":2}"#).unwrap();
        for params in
            [r#"{"cred":"Bearer wrong"}"#, r#"{"userId":99}"#, r#"{"contactId":9999}"#, r#"{"userId":1}"#]
        {
            assert_eq!(attempt(&mut state, params), Err(code::LOGIN_REFUSED), "{params}");
            assert_eq!(state.account.unwrap().contact, 203);
        }
        assert!(attempt(&mut state, r#"{"user":"demo"}"#).is_ok());
    }

    #[test]
    fn the_draft_knows_no_credentials() {
        let mut state = State::new(&Config { profile: Profile::Draft, ..Config::default() });
        assert_eq!(attempt(&mut state, r#"{"cred":"Bearer s3cr3tk3y"}"#), Err(INVALID_PARAMS));
        assert!(attempt(&mut state, r#"{"userId":1}"#).is_ok());
    }
}
