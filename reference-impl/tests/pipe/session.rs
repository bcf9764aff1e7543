//! Lines, messages, batches, limits and prefixes.

use civispec_reference::pipe::{Config, Profile, Session};

use super::{bytes, calls, text};

/// The code of the error that answers a line, which must have a null id.
fn refused(line: &[u8]) -> String {
    let out = String::from_utf8(bytes("t", &[line, b"\n"].concat())).unwrap();
    let rest =
        out.strip_prefix("{\"jsonrpc\":\"2.0\",\"error\":{\"code\":").unwrap_or_else(|| panic!("{out}"));
    assert!(rest.ends_with("\"},\"id\":null}\n"), "{out}");
    rest[..6].to_owned()
}

#[test]
fn echo_gives_back_what_it_got_to_the_letter() {
    for params in [
        "{}",
        "[]",
        "[{}]",
        "[null,true,1e999,-0,0.10,12345678901234567890]",
        r#"{"b":1,"a":{"\u0000":""},"b":2}"#,
        "[\"\u{2028}\u{2029}\u{85}\u{7f}\u{10ffff}\"]",
    ] {
        let request = format!("{{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":{params},\"id\":1}}\n");
        assert_eq!(text("t", &request), format!("{{\"jsonrpc\":\"2.0\",\"result\":{params},\"id\":1}}\n"));
    }
}

#[test]
fn echo_without_params_gives_an_empty_array() {
    let out = text("t", "{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":\"a\"}\n");
    assert_eq!(out, "{\"jsonrpc\":\"2.0\",\"result\":[],\"id\":\"a\"}\n");
}

#[test]
fn ids_come_back_as_they_were_written() {
    for id in ["null", "0", "-1", "1.50", "1e2", "12345678901234567890", "\"\"", "\"7\"", r#""\u0000é""#] {
        let request = format!("{{\"jsonrpc\":\"2.0\",\"method\":\"nope\",\"id\":{id}}}\n");
        assert!(text("t", &request).ends_with(&format!(",\"id\":{id}}}\n")));
    }
}

#[test]
fn only_the_five_methods_are_found_and_only_to_the_letter() {
    for method in ["Echo", "ECHO", "echo ", "", "rpc.echo", "__construct", "isTrusted", "login\\u0000", "run"]
    {
        assert_eq!(calls(Profile::Published, "t", &[(method, "[]")]), ["-32601"]);
    }
}

#[test]
fn params_that_are_neither_array_nor_object_are_invalid() {
    for params in ["null", "1", "\"x\"", "true"] {
        for method in ["echo", "login", "options", "api3", "api4"] {
            assert_eq!(calls(Profile::Published, "t", &[(method, params)]), ["-32602"], "{method} {params}");
        }
    }
}

#[test]
fn what_is_no_json_is_a_parse_error_and_the_session_goes_on() {
    for line in [
        &b" "[..],
        b"\r",
        b"{",
        b"nul",
        b"{\"a\":1,}",
        b"[\"\t\"]",
        b"[\"\\ud800\"]",
        b"[\"\xff\"]",
        b"[\"\xc0\xaf\"]",
        b"\xef\xbb\xbf{}",
        b"{} {}",
        &b"[".repeat(10_000),
    ] {
        assert_eq!(refused(line), "-32700");
    }
    let out = text("t", "{\n{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":1}\n");
    assert!(out.ends_with("\n{\"jsonrpc\":\"2.0\",\"result\":[],\"id\":1}\n"), "{out}");
}

#[test]
fn what_is_no_request_is_an_invalid_one() {
    for line in [
        &b"0"[..],
        b"null",
        b"\"x\"",
        b"{}",
        b"[]",
        br#"{"jsonrpc":"2.0","method":"echo","id":{}}"#,
        br#"{"jsonrpc":"2.0","method":"echo","id":true}"#,
        br#"{"jsonrpc":"2.0","method":1}"#,
        br#"{"jsonrpc":"2","method":"echo","id":null}"#,
        br#"{"method":"echo","id":null}"#,
    ] {
        assert_eq!(refused(line), "-32600", "{}", String::from_utf8_lossy(line));
    }
}

#[test]
fn empty_lines_are_ignored_and_a_carriage_return_is_white_space() {
    assert_eq!(text("t", "\n\n\n"), "");
    let request = "\n{\"jsonrpc\":\"2.0\",\r\"method\":\"echo\",\"id\":1}\r\n\n";
    assert_eq!(text("t", request), "{\"jsonrpc\":\"2.0\",\"result\":[],\"id\":1}\n");
}

#[test]
fn notifications_are_executed_and_not_answered() {
    let request = r#"{"jsonrpc":"2.0","method":"options","params":{"responsePrefix":"@"}}"#;
    let bad = r#"{"jsonrpc":"2.0","method":"nope"}"#;
    let echo = r#"{"jsonrpc":"2.0","method":"echo","id":1}"#;
    assert_eq!(
        text("t", &format!("{request}\n{bad}\n[{bad},{request}]\n{echo}\n")),
        "@{\"jsonrpc\":\"2.0\",\"result\":[],\"id\":1}\n"
    );
}

#[test]
fn a_batch_is_executed_in_order_and_answered_in_one_line() {
    let login = r#"{"jsonrpc":"2.0","method":"login","params":{"userId":1},"id":1}"#;
    let get = r#"{"jsonrpc":"2.0","method":"api4","params":["System","flush"],"id":2}"#;
    let out = text("t", &format!("[{get},{login},5,[],{{\"id\":3}},{get}]\n"));
    let ids: Vec<&str> = out.trim_end().split("\"id\":").skip(1).map(|rest| &rest[..1]).collect();
    assert_eq!(ids, ["2", "1", "n", "n", "3", "2"], "{out}");
    assert!(out.starts_with("[{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32099"), "{out}");
    assert!(out.ends_with(",{\"jsonrpc\":\"2.0\",\"result\":[],\"id\":2}]\n"), "{out}");
}

#[test]
fn the_prefix_stands_before_every_response_once_and_after_the_noise() {
    let set = r#"{"jsonrpc":"2.0","method":"options","params":{"responsePrefix":"<\u0001>"},"id":1}"#;
    let echo = r#"{"jsonrpc":"2.0","method":"echo","id":2}"#;
    let noise = r#"{"jsonrpc":"2.0","method":"api3","params":["Noise","partial"],"id":3}"#;
    let reset = r#"{"jsonrpc":"2.0","method":"options","params":{"responsePrefix":null},"id":4}"#;
    let out = text("t", &format!("{set}\n\n{{\n[{echo},{echo}]\n{noise}\n{reset}\n{echo}\n"));
    let starts: Vec<String> = out.lines().map(|line| line.split('{').next().unwrap().to_owned()).collect();
    assert_eq!(starts, ["<\u{1}>", "<\u{1}>", "<\u{1}>[", "noise-without-newline<\u{1}>", "", ""]);
}

#[test]
fn a_line_of_the_limit_is_served_and_one_byte_more_is_refused_in_every_part() {
    let set = r#"{"jsonrpc":"2.0","method":"options","params":{"bufferSize":100},"id":1}"#;
    let echo = r#"{"jsonrpc":"2.0","method":"echo","id":2}"#;
    let pad = |length: usize| format!("{}{}", " ".repeat(length - echo.len()), echo);
    let tail = |length: usize| format!("{}{}", "x".repeat(length), echo);
    let input = [set.to_owned(), pad(100), pad(101), tail(100), tail(100_000), pad(100)].join("\n");
    let out = text("t", &input);
    let lines: Vec<&str> = out.lines().skip(1).collect();
    let served = "{\"jsonrpc\":\"2.0\",\"result\":[],\"id\":2}";
    let refused = "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"line too long: the limit is 100 bytes\"},\"id\":null}";
    assert_eq!(lines, [served, refused, refused, refused, served]);
}

#[test]
fn sixty_four_megabytes_without_a_line_feed_do_not_grow_the_memory() {
    let mut session = Session::new(&Config::default());
    let mut out = Vec::new();
    let chunk = vec![b'x'; 1 << 20];
    for _ in 0..64 {
        session.feed(&chunk, &mut out);
        assert!(session.memory() < 2 * (524_288 + 65_536), "{}", session.memory());
    }
    assert_eq!(out.iter().filter(|b| **b == b'\n').count(), 1);
    session.feed(b"\n{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":1}\n", &mut out);
    assert!(out.ends_with(b"\n{\"jsonrpc\":\"2.0\",\"result\":[],\"id\":1}\n"));
}

#[test]
fn the_draft_has_its_own_header_echo_options_and_errors() {
    let mut session = Session::new(&Config { profile: Profile::Draft, ..Config::default() });
    assert_eq!(session.header(), b"{\"Civi::pipe\":[\"jsonrpc20\"]}\n");
    let mut out = Vec::new();
    session
        .feed(b"{\"OPTIONS\":{\"responsePrefix\":\"@\"}}\n{\"OPTIONS\":{}}\n[{\"OPTIONS\":{}}]\n", &mut out);
    let out = String::from_utf8(out).unwrap();
    assert!(
        out.starts_with("@{\"OK\":true}\n@{\"OK\":{\"responsePrefix\":\"@\",\"maxLine\":16384}}\n"),
        "{out}"
    );
    assert!(out.lines().nth(2).unwrap().contains("-32600"), "{out}");

    let results = calls(
        Profile::Draft,
        "",
        &[
            ("echo", "\"hello\""),
            ("echo", "null"),
            ("login", "5"),
            ("api4", r#"["Contact","getCount",{"checkPermissions":false}]"#),
            ("api4", r#"["Contact","getCount"]"#),
        ],
    );
    assert_eq!(results[..4], ["\"hello\"", "null", "-32602", r#"[{"row_count":6}]"#]);
    assert!(results[4].starts_with("{\"is_error\":1,"), "{}", results[4]);
}
