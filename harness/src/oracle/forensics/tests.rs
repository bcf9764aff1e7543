//! Each kind of pollution with its exact byte, and no alarm on sound sessions.

use civispec_wire::json::{Json, Number, Style, object};
use proptest::prelude::*;

use super::*;

const HEADER: &str = "{\"Civi::pipe\":{\"v\":\"5.81.0\"}}\n";
const A: &str = "{\"jsonrpc\":\"2.0\",\"result\":[1, 2],\"id\":1}\n";
const B: &str = "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32601,\"message\":\"no\"},\"id\":\"b\"}\n";
const WARNING: &str = "Warning: Undefined variable $x in /srv/civi/pipe.php on line 12\n";

/// What is found, and where, in the concatenation of the parts.
fn found(parts: &[&str]) -> Vec<(Kind, usize)> {
    examine(Recording::of(parts.concat().as_bytes())).into_iter().map(|f| (f.kind, f.offset)).collect()
}

/// The offset of the part with this number.
fn start(parts: &[&str], n: usize) -> usize {
    parts[..n].iter().map(|p| p.len()).sum()
}

/// Exactly one finding, at the start of a part.
fn only(kind: Kind, part: usize, parts: &[&str]) {
    assert_eq!(found(parts), [(kind, start(parts, part))], "{parts:?}");
}

fn trimmed(line: &str) -> &str {
    line.trim_end()
}

#[test]
fn a_sound_session_is_found_sound() {
    assert_eq!(found(&[HEADER, A, B]), []);
    assert_eq!(found(&[]), []);
    assert_eq!(
        found(&[
            "[{\"result\":{},\"id\":1}]\n",
            "{}\n",
            "{\"result\":\"Warning: x in y on line 3\\u001b[1m\"}\n"
        ]),
        []
    );
}

#[test]
fn a_byte_order_mark_is_found_before_the_header_and_before_an_answer() {
    only(Kind::ByteOrderMark, 0, &["\u{feff}", HEADER, A]);
    only(Kind::ByteOrderMark, 1, &[HEADER, "\u{feff}", A]);
}

#[test]
fn a_cr_before_the_line_end_is_found_on_each_line() {
    only(Kind::CarriageReturn, 2, &[HEADER, trimmed(A), "\r\n", B]);
    let all = [trimmed(HEADER), "\r\n", trimmed(A), "\r\n"];
    assert_eq!(found(&all), [(Kind::CarriageReturn, start(&all, 1)), (Kind::CarriageReturn, start(&all, 3))]);
}

#[test]
fn text_is_told_apart_by_where_it_stands_among_the_answers() {
    only(Kind::TextBefore, 0, &["Starting up\n", HEADER, A]);
    only(Kind::TextBetween, 2, &[HEADER, A, "Array\n(\n    [0] => 1\n)\n", B]);
    only(Kind::AfterEnd, 2, &[HEADER, A, "Bye!\n"]);
    only(Kind::AfterEnd, 2, &[HEADER, A, "Bye!"]);
    only(Kind::Text, 0, &["cv: command not found\n"]);
    only(Kind::TextBetween, 1, &[HEADER, "1\n", A]);
}

#[test]
fn text_glued_to_an_answer_is_found_before_and_behind_it() {
    only(Kind::GluedBefore, 1, &[HEADER, "debug: [1] ", A]);
    only(Kind::GluedBehind, 3, &[HEADER, trimmed(A), " ", "done\n", B]);
    let both = [HEADER, "a{", trimmed(A), "b}\n"];
    assert_eq!(found(&both), [(Kind::GluedBefore, start(&both, 1)), (Kind::GluedBehind, start(&both, 3))]);
}

#[test]
fn terminal_escape_codes_are_found_around_an_answer() {
    only(Kind::EscapeCode, 1, &[HEADER, "\x1b[1;32m", trimmed(A), "\x1b[0m\n", B]);
    only(Kind::EscapeCode, 0, &["\x1b]0;title\x07", HEADER]);
    let text = [HEADER, "\x1b[31m", "oops\x1b[0m\n", A];
    assert_eq!(found(&text), [(Kind::EscapeCode, start(&text, 1)), (Kind::TextBetween, start(&text, 2))]);
}

#[test]
fn a_second_answer_on_the_same_line_is_found() {
    only(Kind::TwoOnALine, 2, &[HEADER, trimmed(A), B]);
    only(Kind::TwoOnALine, 1, &[trimmed(HEADER), A]);
}

#[test]
fn a_missing_newline_at_the_end_is_found_and_so_is_an_answer_that_breaks_off() {
    only(Kind::MissingNewline, 2, &[HEADER, trimmed(A)]);
    only(Kind::CutOff, 1, &[HEADER, "{\"jsonrpc\":\"2.0\",\"resu"]);
    only(Kind::CutOff, 1, &[HEADER, "{\"jsonrpc\":\"2.0\",\"result\":\"a\n", B]);
}

#[test]
fn messages_of_php_are_known_wherever_they_stand() {
    only(Kind::PhpMessage, 1, &[HEADER, WARNING, A]);
    only(Kind::PhpMessage, 2, &[HEADER, "\n", WARNING, A]);
    only(
        Kind::PhpMessage,
        1,
        &[HEADER, "<br />\n<b>Notice</b>:  Undefined index: x in <b>/a.php</b> on line <b>3</b><br />\n", A],
    );
    only(Kind::PhpMessage, 1, &[HEADER, "PHP Deprecated:  old in /a.php on line 3\n", A]);
    only(Kind::PhpMessage, 1, &[HEADER, trimmed(WARNING), A]);
    let fatal =
        "Fatal error: Uncaught Error: x in /a.php:3\nStack trace:\n#0 {main}\n  thrown in /a.php on line 3\n";
    only(Kind::PhpMessage, 2, &[HEADER, A, fatal]);
}

#[test]
fn blank_lines_are_found() {
    only(Kind::BlankLine, 1, &[HEADER, "\n", A]);
    only(Kind::BlankLine, 2, &[HEADER, A, "  \r\n", B]);
}

#[test]
fn an_answer_on_several_lines_is_found_and_swallows_nothing_behind_it() {
    let spread =
        [HEADER, "{", "\n  \"jsonrpc\": \"2.0\",\n  \"result\": 1,\n  \"id\": 1\n}\n", B, trimmed(A)];
    assert_eq!(
        found(&spread),
        [(Kind::SpreadOut, start(&spread, 2)), (Kind::MissingNewline, start(&spread, 5))]
    );
}

#[test]
fn an_answer_that_comes_when_standard_input_is_closed_is_late_only_if_it_was_owed() {
    let raw = [HEADER, A].concat();
    let closed = Some(HEADER.len());
    let recording = Recording { closed, owed: 1, ..Recording::of(raw.as_bytes()) };
    assert_eq!(examine(recording), [Finding::new(Kind::AnswerAfterClose, HEADER.len())]);
    assert_eq!(examine(Recording { owed: 0, ..recording }), []);
    assert_eq!(examine(Recording { closed: Some(raw.len()), ..recording }), []);
}

#[test]
fn output_after_the_end_is_found_even_if_it_is_an_answer() {
    let raw = [HEADER, A, "\n", B].concat();
    let over = Some(HEADER.len() + A.len());
    let recording = Recording { over, ..Recording::of(raw.as_bytes()) };
    assert_eq!(examine(recording), [Finding::new(Kind::AfterEnd, HEADER.len() + A.len() + 1)]);
}

#[test]
fn noise_before_a_prefix_is_no_finding_but_pollution_behind_it_is() {
    let raw = format!("{WARNING}junk@@{A}@@\u{feff}{B}");
    let recording = Recording { prefix: Some(b"@@"), ..Recording::of(raw.as_bytes()) };
    assert_eq!(examine(recording), [Finding::new(Kind::ByteOrderMark, raw.len() - B.len() - 3)]);
}

#[test]
fn an_answer_that_is_only_bad_json_is_not_blamed_on_anything_else() {
    for line in ["{\"jsonrpc\":\"2.0\",\"result\":1,}", "{\"result\":\"\u{1}\"}", "{'id':1}"] {
        assert_eq!(explain(line.as_bytes()), None, "{line}");
    }
}

#[test]
fn one_line_is_explained_by_what_matters_most_in_it() {
    assert_eq!(explain(b"\x1b[31mError\x1b[0m").map(|f| f.kind), Some(Kind::Text));
    assert_eq!(explain(WARNING.as_bytes()).map(|f| f.kind), Some(Kind::PhpMessage));
    assert_eq!(explain(b"ok {\"id\":1}\r").map(|f| (f.kind, f.offset)), Some((Kind::GluedBefore, 0)));
    let words = explain(b"{\"id\":1}{\"id\":2}").unwrap().to_string();
    assert!(
        words.contains("second answer on the same line at byte 8") && words.contains("newline"),
        "{words}"
    );
}

#[test]
fn a_line_behind_the_last_answer_is_explained_as_such_unless_more_is_known() {
    assert_eq!(explain_late(b"Bye!"), Finding::new(Kind::AfterEnd, 0));
    assert_eq!(explain_late(b"{\"id\":1}"), Finding::new(Kind::AfterEnd, 0));
    assert_eq!(explain_late(WARNING.as_bytes()).kind, Kind::PhpMessage);
}

#[test]
fn hostile_lines_cost_little_time_and_do_no_harm() {
    let started = std::time::Instant::now();
    for line in [
        "[".repeat(4 << 20),
        "{\"a\":".repeat(1 << 20),
        "\u{1b}[".repeat(1 << 20),
        "\n".repeat(4 << 20),
        "a\n".repeat(2 << 20),
    ] {
        let _ = examine(Recording::of(line.as_bytes()));
        let _ = explain(line.as_bytes());
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", started.elapsed());
}

fn any_value() -> impl Strategy<Value = Json> {
    let text = prop_oneof![
        any::<String>(),
        Just("\u{feff}\r\n\u{1b}[31m\u{2028}\u{85}".to_owned()),
        Just(WARNING.to_owned()),
        Just("{\"jsonrpc\":\"2.0\",\"id\":1}".to_owned()),
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i64>().prop_map(Json::from),
        "-?(0|[1-9][0-9]{0,5})\\.[0-9]{1,3}(e[+-]?[0-9])?"
            .prop_map(|t| Json::Number(Number::new(&t).unwrap())),
        text.prop_map(Json::String),
        Just(Json::Array(Vec::new())),
        Just(Json::Object(Vec::new())),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
            prop::collection::vec((any::<String>(), inner), 0..4).prop_map(Json::Object),
        ]
    })
}

fn any_answer() -> impl Strategy<Value = Json> {
    let id = prop_oneof![
        Just(Json::Null),
        any::<i64>().prop_map(Json::from),
        any::<String>().prop_map(Json::String)
    ];
    let single = (any_value(), id, any::<bool>()).prop_map(|(value, id, good)| {
        let version = || ("jsonrpc", Json::from("2.0"));
        if good {
            object([version(), ("result", value), ("id", id)])
        } else {
            let error =
                object([("code", Json::from(-32000)), ("message", Json::from("no")), ("data", value)]);
            object([version(), ("error", error), ("id", id)])
        }
    });
    let single = single.boxed();
    prop_oneof![4 => single.clone(), 1 => prop::collection::vec(single, 1..4).prop_map(Json::Array)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn no_alarm_is_raised_on_any_sound_session(
        answers in prop::collection::vec(any_answer(), 0..4),
        style in (any::<bool>(), any::<bool>(), any::<bool>()),
        prefix in prop::option::of("[@#\\n]{1,4}"),
        noise in "[a-z ]{0,6}",
    ) {
        let style = Style { ascii: style.0, escape_slash: style.1, space: style.2 };
        let mut raw = if prefix.is_some() { String::new() } else { HEADER.to_owned() };
        for answer in &answers {
            if let Some(prefix) = &prefix {
                raw.push_str(&noise);
                raw.push_str(prefix);
            }
            raw.push_str(&answer.print(style));
            raw.push('\n');
        }
        // A prefix that begins with a newline may stand inside what ended the answer before it.
        prop_assume!(prefix.as_ref().is_none_or(|p| !p.starts_with('\n') || noise.len() > 1));
        let recording = Recording { prefix: prefix.as_ref().map(String::as_bytes), closed: Some(raw.len()), owed: 1, over: Some(raw.len()), ..Recording::of(raw.as_bytes()) };
        prop_assert_eq!(examine(recording), vec![], "{:?}", raw);
        if prefix.is_none() {
            for line in raw.lines() {
                prop_assert_eq!(explain(line.as_bytes()), None, "{:?}", line);
            }
        }
    }
}
