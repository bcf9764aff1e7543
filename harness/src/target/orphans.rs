//! Finds what a target left behind: processes that left its group but still carry its mark in their environment, and
//! those that shed even that but were handed to us when their parents died.
//!
//! Works where `/proc` exists; elsewhere the process group is all that can be ended.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, waitpid};

/// Environment variable that marks every process of a connection.
pub(super) const MARK: &str = "CIVISPEC_CONNECTION";
/// How long killed processes may take to be gone.
const GONE: Duration = Duration::from_secs(2);

/// Ends every process that carries `mark`. Returns how many there were.
pub(super) fn end_marked(mark: &str) -> usize {
    let wanted = format!("{MARK}={mark}");
    end_all(|pid| {
        std::fs::read(format!("/proc/{pid}/environ"))
            .is_ok_and(|env| env.split(|b| *b == 0).any(|var| var == wanted.as_bytes()))
    })
}

/// From now on the system hands orphans among our descendants to us, so that [`end_adopted`] finds them whatever
/// they did to their environment. For a process that runs nothing but one run at a time.
pub fn adopt() {
    // Where the system cannot do it, marks and process groups have to do.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_child_subreaper(Some(getpid()));
}

/// Ends every child process that is left. Only when no connection is open any more. Returns how many still ran.
pub fn end_adopted() -> usize {
    let ours = getpid().as_raw_nonzero().get();
    let ended = end_all(|pid| parent(pid) == Some(ours));
    reap();
    ended
}

/// Kills the processes that `is_one` picks until none is left or too much time has passed.
fn end_all(is_one: impl Fn(i32) -> bool) -> usize {
    let mut known = std::collections::BTreeSet::new();
    let deadline = Instant::now() + GONE;
    loop {
        // A process may fork while the list is read, so look again until a pass finds nothing.
        let found: Vec<i32> = processes().filter(|pid| is_one(*pid) && runs(*pid)).collect();
        if found.is_empty() || Instant::now() >= deadline {
            return known.len();
        }
        for pid in found {
            known.insert(pid);
            if let Some(pid) = Pid::from_raw(pid) {
                // It may have ended by itself in between; that is what we want.
                let _ = kill_process(pid, Signal::KILL);
                // Only a child of ours can be reaped; for others this fails at once.
                let _ = waitpid(Some(pid), WaitOptions::NOHANG);
            }
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// Reaps adopted processes that have ended.
fn reap() {
    while let Ok(Some(_)) = waitpid(None, WaitOptions::NOHANG) {}
}

fn processes() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The fields of `/proc/PID/stat` behind the name, which may itself hold spaces and parentheses.
fn status(pid: i32) -> Option<(char, i32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

fn parent(pid: i32) -> Option<i32> {
    status(pid).map(|(_, parent)| parent)
}

/// Whether a process is more than a zombie that waits for its parent.
fn runs(pid: i32) -> bool {
    status(pid).is_some_and(|(state, _)| !matches!(state, 'Z' | 'X'))
}
