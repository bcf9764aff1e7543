//! `civispec record`: what passes is unchanged, what is recorded is what passed, and nothing waits for ever.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use civispec::lint::{Parsed, Session, parse};

const BINARY: &str = env!("CARGO_BIN_EXE_civispec");
/// Longer than anything here takes on a busy machine, shorter than for ever.
const PATIENCE: Duration = Duration::from_secs(30);

fn recorder(file: &Path, options: &[&str], command: &[&str]) -> assert_cmd::Command {
    let mut recorder = assert_cmd::Command::new(BINARY);
    recorder.arg("record").arg("-o").arg(file).args(options).arg("--").args(command).timeout(PATIENCE);
    recorder
}

fn read(file: &Path) -> Parsed {
    parse("recording", &std::fs::read(file).expect("the recording is there"))
}

fn only_session(file: &Path) -> Session {
    let mut parsed = read(file);
    assert_eq!(parsed.damage, []);
    assert_eq!(parsed.sessions.len(), 1);
    parsed.sessions.remove(0)
}

/// A recorder whose client we are.
struct Live {
    process: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
}

impl Live {
    fn start(file: &Path, command: &[&str]) -> Self {
        let mut process = Command::new(BINARY)
            .arg("record")
            .arg("-o")
            .arg(file)
            .arg("--")
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the recorder starts");
        let stdin = process.stdin.take().expect("a pipe");
        let mut stdout = BufReader::new(process.stdout.take().expect("a pipe"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            while stdout.read_line(&mut line).is_ok_and(|n| n > 0)
                && sender.send(std::mem::take(&mut line)).is_ok()
            {}
        });
        Self { process, stdin, lines }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line comes in time")
    }

    /// Waits for the end of the recorder, and gives what it wrote after the last line that was read.
    fn end(mut self) -> (ExitStatus, String) {
        drop(self.stdin);
        let rest = std::iter::from_fn(|| self.lines.recv_timeout(PATIENCE).ok()).collect();
        let begun = Instant::now();
        loop {
            match self.process.try_wait().expect("the recorder can be waited for") {
                Some(status) => return (status, rest),
                None if begun.elapsed() > PATIENCE => {
                    self.process.kill().expect("the recorder can be killed");
                    panic!("the recorder does not end");
                }
                None => std::thread::yield_now(),
            }
        }
    }
}

#[test]
fn bytes_of_every_kind_pass_unchanged_both_ways_and_are_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("bytes.jsonl");
    let mut bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    bytes.extend("é→💶\u{2028}\r\n\n".repeat(2_000).into_bytes());
    let done = recorder(&file, &["--flags", "v t", "--about", "all bytes"], &["cat"])
        .write_stdin(bytes.clone())
        .assert()
        .code(0);
    assert!(done.get_output().stdout == bytes, "the output differs");
    let session = only_session(&file);
    assert!(session.sent.bytes == bytes && session.received.bytes == bytes, "the record differs");
    assert_eq!(
        (session.name.as_str(), session.about.as_str(), session.flags.as_deref()),
        ("bytes/1", "all bytes", Some("v t"))
    );
    assert_eq!(session.end.map(|e| (e.code, e.signal)), Some((Some(0), None)));
}

#[test]
fn standard_error_and_the_exit_status_pass_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("x.jsonl");
    let done = recorder(&file, &[], &["sh", "-c", "cat >&2; exit 7"]).write_stdin("oops\n").assert().code(7);
    assert_eq!((done.get_output().stderr.as_slice(), done.get_output().stdout.len()), (&b"oops\n"[..], 0));
    let session = only_session(&file);
    assert_eq!((session.stderr.bytes.as_slice(), session.flags), (&b"oops\n"[..], None));
    assert_eq!(session.end.map(|e| e.code), Some(Some(7)));

    recorder(&file, &[], &["sh", "-c", "kill -9 $$"]).assert().code(137);
    let parsed = read(&file);
    assert_eq!(parsed.sessions.len(), 2, "a second session is added");
    assert_eq!(
        (parsed.sessions[1].name.as_str(), parsed.sessions[1].end.map(|e| (e.code, e.signal))),
        ("x/2", Some((None, Some(9))))
    );
}

#[test]
fn a_recorded_session_of_the_reference_is_sound_to_lint() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ref.jsonl");
    let requests = concat!(
        r#"{"jsonrpc":"2.0","method":"options","params":{"responsePrefix":"\u0001\u0001"},"id":1}"#,
        "\n",
        r#"{"jsonrpc":"2.0","method":"echo","params":["é"],"id":"a"}"#,
        "\n\n",
        r#"{"jsonrpc":"2.0","method":"nope","id":2}"#,
        "\n",
        "{\"jsonrpc\":\n",
        "\u{feff}not json, and not UTF-8 either: ",
    );
    let mut bytes = requests.as_bytes().to_vec();
    bytes.extend(b"\xff\xfe\n");
    let direct = assert_cmd::Command::new(BINARY)
        .args(["serve", "pipe", "vt"])
        .write_stdin(bytes.clone())
        .assert()
        .code(0);
    let through = recorder(&file, &["--flags", "vt"], &[BINARY, "serve", "pipe", "vt"])
        .write_stdin(bytes)
        .assert()
        .code(0);
    assert_eq!(direct.get_output().stdout, through.get_output().stdout);
    let lint = assert_cmd::Command::new(BINARY).arg("lint").arg(&file).assert().code(0);
    let out = String::from_utf8_lossy(&lint.get_output().stdout).into_owned();
    assert!(out.contains("ok   ref/1") && out.contains("5 requests, 5 answers"), "{out}");
}

#[test]
fn the_whole_suite_through_the_recorder_is_sound_to_lint() {
    for profile in ["published", "draft"] {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("{pid}.jsonl");
        let run = assert_cmd::Command::new(BINARY)
            .args([
                "run",
                "pipe",
                "--profile",
                profile,
                "--contact-id",
                "202",
                "--user-id",
                "1",
                "--noise-call",
                "Noise echo",
            ])
            .arg("--")
            .args([BINARY, "record", "--protocol", profile, "-o"])
            .arg(&file)
            .args(["--", BINARY, "serve", "pipe", "--profile", profile, "{flags}"])
            .output()
            .expect("the suite runs");
        let recordings: Vec<_> =
            std::fs::read_dir(folder.path()).expect("a folder").flatten().map(|e| e.path()).collect();
        assert!(recordings.len() >= 5, "{run:?}");
        let lint =
            assert_cmd::Command::new(BINARY).args(["lint", "--brief"]).args(&recordings).assert().code(0);
        let out = String::from_utf8_lossy(&lint.get_output().stdout).into_owned();
        assert!(out.contains(" 0 with warnings, 0 break"), "{out}");
    }
}

#[test]
fn answers_come_at_once_and_a_killed_recorder_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("live.jsonl");
    let mut live = Live::start(&file, &[BINARY, "serve", "pipe", "vt"]);
    let header = live.line();
    let request = "{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[1],\"id\":1}\n";
    live.stdin.write_all(request.as_bytes()).expect("the recorder reads");
    // Standard input stays open: an answer that waits for its end never comes.
    let answer = live.line();
    live.process.kill().expect("the recorder can be killed");
    live.end();
    let session = only_session(&file);
    assert_eq!(session.sent.bytes, request.as_bytes());
    assert_eq!(String::from_utf8_lossy(&session.received.bytes), header + &answer);
    assert_eq!(session.end, None);
    assert_cmd::Command::new(BINARY).arg("lint").arg(&file).assert().code(0);
}

#[test]
fn a_session_is_added_behind_half_a_line_and_never_to_a_file_in_use() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("use.jsonl");
    let mut live = Live::start(&file, &["cat"]);
    live.stdin.write_all(b"up\n").expect("the recorder reads");
    assert_eq!(live.line(), "up\n");
    let refused = recorder(&file, &[], &["cat"]).assert().code(5);
    let said = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(said.contains("another session is being recorded") && said.contains("{pid}"), "{said}");
    live.end();

    std::fs::OpenOptions::new()
        .append(true)
        .open(&file)
        .and_then(|mut f| f.write_all(b"{\"dir\":"))
        .expect("written");
    recorder(&file, &[], &["true"]).assert().code(0);
    let parsed = read(&file);
    assert_eq!(parsed.damage.len(), 1);
    assert_eq!(parsed.sessions.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["use/1", "use/2"]);
}

#[test]
fn a_signal_is_passed_on_to_the_server_and_its_end_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("term.jsonl");
    let script = "trap 'exit 9' TERM; echo up; while :; do sleep 0.05; done";
    let live = Live::start(&file, &["sh", "-c", script]);
    assert_eq!(live.line(), "up\n");
    let pid =
        i32::try_from(live.process.id()).ok().and_then(rustix::process::Pid::from_raw).expect("a process id");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("the recorder is there");
    assert_eq!(live.end().0.code(), Some(9));
    assert_eq!(only_session(&file).end.map(|e| e.code), Some(Some(9)));
}

#[test]
fn neither_a_server_that_does_not_read_nor_one_that_is_outlived_holds_up_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("flood.jsonl");
    let done = recorder(&file, &[], &["head", "-c", "3000000", "/dev/zero"])
        .write_stdin(vec![b'x'; 3_000_000])
        .assert()
        .code(0);
    assert_eq!(done.get_output().stdout.len(), 3_000_000);
    assert_eq!(only_session(&file).received.bytes.len(), 3_000_000);

    let file = folder.path().join("outlived.jsonl");
    let begun = Instant::now();
    let live = Live::start(&file, &["sh", "-c", "sleep 20 & echo up"]);
    assert_eq!(live.line(), "up\n");
    let (status, rest) = live.end();
    assert!(begun.elapsed() < Duration::from_secs(15), "it waited for what outlived the server");
    assert_eq!((status.code(), rest.as_str()), (Some(0), ""));
    assert_eq!(only_session(&file).end.map(|e| e.code), Some(Some(0)));
}

#[test]
fn a_command_that_cannot_be_started_leaves_no_recording() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("none.jsonl");
    let done = recorder(&file, &[], &["/no/such/server"]).assert().code(3);
    let said = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(said.contains("cannot start /no/such/server") && !file.exists(), "{said}");
    recorder(&folder.path().join("no/such/folder.jsonl"), &[], &["cat"]).assert().code(5);
    assert_cmd::Command::new(BINARY).args(["record", "-o", "x.jsonl"]).assert().code(2);
}
