//! The method `api3`: `APIv3` calls, whose names count in any case, and whose result is an array with `is_error`.
//!
//! A param `api.ENTITY.ACTION` is a nested call, made for every row of the outer one; `$value.FIELD` in its params
//! stands for a field of that row. A nested call that fails makes the whole call fail.

use civispec_wire::json::{Json, object};

use crate::store::{Condition, Query, Values, field};

use super::api::{ApiError, ApiVersion, Calls, Tuple, fill_in, row};
use super::entity::{Input, Verb, Yield};
use super::methods::Outcome;

/// How many contacts are returned unless the params say otherwise.
const DEFAULT_LIMIT: i64 = 25;

/// The method `api3`.
pub(crate) fn api3(params: Option<&Json>, calls: &mut Calls<'_>) -> Outcome {
    let tuple = Tuple::of_request(params, 3)?;
    let check = calls.default_check();
    call(&tuple, check, 0, calls).or_else(|error| calls.report(&error, &tuple))
}

fn call(tuple: &Tuple<'_>, inherited: bool, depth: usize, calls: &mut Calls<'_>) -> Result<Json, ApiError> {
    let verb = match Verb::loose(tuple.entity, tuple.action).ok_or_else(ApiError::not_found)? {
        // To create a contact that has an id already is to change it.
        Verb::ContactCreate if tuple.param("id").is_some() => Verb::ContactUpdate,
        verb => verb,
    };
    let checked = calls.is_checked(ApiVersion::Three, tuple.param("check_permissions"), inherited, depth);
    let access = calls.access(ApiVersion::Three, verb, checked, depth)?;
    let records = match calls.perform(verb, input(verb, tuple)?, access)? {
        Yield::Rows(records) => records,
        Yield::Count(count) => return Ok(integer(count)),
        Yield::Done => return Ok(envelope(1, Json::from(1))),
    };
    if records.is_empty() && matches!(verb, Verb::ContactDelete | Verb::ContactUpdate) {
        return Err(ApiError::new("not-found", "there is no such contact"));
    }
    let count = records.len();
    if verb == Verb::ContactDelete {
        return Ok(envelope(count, Json::from(1)));
    }

    let mut rows = Vec::new();
    for record in records {
        let mut row = row(record);
        for (name, params) in tuple.params {
            if let Some((entity, action)) = nested(name) {
                let result = chain(entity, action, params, &row, checked, depth, calls)?;
                row.push((name.clone(), result));
            }
        }
        rows.push(row);
    }
    let sequential = tuple.param("sequential").is_some_and(|v| *v == Json::from(1) || *v == Json::Bool(true));
    Ok(envelope(count, if sequential { list(rows) } else { by_key(rows) }))
}

/// The entity and action of a param that is a nested call.
fn nested(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix("api.").or_else(|| name.strip_prefix("API."))?.split_once('.')
}

/// The result of a nested call, or of several if its params are a list of objects.
fn chain(
    entity: &str,
    action: &str,
    params: &Json,
    row: &[(String, Json)],
    checked: bool,
    depth: usize,
    calls: &mut Calls<'_>,
) -> Result<Json, ApiError> {
    let mut one = |params: &Json| {
        let params = fill_in(params, "$value.", row);
        let params = params.as_object().unwrap_or_default();
        call(&Tuple { entity, action, params, index: None }, checked, depth + 1, calls)
    };
    match params {
        Json::Array(several) if !several.is_empty() => {
            Ok(Json::Array(several.iter().map(one).collect::<Result<_, _>>()?))
        }
        params => one(params),
    }
}

fn input(verb: Verb, tuple: &Tuple<'_>) -> Result<Input, ApiError> {
    let mut input =
        Input { text: tuple.param("text").and_then(Json::as_str).map(str::to_owned), ..Input::default() };
    match verb {
        Verb::ContactGet | Verb::ContactCount => input.query = query(verb, tuple)?,
        Verb::ContactCreate => input.values = values(tuple)?,
        Verb::ContactUpdate => {
            input.query.conditions.push(id(tuple)?);
            input.values = values(tuple)?;
        }
        Verb::ContactDelete => input.query.conditions.push(id(tuple)?),
        _ => {}
    }
    Ok(input)
}

/// The contacts that fit: a param with the name of a field is a condition, a value or `{operator: value}`.
fn query(verb: Verb, tuple: &Tuple<'_>) -> Result<Query, ApiError> {
    let mut query = Query::default();
    for (name, value) in tuple.params.iter().filter(|(name, _)| field(name).is_some()) {
        let condition = match value.as_object() {
            Some([(operator, value)]) => Condition::new(name, operator, Some(value)),
            _ => Condition::new(name, "=", Some(value)),
        };
        query.conditions.push(condition.ok_or_else(|| ApiError::bad_value("a condition"))?);
    }
    if verb == Verb::ContactGet {
        let option = |name| tuple.param("options").and_then(|options| options.get(name));
        let limit = option("limit").or_else(|| tuple.param("rowCount"));
        // A limit of 0 is none.
        query.limit = Some(size("the limit", limit)?.unwrap_or(DEFAULT_LIMIT)).filter(|limit| *limit > 0);
        query.offset = size("the offset", option("offset"))?.unwrap_or(0);
    }
    Ok(query)
}

/// A number of rows, which may be written as a string.
fn size(what: &str, value: Option<&Json>) -> Result<Option<i64>, ApiError> {
    let Some(value) = value else { return Ok(None) };
    match value.as_i64().or_else(|| value.as_str()?.parse().ok()) {
        Some(size @ 0..) => Ok(Some(size)),
        _ => Err(ApiError::bad_value(what)),
    }
}

fn id(tuple: &Tuple<'_>) -> Result<Condition, ApiError> {
    let value =
        tuple.param("id").ok_or_else(|| ApiError::new("mandatory_missing", "the param id is missing"))?;
    Condition::new("id", "=", Some(value)).ok_or_else(|| ApiError::bad_value("the id"))
}

fn values(tuple: &Tuple<'_>) -> Result<Values, ApiError> {
    let mut values = Values::default();
    for (name, value) in tuple.params.iter().filter(|(name, _)| name != "id") {
        if let Some(field) = field(name)
            && !values.set(field, value)
        {
            return Err(ApiError::bad_value(field.name));
        }
    }
    Ok(values)
}

fn envelope(count: usize, values: Json) -> Json {
    object([("is_error", 0.into()), ("version", 3.into()), ("count", integer(count)), ("values", values)])
}

fn integer(n: usize) -> Json {
    i64::try_from(n).unwrap_or(i64::MAX).into()
}

fn list(rows: Vec<Vec<(String, Json)>>) -> Json {
    Json::Array(rows.into_iter().map(Json::Object).collect())
}

/// The rows as members, named by their id or name; rows that have neither as a list.
fn by_key(rows: Vec<Vec<(String, Json)>>) -> Json {
    let key = |row: &Vec<(String, Json)>| {
        let (_, value) = row.first().filter(|(name, _)| name == "id" || name == "name")?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    match rows.iter().map(key).collect::<Option<Vec<String>>>() {
        Some(keys) => Json::Object(keys.into_iter().zip(rows.into_iter().map(Json::Object)).collect()),
        None => list(rows),
    }
}
