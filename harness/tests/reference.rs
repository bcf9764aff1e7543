//! The reference server as a process: its memory is bounded by the line limit, whatever arrives.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

/// Peak resident memory of a process in KiB, where the system tells.
fn peak_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn a_line_of_one_gibibyte_costs_little_memory_gets_one_error_and_the_next_line_works() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_civispec"))
        .args(["serve", "pipe", "v"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the reference starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    assert!(lines.next().expect("a header").expect("text").contains("Civi::pipe"));
    let chunk = vec![b'x'; 1 << 20];
    for _ in 0..1024 {
        stdin.write_all(&chunk).expect("the reference keeps reading");
    }
    stdin
        .write_all(b"\n{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[7],\"id\":1}\n")
        .expect("written");
    let error = lines.next().expect("an answer").expect("text");
    assert!(error.contains("\"error\"") && error.contains("\"id\":null"), "{error}");
    let answer = lines.next().expect("an answer").expect("text");
    assert_eq!(answer, "{\"jsonrpc\":\"2.0\",\"result\":[7],\"id\":1}");
    if let Some(peak) = peak_kib(child.id()) {
        assert!(peak < 16 << 10, "{peak} KiB resident");
    }
    drop(stdin);
    assert!(child.wait().expect("it ends").success());
}
