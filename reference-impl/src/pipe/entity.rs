//! What the API calls do: a few actions on contacts, the system, and noise.
//!
//! Both API versions translate their params into an [`Input`] and their result from a [`Yield`]; rights are decided
//! before anything here is called.

use civispec_wire::json::Json;

use crate::store::{Condition, FIELDS, Kind, Query, Record, Values};

use super::VERSION;
use super::api::ApiError;
use super::permission::Access;
use super::state::State;

/// An action on an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    ContactCount,
    ContactCreate,
    ContactDelete,
    ContactFields,
    ContactGet,
    ContactUpdate,
    NoiseEcho,
    NoisePartial,
    NoiseStderr,
    SystemFlush,
    SystemGet,
}

/// The names of the actions, as `APIv4` spells them.
const NAMES: [(&str, &str, Verb); 11] = [
    ("Contact", "getCount", Verb::ContactCount),
    ("Contact", "create", Verb::ContactCreate),
    ("Contact", "delete", Verb::ContactDelete),
    ("Contact", "getFields", Verb::ContactFields),
    ("Contact", "get", Verb::ContactGet),
    ("Contact", "update", Verb::ContactUpdate),
    ("Noise", "echo", Verb::NoiseEcho),
    ("Noise", "partial", Verb::NoisePartial),
    ("Noise", "stderr", Verb::NoiseStderr),
    ("System", "flush", Verb::SystemFlush),
    ("System", "get", Verb::SystemGet),
];

impl Verb {
    /// The action of that name, case included.
    pub(crate) fn exact(entity: &str, action: &str) -> Option<Self> {
        NAMES.iter().find(|(e, a, _)| *e == entity && *a == action).map(|(_, _, verb)| *verb)
    }

    /// The action of that name in any case.
    pub(crate) fn loose(entity: &str, action: &str) -> Option<Self> {
        let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        NAMES.iter().find(|(e, a, _)| same(e, entity) && same(a, action)).map(|(_, _, verb)| *verb)
    }

    #[cfg(test)]
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        NAMES.into_iter().map(|(_, _, verb)| verb)
    }
}

/// What an action is given. Each action looks at the parts that concern it.
#[derive(Debug, Default)]
pub(crate) struct Input {
    pub(crate) query: Query,
    pub(crate) values: Values,
    /// What a noise action prints.
    pub(crate) text: Option<String>,
}

/// What an action gives back.
#[derive(Debug)]
pub(crate) enum Yield {
    Rows(Vec<Record>),
    Count(usize),
    Done,
}

/// Carries out an action, on the contacts that the access covers.
pub(crate) fn perform(
    verb: Verb,
    mut input: Input,
    access: Access,
    state: &mut State,
) -> Result<Yield, ApiError> {
    let active = state.account.map(|account| account.contact);
    for condition in &mut input.query.conditions {
        condition.resolve(active);
    }
    match access {
        Access::Denied => return Err(ApiError::new("unauthorized", "insufficient permission")),
        Access::Own(id) => input.query.conditions.push(Condition::id(id)),
        Access::All => {}
    }
    let query = &input.query;
    let noise = |default: &str| input.text.as_deref().unwrap_or(default).as_bytes().to_vec();
    let made_noise = || Ok(Yield::Rows(vec![vec![("ok", Json::from(1))]]));
    match verb {
        Verb::NoiseEcho => {
            state.noise.extend(noise("DEBUG: noise\n"));
            made_noise()
        }
        Verb::NoisePartial => {
            state.noise.extend(noise("noise-without-newline"));
            made_noise()
        }
        Verb::NoiseStderr => {
            state.stderr.extend(noise("stderr noise\n"));
            made_noise()
        }
        // There is no cache, and the text promises no change of data.
        Verb::SystemFlush => Ok(Yield::Done),
        Verb::SystemGet => {
            Ok(Yield::Rows(vec![vec![("version", VERSION.into()), ("uf", "Standalone".into())]]))
        }
        Verb::ContactFields => Ok(Yield::Rows(fields())),
        Verb::ContactGet => Ok(Yield::Rows(state.store.open()?.contacts(query)?)),
        Verb::ContactCount => Ok(Yield::Count(state.store.open()?.count(query)?)),
        Verb::ContactCreate => {
            if !input.values.has("contact_type") {
                return Err(ApiError::new("mandatory_missing", "the value contact_type is missing"));
            }
            let store = state.store.open()?;
            let id = store.create(&input.values)?;
            Ok(Yield::Rows(store.contacts(&only(id))?))
        }
        Verb::ContactUpdate => {
            let store = state.store.open()?;
            let mut rows = Vec::new();
            for id in ids(&store.contacts(query)?) {
                store.update(id, &input.values)?;
                rows.extend(store.contacts(&only(id))?);
            }
            Ok(Yield::Rows(rows))
        }
        Verb::ContactDelete => {
            let store = state.store.open()?;
            let found = ids(&store.contacts(query)?);
            for id in &found {
                store.delete(*id)?;
            }
            Ok(Yield::Rows(found.into_iter().map(|id| vec![("id", id.into())]).collect()))
        }
    }
}

/// The one contact with that id.
fn only(id: i64) -> Query {
    Query { conditions: vec![Condition::id(id)], ..Query::default() }
}

fn ids(rows: &[Record]) -> Vec<i64> {
    rows.iter().filter_map(|row| row.first()?.1.as_i64()).collect()
}

/// The fields of a contact as rows.
fn fields() -> Vec<Record> {
    let rows = FIELDS.iter().map(|field| {
        let kind = match field.kind {
            Kind::Integer => "Integer",
            Kind::Text => "String",
        };
        vec![("name", field.name.into()), ("title", field.title.into()), ("data_type", kind.into())]
    });
    rows.collect()
}
