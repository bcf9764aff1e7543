//! The older notation that the draft still uses for its options: `{"OPTIONS":{…}}` answered by `{"OK":…}`.

use civispec_wire::json::{Json, object};

use super::options::draft_options;
use super::state::State;

/// Executes a message in the older notation; `None` when it is in another one. An error is answered with `ERR`, in
/// the shape that the oldest servers used, but without their stack trace.
pub(crate) fn old_notation(message: &Json, state: &mut State) -> Option<Json> {
    let [(name, params)] = message.as_object()? else { return None };
    (name == "OPTIONS").then(|| match draft_options(params, state) {
        Ok(result) => object([("OK", result)]),
        Err(error) => object([(
            "ERR",
            object([("type", "options".into()), ("message", error.message.as_str().into())]),
        )]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipe::{Config, Profile};
    use civispec_wire::json::parse;

    #[test]
    fn options_are_listed_and_set_in_the_notation_of_the_draft() {
        let mut state = State::new(&Config { profile: Profile::Draft, ..Config::default() });
        for (request, reply) in [
            (r#"{"OPTIONS":{}}"#, r#"{"OK":{"responsePrefix":null,"maxLine":16384}}"#),
            (
                r#"{"OPTIONS":{"maxLine":"x"}}"#,
                r#"{"ERR":{"type":"options","message":"maxLine must be an integer from 1 to 16777216"}}"#,
            ),
            (r#"{"OPTIONS":{"responsePrefix":"\u0001"}}"#, r#"{"OK":true}"#),
            (r#"{"OPTIONS":[]}"#, r#"{"OK":{"responsePrefix":"\u0001","maxLine":16384}}"#),
        ] {
            let reply_given = old_notation(&parse(request.as_bytes()).unwrap(), &mut state).unwrap();
            assert_eq!(reply_given.to_string(), reply);
        }
    }

    #[test]
    fn other_messages_are_left_alone() {
        let mut state = State::new(&Config::default());
        for message in ["{}", "[]", "1", r#"{"options":{}}"#, r#"{"OPTIONS":{},"id":1}"#] {
            assert_eq!(old_notation(&parse(message.as_bytes()).unwrap(), &mut state), None);
        }
    }
}
