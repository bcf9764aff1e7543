//! What stands on standard output beside the answers is named in the reports: kind, byte and likely cause.

mod hostile;

use hostile::{Watched, start, start_target};

/// A case that watches all answers, one that is played, and one that ends its session.
const CASES: &str = r#"
[[case]]
id = "hostile/json"
clause = "pipe:line.single-object"
about = "each answer is JSON"
observe = "json"
transcript = '''
> {"jsonrpc":"2.0","id":<$n1>,"method":"options"}
< <any>
'''

[[case]]
id = "hostile/line-end"
clause = "pipe:line.newline-out"
about = "each line ends with a newline"
observe = "line-end"
transcript = '''
> {"jsonrpc":"2.0","id":<$n1>,"method":"options"}
< <any>
'''

[[case]]
id = "hostile/extra"
clause = "own:stdout.only-responses"
about = "nothing comes that nobody asked for"
observe = "extra"
transcript = '''
> {"jsonrpc":"2.0","id":<$n1>,"method":"options"}
< <any>
'''

[[case]]
id = "hostile/header"
clause = "pipe:header.first"
about = "the header comes first"
transcript = '''
< {"Civi::pipe":<any>,...}
'''

[[case]]
id = "hostile/one"
clause = "pipe:flow.loop"
about = "one request"
transcript = '''
> {"jsonrpc":"2.0","id":<$n1>,"method":"echo","params":["<$s1>"]}
< {"jsonrpc":"2.0","result":["<$s1>"],"id":<$n1>}
'''

[[case]]
id = "hostile/end"
clause = "own:end.exits"
about = "the last answer and the end"
touches = ["session"]
transcript = '''
> {"jsonrpc":"2.0","id":<$n1>,"method":"echo","params":["<$s1>"]}
>>
< {"jsonrpc":"2.0","result":["<$s1>"],"id":<$n1>}
! exit 0
'''
"#;

fn watch(kind: &str) -> Watched {
    start(kind, CASES, &["--timeout", "1"]).finish()
}

#[test]
fn a_sound_server_is_suspected_of_nothing() {
    let watched = watch("bad-flag-dies");
    assert_eq!(watched.code, Some(0), "{}", watched.stdout);
}

#[test]
fn a_warning_of_php_before_an_answer_is_named_with_its_cause() {
    let watched = watch("before-answers:Warning: Undefined variable $x in /srv/a.php on line 3\\n");
    let looks = "a message of PHP at byte 0 (likely: display_errors";
    watched.expect("hostile/one", "inconclusive", looks);
    watched.expect("hostile/json", "fail", looks);
    assert!(watched.stdout.contains(looks), "{}", watched.stdout);
}

#[test]
fn text_glued_to_an_answer_is_named_with_its_byte() {
    let watched = watch("before-answers:\\e[32mdebug ");
    watched.expect("hostile/one", "inconclusive", "text glued to the start of an answer at byte 5");
}

#[test]
fn a_byte_order_mark_before_the_header_is_named() {
    let watched = watch("before-header:\u{feff}");
    watched.expect("hostile/header", "inconclusive", "a byte order mark at byte 0");
    watched.expect("hostile/one", "pass", "");
}

#[test]
fn a_banner_before_the_header_is_named() {
    let watched = watch("before-header:Welcome!\\n");
    watched.expect("hostile/header", "inconclusive", "text that is no answer at byte 0");
}

#[test]
fn a_farewell_is_charged_to_the_clause_on_what_nobody_asked_for() {
    let watched = watch("at-the-end:Bye!\\n");
    watched.expect("hostile/extra", "fail", "output behind the last answer at byte 0 (likely: a farewell");
    watched.expect("hostile/one", "pass", "");
}

#[test]
fn a_cr_before_the_line_end_is_named_with_its_byte() {
    let civispec = env!("CARGO_BIN_EXE_civispec");
    let target = [civispec, "serve", "pipe", "--defect", "line-ends-in-crlf", "--", "{flags}"];
    let watched = start_target(&target, CASES, &["--timeout", "5"]).finish();
    watched.expect("hostile/line-end", "fail", "a CR before the line end at byte");
    watched.expect("hostile/json", "pass", "");
    watched.expect("hostile/one", "pass", "");
}

#[test]
fn a_newline_that_comes_with_the_next_answer_is_missed() {
    let watched = watch("newline-late");
    watched.expect("hostile/one", "hang", "no newline behind the last answer at byte");
    watched.expect("hostile/line-end", "hang", "newlines are written before the next answer");
    watched.expect("hostile/end", "pass", "");
}

#[test]
fn a_last_answer_without_a_newline_is_charged_to_the_clause_on_line_ends() {
    // The other cases would only hang. This one plays to the end and watches too.
    let only = CASES.split("[[case]]").find(|c| c.contains("hostile/end\"")).expect("it is there");
    let cases = format!(
        "[[case]]{}",
        only.replace("own:end.exits\"", "pipe:line.newline-out\"\nobserve = \"line-end\"")
    );
    let watched = start("newline-late", &cases, &["--timeout", "1"]).finish();
    watched.expect("hostile/end", "fail", "no newline behind the last answer at byte");
}

#[test]
fn answers_that_come_only_when_the_input_is_closed_are_recognised() {
    let watched = watch("holds-back");
    watched.expect("hostile/extra", "hang", "an answer that came only after standard input was closed");
    let why = watched.run()["summary"]["unreachable"].as_str().unwrap_or_default();
    assert!(why.contains("flush after every line"), "{why}");
    assert_eq!(watched.code, Some(3));
}

#[test]
fn a_header_that_comes_only_when_the_input_is_closed_is_recognised() {
    let watched = watch("holds-all");
    assert!(watched.stderr.contains("came only after standard input was closed"), "{}", watched.stderr);
    assert!(watched.stderr.contains("flush after every line"), "{}", watched.stderr);
    assert_eq!(watched.code, Some(3));
}
