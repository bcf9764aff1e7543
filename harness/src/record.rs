//! Sits between a client and a server: copies bytes both ways at once and unchanged, and writes down what passes.
//!
//! One thread per direction reads, records and writes on; nothing waits for another direction, so neither side can be
//! held up by us longer than by a pipe. Every record is in the file before its bytes are passed on, so a kill loses
//! nothing. What a recording means is none of our business here.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::lint::recording::{closing_record, records};

/// How often the end of the server is looked for while nothing else happens.
const SLICE: Duration = Duration::from_millis(20);
/// How long output may stay open and silent after the server itself ended (a grandchild holds the pipe).
const LINGER: Duration = Duration::from_secs(1);

/// The file of a recording. It is written record by record; a failure to write stops the recording, not the session.
#[derive(Debug)]
pub struct Tape {
    file: File,
    failure: Option<std::io::Error>,
}

impl Tape {
    /// A tape in an open file, which begins with `opening`.
    ///
    /// # Errors
    /// What the system says when it cannot be written.
    pub fn begin(mut file: File, opening: &str) -> std::io::Result<Self> {
        file.write_all(opening.as_bytes())?;
        Ok(Self { file, failure: None })
    }

    fn write(&mut self, text: &str) {
        if self.failure.is_none() {
            // One write, so that a kill cuts between records.
            self.failure = self.file.write_all(text.as_bytes()).err();
        }
    }
}

/// What happens to the session as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// One of the outputs of the server has ended.
    OutputEnded,
    /// We were sent this signal, which is meant for the server.
    Signal(i32),
}

/// The streams of the client.
pub struct Client<I, O, E> {
    /// What it sends.
    pub input: I,
    /// Where the server's standard output goes.
    pub output: O,
    /// Where its standard error goes.
    pub errors: E,
}

/// How many bytes a direction has moved, and whether it is waiting for more.
#[derive(Debug, Default)]
struct Progress {
    /// Even while waiting for bytes, odd while passing some on.
    turn: AtomicU64,
}

/// Passes bytes between `client` and `child` until the child has ended and its output with it.
///
/// # Errors
/// When the child cannot be waited for, or when the tape could not be written; the session itself has run to its end
/// in the second case.
pub fn relay<I, O, E>(
    mut child: Child,
    client: Client<I, O, E>,
    tape: Tape,
    inbox: (Sender<Event>, Receiver<Event>),
) -> std::io::Result<ExitStatus>
where
    I: Read + Send + 'static,
    O: Write + Send + 'static,
    E: Write + Send + 'static,
{
    let (sender, events) = inbox;
    let tape = Arc::new(Mutex::new(tape));
    if let Some(stdin) = child.stdin.take() {
        let tape = Arc::clone(&tape);
        // Never joined: a client that neither writes nor closes must not hold up the end.
        std::thread::spawn(move || copy('>', client.input, stdin, &tape, &Progress::default()));
    }
    let mut outputs = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        outputs.push(spawn('<', stdout, client.output, &tape, &sender));
    }
    if let Some(stderr) = child.stderr.take() {
        outputs.push(spawn('!', stderr, client.errors, &tape, &sender));
    }
    let status = wait(&mut child, &events)?;
    drain(&outputs, &events);
    let mut tape = tape.lock().unwrap_or_else(PoisonError::into_inner);
    tape.write(&closing_record(status.code(), std::os::unix::process::ExitStatusExt::signal(&status)));
    match tape.failure.take() {
        Some(failure) => Err(failure),
        None => Ok(status),
    }
}

fn spawn(
    dir: char,
    from: impl Read + Send + 'static,
    to: impl Write + Send + 'static,
    tape: &Arc<Mutex<Tape>>,
    sender: &Sender<Event>,
) -> Output {
    let progress = Arc::new(Progress::default());
    let (tape, sender, ours) = (Arc::clone(tape), sender.clone(), Arc::clone(&progress));
    let thread = std::thread::spawn(move || {
        copy(dir, from, to, &tape, &ours);
        // Nobody listens any more when the session has been given up.
        let _ = sender.send(Event::OutputEnded);
    });
    Output { thread, progress }
}

struct Output {
    thread: std::thread::JoinHandle<()>,
    progress: Arc<Progress>,
}

/// Records and passes on what comes until it ends or nobody takes it; then both ends are closed.
fn copy(dir: char, mut from: impl Read, mut to: impl Write, tape: &Mutex<Tape>, progress: &Progress) {
    let mut buffer = vec![0; 64 << 10];
    let mut taken = true;
    loop {
        let n = match from.read(&mut buffer) {
            Ok(0) => return,
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        progress.turn.fetch_add(1, Ordering::Relaxed);
        tape.lock().unwrap_or_else(PoisonError::into_inner).write(&records(dir, &buffer[..n]));
        taken = taken && to.write_all(&buffer[..n]).and_then(|()| to.flush()).is_ok();
        progress.turn.fetch_add(1, Ordering::Relaxed);
        if !taken && dir != '>' {
            // The client is gone: closing the pipe tells the server, as it would without us.
            return;
        }
        // A server that reads no more must not stop its client, who may still be reading.
    }
}

/// Waits for the end of the server, and passes signals on to it.
fn wait(child: &mut Child, events: &Receiver<Event>) -> std::io::Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        match events.recv_timeout(SLICE) {
            Ok(Event::Signal(number)) => pass_on(child, number),
            Ok(Event::OutputEnded) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(SLICE),
        }
    }
}

fn pass_on(child: &Child, number: i32) {
    use rustix::process::{Pid, Signal, kill_process};
    let signal = Signal::from_named_raw(number);
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let (Some(pid), Some(signal)) = (pid, signal) {
        // It has not been waited for, so the id is still its own; it may have ended all the same.
        let _ = kill_process(pid, signal);
    }
}

/// Waits until the outputs have ended. One that stays open and silent is given up; one whose client reads slowly is not.
fn drain(outputs: &[Output], events: &Receiver<Event>) {
    let mut quiet_since = Instant::now();
    let mut turns = Vec::new();
    while !outputs.iter().all(|o| o.thread.is_finished()) {
        let now: Vec<u64> = outputs.iter().map(|o| o.progress.turn.load(Ordering::Relaxed)).collect();
        if now != turns || now.iter().any(|turn| turn % 2 == 1) {
            quiet_since = Instant::now();
            turns = now;
        } else if quiet_since.elapsed() > LINGER {
            return;
        }
        if matches!(events.recv_timeout(SLICE), Err(RecvTimeoutError::Disconnected)) {
            std::thread::sleep(SLICE);
        }
    }
}

/// A channel for the events of a session.
#[must_use]
pub fn inbox() -> (Sender<Event>, Receiver<Event>) {
    channel()
}
