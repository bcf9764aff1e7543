//! `civispec lint`: recorded sessions of a deployed server, sessions of the reference, and damaged files.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use assert_cmd::Command;
use civispec::clause::Ledger;
use civispec::lint::recording::{Protocol, closing_record, opening_record, records};
use civispec::lint::render::{Detail, file, summary};
use civispec::lint::{Finding, built_in_ledger, judge, parse};
use civispec_reference::pipe::{Config, Profile, serve};
use proptest::prelude::*;

static LEDGER: LazyLock<Ledger> = LazyLock::new(|| built_in_ledger().expect("the ledger is sound"));

fn captures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases/captures/pipe");
    let entries = std::fs::read_dir(folder).expect("the captures are there").flatten().map(|e| e.path());
    let mut files: Vec<PathBuf> = entries.filter(|p| p.extension().is_some_and(|e| e == "jsonl")).collect();
    files.sort();
    files
}

fn civispec() -> Command {
    Command::new(env!("CARGO_BIN_EXE_civispec"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_judgement_on_the_captures_is_the_reviewed_one() {
    let mut all = Vec::new();
    let mut out = String::new();
    for path in captures() {
        let name = path.file_name().expect("a file name").to_string_lossy().into_owned();
        let parsed = parse(&name, &std::fs::read(&path).expect("a capture can be read"));
        assert_eq!(parsed.damage, []);
        let judged: Vec<_> = parsed.sessions.into_iter().map(|s| (s.clone(), judge(&LEDGER, &s))).collect();
        out += &file(&name, &judged, Detail::Brief);
        all.extend(judged.into_iter().map(|(_, judged)| judged));
    }
    assert_eq!(all.len(), 447);
    out += &summary(&LEDGER, all.iter());
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path("../../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description("What `civispec lint` finds in cases/captures/pipe. Reviewed: each finding is a departure of that server.");
    settings.bind(|| insta::assert_snapshot!("lint-captures", out));
}

#[test]
fn no_path_of_the_recorded_server_is_left_in_the_captures() {
    for path in captures() {
        let text = std::fs::read_to_string(&path).expect("a capture is text");
        for (at, _) in text.match_indices("srv") {
            let rest: String = text[at..].chars().filter(|c| *c != '\\').take(10).collect();
            assert_eq!(rest, "srv/target", "{}", path.display());
        }
    }
}

#[test]
fn the_exit_status_tells_broken_clauses_from_sound_sessions_and_unreadable_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, lines: &[&str]| {
        let path = folder.path().join(name);
        std::fs::write(&path, lines.join("\n")).expect("a file can be written");
        path
    };
    let opening = r#"{"session":"s/1","about":"small","flags":"v","protocol":"published"}"#;
    let header = r#"{"dir":"<","text":"{\"Civi::pipe\":{\"v\":\"5\"}}\n"}"#;
    let request =
        r#"{"dir":">","text":"{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[],\"id\":1}\n"}"#;
    let good = r#"{"dir":"<","text":"{\"jsonrpc\":\"2.0\",\"result\":[],\"id\":1}\n"}"#;
    let bad = r#"{"dir":"<","text":"{\"jsonrpc\":\"2.0\",\"result\":{},\"id\":1}\n"}"#;
    let exit = r#"{"exit":0}"#;
    let sound = write("sound.jsonl", &[opening, header, request, good, exit]);
    let broken = write("broken.jsonl", &[opening, header, request, bad, exit]);
    let warned = write("warned.jsonl", &[opening, &header.replace("v\\\"", "x\\\""), exit]);
    let spoilt = r#"{"dir":"<","txt":""}"#;
    let damaged = write(
        "damaged.jsonl",
        &[opening, header, request, bad, exit, opening, spoilt, opening, header, exit],
    );
    let empty = write("empty.jsonl", &[]);

    let ok = civispec().arg("lint").arg(&sound).assert().code(0);
    assert!(text(&ok.get_output().stdout).contains("ok   s/1  small\n1 sessions"), "{ok}");

    civispec().arg("lint").arg(&warned).assert().code(0);

    let red = civispec().args(["lint".as_ref(), sound.as_os_str(), broken.as_os_str()]).assert().code(1);
    let out = text(&red.get_output().stdout);
    for wanted in [
        "FAIL s/1",
        "line 4: pipe:echo.input (states)",
        "sent    {",
        "wanted  the result []",
        "got     {",
        "   1  states  pipe:echo.input",
    ] {
        assert!(out.contains(wanted), "{wanted}\n{out}");
    }

    let both = civispec().args(["lint", "--brief"]).args([&damaged, &sound]).assert().code(2);
    let (out, err) = (text(&both.get_output().stdout), text(&both.get_output().stderr));
    assert!(
        err.contains("damaged.jsonl:7:") && err.contains("unknown member \"txt\"") && err.contains('^'),
        "{err}"
    );
    assert!(out.contains("4 states pipe:echo.input") && out.contains("ok   s/1\n4 sessions"), "{out}");

    let nothing = civispec().arg("lint").arg(&empty).arg(folder.path().join("none.jsonl")).assert().code(2);
    let err = text(&nothing.get_output().stderr);
    assert!(err.contains("there is no session in it") && err.contains("cannot read"), "{err}");
    civispec().arg("lint").assert().code(2);
}

/// Lines that a client may send, good and bad.
const POOL: &[&str] = &[
    r#"{"jsonrpc":"2.0","method":"echo","params":{"a":{},"b":[1.50,"\u0000é"]},"id":ID}"#,
    r#"{"jsonrpc":"2.0","method":"echo","params":[],"id":"ID"}"#,
    r#"{"jsonrpc":"2.0","method":"echo","id":null}"#,
    r#"{"jsonrpc":"2.0","method":"echo","params":null,"id":ID}"#,
    r#"{"jsonrpc":"2.0","method":"echo","params":7,"id":ID}"#,
    r#"{"jsonrpc":"2.0","method":"echo","params":[ID]}"#,
    r#"{"jsonrpc":"2.0","method":"nope","id":ID}"#,
    r#"{"jsonrpc":"2.0","method":"Echo","params":[1],"id":ID}"#,
    r#"{"jsonrpc":"2.0","method":"rpc.echo","params":[1],"id":ID}"#,
    r#"{"jsonrpc":"2.0","id":ID}"#,
    r#"{"jsonrpc":"2.0","method":"echo","id":[ID]}"#,
    r#"{"method":"echo","id":ID}"#,
    r#"{"jsonrpc":"2.0","method":"echo","params":[1e999,{"a":1,"a":2}],"id":ID}"#,
    r#"{"jsonrpc":"2.0","method":"echo","params":["\ud800"],"id":ID}"#,
    r#"{"jsonrpc":"2.0","method":"ec"#,
    "hello",
    "7",
    "",
    " \t",
    "\r",
    "[]",
    "[1,null]",
    r#"[{"jsonrpc":"2.0","method":"echo","params":[1],"id":ID},{"jsonrpc":"2.0","method":"echo"},{"jsonrpc":"2.0","method":"nope","id":"ID"}]"#,
    r#"[{"jsonrpc":"2.0","method":"echo"}]"#,
    r#"[{"jsonrpc":"2.0","method":"options","params":{"apiError":"array"},"id":ID},1]"#,
    r#"{"jsonrpc":"2.0","method":"options","id":ID}"#,
    r#"{"jsonrpc":"2.0","method":"options","params":{"responsePrefix":"@@"},"id":ID}"#,
    r#"{"jsonrpc":"2.0","method":"options","params":{"responsePrefix":"{"},"id":ID}"#,
    r#"{"jsonrpc":"2.0","method":"options","params":{"responsePrefix":"\n \t"},"id":ID}"#,
    r#"{"jsonrpc":"2.0","method":"options","params":{"responsePrefix":null},"id":ID}"#,
    r#"{"jsonrpc":"2.0","method":"options","params":{"responsePrefix":"!!"}}"#,
    r#"{"jsonrpc":"2.0","method":"options","params":{"apiError":"array"},"id":ID}"#,
    r#"{"jsonrpc":"2.0","method":"options","params":{"apiError":"bogus","nope":1},"id":ID}"#,
    r#"{"jsonrpc":"2.0","method":"options","params":{"apiError":"exception","bufferSize":70000},"id":ID}"#,
    r#"{"jsonrpc":"2.0","method":"options","params":{"bufferSize":100},"id":ID}"#,
    r#"{"jsonrpc":"2.0","method":"login","params":{"contactId":202},"id":ID}"#,
    r#"{"jsonrpc":"2.0","method":"login","params":{"cred":"Bearer wrong"},"id":ID}"#,
    r#"{"jsonrpc":"2.0","method":"login","params":{},"id":ID}"#,
    r#"{"jsonrpc":"2.0","method":"api3","params":["Contact","get",{"check_permissions":0}],"id":ID}"#,
    r#"{"jsonrpc":"2.0","method":"api4","params":["Contact","get"],"id":ID}"#,
    r#"{"jsonrpc":"2.0","method":"api4","params":["Contact","zz"],"id":ID}"#,
    r#"{"jsonrpc":"2.0","method":"api3","params":["Contact"],"id":ID}"#,
    r#"{"jsonrpc":"2.0","method":"api4","params":["Noise","echo",{"checkPermissions":false}],"id":ID}"#,
];

/// A session of the reference, recorded in memory; records are cut at every `cut` bytes.
fn recorded(profile: Profile, flags: &str, lines: &[usize], ended: bool, cut: usize) -> String {
    let mut input = String::new();
    for (n, line) in lines.iter().enumerate() {
        input += &POOL[*line % POOL.len()].replace("ID", &(n + 1).to_string());
        input.push('\n');
    }
    if !ended {
        input.pop();
    }
    let config = Config { profile, flags: Some(flags.as_bytes().to_vec()), ..Config::default() };
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    serve(&config, input.as_bytes(), &mut output, &mut errors).expect("the reference serves");
    let protocol = if profile == Profile::Draft { Protocol::Draft } else { Protocol::Published };
    let mut text = opening_record("s/1", "", Some(flags), protocol);
    for (dir, bytes) in [('>', input.as_bytes()), ('<', &output), ('!', &errors)] {
        text.extend(bytes.chunks(cut).map(|chunk| records(dir, chunk)));
    }
    text + &closing_record(Some(0), None)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_session_of_the_reference_is_ever_at_fault(
        lines in prop::collection::vec(0usize..10_000, 0..40),
        flags in prop::sample::select(vec!["vtl", "vu", "jx", "tt0"]),
        draft in prop::bool::ANY,
        ended in prop::bool::ANY,
        cut in 1usize..5_000,
    ) {
        let profile = if draft { Profile::Draft } else { Profile::Published };
        let text = recorded(profile, flags, &lines, ended, cut);
        let parsed = parse("s", text.as_bytes());
        prop_assert!(parsed.damage.is_empty());
        let judged = judge(&LEDGER, &parsed.sessions[0]);
        prop_assert!(judged.findings.is_empty(), "{:#?}\n{}", judged.findings, text);
    }

    #[test]
    fn nothing_in_a_recording_makes_the_judge_stumble(
        pieces in prop::collection::vec((prop::sample::select(vec!['>', '<', '!']), 0usize..10_000, prop::bool::ANY), 0..30),
        bytes in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut text = opening_record("s/1", "", None, Protocol::Published);
        for (dir, line, answers) in pieces {
            let line = POOL[line % POOL.len()].replace("ID", "1");
            let line = if answers { line.replace("\"method\":\"echo\"", "\"result\":1") } else { line };
            text += &records(dir, format!("{line}\n").as_bytes());
            text += &records(dir, &bytes);
        }
        text += &closing_record(None, Some(9));
        let parsed = parse("s", text.as_bytes());
        let judged = judge(&LEDGER, &parsed.sessions[0]);
        prop_assert!(judged.findings.iter().all(|f| LEDGER.get(f.clause).is_some()));
    }
}

#[test]
fn a_seeded_defect_of_the_reference_is_found_in_its_recording() {
    let lines: Vec<usize> = (0..POOL.len()).collect();
    let text = recorded(Profile::Published, "vtl", &lines, true, 4096);
    // The same session with one answer changed by hand: [] in place of {}.
    let changed =
        text.replacen("{\\\"a\\\":{}", "{\\\"a\\\":[]", 2).replacen("{\\\"a\\\":[]", "{\\\"a\\\":{}", 1);
    assert_ne!(changed, text);
    let judged = judge(&LEDGER, &parse("s", changed.as_bytes()).sessions[0]);
    let clauses: Vec<&str> =
        judged.findings.iter().filter(|f| f.is_broken()).map(|f: &Finding| f.clause).collect();
    assert_eq!(clauses, ["pipe:echo.input"]);
}
