//! Sessions as a whole: their header, their options, their end, the draft.

use super::*;

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
