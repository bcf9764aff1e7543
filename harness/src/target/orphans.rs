//! Finds what a target left behind: processes that left its group but still carry its mark in their environment.
//!
//! Works where `/proc` exists; elsewhere the process group is all that can be ended.

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

/// Environment variable that marks every process of a connection.
pub(super) const MARK: &str = "CIVISPEC_CONNECTION";

/// Ends every process that carries `mark`, and reaps those that became our children. Returns how many there were.
pub(super) fn end_marked(mark: &str) -> usize {
    let wanted = format!("{MARK}={mark}");
    let mut ended = 0;
    // A process may fork while the list is read, so look again until a pass finds nothing.
    for _ in 0..5 {
        let found = marked(&wanted);
        if found.is_empty() {
            break;
        }
        ended += found.len();
        for pid in found {
            // It may have ended by itself in between; that is what we want.
            let _ = kill_process(pid, Signal::KILL);
            // Only a child of ours can be reaped; for others this fails at once.
            let _ = waitpid(Some(pid), WaitOptions::empty());
        }
    }
    ended
}

fn marked(wanted: &str) -> Vec<Pid> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| {
            std::fs::read(format!("/proc/{pid}/environ"))
                .is_ok_and(|env| env.split(|b| *b == 0).any(|var| var == wanted.as_bytes()))
        })
        .filter_map(Pid::from_raw)
        .collect()
}
