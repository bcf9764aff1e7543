//! The command line: what users type, what they read, and the exit status.

use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;

fn civispec() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_civispec"));
    command.env("NO_COLOR", "1").env_remove("CIVISPEC_CRED");
    command
}

fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_civispec")
}

#[test]
fn a_green_run_of_one_profile_fits_on_one_screen() {
    let out = civispec().args(["run", "--profile", "published", "--seed", "1"]).assert().code(0);
    let text = String::from_utf8(out.get_output().stdout.clone()).expect("text");
    assert!(text.lines().count() <= 24, "{text}");
    assert!(text.contains("must and states:") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn without_a_target_every_profile_is_run_against_the_reference() {
    civispec()
        .args(["run", "--seed", "1"])
        .assert()
        .code(0)
        .stdout(contains("profile published").and(contains("profile draft")));
}

#[test]
fn a_foreign_command_is_tested_with_every_connection_that_it_can_open() {
    civispec()
        .args(["run", "pipe", "--seed", "1", "--", binary(), "serve", "pipe", "{flags}"])
        .assert()
        .code(0)
        .stdout(contains("needs --contact-id"));
}

#[test]
fn a_command_without_a_placeholder_gets_the_cases_of_its_default_connection_and_lists_the_rest() {
    civispec()
        .args(["run", "pipe", "--verbose", "--", binary(), "serve", "pipe"])
        .assert()
        .code(0)
        .stdout(contains("not applicable").and(contains("only its default connection is tested")));
}

#[test]
fn a_failure_shows_clause_wire_difference_and_a_line_that_reproduces_it_without_this_tool() {
    let out = civispec()
        .args([
            "run",
            "pipe",
            "--seed",
            "1",
            "--",
            binary(),
            "serve",
            "pipe",
            "--defect",
            "header-unknown-flag-empty",
            "{flags}",
        ])
        .assert()
        .code(1);
    let text = String::from_utf8(out.get_output().stdout.clone()).expect("text");
    for part in [
        "FAIL",
        "pipe:flags.unknown-null",
        "must",
        "They must report as",
        "want ",
        "got ",
        "^",
        "wire",
        "repro",
        "usually",
    ] {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
    let repro = text.lines().find_map(|l| l.trim().strip_prefix("repro    ")).expect("a reproduce line");
    let shown = Command::new("sh").args(["-c", repro]).assert().success();
    let output = String::from_utf8_lossy(&shown.get_output().stdout).into_owned();
    assert!(output.contains("\"\""), "the reproduced output shows the defect: {output}");
}

/// What a reader sees of failures of several kinds, reviewed as a snapshot: a header, a refusal with its control, a rule
/// that an answer elsewhere broke, a message that needs earlier ones.
#[test]
fn the_text_of_failures_is_reviewed() {
    let mut text = String::new();
    for (defect, selector) in [
        ("header-unknown-flag-empty", "pipe:flags.unknown-null"),
        ("opt-out-untrusted-nested", "pipe/trust/*"),
        ("id-string-as-number", "jsonrpc:response.id"),
        ("error-tells-path", "own:error.no-leak"),
    ] {
        let out = civispec()
            .args(["run", "pipe", selector, "--seed", "1", "-j", "1", "--cred", "Bearer s3cr3tk3y", "--"])
            .args([binary(), "serve", "pipe", "--defect", defect, "{flags}"])
            .assert()
            .code(1);
        text.extend(["== ", defect, "\n"]);
        text.push_str(&String::from_utf8_lossy(&out.get_output().stdout));
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.add_filter(r" +\d+\.\d ms", "        N ms");
    settings.add_filter(r"   \d+ ms", "   N ms");
    settings.add_filter(r"\d+\.\d+ s,", "N s,");
    settings.add_filter(&regex_of(binary()), "civispec");
    settings.bind(|| insta::assert_snapshot!("failures", text));
}

/// A text as a regular expression that matches it.
fn regex_of(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '/' { c.to_string() } else { format!("\\{c}") })
        .collect()
}

#[test]
fn nothing_selected_exits_with_4_and_names_the_nearest_ids() {
    civispec().args(["run", "pipe/flags/vresion"]).assert().code(4).stderr(
        contains("nothing is selected").and(contains("nearest to")).and(contains("pipe/flags/version")),
    );
    civispec()
        .args(["explain", "pipe:flags.unknwon-null"])
        .assert()
        .code(4)
        .stderr(contains("pipe:flags.unknown-null"));
    civispec().args(["list", "no/such/case"]).assert().code(4);
}

#[test]
fn a_command_that_does_not_exist_is_one_message_and_exit_status_3() {
    civispec()
        .args(["run", "pipe", "--", "/nonexistent/server", "{flags}"])
        .assert()
        .code(3)
        .stdout("")
        .stderr(contains("cannot be started").and(contains("/nonexistent/server")));
}

#[test]
fn a_target_that_ends_at_once_is_one_message_with_the_first_lines_of_its_standard_error() {
    let script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $i >&2; done; exit 7";
    civispec().args(["run", "pipe", "--", "sh", "-c", script]).assert().code(3).stderr(
        contains("without a header")
            .and(contains("exit status 7"))
            .and(contains("line 10"))
            .and(contains("line 11").not()),
    );
}

#[test]
fn bad_options_exit_with_2_and_say_what_was_expected() {
    for (args, wanted) in [
        (&["run", "--report", "yaml=x"][..], "json=FILE"),
        (&["run", "--reading", "x"], "CLAUSE=NAME"),
        (&["run", "--reading", "pipe:flags.non-ascii=upside-down"], "per-byte"),
        (&["run", "--reading", "pipe:no.such=x"], "there is no clause"),
        (&["run", "--noise-call", "Noise"], "ENTITY ACTION"),
        (&["run", "--timeout=-1"], "--timeout"),
        (&["run", "--timeout", "0"], "seconds"),
        (&["run", "--env", "X", "--", "true"], "K=V"),
        (&["run", "--cwd", "/nonexistent", "--", "true"], "no such folder"),
        (&["run", "--cases", "/nonexistent"], "/nonexistent"),
        (&["run", "--profile", "nope"], "published"),
        (&["serve", "pipe", "--defect", "nope"], "nope"),
        (&["frobnicate"], "frobnicate"),
    ] {
        civispec().args(args).assert().code(2).stderr(contains(wanted));
    }
}

fn own_cases(text: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("own.toml"), text).expect("a file");
    dir
}

#[test]
fn a_bad_case_file_is_reported_with_file_line_column_and_caret() {
    let head = "[[case]]\nid = \"pipe/own/x\"\nclause = \"pipe:echo.input\"\nabout = \"x\"\n";
    for (body, place, wanted) in [
        ("transcript = '''\n> {}\n< {\"a\" 1}\n'''\n", "own.toml:7:8", "':'"),
        ("transcript = '''\n? {}\n'''\n", "own.toml:6:1", "unknown line"),
        ("transcript = '''\n> <$n\n.\n'''\n", "own.toml:6:3", "no '>'"),
        ("transcript = \"> {}\"\n", "own.toml:1:1", "expects nothing"),
        ("transcipt = \"x\"\n", "own.toml:5:1", "transcipt"),
        ("transcript = \"\n", "own.toml:5", ""),
    ] {
        let dir = own_cases(&format!("{head}{body}"));
        civispec()
            .args(["run", "--cases"])
            .arg(dir.path())
            .assert()
            .code(2)
            .stderr(contains(place).and(contains("^")).and(contains(wanted)));
    }
}

#[test]
fn cases_of_the_users_own_run_beside_the_built_in_ones() {
    let dir = own_cases(
        "[[case]]\nid = \"pipe/own/echo\"\nclause = \"pipe:echo.input\"\nabout = \"own\"\ntranscript = '''\n\
         > {\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[\"<$s>\"],\"id\":<$n>}\n< {\"result\":[\"<$s>\"],...}\n'''\n",
    );
    let run = |id: &str| {
        let mut command = civispec();
        command.args(["run", id, "--cases"]).arg(dir.path());
        command.assert()
    };
    run("pipe/own/echo").code(0).stdout(contains("1 pass of 1"));
    civispec()
        .args(["explain", "pipe/own/echo", "--cases"])
        .arg(dir.path())
        .assert()
        .code(0)
        .stdout(contains("own.toml"));
}

#[test]
fn a_report_that_cannot_be_written_is_exit_status_5_and_the_others_are_written() {
    let dir = tempfile::tempdir().expect("a folder");
    let junit = dir.path().join("run.xml");
    civispec()
        .args(["run", "pipe/header/*", "--report", "json=/nonexistent/run.json", "--report"])
        .arg(format!("junit={}", junit.display()))
        .assert()
        .code(5)
        .stderr(contains("cannot write /nonexistent/run.json"));
    assert!(std::fs::read_to_string(&junit).expect("the other report").contains("<testsuites"));
    assert_eq!(std::fs::read_dir(dir.path()).expect("a folder").count(), 1, "no half file is left");
}

#[test]
fn explain_tells_quote_level_source_readings_cases_control_and_what_a_failure_usually_means() {
    civispec().args(["explain", "pipe:flags.non-ascii"]).assert().code(0).stdout(
        contains("level")
            .and(contains("reading"))
            .and(contains("per-byte"))
            .and(contains("case "))
            .and(contains("usually")),
    );
    civispec()
        .args(["explain", "pipe:flags.unknown-null"])
        .assert()
        .code(0)
        .stdout(contains("quote").and(contains("must")));
}

#[test]
fn list_names_cases_and_clauses() {
    civispec()
        .args(["list", "pipe/header/*"])
        .assert()
        .code(0)
        .stdout(contains("pipe/header/").and(contains("pipe/flags/").not()));
    civispec()
        .args(["list", "--clauses"])
        .assert()
        .code(0)
        .stdout(contains("untestable").and(contains("client")));
}

#[test]
fn the_reference_serves_on_standard_input_and_output() {
    civispec()
        .args(["serve", "pipe", "vu"])
        .write_stdin("{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[\"x\"],\"id\":1}\n")
        .assert()
        .code(0)
        .stdout(
            contains("\"u\":\"untrusted\"")
                .and(contains("{\"jsonrpc\":\"2.0\",\"result\":[\"x\"],\"id\":1}\n")),
        );
}

#[test]
fn every_command_has_help_with_examples() {
    for command in ["run", "list", "explain", "serve", "lint", "record"] {
        civispec().args([command, "--help"]).assert().code(0).stdout(contains("Examples:"));
    }
}

#[test]
fn the_data_of_the_reference_persists_only_where_a_file_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let db = dir.path().join("store.sqlite");
    let create = "{\"jsonrpc\":\"2.0\",\"method\":\"api3\",\"params\":[\"Contact\",\"create\",{\"contact_type\":\"Individual\",\"display_name\":\"Kept Here\",\"check_permissions\":0}],\"id\":1}\n";
    let find = "{\"jsonrpc\":\"2.0\",\"method\":\"api3\",\"params\":[\"Contact\",\"get\",{\"display_name\":\"Kept Here\",\"check_permissions\":0}],\"id\":2}\n";
    let serve = |db: Option<&Path>, input: &str| {
        let mut command = civispec();
        command.args(["serve", "pipe"]);
        if let Some(db) = db {
            command.arg("--db").arg(db);
        }
        let out = command.write_stdin(input.to_owned()).assert().code(0);
        String::from_utf8(out.get_output().stdout.clone()).expect("text")
    };
    assert!(serve(Some(&db), create).contains("Kept Here"));
    assert!(serve(Some(&db), find).contains("Kept Here"));
    serve(None, create);
    assert!(!serve(None, find).contains("Kept Here"));
}
