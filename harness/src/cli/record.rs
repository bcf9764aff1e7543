//! `civispec record`: sits between a client and a server and writes down what passes.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::Error;
use crate::lint::recording::{OPENING, Protocol, opening_record};
use crate::record::{Client, Event, Tape, inbox, relay};

/// Sit between a client and a server and record what passes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  civispec record -o session.jsonl --flags vt -- cv pipe vt
  civispec lint session.jsonl
  civispec record -o 'run-{pid}.jsonl' -- cv pipe vt   for clients that open several connections at once

Put it where the client has the command of its server. Bytes pass both ways at once and unchanged, standard error and
signals too. Each connection adds a session to the file; every record is written before its bytes are passed on. The
command is started directly, never through a shell. Credentials that the client sends stand in the file.

Exit status: that of the server, or 128 and the number of the signal that ended it; 2 for bad options, 3 for a command
that cannot be started, 5 for a recording that cannot be written.")]
pub(crate) struct Args {
    /// The recording; a session is added to what it holds. `{pid}` in it stands for the number of this process.
    #[arg(short, long, value_name = "FILE.jsonl")]
    output: PathBuf,
    /// The flag string that the command gets, for the record [default: no flags].
    #[arg(long, value_name = "FLAGS", allow_hyphen_values = true)]
    flags: Option<String>,
    /// What the session is about, for the record.
    #[arg(long, value_name = "TEXT", default_value = "")]
    about: String,
    /// The text that the server follows, for the record.
    #[arg(long, default_value = "published", value_parser = ["published", "draft"])]
    protocol: String,
    /// The command of the server.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Records one session.
pub(crate) fn record(args: &Args) -> Result<u8, Error> {
    let output = &numbered(&args.output);
    let write = |source| Error::Write { path: output.clone(), source };
    let mut file = open(output)?;
    let is_new = file.metadata().is_ok_and(|m| m.len() == 0);
    let (sessions, whole) = sessions_in(&mut file).map_err(write)?;
    let Some((program, arguments)) = args.command.split_first() else {
        return Err(Error::Usage("the command of the server is missing".to_owned()));
    };
    let events = inbox();
    watch_signals(&events.0);
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| {
            if is_new {
                // Nothing was recorded; an empty file would only be in the way.
                let _ = std::fs::remove_file(output);
            }
            let program = Path::new(program).display();
            Error::Unreachable(format!(
                "cannot start {program}: {e}; the command of the server stands behind --"
            ))
        })?;
    let stem = output.file_stem().map_or_else(|| "session".into(), |s| s.to_string_lossy());
    let name = format!("{stem}/{}", sessions + 1);
    let protocol = if args.protocol == "draft" { Protocol::Draft } else { Protocol::Published };
    let opening = opening_record(&name, &args.about, args.flags.as_deref(), protocol);
    // A recorder that was killed may have left half a line.
    let opening = if whole { opening } else { format!("\n{opening}") };
    let tape = Tape::begin(file, &opening).map_err(write)?;
    let client = Client { input: std::io::stdin(), output: std::io::stdout(), errors: std::io::stderr() };
    let status = relay(child, client, tape, events).map_err(write)?;
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    Ok(u8::try_from(code & 0xff).unwrap_or(1))
}

/// The path with the number of this process in place of `{pid}`.
fn numbered(path: &Path) -> PathBuf {
    match path.to_str() {
        Some(text) => PathBuf::from(text.replace("{pid}", &std::process::id().to_string())),
        None => path.to_owned(),
    }
}

fn open(path: &Path) -> Result<File, Error> {
    let write = |source| Error::Write { path: path.to_owned(), source };
    let file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(write)?;
    match file.try_lock() {
        // Some file systems have no locks; then the user must take care.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let what = "another session is being recorded in it; name a file for each connection, such as run-{pid}.jsonl";
            Err(write(std::io::Error::new(std::io::ErrorKind::ResourceBusy, what)))
        }
    }
}

/// How many sessions the file holds, and whether its last line is complete.
fn sessions_in(file: &mut File) -> std::io::Result<(usize, bool)> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let sessions = bytes.split(|b| *b == b'\n').filter(|line| line.starts_with(OPENING)).count();
    Ok((sessions, bytes.last().is_none_or(|b| *b == b'\n')))
}

/// Signals that would end us are meant for the server; we end when it does.
fn watch_signals(sender: &std::sync::mpsc::Sender<Event>) {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM]) else {
        return;
    };
    let sender = sender.clone();
    std::thread::spawn(move || {
        for signal in &mut signals {
            if sender.send(Event::Signal(signal)).is_err() {
                return;
            }
        }
    });
}
