//! The session options and the method `options`.

use civispec_wire::json::Json;
use civispec_wire::jsonrpc::{ErrorObject, INVALID_PARAMS};

use super::methods::Outcome;
use super::state::{State, Trust};
use super::{Profile, code};

/// The largest `bufferSize`, in bytes.
const MAX_BUFFER_SIZE: i64 = 16 * 1024 * 1024;

/// How API errors are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ApiErrors {
    /// As a regular result with `is_error`.
    Array,
    /// As JSON-RPC errors.
    Exception,
}

/// The options of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) api_check_permissions: bool,
    pub(crate) api_errors: ApiErrors,
    /// The longest request line in bytes, without its line feed.
    pub(crate) buffer_size: usize,
    pub(crate) response_prefix: Option<String>,
}

/// One option: its name, how it is reported, and how it is set.
struct Entry {
    name: &'static str,
    get: fn(&Options) -> Json,
    set: fn(&mut Options, &Json, Trust) -> Result<(), ErrorObject>,
}

/// The options that the published text defines, in its order.
const TABLE: [Entry; 4] = [
    Entry {
        name: "apiCheckPermissions",
        get: |options| options.api_check_permissions.into(),
        set: |options, value, trust| match value {
            Json::Bool(false) if trust == Trust::Untrusted => Err(ErrorObject::new(
                code::NOT_TRUSTED,
                "apiCheckPermissions can be switched off on trusted connections only",
            )),
            Json::Bool(check) => {
                options.api_check_permissions = *check;
                Ok(())
            }
            _ => Err(bad_value("apiCheckPermissions", "a boolean")),
        },
    },
    Entry {
        name: "apiError",
        get: |options| match options.api_errors {
            ApiErrors::Array => "array".into(),
            ApiErrors::Exception => "exception".into(),
        },
        set: |options, value, _| {
            options.api_errors = match value.as_str() {
                Some("array") => ApiErrors::Array,
                Some("exception") => ApiErrors::Exception,
                _ => return Err(bad_value("apiError", "\"array\" or \"exception\"")),
            };
            Ok(())
        },
    },
    Entry {
        name: "bufferSize",
        get: |options| i64::try_from(options.buffer_size).unwrap_or(MAX_BUFFER_SIZE).into(),
        set: |options, value, _| set_buffer_size(options, value, "bufferSize"),
    },
    Entry {
        name: "responsePrefix",
        get: |options| options.response_prefix.as_deref().map_or(Json::Null, Json::from),
        set: |options, value, _| {
            options.response_prefix = match value {
                Json::Null => None,
                Json::String(prefix) => Some(prefix.clone()),
                _ => return Err(bad_value("responsePrefix", "a string or null")),
            };
            Ok(())
        },
    },
];

/// The options that the draft shows in its own notation. `maxLine` became `bufferSize`.
const DRAFT_TABLE: [Entry; 2] = [
    Entry { name: TABLE[3].name, get: TABLE[3].get, set: TABLE[3].set },
    Entry {
        name: "maxLine",
        get: TABLE[2].get,
        set: |options, value, _| set_buffer_size(options, value, "maxLine"),
    },
];

impl Options {
    /// The defaults. The draft shows a line limit of 16384 bytes; the published text wants at least 64kb.
    pub(crate) fn new(profile: Profile) -> Self {
        let (api_errors, buffer_size) = match profile {
            Profile::Published => (ApiErrors::Exception, 524_288),
            Profile::Draft => (ApiErrors::Array, 16_384),
        };
        Self { api_check_permissions: true, api_errors, buffer_size, response_prefix: None }
    }
}

/// The method `options`: without params, or with empty ones, it lists all options; with an object it sets the named
/// ones, all or none, and returns those. An unknown name and a bad value are invalid params.
pub(crate) fn options(params: Option<&Json>, state: &mut State) -> Outcome {
    let Some(names) = update(&TABLE, params, state)? else {
        return Ok(list(&TABLE, &state.options));
    };
    let changed = TABLE.iter().filter(|entry| names.contains(&entry.name));
    Ok(Json::Object(changed.map(|entry| (entry.name.to_owned(), (entry.get)(&state.options))).collect()))
}

/// The draft's `OPTIONS`: the list, or `true` after an update.
pub(crate) fn draft_options(params: &Json, state: &mut State) -> Outcome {
    Ok(match update(&DRAFT_TABLE, Some(params), state)? {
        None => list(&DRAFT_TABLE, &state.options),
        Some(_) => Json::Bool(true),
    })
}

/// Applies the params to a copy of the options and keeps it if all went well. The names of the options that were set;
/// `None` when the params ask for the list.
fn update(
    table: &[Entry],
    params: Option<&Json>,
    state: &mut State,
) -> Result<Option<Vec<&'static str>>, ErrorObject> {
    let members = match params {
        None => return Ok(None),
        Some(Json::Array(items)) if items.is_empty() => return Ok(None),
        Some(Json::Object(members)) if members.is_empty() => return Ok(None),
        Some(Json::Object(members)) => members,
        Some(_) => return Err(ErrorObject::new(INVALID_PARAMS, "options takes its params by name")),
    };
    let mut options = state.options.clone();
    let mut names = Vec::new();
    for (name, value) in members {
        let entry = table
            .iter()
            .find(|entry| entry.name == name)
            .ok_or_else(|| ErrorObject::new(INVALID_PARAMS, "unknown option"))?;
        (entry.set)(&mut options, value, state.trust)?;
        names.push(entry.name);
    }
    state.options = options;
    Ok(Some(names))
}

fn list(table: &[Entry], options: &Options) -> Json {
    Json::Object(table.iter().map(|entry| (entry.name.to_owned(), (entry.get)(options))).collect())
}

fn set_buffer_size(options: &mut Options, value: &Json, name: &str) -> Result<(), ErrorObject> {
    match value.as_i64() {
        Some(size @ 1..=MAX_BUFFER_SIZE) => {
            options.buffer_size = usize::try_from(size).unwrap_or(usize::MAX);
            Ok(())
        }
        _ => Err(bad_value(name, "an integer from 1 to 16777216")),
    }
}

fn bad_value(name: &str, wanted: &str) -> ErrorObject {
    ErrorObject::new(INVALID_PARAMS, format!("{name} must be {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipe::Config;
    use civispec_wire::json::parse;

    fn state(flags: &str) -> State {
        State::new(&Config { flags: Some(flags.into()), ..Config::default() })
    }

    fn set(state: &mut State, params: &str) -> Result<String, i64> {
        options(Some(&parse(params.as_bytes()).unwrap()), state).map(|r| r.to_string()).map_err(|e| e.code)
    }

    const ALL: &str =
        r#"{"apiCheckPermissions":true,"apiError":"exception","bufferSize":524288,"responsePrefix":null}"#;

    #[test]
    fn without_params_or_with_empty_ones_all_options_are_listed() {
        let mut state = state("t");
        assert_eq!(options(None, &mut state).unwrap().to_string(), ALL);
        assert_eq!(set(&mut state, "{}").unwrap(), ALL);
        assert_eq!(set(&mut state, "[]").unwrap(), ALL);
        assert_eq!(set(&mut state, "[1]"), Err(INVALID_PARAMS));
    }

    #[test]
    fn an_update_returns_the_named_options_only() {
        let mut state = state("t");
        assert_eq!(
            set(&mut state, r#"{"responsePrefix":"\u0001","bufferSize":1e5}"#).unwrap(),
            r#"{"bufferSize":100000,"responsePrefix":"\u0001"}"#
        );
        assert_eq!(set(&mut state, r#"{"responsePrefix":null}"#).unwrap(), r#"{"responsePrefix":null}"#);
    }

    #[test]
    fn an_update_with_one_bad_value_changes_nothing() {
        let mut state = state("t");
        for bad in [
            r#""bufferSize":0"#,
            r#""bufferSize":16777217"#,
            r#""bufferSize":1.5"#,
            r#""bufferSize":"1000""#,
            r#""apiError":"Array""#,
            r#""apiError":null"#,
            r#""apiCheckPermissions":0"#,
            r#""responsePrefix":1"#,
            r#""noSuchOption":1"#,
            r#""apierror":"array""#,
        ] {
            let update = format!(r#"{{"apiError":"array",{bad}}}"#);
            assert_eq!(set(&mut state, &update), Err(INVALID_PARAMS), "{update}");
            assert_eq!(set(&mut state, "{}").unwrap(), ALL);
        }
    }

    #[test]
    fn permission_checks_cannot_be_switched_off_on_an_untrusted_session() {
        let mut untrusted = state("u");
        let update = r#"{"apiError":"array","apiCheckPermissions":false}"#;
        assert_eq!(set(&mut untrusted, update), Err(code::NOT_TRUSTED));
        assert_eq!(set(&mut untrusted, "{}").unwrap(), ALL);
        assert!(set(&mut untrusted, r#"{"apiCheckPermissions":true}"#).is_ok());
        assert!(set(&mut state("t"), update).is_ok());
    }
}
