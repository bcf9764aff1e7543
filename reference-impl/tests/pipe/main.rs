//! The pipe server through its public interface: bytes in, bytes out.

#[cfg(test)]
mod api;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod session;

#[cfg(test)]
use civispec_reference::pipe::{Config, Profile, Session};

/// What a session with these flags writes after its header, for all of the input.
#[cfg(test)]
fn bytes(flags: &str, input: &[u8]) -> Vec<u8> {
    let mut session = Session::new(&Config { flags: Some(flags.into()), ..Config::default() });
    let mut out = Vec::new();
    session.feed(input, &mut out);
    session.finish(&mut out);
    out
}

/// The same as text.
#[cfg(test)]
fn text(flags: &str, input: &str) -> String {
    String::from_utf8(bytes(flags, input.as_bytes())).unwrap()
}

/// The results and errors of calls, in a session of their own: the result as JSON, or the code of the error.
#[cfg(test)]
fn calls(profile: Profile, flags: &str, calls: &[(&str, &str)]) -> Vec<String> {
    use civispec_wire::{json, jsonrpc::Response};

    let mut session = Session::new(&Config { profile, flags: Some(flags.into()), ..Config::default() });
    let outcome = |(method, params): &(&str, &str)| {
        let mut out = Vec::new();
        let line = format!("{{\"jsonrpc\":\"2.0\",\"method\":\"{method}\",\"params\":{params},\"id\":1}}\n");
        session.feed(line.as_bytes(), &mut out);
        // What an API call printed stands on lines of its own before the response.
        let response = out.strip_suffix(b"\n").unwrap().rsplit(|b| *b == b'\n').next().unwrap();
        match Response::decode(&json::parse(response).unwrap()).unwrap().outcome {
            Ok(result) => result.to_string(),
            Err(error) => error.code.to_string(),
        }
    };
    calls.iter().map(outcome).collect()
}
