//! Connection flags and the welcome header (section "Flags").

use std::collections::HashSet;

use civispec_wire::json::{Json, object};

use super::state::{State, Trust};
use super::{Profile, VERSION};

/// The flags of a connection that asked for none. The text shows them in its examples only.
const DEFAULT: &[u8] = b"vtl";

/// The requested flags: one per character, each once, at its first place. Bytes that are no UTF-8 count as U+FFFD,
/// because the header is UTF-8.
pub(crate) fn requested(flags: Option<&[u8]>) -> Vec<char> {
    let mut seen = HashSet::new();
    String::from_utf8_lossy(flags.unwrap_or(DEFAULT)).chars().filter(|flag| seen.insert(*flag)).collect()
}

/// What the flags say about trust. `u` wins over `t` (both are reported), and a session that asks for neither is
/// untrusted: rights are never given by default.
pub(crate) fn trust(flags: &[char]) -> Trust {
    if flags.contains(&'t') && !flags.contains(&'u') { Trust::Trusted } else { Trust::Untrusted }
}

/// The header of the session.
pub(crate) fn header(state: &State) -> Json {
    let welcome = match state.profile {
        Profile::Draft => Json::Array(vec!["jsonrpc20".into()]),
        Profile::Published => {
            Json::Object(state.flags.iter().map(|flag| (flag.to_string(), value(*flag, state))).collect())
        }
    };
    object([("Civi::pipe", welcome)])
}

/// What a flag reports; unknown ones report null.
fn value(flag: char, state: &State) -> Json {
    match flag {
        'v' => VERSION.into(),
        'j' => Json::Array(vec!["jsonrpc-2.0".into()]),
        'l' => Json::Array(vec![if state.authx { "login" } else { "nologin" }.into()]),
        't' => "trusted".into(),
        'u' => "untrusted".into(),
        _ => Json::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipe::Config;

    fn header_of(flags: Option<&[u8]>) -> String {
        header(&State::new(&Config { flags: flags.map(<[u8]>::to_vec), ..Config::default() })).to_string()
    }

    #[test]
    fn every_flag_is_reported_once_and_in_the_requested_order() {
        for (flags, welcome) in [
            (&b""[..], r"{}"),
            (b"uxv", r#"{"u":"untrusted","x":null,"v":"5.81.0"}"#),
            (b"vtv", r#"{"v":"5.81.0","t":"trusted"}"#),
            (b"jl", r#"{"j":["jsonrpc-2.0"],"l":["login"]}"#),
            (b"V0 \"", r#"{"V":null,"0":null," ":null,"\"":null}"#),
            ("éé".as_bytes(), r#"{"é":null}"#),
            (b"\xff\xfe", "{\"\u{fffd}\":null}"),
        ] {
            assert_eq!(header_of(Some(flags)), format!(r#"{{"Civi::pipe":{welcome}}}"#));
        }
        assert_eq!(header_of(None), r#"{"Civi::pipe":{"v":"5.81.0","t":"trusted","l":["login"]}}"#);
    }

    #[test]
    fn a_session_is_trusted_only_when_t_is_asked_for_and_u_is_not() {
        for (flags, trusted) in
            [("t", true), ("vtl", true), ("u", false), ("tu", false), ("ut", false), ("", false)]
        {
            let flags = requested(Some(flags.as_bytes()));
            assert_eq!(trust(&flags) == Trust::Trusted, trusted, "{flags:?}");
        }
    }
}
