//! Properties that words cannot list, held on the reference: any flag string, any noise, any limit, any empty lines, any
//! split of the bytes. The session is driven in process, so each property sees thousands of sessions.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use civispec::oracle::frame::Cursor;
use civispec::oracle::passive;
use civispec_reference::pipe::{Config, Profile, Session};
use civispec_wire::json::{self, Json, object};
use proptest::prelude::*;

fn session(flags: Option<&str>) -> Session {
    Session::new(&Config { flags: flags.map(|f| f.as_bytes().to_vec()), ..Config::default() })
}

/// Everything a session writes for these chunks of input, its header not included.
fn output(flags: &str, chunks: &[&[u8]]) -> Vec<u8> {
    let mut session = session(Some(flags));
    session.header();
    let mut out = Vec::new();
    for chunk in chunks {
        session.feed(chunk, &mut out);
    }
    session.finish(&mut out);
    out
}

fn lines(out: &[u8]) -> Vec<Json> {
    let text = std::str::from_utf8(out).unwrap();
    assert!(out.is_empty() || text.ends_with('\n'), "{text}");
    text.lines().map(|l| json::parse(l.as_bytes()).unwrap()).collect()
}

fn echo(id: i64, param: &str) -> String {
    let params = Json::Array(vec![Json::from(param)]);
    let request =
        object([("jsonrpc", "2.0".into()), ("method", "echo".into()), ("params", params), ("id", id.into())]);
    format!("{request}\n")
}

/// Requests of every kind, one per line.
fn any_line() -> impl Strategy<Value = String> {
    prop_oneof![
        (any::<i64>(), any::<String>()).prop_map(|(id, text)| echo(id, &text)),
        any::<i64>().prop_map(|id| format!("{{\"jsonrpc\":\"2.0\",\"method\":\"nope\",\"id\":{id}}}\n")),
        Just("{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[1]}\n".to_owned()),
        Just("[]\n".to_owned()),
        Just("{\"jsonrpc\":\"2.0\",\"method\":\n".to_owned()),
        "\\PC{0,30}".prop_map(|t| format!("{t}\n")),
        any::<i64>().prop_map(|id| format!("[{}{}]\n", echo(id, "b").trim_end(), ",1")),
        Just(
            "{\"jsonrpc\":\"2.0\",\"method\":\"options\",\"params\":{\"apiError\":\"array\"},\"id\":1}\n"
                .to_owned()
        ),
    ]
}

proptest! {
    #[test]
    fn any_flag_string_gets_a_header_with_one_member_for_each_flag_and_then_an_answer(flags in "\\PC{0,12}|[a-z]{0,8}") {
        let mut session = session(Some(&flags));
        let header = session.header();
        let value = json::parse(header.strip_suffix(b"\n").unwrap()).unwrap();
        let members = value.get("Civi::pipe").unwrap().as_object().unwrap();
        let mut wanted: Vec<char> = Vec::new();
        for c in flags.chars() {
            if !wanted.contains(&c) {
                wanted.push(c);
            }
        }
        prop_assert_eq!(members.iter().map(|(k, _)| k.clone()).collect::<Vec<_>>(), wanted.iter().map(char::to_string).collect::<Vec<_>>());
        for (flag, value) in members {
            prop_assert_eq!(value == &Json::Null, !"vjltu".contains(flag.as_str()), "{}", flag);
        }
        let mut out = Vec::new();
        session.feed(echo(7, "x").as_bytes(), &mut out);
        prop_assert_eq!(lines(&out).len(), 1);
    }

    #[test]
    fn any_split_of_the_input_gives_the_same_output(
        input in proptest::collection::vec(any_line(), 0..6),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let bytes = input.concat().into_bytes();
        let mut places: Vec<usize> = cuts.iter().map(|c| c.index(bytes.len() + 1)).collect();
        places.extend([0, bytes.len()]);
        places.sort_unstable();
        let chunks: Vec<&[u8]> = places.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
        prop_assert_eq!(output("vt", &chunks), output("vt", &[&bytes]));
    }

    #[test]
    fn every_answer_to_any_line_keeps_the_rules_that_bind_all_answers(input in proptest::collection::vec(any_line(), 0..6)) {
        let out = output("vt", &[input.concat().as_bytes()]);
        for line in out.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
            let (_, broken) = passive::check(line, &[]);
            prop_assert!(broken.is_empty(), "{:?} in {}", broken, String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn any_mix_of_empty_lines_changes_no_answer(
        input in proptest::collection::vec(any_line(), 0..5),
        empty in proptest::collection::vec(0usize..3, 6),
    ) {
        let plain = input.concat();
        let mut mixed = String::new();
        for (line, n) in input.iter().zip(&empty) {
            mixed.push_str(&"\n".repeat(*n));
            mixed.push_str(line);
        }
        mixed.push_str(&"\n".repeat(empty[5]));
        prop_assert_eq!(output("vt", &[mixed.as_bytes()]), output("vt", &[plain.as_bytes()]));
    }

    #[test]
    fn a_line_is_served_up_to_any_limit_and_refused_beyond_it(limit in 90usize..4000, over in -3i64..4) {
        let set = format!("{{\"jsonrpc\":\"2.0\",\"method\":\"options\",\"params\":{{\"bufferSize\":{limit}}},\"id\":1}}\n");
        let length = usize::try_from(i64::try_from(limit).unwrap() + over).unwrap();
        let bare = echo(2, "");
        let text = echo(2, &"x".repeat(length + 1 - bare.len()));
        prop_assert_eq!(text.len(), length + 1);
        let out = lines(&output("vt", &[set.as_bytes(), text.as_bytes(), echo(3, "y").as_bytes()]));
        prop_assert_eq!(out.len(), 3);
        if over <= 0 {
            prop_assert_eq!(out[1].get("id"), Some(&Json::from(2)));
            prop_assert!(out[1].get("result").is_some());
        } else {
            prop_assert_eq!(out[1].get("id"), Some(&Json::Null));
            prop_assert!(out[1].get("error").is_some());
        }
        prop_assert_eq!(out[2].get("id"), Some(&Json::from(3)));
    }

    #[test]
    fn any_noise_before_any_response_is_told_apart_by_any_prefix(
        prefix in "[\\x01-\\x7f\u{e9}]{1,6}",
        noise in "\\PC{0,40}",
    ) {
        // Noise that holds the prefix, or begins it right before the answer, forges it: no client can tell.
        prop_assume!(format!("{noise}{prefix}").find(&prefix) == Some(noise.len()));
        let set = object([
            ("jsonrpc", "2.0".into()),
            ("method", "options".into()),
            ("params", object([("responsePrefix", Json::from(prefix.as_str()))])),
            ("id", 1.into()),
        ]);
        let call = object([
            ("jsonrpc", "2.0".into()),
            ("method", "api4".into()),
            ("params", Json::Array(vec!["Noise".into(), "echo".into(), object([("text", Json::from(noise.as_str()))])])),
            ("id", 2.into()),
        ]);
        let out = output("vt", &[format!("{set}\n{call}\n").as_bytes()]);
        let mut cursor = Cursor::new(&out, true);
        let first = cursor.next(Some(prefix.as_bytes())).unwrap();
        prop_assert_eq!(first.noise, b"");
        let second = cursor.next(Some(prefix.as_bytes())).unwrap();
        prop_assert_eq!(second.noise, noise.as_bytes());
        let answer = json::parse(second.line).unwrap();
        prop_assert_eq!(answer.get("id"), Some(&Json::from(2)));
        prop_assert!(answer.get("result").is_some(), "{}", answer);
    }

    #[test]
    fn nothing_that_is_fed_to_either_profile_makes_it_panic_or_answer_without_a_line_end(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        draft: bool,
    ) {
        let profile = if draft { Profile::Draft } else { Profile::Published };
        let mut session = Session::new(&Config { profile, ..Config::default() });
        session.header();
        let mut out = Vec::new();
        session.feed(&bytes, &mut out);
        session.finish(&mut out);
        prop_assert!(out.is_empty() || out.ends_with(b"\n"));
    }
}
