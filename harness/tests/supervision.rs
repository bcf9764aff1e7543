//! No server can make the harness hang, swell or leave processes behind, and each gets the verdict that it deserves.
//!
//! Every run is watched from outside: memory, processes, time and the report are asserted for each of them.

mod hostile;

use std::time::Duration;

use hostile::{Watched, moment, program, start};
use rustix::process::{Pid, Signal, kill_process};

/// A case of so many requests, each answered before the next.
fn requests(id: &str, number: usize, extra: &str) -> String {
    let step = |i: usize| {
        format!(
            "> {{\"jsonrpc\":\"2.0\",\"id\":<$n{i}>,\"method\":\"echo\",\"params\":[\"<$s{i}>\"]}}\n\
             < {{\"jsonrpc\":\"2.0\",\"result\":[\"<$s{i}>\"],\"id\":<$n{i}>}}\n"
        )
    };
    let transcript: String = (1..=number).map(step).collect();
    format!(
        "[[case]]\nid = \"hostile/{id}\"\nclause = \"pipe:flow.loop\"\nabout = \"{number} requests\"\n{extra}\n\
         transcript = '''\n{transcript}'''\n\n"
    )
}

/// A request that no pipe holds at once.
const LONG: &str = r#"
[[case]]
id = "hostile/long"
clause = "pipe:flow.loop"
about = "a long request"
flags = "vt"
transcript = '''
> {"jsonrpc":"2.0","id":<$n1>,"method":"echo","params":["<repeat:300000:x>"]}
< {"jsonrpc":"2.0","result":<any>,"id":<$n1>}
'''
"#;

/// The end of a session.
const END: &str = r#"
[[case]]
id = "hostile/end"
clause = "own:end.exits"
about = "the server ends when its input does"
touches = ["session"]
transcript = '''
> {"jsonrpc":"2.0","id":<$n1>,"method":"echo","params":["<$s1>"]}
< {"jsonrpc":"2.0","result":["<$s1>"],"id":<$n1>}
>>
! exit 0
'''
"#;

/// One request (served by all that serve at all), three (the third is the moment), a long one, an end, a flag.
fn cases() -> String {
    let threes: String = (1..=4).map(|i| requests(&format!("three-{i}"), 3, "")).collect();
    [requests("one", 1, ""), threes, LONG.to_owned(), END.to_owned(), requests("flag", 1, "flags = \"x\"")]
        .concat()
}

fn watch(kind: &str) -> Watched {
    let watched = start(kind, &cases(), &["--timeout", "1"]).finish();
    eprintln!(
        "{kind}: exit {:?}, {:.1} s, {} KiB",
        watched.code,
        watched.took.as_secs_f64(),
        watched.peak >> 10
    );
    watched
}

/// A server that fails at its third request: every case that has three says so, and the run goes on.
fn fails_at_the_third_request(kind: &str, verdict: &str, reason: &str) -> Watched {
    let watched = watch(kind);
    for i in 1..=4 {
        watched.expect(&format!("hostile/three-{i}"), verdict, reason);
    }
    for id in ["hostile/one", "hostile/flag", "hostile/end", "hostile/long"] {
        watched.expect(id, "pass", "");
    }
    assert_eq!(watched.code, Some(1));
    assert!(watched.run()["summary"]["unreachable"].is_null(), "it can be reached");
    watched
}

/// A server that never serves anything: unreachable, said once, and after few sessions.
fn is_unreachable(kind: &str, reason: &str) -> Watched {
    let watched = watch(kind);
    assert_eq!(watched.code, Some(3));
    let why = watched.run()["summary"]["unreachable"].as_str().unwrap_or_default();
    assert!(why.contains(reason), "{why}");
    assert_eq!(watched.stdout.matches("cannot be reached any more").count(), 1, "{}", watched.stdout);
    let unreachable = watched.run()["summary"]["verdicts"]["unreachable"].as_u64().unwrap_or_default();
    assert!(unreachable >= 2, "the rest is not run: {}", watched.run()["summary"]);
    let sessions = watched.run()["info"]["sessions"].as_u64().expect("a number");
    assert!(sessions <= 8, "{sessions} sessions were spent on it");
    watched
}

/// A server without a header: one message and no cases.
fn never_begins(kind: &str, words: &[&str]) -> Watched {
    let watched = watch(kind);
    assert_eq!(watched.code, Some(3));
    for word in words {
        assert_eq!(watched.stderr.matches(word).count(), 1, "{word}: {}", watched.stderr);
    }
    assert_eq!(watched.stdout, "", "one message, and not one failure per case");
    watched
}

#[test]
fn a_server_that_never_reads_is_unreachable_because_it_reads_nothing() {
    is_unreachable("never-reads", "it does not read its input");
}

#[test]
fn a_server_that_never_writes_is_told_in_one_message() {
    never_begins("never-writes", &["It wrote no header within 1 s", "It wrote nothing on standard error"]);
}

#[test]
fn a_server_that_only_greets_is_unreachable_because_it_answers_nothing() {
    is_unreachable("header-then-silent", "no answer within 1 s");
}

#[test]
fn a_server_that_ends_at_once_is_told_with_the_first_ten_lines_of_its_standard_error() {
    let watched = never_begins(
        "exits-at-once",
        &["ended without a header (exit status 3)", "complaint number 1\n", "complaint number 10\n"],
    );
    assert!(!watched.stderr.contains("number 11"), "{}", watched.stderr);
}

#[test]
fn a_server_that_greets_and_ends_breaks_the_pipe_and_is_unreachable() {
    is_unreachable("closing-at-once", "it ended (exit status 0) instead of answering");
}

#[test]
fn a_server_that_ignores_term_is_killed_and_judged_by_what_it_answers() {
    let watched = watch("ignores-term");
    watched.expect("hostile/end", "hang", "after standard input was closed");
    for id in ["hostile/one", "hostile/three-1", "hostile/long", "hostile/flag"] {
        watched.expect(id, "pass", "");
    }
    assert!(watched.remarks().contains("ignored TERM and had to be killed"), "{}", watched.remarks());
    assert!(watched.took < Duration::from_secs(15), "it is killed at once after that: {:?}", watched.took);
    assert_eq!(watched.code, Some(1));
}

#[test]
fn a_grandchild_that_holds_the_pipe_does_not_hide_the_end_of_the_server() {
    fails_at_the_third_request(
        "grandchild-holds-pipe",
        "crash",
        "exit status 0; another process that it left behind holds its output open",
    );
}

#[test]
fn a_flood_of_standard_output_is_cut_short() {
    fails_at_the_third_request("floods-stdout", "crash", "it flooded standard output");
}

#[test]
fn a_flood_of_answers_is_cut_short() {
    let watched = watch("floods-lines");
    for i in 1..=4 {
        let (verdict, reason) = watched.case(&format!("hostile/three-{i}"));
        assert!(verdict == "crash" || verdict == "fail", "{verdict}: {reason}");
        assert!(reason.contains("it flooded standard output"), "{reason}");
    }
    assert_eq!(watched.code, Some(1));
}

#[test]
fn a_flood_instead_of_a_header_is_told_in_one_message() {
    never_begins("floods-header", &["It flooded standard output", "standard output begins with: xxxx"]);
}

#[test]
fn a_flood_behind_the_last_answer_harms_nobody() {
    let watched = watch("floods-at-the-end");
    for id in ["hostile/one", "hostile/three-1", "hostile/long", "hostile/flag"] {
        watched.expect(id, "pass", "");
    }
}

#[test]
fn a_flood_of_standard_error_is_drained_and_told() {
    fails_at_the_third_request("floods-stderr", "hang", "bytes on standard error meanwhile");
}

#[test]
fn a_server_that_chatters_on_standard_error_is_served_as_well() {
    let watched = watch("chatters");
    assert_eq!(watched.code, Some(0), "{}", watched.stdout);
    assert!(watched.remarks().contains("bytes on standard error"), "{}", watched.remarks());
}

#[test]
fn half_a_line_and_then_silence_is_a_hang_in_the_middle_of_a_line() {
    fails_at_the_third_request("half-line-then-sleeps", "hang", "it stopped in the middle of a line");
}

#[test]
fn an_end_in_the_middle_of_a_line_is_a_crash_there() {
    fails_at_the_third_request("exits-mid-line", "crash", "it ended (exit status 0) in the middle of a line");
}

/// Silence that is wanted, with and without another answer that would do.
const SILENCE: &str = r#"
[[case]]
id = "hostile/silence"
clause = "pipe:flow.loop"
about = "a notification is not answered"
flags = "v"
transcript = '''
> {"jsonrpc":"2.0","id":<$n1>,"method":"echo","params":["<$s1>"]}
< {"jsonrpc":"2.0","result":["<$s1>"],"id":<$n1>}
> {"jsonrpc":"2.0","id":<$n2>,"method":"echo","params":["<$s2>"]}
< {"jsonrpc":"2.0","result":["<$s2>"],"id":<$n2>}
> {"jsonrpc":"2.0","method":"echo","params":["<$s3>"]}
.
'''

[[case]]
id = "hostile/silence-or-not"
clause = "pipe:flow.loop"
about = "a notification may be answered"
flags = "t"
transcript = '''
> {"jsonrpc":"2.0","id":<$n1>,"method":"echo","params":["<$s1>"]}
< {"jsonrpc":"2.0","result":["<$s1>"],"id":<$n1>}
> {"jsonrpc":"2.0","id":<$n2>,"method":"echo","params":["<$s2>"]}
< {"jsonrpc":"2.0","result":["<$s2>"],"id":<$n2>}
> {"jsonrpc":"2.0","method":"echo","params":["<$s3>"]}
<? {"error":<any>,...}
'''

[[case]]
id = "hostile/silence-or-end"
clause = "pipe:flow.loop"
about = "the server may end over a notification"
flags = "u"
touches = ["session"]
transcript = '''
> {"jsonrpc":"2.0","id":<$n1>,"method":"echo","params":["<$s1>"]}
< {"jsonrpc":"2.0","result":["<$s1>"],"id":<$n1>}
> {"jsonrpc":"2.0","id":<$n2>,"method":"echo","params":["<$s2>"]}
< {"jsonrpc":"2.0","result":["<$s2>"],"id":<$n2>}
> {"jsonrpc":"2.0","method":"echo","params":["<$s3>"]}
! exit 0
'''
"#;

#[test]
fn death_is_never_taken_for_the_silence_that_was_wanted() {
    let watched = start("exits-quietly", SILENCE, &["--timeout", "1"]).finish();
    watched.expect(
        "hostile/silence",
        "crash",
        "it ended (exit status 0) instead of waiting for the next request",
    );
    watched.expect("hostile/silence-or-not", "crash", "instead of waiting for the next request");
    watched.expect("hostile/silence-or-end", "pass", "");
    let watched = start("bad-flag-dies", SILENCE, &["--timeout", "1"]).finish();
    watched.expect("hostile/silence", "pass", "");
    watched.expect("hostile/silence-or-not", "pass", "");
}

#[test]
fn a_daemon_that_left_the_group_is_found_and_ended() {
    for (kind, remark) in [
        ("forks-daemon", "that it had left behind in "),
        ("forks-bare-daemon", "that it had left behind without a trace"),
    ] {
        let watched = watch(kind);
        assert_eq!(watched.code, Some(0), "{}", watched.stdout);
        assert!(watched.remarks().contains(remark), "{kind}: {}", watched.remarks());
    }
}

#[test]
fn a_server_that_stops_itself_is_told_as_stopped() {
    fails_at_the_third_request("stops-itself", "hang", "the process is stopped, as by SIGSTOP");
}

#[test]
fn a_server_that_closes_its_input_is_told_as_deaf() {
    fails_at_the_third_request("closes-stdin", "hang", "it closed its standard input and gave no answer");
}

#[test]
fn a_server_that_goes_silent_is_told_as_silent() {
    fails_at_the_third_request("goes-silent", "hang", "no answer within");
}

#[test]
fn an_answer_that_never_ends_is_a_hang_although_it_never_pauses() {
    fails_at_the_third_request("drips", "hang", "came to no end within");
}

#[test]
fn a_server_that_dies_of_an_unknown_flag_fails_there_and_nowhere_else() {
    let watched = watch("bad-flag-dies");
    watched.expect("hostile/flag", "crash", "it ended without a header (exit status 1)");
    for id in ["hostile/one", "hostile/three-1", "hostile/long", "hostile/end"] {
        watched.expect(id, "pass", "");
    }
    assert!(watched.run()["summary"]["unreachable"].is_null());
    assert_eq!(watched.code, Some(1));
}

#[test]
fn a_server_that_hangs_costs_less_than_its_timeout_at_every_case() {
    let (number, timeout) = (16, 3);
    let cases: String = (10..10 + number).map(|i| requests(&format!("three-{i}"), 3, "")).collect();
    let watched = start("goes-silent", &cases, &["--timeout", &timeout.to_string()]).finish();
    let hangs = watched.run()["summary"]["verdicts"]["hang"].as_u64();
    assert_eq!(hangs, Some(number), "{}", watched.run()["summary"]);
    // Each is played twice, and two at a time.
    let naive = Duration::from_secs(number * timeout);
    assert!(watched.took < naive * 2 / 3, "{:?} of {naive:?}", watched.took);
    let shorter = "less than the 3 s asked for, because it had hung before";
    assert!(watched.report.to_string().contains(shorter), "the shorter wait is told");
}

#[test]
fn ctrl_c_ends_a_run_soon_with_its_report_and_blames_nobody() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut running = start("goes-silent", &cases(), &["--timeout", "60"]);
        let moment = moment(&running);
        running.watch_until(|| moment.exists());
        let pid = Pid::from_raw(i32::try_from(running.child.id()).expect("a pid")).expect("a pid");
        let asked = std::time::Instant::now();
        kill_process(pid, signal).expect("civispec runs");
        let watched = running.finish();
        assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
        let summary = &watched.run()["summary"];
        assert_eq!(summary["interrupted"], true, "{summary}");
        assert!(summary["verdicts"]["hang"].is_null() && summary["unreachable"].is_null(), "{summary}");
        assert!(watched.report.to_string().contains("the run was interrupted"));
        assert_eq!(watched.code, Some(1));
    }
}

#[test]
fn a_run_that_takes_too_long_stops_in_the_middle_of_a_case() {
    let watched = start("goes-silent", &cases(), &["--timeout", "60", "--run-timeout", "2"]).finish();
    assert!(watched.took < Duration::from_secs(20), "{:?}", watched.took);
    assert!(watched.report.to_string().contains("--run-timeout"));
    assert!(watched.run()["summary"]["verdicts"]["hang"].is_null(), "{}", watched.run()["summary"]);
    assert_eq!(watched.code, Some(1));
}

#[test]
fn what_went_over_the_wire_is_reported_of_a_connection_that_died() {
    for kind in ["exits-mid-line", "half-line-then-sleeps"] {
        let watched = start(kind, &requests("three", 3, ""), &["--timeout", "1"]).finish();
        let wire = watched.run()["cases"][0]["wire"].to_string();
        assert!(wire.contains("\\\"resu") && wire.contains("params"), "{kind}: {wire}");
    }
}

#[test]
fn the_program_of_hostile_servers_explains_itself() {
    let output = std::process::Command::new(program()).arg("no-such-kind").output().expect("it starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("usage: hostile KIND"));
}
