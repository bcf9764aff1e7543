//! The judge on small sessions, each written as the lines that passed.

mod session;

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
