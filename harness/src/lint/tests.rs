//! The judge on small sessions, each written as the lines that passed.

use std::sync::LazyLock;

use super::recording::{Protocol, closing_record, opening_record, records};
use super::{Finding, Judged, built_in_ledger, judge, parse};
use crate::clause::Ledger;

static LEDGER: LazyLock<Ledger> = LazyLock::new(|| built_in_ledger().unwrap());

const HEADER: &str = r#"< {"Civi::pipe":{"v":"5.81.0","t":"trusted"}}"#;

/// A session of lines `> sent` and `< received`, which get a line feed; `exit N` ends it.
fn session(flags: Option<&str>, protocol: Protocol, lines: &str) -> Judged {
    let mut text = opening_record("s/1", "", flags, protocol);
    for line in lines.lines().map(str::trim_start).filter(|l| !l.is_empty()) {
        let unescape = |s: &str| s.replace("\\x01", "\u{1}").replace("\\LF", "\n").replace("\\CR", "\r");
        match line.split_at(1) {
            (">" | "<", rest) if rest.starts_with('-') => {
                text += &records(dir(line), unescape(&rest[2..]).as_bytes());
            }
            (">" | "<", rest) => {
                let bytes = unescape(rest.strip_prefix(' ').unwrap_or(rest)) + "\n";
                text += &records(dir(line), bytes.as_bytes());
            }
            _ => text += &closing_record(line.strip_prefix("exit ").and_then(|n| n.parse().ok()), None),
        }
    }
    let parsed = parse("s", text.as_bytes());
    assert_eq!(parsed.damage, []);
    judge(&LEDGER, &parsed.sessions[0])
}

fn dir(line: &str) -> char {
    line.chars().next().unwrap()
}

fn clauses(judged: &Judged) -> Vec<&'static str> {
    let mut clauses: Vec<_> = judged.findings.iter().map(|f| f.clause).collect();
    clauses.sort_unstable();
    clauses
}

fn vt(lines: &str) -> Judged {
    session(Some("vt"), Protocol::Published, &format!("{HEADER}\n{lines}\nexit 0"))
}

#[test]
fn a_sound_session_breaks_nothing() {
    let judged = vt(r#"
        > {"jsonrpc":"2.0","method":"echo","params":{"a":{},"n":1.50},"id":1}
        < {"jsonrpc":"2.0","result":{"n":1.5,"a":{}},"id":1.0}
        >
        > {"jsonrpc":"2.0","method":"nope","id":null}
        < {"jsonrpc":"2.0","error":{"code":-32601,"message":"no","data":null},"id":null}
        > {"jsonrpc":"2.0","method":"echo","params":[1]}
        > {"jsonrpc":"2.0","method":"echo","params":[1
        < {"jsonrpc":"2.0","error":{"code":-32700,"message":"no"},"id":null}
        > [{"jsonrpc":"2.0","method":"echo","params":[1],"id":"a"},{"jsonrpc":"2.0","method":"echo","params":[2]},7]
        < [{"jsonrpc":"2.0","error":{"code":-32600,"message":"no"},"id":null},{"jsonrpc":"2.0","result":[1],"id":"a"}]
        > {"jsonrpc":"2.0","method":"options","params":{"responsePrefix":"\u0001","apiError":"array"},"id":2}
        < {"jsonrpc":"2.0","result":{"responsePrefix":"\u0001","apiError":"array"},"id":2}
        > {"jsonrpc":"2.0","method":"api3","params":["Contact","zz"],"id":3}
        < printed by the API\x01{"jsonrpc":"2.0","result":{"is_error":1,"error_message":"no"},"id":3}
        > {"jsonrpc":"2.0","method":"options","params":{"responsePrefix":null},"id":4}
        < {"jsonrpc":"2.0","result":{"responsePrefix":null},"id":4}
        > {"jsonrpc":"2.0","method":"login","params":{"contactId":202},"id":5}
        < {"jsonrpc":"2.0","result":{"contactId":202,"userId":1},"id":5}"#);
    assert_eq!(judged.findings, []);
    assert_eq!((judged.requests, judged.answers, judged.notes.len()), (8, 8, 1));
}

#[test]
fn each_departure_is_charged_to_its_clause_and_to_no_other() {
    for (lines, wanted) in [
        (
            r#"> {"jsonrpc":"2.0","method":"echo","params":{},"id":1}
            < {"jsonrpc":"2.0","result":[],"id":1}"#,
            vec!["pipe:echo.input"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"echo","params":[12345678901],"id":1}
            < {"jsonrpc":"2.0","result":[12345678902],"id":1}"#,
            vec!["json:number.exact"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"echo","params":[1],"id":1}
            < {"jsonrpc":"2.0","result":[1],"id":"1"}"#,
            vec!["jsonrpc:response.id"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"echo","params":[1],"id":{}}
            < {"jsonrpc":"2.0","result":[1],"id":[]}"#,
            vec!["jsonrpc:error-code.invalid-request", "jsonrpc:response.id"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"echo","params":[1e999],"id":1}
            < "#,
            vec!["jsonrpc:response.always"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"eCHO","params":[1],"id":1}
            < {"jsonrpc":"2.0","result":[1],"id":1}"#,
            vec!["jsonrpc:request.names-case"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"e.cho","params":[1],"id":1}
            < {"jsonrpc":"2.0","result":[1],"id":1}"#,
            vec!["jsonrpc:error-code.method-not-found"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"rpc.echo","params":[1],"id":1}
            < {"jsonrpc":"2.0","result":[1],"id":1}"#,
            vec!["jsonrpc:request.rpc-reserved"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"__construct","id":1}
            < {"jsonrpc":"2.0","error":{"code":-32000,"message":"no"},"id":1}"#,
            vec!["own:method.internals"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"nope","id":1}
            < {"jsonrpc":"2.0","error":{"code":-32603,"message":"no"},"id":1}"#,
            vec!["jsonrpc:error-code.method-not-found"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"echo","params":"x","id":1}
            < {"jsonrpc":"2.0","result":"x","id":1}"#,
            vec!["jsonrpc:params.wrong-type"],
        ),
        (
            r#"> {"jsonrpc":"1.0","method":"echo","params":[],"id":1}
            < {"jsonrpc":"2.0","result":[],"id":1}"#,
            vec!["jsonrpc:request.version"],
        ),
        (
            r#"> {"method":"echo","params":[],"id":1}
            < {"jsonrpc":"2.0","result":[],"id":1}"#,
            vec!["jsonrpc:request.version-1"],
        ),
        (
            r#"> {"jsonrpc":"2.0","id":1}
            < {"jsonrpc":"2.0","error":{"code":-32601,"message":"no"},"id":1}"#,
            vec!["jsonrpc:error-code.invalid-request"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"echo","params":[1
            < {"jsonrpc":"2.0","error":{"code":-32700,"message":"no"},"id":1}"#,
            vec!["jsonrpc:response.id-null"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"echo","params":[1
            < {"jsonrpc":"2.0","error":{"code":-32600,"message":"no"},"id":null}"#,
            vec!["jsonrpc:error-code.parse-error"],
        ),
        (
            r#"> 7
            < {"jsonrpc":"2.0","result":7,"id":null}"#,
            vec!["jsonrpc:request.scalar-line"],
        ),
        (
            r"> []
            < []",
            vec!["jsonrpc:batch.single-response"],
        ),
        (
            r#">
            < {"jsonrpc":"2.0","error":{"code":-32700,"message":"no"},"id":null}"#,
            vec!["pipe:line.empty-ignored"],
        ),
        (
            r#"> [{"jsonrpc":"2.0","method":"echo","params":[1],"id":1},{"jsonrpc":"2.0","method":"echo","params":[2],"id":2}]
            < [{"jsonrpc":"2.0","result":[2],"id":2}]"#,
            vec!["jsonrpc:response.always"],
        ),
        (
            r#"> [{"jsonrpc":"2.0","method":"echo","params":[1],"id":1},{"jsonrpc":"2.0","method":"echo","params":[2],"id":2}]
            < {"jsonrpc":"2.0","result":[1],"id":1}
            < {"jsonrpc":"2.0","result":[2],"id":2}"#,
            vec!["jsonrpc:batch.responses"],
        ),
        (
            r#"> [{"jsonrpc":"2.0","method":"echo","params":[1],"id":1},{"jsonrpc":"2.0","method":"echo","params":[2]}]
            < [{"jsonrpc":"2.0","result":[1],"id":1},{"jsonrpc":"2.0","result":[2],"id":null}]"#,
            vec!["jsonrpc:notification.no-reply"],
        ),
        (
            r#"> [{"jsonrpc":"2.0","method":"echo","params":[1]}]
            < []"#,
            vec!["jsonrpc:batch.all-notifications"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"api3","params":["Contact"],"id":1}
            < {"jsonrpc":"2.0","error":{"code":-32099,"message":"no"},"id":1}"#,
            vec!["jsonrpc:error-code.invalid-params"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"api4","params":["Contact","zz"],"id":1}
            < {"jsonrpc":"2.0","result":{"is_error":1,"error_message":"no"},"id":1}"#,
            vec!["pipe:api.errors"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"api4","params":["Contact","get"],"id":1}
            < {"jsonrpc":"2.0","result":{"0":{"id":1}},"id":1}"#,
            vec!["pipe:api.result"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"api4","params":["Contact","zz"],"id":1}
            < {"jsonrpc":"2.0","error":{"code":-32100,"message":"no"},"id":1}"#,
            vec!["jsonrpc:error-code.reserved"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"api4","params":["Contact","zz"],"id":1}
            < {"jsonrpc":"2.0","error":{"code":-32700,"message":"no"},"id":1}"#,
            vec!["jsonrpc:error-code.parse-error"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"login","params":{},"id":1}
            < {"jsonrpc":"2.0","result":{"contactId":1,"userId":1},"id":1}"#,
            vec!["pipe:login.one-principal"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"options","id":1}
            < {"jsonrpc":"2.0","result":{"apiError":"exception"},"id":1}"#,
            vec!["pipe:options.list"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"options","params":{"apiError":"bogus"},"id":1}
            < {"jsonrpc":"2.0","result":{"apiError":"bogus"},"id":1}"#,
            vec!["pipe:api-error.values"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"options","params":{"bufferSize":70000},"id":1}
            < {"jsonrpc":"2.0","result":{},"id":1}"#,
            vec!["pipe:options.modified"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"options","params":{"nope":1},"id":1}
            < {"jsonrpc":"2.0","result":{"nope":1},"id":1}"#,
            vec!["pipe:options.unknown"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"echo","params":[1],"id":1}
            < {"jsonrpc":"2.0","result":[1],"error":null,"id":1}"#,
            vec!["jsonrpc:response.failure"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"echo","params":[1],"id":1}
            < {"jsonrpc":"2.0", "result" : [1],"id":1}"#,
            vec!["pipe:line.condensed"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"echo","params":[1],"id":1}
            < {"jsonrpc":"2.0","result":[1],"id":1}\CR"#,
            vec!["pipe:line.newline-out"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"echo","params":[1],"id":1}
            <- {"jsonrpc":"2.0","result":[1],"id":1}"#,
            vec!["pipe:line.newline-out"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"echo","params":[1],"id":1}
            < {"jsonrpc":"2.0",\LF"result":[1],"id":1}"#,
            vec!["pipe:line.no-delimiter"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"echo","params":[1],"id":1}
            < debug{"jsonrpc":"2.0","result":[1],"id":1}"#,
            vec!["pipe:line.single-object"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"echo","params":[1],"id":1}
            > {"jsonrpc":"2.0","method":"echo","params":[2],"id":2}
            < {"jsonrpc":"2.0","result":[1],"id":1}{"jsonrpc":"2.0","result":[2],"id":2}"#,
            vec!["pipe:line.newline-out"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"echo","params":[1],"id":1}
            < {"jsonrpc":"2.0","result":[1],"id":1,}"#,
            vec!["json:generator.strict"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"echo","params":[1],"id":1}
            < debug
            < {"jsonrpc":"2.0","result":[1],"id":1}"#,
            vec!["own:stdout.only-responses"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"echo","params":[1],"id":1}
            < {"jsonrpc":"2.0","result":[1],"id":1}
            < {"jsonrpc":"2.0","result":[1],"id":1}"#,
            vec!["pipe:flow.one-response"],
        ),
    ] {
        assert_eq!(clauses(&vt(lines)), wanted, "{lines}\n{:#?}", vt(lines).findings);
    }
}

#[test]
fn the_prefix_is_wanted_from_the_reply_on_that_sets_it_and_only_then() {
    let set = r#"
        > {"jsonrpc":"2.0","method":"options","params":{"responsePrefix":"\u0001"},"id":1}
        < \x01{"jsonrpc":"2.0","result":{"responsePrefix":"\u0001"},"id":1}"#;
    for (lines, wanted) in [
        (
            r#"> {"jsonrpc":"2.0","method":"nope","id":2}
            < {"jsonrpc":"2.0","error":{"code":-32601,"message":"no"},"id":2}
            > {"jsonrpc":"2.0","method":"echo","params":[3],"id":3}
            < \x01{"jsonrpc":"2.0","result":[3],"id":3}"#,
            vec!["pipe:prefix.before-response"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"api4","params":["Noise","echo"],"id":2}
            < \x01printed{"jsonrpc":"2.0","result":[],"id":2}"#,
            vec!["pipe:prefix.after-evaluation"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"api4","params":["Noise","echo"],"id":2}
            < \x01printed
            < {"jsonrpc":"2.0","result":[],"id":2}"#,
            vec!["pipe:prefix.after-evaluation"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"echo","params":[2],"id":2}
            < debug\x01{"jsonrpc":"2.0","result":[2],"id":2}"#,
            vec!["own:stdout.only-responses"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"options","params":{"responsePrefix":7,"bufferSize":"x"},"id":2}
            < \x01{"jsonrpc":"2.0","error":{"code":-32602,"message":"no"},"id":2}
            > {"jsonrpc":"2.0","method":"echo","params":[3],"id":3}
            < 7{"jsonrpc":"2.0","result":[3],"id":3}"#,
            vec![],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"options","params":{"responsePrefix":null}}
            > {"jsonrpc":"2.0","method":"echo","params":[3],"id":3}
            < {"jsonrpc":"2.0","result":[3],"id":3}"#,
            vec![],
        ),
    ] {
        let judged = vt(&format!("{set}\n{lines}"));
        assert_eq!(clauses(&judged), wanted, "{lines}\n{:#?}", judged.findings);
    }
}

#[test]
fn a_reading_is_counted_and_never_a_finding() {
    for (lines, clause, reading) in [
        (
            r#"> {"jsonrpc":"2.0","method":"echo","params":[1]}
            < {"jsonrpc":"2.0","result":[1],"id":null}"#,
            "jsonrpc:notification.no-reply",
            "null-reply",
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"echo","id":1}
            < {"jsonrpc":"2.0","error":{"code":-32602,"message":"no"},"id":1}"#,
            "pipe:echo.input",
            "no-params-error",
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"options","params":null,"id":1}
            < {"jsonrpc":"2.0","error":{"code":-32602,"message":"no"},"id":1}"#,
            "jsonrpc:params.null",
            "invalid",
        ),
        (
            r#"> [{"jsonrpc":"2.0","method":"echo","params":[1],"id":1}]
            < {"jsonrpc":"2.0","error":{"code":-32600,"message":"no batches"},"id":null}"#,
            "jsonrpc:batch.responses",
            "refused",
        ),
        (
            r#"> {"method":"echo","params":[1],"id":1}
            < {"result":[1],"error":null,"id":1}"#,
            "jsonrpc:request.version-1",
            "answered-as-1",
        ),
        (
            r#"> \CR
            < {"jsonrpc":"2.0","error":{"code":-32700,"message":"no"},"id":null}"#,
            "pipe:line.empty-ignored",
            "blank-parse-error",
        ),
        (
            r#"> {"jsonrpc":"2.0","id":1}
            < {"jsonrpc":"2.0","error":{"code":-32600,"message":"no"},"id":null}"#,
            "jsonrpc:error-code.invalid-request",
            "id-null",
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"options","params":{"responsePrefix":"\u0001"},"id":1}
            < {"jsonrpc":"2.0","result":{"responsePrefix":"\u0001","bufferSize":524288},"id":1}
            > {"jsonrpc":"2.0","method":"echo","params":[1],"id":2}
            < \x01{"jsonrpc":"2.0","result":[1],"id":2}"#,
            "pipe:prefix.before-response",
            "set-reply-bare",
        ),
        (
            r#">- {"jsonrpc":"2.0","method":"echo","params":[1],"id":1}
            < {"jsonrpc":"2.0","error":{"code":-32700,"message":"no"},"id":null}"#,
            "own:end.exits",
            "last-line-refused",
        ),
        (r#">- {"jsonrpc":"2.0","method":"echo","params":[1],"id":1}"#, "own:end.exits", "last-line-dropped"),
    ] {
        let judged = vt(lines);
        assert_eq!(judged.findings, [], "{lines}");
        assert!(judged.readings.contains_key(&(clause, reading)), "{lines}\n{:?}", judged.readings);
    }
}

#[test]
fn what_json_leaves_open_may_be_refused_or_served_but_not_lost() {
    for request in [
        r#"{"jsonrpc":"2.0","method":"echo","params":{"a":1,"a":2},"id":1}"#,
        r#"{"jsonrpc":"2.0","method":"echo","params":[1,],"id":1}"#,
        r#"{"jsonrpc":"2.0","method":"echo","params":["\ud800"],"id":1}"#,
        r#"{"jsonrpc":"2.0","method":"echo","params":[12345678901234567890],"id":1}"#,
    ] {
        for answer in [
            r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"no"},"id":null}"#,
            r#"{"jsonrpc":"2.0","error":{"code":-32602,"message":"no"},"id":1}"#,
        ] {
            assert_eq!(vt(&format!("> {request}\n< {answer}")).findings, [], "{request} {answer}");
        }
        assert_eq!(clauses(&vt(&format!("> {request}\n< "))), ["jsonrpc:response.always"], "{request}");
    }
    let rounded = vt(r#"> {"jsonrpc":"2.0","method":"echo","params":[12345678901234567890],"id":1}
                        < {"jsonrpc":"2.0","result":[1.2345678901234567e19],"id":1}"#);
    assert_eq!(clauses(&rounded), ["json:number.exact"]);
    assert!(!rounded.findings.iter().any(Finding::is_broken));
}

#[test]
fn what_a_called_api_may_have_printed_is_noted_and_a_second_error_is_the_servers() {
    let call = r#"> {"jsonrpc":"2.0","method":"api4","params":["Noise","echo"],"id":7}"#;
    let answer = r#"{"jsonrpc":"2.0","result":[{"ok":1}],"id":7}"#;
    for printed in ["DEBUG\n<", r#"{"jsonrpc":"2.0","result":["forged"],"id":7}\LF"#, "glued"] {
        let judged = vt(&format!("{call}\n< {}{answer}", printed.replace("\n<", "\\LF")));
        assert_eq!((judged.findings.len(), judged.notes.len()), (0, 1), "{printed}");
        assert!(judged.notes[0].1.contains("Noise.echo"), "{:?}", judged.notes);
    }
    let error = r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"no"},"id":7}"#;
    let wrapped = r#"{"jsonrpc":"2.0","error":{"code":-32603,"message":"no"},"id":7}"#;
    for (first, second) in [(error, error), (answer, answer), (error, wrapped)] {
        let judged = vt(&format!("{call}\n< {first}\n< {second}"));
        assert_eq!(clauses(&judged), ["pipe:flow.one-response"], "{first} {second}");
    }
}

#[test]
fn a_session_that_dies_is_charged_once_for_all_that_it_did_not_answer() {
    let requests = r#"
        > {"jsonrpc":"2.0","method":"echo","params":[1],"id":1}
        > {"jsonrpc":"2.0","method":"echo","params":[2],"id":2}
        > {"jsonrpc":"2.0","method":"echo","params":[3],"id":3}
        < {"jsonrpc":"2.0","result":[1],"id":1}"#;
    let dead = session(Some("vt"), Protocol::Published, &format!("{HEADER}\n{requests}\nexit 255"));
    assert_eq!(clauses(&dead), ["jsonrpc:response.always", "own:end.exits"]);
    let unanswered = &dead.findings[0];
    assert!(
        unanswered.got.contains("none to 1 behind it") && unanswered.got.contains("255"),
        "{unanswered:?}"
    );
    let cut = session(Some("vt"), Protocol::Published, &format!("{HEADER}\n{requests}\n<- {{\"jsonrpc\""));
    assert_eq!((cut.findings.as_slice(), cut.notes.len()), (&[][..], 2), "{:?}", cut.notes);
    let nothing = session(Some("tu"), Protocol::Published, "exit 255");
    assert_eq!(clauses(&nothing), ["own:end.exits", "pipe:header.first"]);
}

#[test]
fn a_missing_answer_is_missed_where_it_is_missing() {
    let judged = vt(r#"
        > {"jsonrpc":"2.0","method":"echo","params":[1],"id":7}
        > {"jsonrpc":"2.0","method":"nope","id":7}
        > {"jsonrpc":"2.0","method":"echo","params":[3],"id":8}
        < {"jsonrpc":"2.0","error":{"code":-32601,"message":"no"},"id":7}
        < {"jsonrpc":"2.0","result":[3],"id":8}"#);
    assert_eq!(clauses(&judged), ["jsonrpc:response.always"]);
    assert_eq!(judged.findings[0].line, 3);
}

#[test]
fn a_long_session_in_which_everything_is_wrong_is_judged_line_by_line() {
    let mut lines = String::new();
    for n in 0..3_000 {
        let ask = format!("> {{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[{n}],\"id\":{n}}}\n");
        let answer = format!("< {{\"jsonrpc\":\"2.0\",\"result\":[{n}],\"id\":\"{n}\"}}\n");
        lines.extend([ask, answer]);
    }
    let judged = vt(&lines);
    assert_eq!(judged.findings.len(), 3_000);
    assert!(judged.findings.iter().all(|f| f.clause == "jsonrpc:response.id"));
}

#[test]
fn lines_beyond_the_limit_are_not_executed_and_lines_within_it_are() {
    let long = |n: usize, id: u32| {
        let line = format!("{{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[\"\"],\"id\":{id}}}");
        line.replace("\"\"", &format!("\"{}\"", "x".repeat(n - line.len())))
    };
    let result = |n: usize| {
        format!(
            "< {{\"jsonrpc\":\"2.0\",\"result\":[\"{}\"],\"id\":5}}",
            "x".repeat(n - long(60, 5).replace('x', "").len())
        )
    };
    let error = r#"< {"jsonrpc":"2.0","error":{"code":-32600,"message":"too long"},"id":null}"#;
    let set = r#"
        > {"jsonrpc":"2.0","method":"options","params":{"bufferSize":70000},"id":1}
        < {"jsonrpc":"2.0","result":{"bufferSize":70000},"id":1}"#;
    let next = r#"
        > {"jsonrpc":"2.0","method":"echo","params":[9],"id":9}
        < {"jsonrpc":"2.0","result":[9],"id":9}"#;
    for (length, answer, wanted) in [
        (69_999, result(69_999), vec![]),
        (69_999, error.to_owned(), vec!["pipe:buffer.limit"]),
        (70_000, result(70_000), vec![]),
        (70_000, error.to_owned(), vec![]),
        (70_001, error.to_owned(), vec![]),
        (70_001, result(70_001), vec!["pipe:buffer.limit"]),
        (70_001, String::new(), vec!["pipe:buffer.over-long"]),
        (70_001, format!("{error}\n{error}"), vec!["own:line.over-long-unexecuted"]),
    ] {
        let judged = vt(&format!("{set}\n> {}\n{answer}\n{next}", long(length, 5)));
        assert_eq!(clauses(&judged), wanted, "{length} {}", &answer[..answer.len().min(80)]);
    }
    let judged = vt(&format!("> {}\n{error}", long(63_000, 5)));
    assert_eq!(clauses(&judged), ["pipe:buffer.default"]);
    let ended =
        vt(&format!("{set}\n> {}\n> {{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":9}}", long(70_001, 5)));
    assert_eq!(ended.findings, []);
}

#[test]
fn headers_are_judged_by_the_flags_that_were_requested() {
    for (flags, header, wanted) in [
        (
            Some("vjlt"),
            r#"{"Civi::pipe":{"v":"5","j":["jsonrpc-2.0","x"],"l":["nologin"],"t":"trusted"}}"#,
            vec![],
        ),
        (None, r#"{"Civi::pipe":{"v":"5"}}"#, vec![]),
        (Some("xv"), r#"{"Civi::pipe":{"x":null,"v":"5"}}"#, vec![]),
        (Some("té"), r#"{"Civi::pipe":{"t":"trusted","é":null}}"#, vec![]),
        (Some("tu"), r#"{"Civi::pipe":{"t":null,"u":"untrusted"}}"#, vec![]),
        (Some("v"), r#"{"Civi::pipe":{"v":5}}"#, vec!["pipe:flags.version"]),
        (Some("j"), r#"{"Civi::pipe":{"j":"jsonrpc-2.0"}}"#, vec!["pipe:flags.json-rpc"]),
        (Some("l"), r#"{"Civi::pipe":{"l":"login"}}"#, vec!["pipe:flags.login"]),
        (Some("t"), r#"{"Civi::pipe":{"t":true}}"#, vec!["pipe:flags.trusted"]),
        (Some("u"), r#"{"Civi::pipe":{"u":true}}"#, vec!["pipe:flags.untrusted"]),
        (Some("x"), r#"{"Civi::pipe":{"x":""}}"#, vec!["pipe:flags.unknown-null"]),
        (Some("0"), r#"{"Civi::pipe":[null]}"#, vec!["pipe:flags.unknown-null", "pipe:header.shape"]),
        (Some("vt"), r#"{"Civi::pipe":{"t":"trusted","v":"5"}}"#, vec!["pipe:flags.reported"]),
        (Some("vt"), r#"{"Civi::pipe":{"v":"5"}}"#, vec!["pipe:flags.reported"]),
        (Some("v"), r#"{"Civi::pipe":{"v":"5","l":["login"]}}"#, vec!["pipe:flags.reported"]),
        (Some("vv"), r#"{"Civi::pipe":{"v":"5","v":"5"}}"#, vec!["json:generator.unique-names"]),
        (Some("v"), r#"debug\LF{"Civi::pipe":{"v":"5"}}"#, vec!["pipe:header.first"]),
        (Some("v"), r#"{"Civi::pipe":{"v":"5"}"#, vec!["pipe:header.first"]),
        (Some("v"), "", vec!["pipe:header.first"]),
    ] {
        let lines = format!(
            "< {header}\n> {{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[1],\"id\":1}}\n< {{\"jsonrpc\":\"2.0\",\"result\":[1],\"id\":1}}\nexit 0"
        );
        let judged = session(flags, Protocol::Published, &lines);
        assert_eq!(clauses(&judged), wanted, "{flags:?} {header}\n{:#?}", judged.findings);
    }
}

#[test]
fn an_untrusted_session_logs_in_by_credential_only_and_keeps_its_checks() {
    let judged = session(
        Some("u"),
        Protocol::Published,
        r#"
        < {"Civi::pipe":{"u":"untrusted"}}
        > {"jsonrpc":"2.0","method":"login","params":{"userId":1},"id":1}
        < {"jsonrpc":"2.0","result":{"contactId":202,"userId":1},"id":1}
        > {"jsonrpc":"2.0","method":"login","params":{"cred":"Bearer s3cr3tk3y"},"id":2}
        < {"jsonrpc":"2.0","error":{"code":-32000,"message":"s3cr3tk3y is wrong"},"id":2}
        > {"jsonrpc":"2.0","method":"options","params":{"apiCheckPermissions":false},"id":3}
        < {"jsonrpc":"2.0","result":{"apiCheckPermissions":false},"id":3}
        exit 0"#,
    );
    assert_eq!(
        clauses(&judged),
        ["own:error.no-leak", "pipe:api-checks.off-untrusted", "pipe:login.user-id-trusted"]
    );
}

#[test]
fn a_path_that_the_client_sent_itself_is_no_leak() {
    let lines = r#"> {"jsonrpc":"2.0","method":"/srv/nope","id":1}
        < {"jsonrpc":"2.0","error":{"code":-32601,"message":"there is no method PATH"},"id":1}"#;
    assert_eq!(vt(&lines.replace("PATH", "\\/srv\\/nope")).findings, []);
    assert_eq!(clauses(&vt(&lines.replace("PATH", "in /srv/a.php"))), ["own:error.no-leak"]);
}

#[test]
fn options_that_are_reported_keep_their_value_until_somebody_changes_them() {
    let list = |size: u32, id: u32| {
        format!(
            "> {{\"jsonrpc\":\"2.0\",\"method\":\"options\",\"id\":{id}}}\n< {{\"jsonrpc\":\"2.0\",\"result\":{{\"bufferSize\":{size},\"responsePrefix\":null}},\"id\":{id}}}\n"
        )
    };
    let refused = r#"
        > {"jsonrpc":"2.0","method":"options","params":{"bufferSize":70001,"x":1},"id":9}
        < {"jsonrpc":"2.0","error":{"code":-32602,"message":"no"},"id":9}
        "#;
    assert_eq!(clauses(&vt(&(list(70_000, 1) + &list(70_001, 2)))), ["pipe:options.update"]);
    assert_eq!(clauses(&vt(&(list(70_000, 1) + refused + &list(70_001, 2)))), [] as [&str; 0]);
    assert_eq!(clauses(&vt(&list(16_384, 1))), ["pipe:buffer.default"]);
}

#[test]
fn the_draft_has_rules_of_its_own() {
    let draft = |lines: &str| {
        session(None, Protocol::Draft, &format!("< {{\"Civi::pipe\":[\"jsonrpc20\"]}}\n{lines}\nexit 0"))
    };
    for (lines, wanted) in [
        (
            r#"> {"jsonrpc":"2.0","method":"echo","params":"x","id":1}
            < {"jsonrpc":"2.0","result":"x","id":1}"#,
            vec![],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"echo","params":"x","id":1}
            < {"jsonrpc":"2.0","result":["x"],"id":1}"#,
            vec!["draft:echo.any-params"],
        ),
        (
            r#"> {"jsonrpc":"2.0","method":"api4","params":["Contact","zz"],"id":1}
            < {"jsonrpc":"2.0","error":{"code":-32000,"message":"no"},"id":1}"#,
            vec!["draft:api.errors-in-result"],
        ),
        (
            r#"> {"OPTIONS":{"maxLine":20000}}
            < {"OK":true}
            > {"OPTIONS":{}}
            < {"OK":{"responsePrefix":null,"maxLine":20000}}"#,
            vec![],
        ),
        (
            r#"> {"OPTIONS":{"maxLine":20000}}
            < {"OK":true}
            > {"OPTIONS":{}}
            < {"OK":{"responsePrefix":null,"maxLine":16384}}"#,
            vec!["draft:options.notation"],
        ),
        (
            r#"> {"OPTIONS":{"responsePrefix":"\u0001"}}
            < {"OK":true}
            > {"jsonrpc":"2.0","method":"echo","params":[1],"id":1}
            < \x01{"jsonrpc":"2.0","result":[1],"id":1}"#,
            vec![],
        ),
    ] {
        assert_eq!(clauses(&draft(lines)), wanted, "{lines}\n{:#?}", draft(lines).findings);
    }
    let published = session(None, Protocol::Draft, "< {\"Civi::pipe\":{\"v\":\"5\"}}\nexit 0");
    assert_eq!(clauses(&published), ["draft:header.list"]);
}
