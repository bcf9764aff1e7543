//! A supervised child process: bounded buffers, deadlines, and an end that cannot be refused.
//!
//! One thread serves one child with `poll`: writes never block on a target that does not read, and what it writes is
//! taken as it comes. The child leads a process group of its own; ending it means TERM, then KILL for the group, then
//! for whatever left the group but still carries our mark.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::orphans;

/// Most bytes of standard error that are kept.
const STDERR_KEPT: usize = 16 << 10;
/// Most bytes of standard output that come in one piece.
pub const CHUNK: usize = 64 << 10;
/// Most bytes of standard output that are kept once a target is being ended.
const LATE: usize = 1 << 20;
/// How often a child is looked at that neither writes nor ends.
const SLICE: Duration = Duration::from_millis(20);
/// How long output may stay open after the process itself ended (a grandchild holds the pipe).
const LINGER: Duration = Duration::from_millis(300);
/// How long a killed process may take to be gone. Only one that hangs in the kernel takes longer.
const GONE: Duration = Duration::from_secs(5);

/// A running target.
pub struct Child {
    process: std::process::Child,
    stdin: Option<std::process::ChildStdin>,
    stdout: Option<std::process::ChildStdout>,
    stderr: Option<std::process::ChildStderr>,
    outbox: Vec<u8>,
    sent: usize,
    close_when_sent: bool,
    write_failed: bool,
    exited: Option<(ExitStatus, Instant)>,
    mark: String,
    stderr_head: Vec<u8>,
    stderr_total: u64,
    buffer: Vec<u8>,
    abandoned: bool,
    ended: bool,
}

/// What one look at a child showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pump {
    /// Bytes on standard output.
    Output(Vec<u8>),
    /// Standard output has ended, or the process has and nobody writes any more.
    Eof,
    /// Nothing until the deadline.
    Quiet,
}

/// How a child came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Exit status, when it ended by itself.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether we had to send a signal.
    pub forced: bool,
    /// Whether it went on after its standard input had been closed, for as long as it was given.
    pub refused_to_end: bool,
    /// Whether it went on after TERM, for as long as it was given.
    pub killed: bool,
    /// Processes that it left behind and that we ended.
    pub left_behind: usize,
    /// The first bytes of its standard error.
    pub stderr: Vec<u8>,
    /// How many bytes of standard error there were.
    pub stderr_total: u64,
    /// Whether standard input broke before everything was written.
    pub write_failed: bool,
}

impl Ended {
    /// The end in words: `exit status 0`, `signal 9`.
    #[must_use]
    pub fn in_words(&self) -> String {
        match (self.code, self.signal) {
            (Some(code), _) => format!("exit status {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "an unknown end".to_owned(),
        }
    }
}

static CONNECTIONS: AtomicU64 = AtomicU64::new(0);

impl Child {
    /// Starts a command, never through a shell.
    ///
    /// # Errors
    /// What the system says when the program cannot be started.
    pub fn start(
        argv: &[std::ffi::OsString],
        cwd: Option<&std::path::Path>,
        env: &[(String, String)],
    ) -> std::io::Result<Self> {
        let Some((program, args)) = argv.split_first() else {
            return Err(std::io::Error::new(ErrorKind::InvalidInput, "the command is empty"));
        };
        let mark = format!("{}-{}", std::process::id(), CONNECTIONS.fetch_add(1, Ordering::Relaxed));
        let mut command = Command::new(program);
        command
            .args(args)
            .envs(env.iter().map(|(k, v)| (k, v)))
            .env(orphans::MARK, &mark)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        if let Some(cwd) = cwd {
            command.current_dir(cwd);
        }
        let mut process = command.spawn()?;
        let (stdin, stdout, stderr) = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        for fd in [
            stdin.as_ref().map(AsFd::as_fd),
            stdout.as_ref().map(AsFd::as_fd),
            stderr.as_ref().map(AsFd::as_fd),
        ]
        .into_iter()
        .flatten()
        {
            rustix::io::ioctl_fionbio(fd, true)?;
        }
        Ok(Self {
            process,
            stdin,
            stdout,
            stderr,
            outbox: Vec::new(),
            sent: 0,
            close_when_sent: false,
            write_failed: false,
            exited: None,
            mark,
            stderr_head: Vec::new(),
            stderr_total: 0,
            buffer: vec![0; CHUNK],
            abandoned: false,
            ended: false,
        })
    }

    /// Queues bytes for standard input; [`Child::pump`] writes them.
    pub fn send(&mut self, bytes: &[u8]) {
        self.outbox.extend_from_slice(bytes);
        self.write_some();
    }

    /// Closes standard input once everything queued is written.
    pub fn close_stdin(&mut self) {
        self.close_when_sent = true;
        self.write_some();
    }

    /// Whether standard input can still be written.
    #[must_use]
    pub fn stdin_open(&self) -> bool {
        self.stdin.is_some() && !self.close_when_sent
    }

    /// Whether the pipe to standard input has been seen empty: everything queued was written and read. `None` where
    /// the system cannot tell.
    #[must_use]
    pub fn drained(&self) -> Option<bool> {
        self.unread().map(|unread| unread == 0)
    }

    /// How many of the queued bytes the child has not read. `None` where the system cannot tell.
    #[must_use]
    pub fn unread(&self) -> Option<usize> {
        let waiting = rustix::io::ioctl_fionread(self.stdin.as_ref()?).ok()?;
        Some(usize::try_from(waiting).unwrap_or(usize::MAX).saturating_add(self.outbox.len() - self.sent))
    }

    /// Waits until something happens or the deadline passes, moving bytes in both directions.
    pub fn pump(&mut self, deadline: Instant) -> Pump {
        loop {
            self.write_some();
            let now = Instant::now();
            let wait = deadline.saturating_duration_since(now).min(SLICE);
            self.poll(wait);
            self.drain_stderr();
            if let Some(bytes) = self.read_stdout() {
                return Pump::Output(bytes);
            }
            if self.stdout.is_none() {
                return Pump::Eof;
            }
            if self.exited.is_none()
                && let Ok(Some(status)) = self.process.try_wait()
            {
                self.exited = Some((status, Instant::now()));
            }
            if self.exited.is_some_and(|(_, at)| at.elapsed() > LINGER) {
                self.stdout = None;
                self.abandoned = true;
                return Pump::Eof;
            }
            if Instant::now() >= deadline || crate::interrupted() {
                return Pump::Quiet;
            }
        }
    }

    fn poll(&self, wait: Duration) {
        let mut fds = Vec::with_capacity(3);
        if let Some(stdin) = self.stdin.as_ref().filter(|_| self.sent < self.outbox.len()) {
            fds.push(PollFd::new(stdin, PollFlags::OUT));
        }
        if let Some(stdout) = &self.stdout {
            fds.push(PollFd::new(stdout, PollFlags::IN));
        }
        if let Some(stderr) = &self.stderr {
            fds.push(PollFd::new(stderr, PollFlags::IN));
        }
        let timeout =
            Timespec { tv_sec: wait.as_secs().cast_signed(), tv_nsec: i64::from(wait.subsec_nanos()) };
        // Interrupted by a signal: the caller looks at its deadline and comes back.
        let _ = poll(&mut fds, Some(&timeout));
    }

    fn write_some(&mut self) {
        while let Some(stdin) = self.stdin.as_mut().filter(|_| self.sent < self.outbox.len()) {
            match stdin.write(&self.outbox[self.sent..]) {
                Ok(n) => self.sent += n,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => return,
                Err(_) => {
                    // The target closed its input or died (EPIPE). What it answers still counts.
                    self.write_failed = true;
                    self.stdin = None;
                }
            }
        }
        if self.sent == self.outbox.len() {
            self.outbox.clear();
            self.sent = 0;
            if self.close_when_sent {
                self.stdin = None;
            }
        }
    }

    fn read_stdout(&mut self) -> Option<Vec<u8>> {
        let stdout = self.stdout.as_mut()?;
        loop {
            match stdout.read(&mut self.buffer) {
                Ok(0) => {
                    self.stdout = None;
                    return None;
                }
                Ok(n) => return Some(self.buffer[..n].to_vec()),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => return None,
                Err(_) => {
                    self.stdout = None;
                    return None;
                }
            }
        }
    }

    fn drain_stderr(&mut self) {
        let mut buffer = [0; 16 << 10];
        // A target that floods standard error must not keep us here.
        for _ in 0..16 {
            let Some(stderr) = self.stderr.as_mut() else { return };
            match stderr.read(&mut buffer) {
                Ok(0) => self.stderr = None,
                Ok(n) => {
                    let room = STDERR_KEPT.saturating_sub(self.stderr_head.len()).min(n);
                    self.stderr_head.extend_from_slice(&buffer[..room]);
                    self.stderr_total += n as u64;
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.stderr = None,
            }
        }
    }

    /// Whether the process is stopped, by a signal or by itself, so that it cannot answer.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        self.pid().is_some_and(
            |pid| matches!(waitid(WaitId::Pid(pid), options), Ok(Some(status)) if status.stopped()),
        )
    }

    /// Whether nobody can read standard input any more although we have not closed it.
    #[must_use]
    pub fn is_input_abandoned(&self) -> bool {
        let Some(stdin) = &self.stdin else { return self.write_failed };
        let mut fds = [PollFd::new(stdin, PollFlags::OUT)];
        let looked = poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
        looked.is_ok() && fds[0].revents().contains(PollFlags::ERR)
    }

    /// Whether the process has ended but its output has not: something that it started holds on to it.
    #[must_use]
    pub const fn left_output_open(&self) -> bool {
        self.abandoned
    }

    /// The signal that ended the child, if one did.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        self.exited.and_then(|(status, _)| status.signal())
    }

    /// How many bytes of standard error there were so far.
    #[must_use]
    pub const fn stderr_total(&self) -> u64 {
        self.stderr_total
    }

    /// Whether the process itself has ended.
    pub fn has_exited(&mut self) -> bool {
        if self.exited.is_none()
            && let Ok(Some(status)) = self.process.try_wait()
        {
            self.exited = Some((status, Instant::now()));
        }
        self.exited.is_some()
    }

    /// The exit status of an ended child; `None` for a signal or while it runs.
    #[must_use]
    pub fn exit_code(&self) -> Option<i32> {
        self.exited.and_then(|(status, _)| status.code())
    }

    /// Ends the child: closes its input, waits `grace`, then TERM, `grace` again, then KILL. Standard output that
    /// comes meanwhile goes to `late`, bounded.
    pub fn end(mut self, grace: Duration, late: &mut Vec<u8>) -> Ended {
        self.stdin = None;
        if self.wait(grace, late) { self.clean_up(false, true, false) } else { self.force(grace, late) }
    }

    /// Ends a child whose input was closed long ago: TERM, `grace`, then KILL.
    pub fn terminate(mut self, grace: Duration) -> Ended {
        self.stdin = None;
        if self.has_exited() { self.clean_up(false, true, false) } else { self.force(grace, &mut Vec::new()) }
    }

    /// Ends the child at once.
    pub fn kill(mut self) -> Ended {
        let forced = !self.has_exited();
        // What it wrote or still writes is of no interest; closed pipes also end what only waits for them.
        (self.stdin, self.stdout) = (None, None);
        self.send_signal(Signal::KILL);
        self.wait(GONE, &mut Vec::new());
        self.clean_up(forced, false, false)
    }

    fn force(mut self, grace: Duration, late: &mut Vec<u8>) -> Ended {
        self.send_signal(Signal::TERM);
        // A stopped process takes no signal until it goes on.
        self.send_signal(Signal::CONT);
        let killed = !self.wait(grace, late);
        if killed {
            self.send_signal(Signal::KILL);
            self.wait(GONE, late);
        }
        self.clean_up(true, true, killed)
    }

    fn clean_up(mut self, forced: bool, polite: bool, killed: bool) -> Ended {
        // Members of the group that outlived their leader.
        self.send_signal(Signal::KILL);
        self.drain_stderr();
        let left_behind = orphans::end_marked(&self.mark);
        self.ended = true;
        let status = self.exited.map(|(status, _)| status);
        Ended {
            code: status.and_then(|s| s.code()),
            signal: status.and_then(|s| s.signal()),
            forced,
            refused_to_end: forced && polite,
            killed,
            left_behind,
            stderr: std::mem::take(&mut self.stderr_head),
            stderr_total: self.stderr_total,
            write_failed: self.write_failed,
        }
    }

    fn wait(&mut self, limit: Duration, late: &mut Vec<u8>) -> bool {
        let deadline = Instant::now() + limit;
        loop {
            if self.has_exited()
                && (self.stdout.is_none() || self.exited.is_some_and(|(_, at)| at.elapsed() > LINGER))
            {
                return true;
            }
            let now = Instant::now();
            if now >= deadline {
                return self.exited.is_some();
            }
            // The end of a process wakes no poll, but the end of its output does: look often while that is closed.
            let slice =
                if self.stdout.is_none() && self.stderr.is_none() { Duration::from_millis(1) } else { SLICE };
            self.poll(slice.min(deadline - now));
            self.drain_stderr();
            while let Some(bytes) = self.read_stdout() {
                let room = LATE.saturating_sub(late.len()).min(bytes.len());
                late.extend_from_slice(&bytes[..room]);
                if room < bytes.len() {
                    self.stdout = None;
                }
            }
        }
    }

    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.process.id()).ok().and_then(Pid::from_raw)
    }

    /// Sends a signal to the whole group of the child.
    fn send_signal(&self, signal: Signal) {
        if let Some(pid) = self.pid() {
            // The group may be gone already.
            let _ = kill_process_group(pid, signal);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.ended {
            (self.stdin, self.stdout) = (None, None);
            self.send_signal(Signal::KILL);
            self.wait(GONE, &mut Vec::new());
            orphans::end_marked(&self.mark);
        }
    }
}
