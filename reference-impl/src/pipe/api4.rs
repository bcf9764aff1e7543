//! The method `api4`: `APIv4` calls, whose names count to the letter, and whose result is a list of rows.
//!
//! A fourth element of the tuple picks from the rows: an integer takes the row at that place, a string keys the rows
//! by that field. `chain` holds nested calls by name, made for every row of the outer one; `$FIELD` in their params
//! stands for a field of that row. A nested call that fails makes the whole call fail.

use civispec_wire::json::Json;

use crate::store::{Condition, Query, Values, field};

use super::api::{ApiError, ApiVersion, Calls, Tuple, fill_in, row};
use super::entity::{Input, Verb, Yield};
use super::methods::Outcome;

/// The method `api4`.
pub(crate) fn api4(params: Option<&Json>, calls: &mut Calls<'_>) -> Outcome {
    let tuple = Tuple::of_request(params, 4)?;
    let check = calls.default_check();
    call(&tuple, check, 0, calls).or_else(|error| calls.report(&error, &tuple))
}

fn call(tuple: &Tuple<'_>, inherited: bool, depth: usize, calls: &mut Calls<'_>) -> Result<Json, ApiError> {
    let verb = Verb::exact(tuple.entity, tuple.action).ok_or_else(ApiError::not_found)?;
    let checked = calls.is_checked(ApiVersion::Four, tuple.param("checkPermissions"), inherited, depth);
    let access = calls.access(ApiVersion::Four, verb, checked, depth)?;
    let select = select(tuple.param("select"))?;
    let chained = match tuple.param("chain") {
        None => &[],
        Some(chain) => chain.as_object().ok_or_else(|| ApiError::bad_value("chain"))?,
    };
    let mut rows: Vec<Vec<(String, Json)>> = match calls.perform(verb, input(verb, tuple)?, access)? {
        Yield::Rows(records) => records.into_iter().map(row).collect(),
        Yield::Count(count) => {
            vec![vec![("row_count".to_owned(), i64::try_from(count).unwrap_or(i64::MAX).into())]]
        }
        Yield::Done => Vec::new(),
    };
    for row in &mut rows {
        let full = row.clone();
        if verb == Verb::ContactGet && !select.is_empty() {
            row.retain(|(name, _)| select.contains(&name.as_str()));
        }
        for (name, nested) in chained {
            let nested = fill_in(nested, "$", &full);
            let tuple = Tuple::new(&nested, 4).ok_or_else(|| ApiError::bad_value("chain"))?;
            row.push((name.clone(), call(&tuple, checked, depth + 1, calls)?));
        }
    }
    pick(rows, tuple.index)
}

/// The names of the selected fields; none means all.
fn select(value: Option<&Json>) -> Result<Vec<&str>, ApiError> {
    let names: Option<Vec<&str>> = match value {
        None => Some(Vec::new()),
        Some(value) => value.as_array().and_then(|names| names.iter().map(Json::as_str).collect()),
    };
    match names {
        Some(names) if names.contains(&"*") => Ok(Vec::new()),
        Some(names) if names.iter().all(|name| field(name).is_some()) => Ok(names),
        _ => Err(ApiError::bad_value("select")),
    }
}

/// The rows as the fourth element of the tuple wants them.
fn pick(rows: Vec<Vec<(String, Json)>>, index: Option<&Json>) -> Result<Json, ApiError> {
    match index {
        None | Some(Json::Null) => Ok(Json::Array(rows.into_iter().map(Json::Object).collect())),
        Some(Json::String(name)) => {
            let mut keyed: Vec<(String, Json)> = Vec::new();
            for row in rows {
                let (_, key) = row
                    .iter()
                    .find(|(known, _)| known == name)
                    .ok_or_else(|| ApiError::bad_value("the index"))?;
                let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                keyed.retain(|(known, _)| *known != key);
                keyed.push((key, Json::Object(row)));
            }
            Ok(Json::Object(keyed))
        }
        Some(place) => place
            .as_i64()
            .and_then(|place| usize::try_from(place).ok())
            .and_then(|place| rows.into_iter().nth(place))
            .map(Json::Object)
            .ok_or_else(|| ApiError::new("not-found", "there is no row at this index")),
    }
}

fn input(verb: Verb, tuple: &Tuple<'_>) -> Result<Input, ApiError> {
    let mut input =
        Input { text: tuple.param("text").and_then(Json::as_str).map(str::to_owned), ..Input::default() };
    match verb {
        Verb::ContactGet | Verb::ContactCount => input.query = query(tuple)?,
        Verb::ContactCreate => input.values = values(tuple)?,
        Verb::ContactUpdate | Verb::ContactDelete => {
            input.query = query(tuple)?;
            // Nobody changes everything by leaving something out.
            if input.query.conditions.is_empty() {
                return Err(ApiError::new("mandatory_missing", "the param where is missing"));
            }
            if verb == Verb::ContactUpdate {
                input.values = values(tuple)?;
            }
        }
        _ => {}
    }
    Ok(input)
}

fn query(tuple: &Tuple<'_>) -> Result<Query, ApiError> {
    let mut query = Query { limit: size("limit", tuple)?.filter(|limit| *limit > 0), ..Query::default() };
    query.offset = size("offset", tuple)?.unwrap_or(0);
    if let Some(clauses) = tuple.param("where") {
        let clauses = clauses.as_array().ok_or_else(|| ApiError::bad_value("where"))?;
        query.conditions = clauses
            .iter()
            .map(condition)
            .collect::<Option<_>>()
            .ok_or_else(|| ApiError::bad_value("where"))?;
    }
    for (name, direction) in tuple.param("orderBy").and_then(Json::as_object).unwrap_or_default() {
        let descending = match direction.as_str() {
            Some("ASC") => false,
            Some("DESC") => true,
            _ => return Err(ApiError::bad_value("orderBy")),
        };
        query.order.push((field(name).ok_or_else(|| ApiError::bad_value("orderBy"))?, descending));
    }
    Ok(query)
}

/// A clause `[field, operator, value]`.
fn condition(clause: &Json) -> Option<Condition> {
    let clause = clause.as_array().filter(|clause| clause.len() <= 3)?;
    Condition::new(clause.first()?.as_str()?, clause.get(1)?.as_str()?, clause.get(2))
}

fn size(name: &str, tuple: &Tuple<'_>) -> Result<Option<i64>, ApiError> {
    let Some(value) = tuple.param(name) else { return Ok(None) };
    match value.as_i64() {
        Some(size @ 0..) => Ok(Some(size)),
        _ => Err(ApiError::bad_value(name)),
    }
}

fn values(tuple: &Tuple<'_>) -> Result<Values, ApiError> {
    let mut values = Values::default();
    for (name, value) in tuple.param("values").and_then(Json::as_object).unwrap_or_default() {
        let Some(field) = field(name) else { return Err(ApiError::bad_value("values")) };
        if !values.set(field, value) {
            return Err(ApiError::bad_value(field.name));
        }
    }
    Ok(values)
}
