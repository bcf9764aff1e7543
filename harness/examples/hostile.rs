//! Servers that no one should have to meet: hostile ones, and ones that prove nothing.
//!
//! `hostile KIND[:ARG] [FLAGS]`. The hostile kinds serve like the built-in reference until their moment comes: the
//! third request, or the one that ARG names. Tests start this program as a target and watch what the harness makes of
//! it. Nothing here is ever part of a conforming server, and nothing here judges anybody.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use civispec_reference::pipe::{Config, Session, serve};
use civispec_wire::json::{self, Json};

const USAGE: &str = "usage: hostile KIND[:ARG] [FLAGS]
hostile, from the third (ARG-th) request on:
  never-reads never-writes header-then-silent ignores-term grandchild-holds-pipe floods-stdout floods-lines
  floods-stderr half-line-then-sleeps exits-mid-line forks-daemon forks-bare-daemon stops-itself exits-at-once
  closes-stdin goes-silent drips exits-quietly
at other times: floods-header floods-at-the-end
otherwise good:
  bad-flag-dies      dies without a header when FLAGS holds one that it does not know
  chatters           writes 256 KiB on standard error before each answer
  holds-back         answers when its input ends, and not before; holds-all: the header too
  newline-late       writes the newline of an answer only before the next one
  before-header:TEXT before-answers:TEXT at-the-end:TEXT    prints TEXT (with \\n, \\r, \\e as escapes) there
proving nothing:
  silent-after-header echoing always-32600 always-null closing-at-once random-json one-behind
  tape-by-line[:FILE] tape-by-method[:FILE]         answers with recorded replies
  tape-by-line-with-ids[:FILE] tape-by-method-with-ids[:FILE]    the same, with the id of the request copied
FILE holds lines that begin with '> ' (requests) and '< ' (what came back; before the first request: the header);
without it the tape is a session of the built-in reference.
HOSTILE_MOMENT in the environment names a file that is made when the moment comes; HOSTILE_RUN is passed on to every
process as an argument, so that it can be found even without its environment.";

/// One flood.
const FLOOD: usize = 1 << 30;
/// Longest life of a process that does nothing: if supervision fails, at least it goes away by itself.
const NAP: Duration = Duration::from_secs(120);

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let kind = args.next().unwrap_or_default().into_string().unwrap_or_default();
    let flags = args.next().map(OsStringExt::into_vec);
    let (kind, arg) = kind.split_once(':').map_or((kind.as_str(), None), |(kind, arg)| (kind, Some(arg)));
    match play(kind, arg, flags) {
        Ok(code) => code,
        // The reader went away: that is how most of these end.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(e) => {
            let _ = writeln!(io::stderr(), "hostile {kind}: {e}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn play(kind: &str, arg: Option<&str>, flags: Option<Vec<u8>>) -> io::Result<ExitCode> {
    let config = Config { flags: flags.clone(), ..Config::default() };
    // Servers that prove nothing give one and the same header, whatever flags are asked for.
    let usual = Config::default();
    let done = Ok(ExitCode::SUCCESS);
    match kind {
        "sleeper" => nap()?,
        "daemon" => {
            rustix::process::setsid()?;
            io::stdout().write_all(b"gone\n")?;
            nap()?;
        }
        "never-writes" => {
            io::copy(&mut io::stdin().lock(), &mut io::sink())?;
            nap()?;
        }
        "exits-at-once" => {
            let lines: String = (1..=12).map(|n| format!("complaint number {n}\n")).collect();
            io::stderr().write_all(lines.as_bytes())?;
            return Ok(ExitCode::from(3));
        }
        "floods-header" => flood(io::stdout(), b"x")?,
        "never-reads" => {
            header(&config)?;
            nap()?;
        }
        "header-then-silent" | "silent-after-header" => {
            header(&usual)?;
            io::copy(&mut io::stdin().lock(), &mut io::sink())?;
            return done;
        }
        "closing-at-once" => return header(&usual).and(done),
        "bad-flag-dies" if flags.iter().flatten().any(|flag| !b"vtujl".contains(flag)) => {
            io::stderr().write_all(b"unknown flag\n")?;
            return Ok(ExitCode::FAILURE);
        }
        "echoing" => answers(&usual, |line| Some(line.to_vec()))?,
        "always-32600" => {
            let reply = br#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}"#;
            answers(&usual, |_| Some(reply.to_vec()))?;
        }
        "one-behind" => {
            // A correct server whose answers wait until the next request has come.
            let mut session = Session::new(&config);
            session.header();
            let mut held = None;
            answers(&config, |line| {
                let mut reply = Vec::new();
                session.feed(&[line, b"\n"].concat(), &mut reply);
                reply.pop();
                held.replace(reply).filter(|r| !r.is_empty())
            })?;
        }
        "always-null" => answers(&usual, |_| Some(br#"{"jsonrpc":"2.0","result":null,"id":null}"#.to_vec()))?,
        "random-json" => {
            let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
            answers(&usual, |_| Some(dice.response().into_bytes()))?;
        }
        "tape-by-line" | "tape-by-line-with-ids" | "tape-by-method" | "tape-by-method-with-ids" => {
            let tape = match arg {
                Some(path) => Tape::parse(&std::fs::read_to_string(path)?),
                None => Tape::of_reference(&usual),
            };
            tape.play(kind.starts_with("tape-by-method"), kind.ends_with("-with-ids"))?;
        }
        _ => return hostile(kind, arg, &config),
    }
    done
}

/// Serves like the reference, but for one thing.
fn hostile(kind: &str, arg: Option<&str>, config: &Config) -> io::Result<ExitCode> {
    let text = || arg.unwrap_or_default().replace("\\n", "\n").replace("\\r", "\r").replace("\\e", "\x1b");
    let mut input = Input::new(arg.and_then(|n| n.parse().ok()).unwrap_or(3));
    let mut output = Output::default();
    match kind {
        "ignores-term" => {
            // A flag that nobody reads: the signal is caught and has no effect.
            signal_hook::flag::register(signal_hook::consts::SIGTERM, Arc::new(AtomicBool::new(false)))?;
            serve(config, &mut input, &mut output, io::sink())?;
            nap()?;
        }
        "bad-flag-dies" => {}
        "floods-at-the-end" => {
            serve(config, &mut input, &mut output, io::sink())?;
            flood(io::stdout(), b"more\n")?;
        }
        "chatters" => input.each = Some(|| io::stderr().write_all(&b".".repeat(256 << 10))),
        "newline-late" => output.newline_late = true,
        "holds-back" => output.held = Some((1, Vec::new())),
        "holds-all" => output.held = Some((0, Vec::new())),
        "before-header" => io::stdout().write_all(text().as_bytes())?,
        "before-answers" => output.before = text().into_bytes(),
        "at-the-end" => output.last = text().into_bytes(),
        _ => {
            input.moment = Some(match kind {
                "goes-silent" => nap,
                "drips" => drip,
                "exits-quietly" => || std::process::exit(0),
                "grandchild-holds-pipe" => grandchild_holds_pipe,
                "floods-stdout" => || flood(io::stdout(), b"x"),
                "floods-lines" => || flood(io::stdout(), b"{\"jsonrpc\":\"2.0\",\"result\":1,\"id\":0}\n"),
                "floods-stderr" => || flood(io::stderr(), b"x").and_then(|()| nap()),
                "half-line-then-sleeps" => || half_a_line().and_then(|()| nap()),
                "exits-mid-line" => || half_a_line().map(|()| std::process::exit(0)),
                "forks-daemon" => || fork_daemon(&mut again("daemon")?),
                "forks-bare-daemon" => || fork_daemon(again("daemon")?.env_clear()),
                "stops-itself" => stop,
                "closes-stdin" => || Err(again("sleeper")?.stdin(Stdio::null()).exec()),
                _ => return Err(io::Error::other("no such kind")),
            });
        }
    }
    serve(config, &mut input, &mut output, io::sink())?;
    Ok(ExitCode::SUCCESS)
}

/// Standard input, one line at a time, with something that happens when a certain line has come.
struct Input {
    inner: BufReader<io::Stdin>,
    line: Vec<u8>,
    left: usize,
    each: Option<fn() -> io::Result<()>>,
    moment: Option<fn() -> io::Result<()>>,
}

impl Input {
    fn new(left: usize) -> Self {
        Self { inner: BufReader::new(io::stdin()), line: Vec::new(), left, each: None, moment: None }
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.line.is_empty() {
            self.inner.read_until(b'\n', &mut self.line)?;
            if let Some(each) = self.each {
                each()?;
            }
            self.left = self.left.saturating_sub(1);
            if self.left == 0
                && !self.line.is_empty()
                && let Some(moment) = self.moment.take()
            {
                if let Some(path) = std::env::var_os("HOSTILE_MOMENT") {
                    std::fs::write(path, "now")?;
                }
                moment()?;
            }
        }
        let n = self.line.len().min(buffer.len());
        buffer[..n].copy_from_slice(&self.line[..n]);
        self.line.drain(..n);
        Ok(n)
    }
}

/// Standard output with something around what is written.
#[derive(Default)]
struct Output {
    writes: usize,
    before: Vec<u8>,
    last: Vec<u8>,
    newline_late: bool,
    /// From which write on everything is held back until the end.
    held: Option<(usize, Vec<u8>)>,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut whole = if self.writes > 0 { self.before.clone() } else { Vec::new() };
        if self.newline_late && self.writes > 1 {
            whole.push(b'\n');
        }
        whole.extend_from_slice(bytes);
        if self.newline_late && self.writes > 0 && whole.ends_with(b"\n") {
            whole.pop();
        }
        match &mut self.held {
            Some((from, held)) if self.writes >= *from => held.append(&mut whole),
            _ => io::stdout().write_all(&whole)?,
        }
        self.writes += 1;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // Whoever read may be gone by now.
        let held = self.held.take().map(|(_, held)| held).unwrap_or_default();
        let _ = io::stdout().write_all(&held).and_then(|()| io::stdout().write_all(&self.last));
        let _ = io::stdout().flush();
    }
}

fn nap() -> io::Result<()> {
    std::thread::sleep(NAP);
    std::process::exit(0)
}

/// This program again, as something that waits.
fn again(role: &str) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(role).args(std::env::var_os("HOSTILE_RUN"));
    Ok(command)
}

fn grandchild_holds_pipe() -> io::Result<()> {
    again("sleeper")?.stdin(Stdio::null()).spawn()?;
    std::process::exit(0)
}

/// Starts a process that leaves the group and keeps running, and goes on when it has left.
fn fork_daemon(command: &mut Command) -> io::Result<()> {
    let mut daemon = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut word = [0; 5];
    daemon.stdout.take().map_or(Ok(()), |mut out| out.read_exact(&mut word))
}

fn stop() -> io::Result<()> {
    Ok(rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP)?)
}

fn flood(mut out: impl Write, text: &[u8]) -> io::Result<()> {
    let block = text.repeat((64 << 10) / text.len());
    for _ in 0..FLOOD.div_ceil(block.len()) {
        out.write_all(&block)?;
    }
    out.flush()
}

fn half_a_line() -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(b"{\"jsonrpc\":\"2.0\",\"resu").and_then(|()| out.flush())
}

/// An answer that never ends and never pauses for long.
fn drip() -> io::Result<()> {
    for _ in 0..NAP.as_millis() / 50 {
        io::stdout().write_all(b" ").and_then(|()| io::stdout().flush())?;
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn header(config: &Config) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(&Session::new(config).header()).and_then(|()| out.flush())
}

/// The header, then a reply to each line.
fn answers(config: &Config, mut reply: impl FnMut(&[u8]) -> Option<Vec<u8>>) -> io::Result<()> {
    header(config)?;
    for line in io::stdin().lock().split(b'\n') {
        if let Some(mut reply) = reply(&line?) {
            reply.push(b'\n');
            let mut out = io::stdout().lock();
            out.write_all(&reply).and_then(|()| out.flush())?;
        }
    }
    Ok(())
}

/// What was asked when the built-in tape was recorded.
const RECORDED: [&str; 16] = [
    r#"{"jsonrpc":"2.0","method":"echo","params":["hello"],"id":1}"#,
    r#"{"jsonrpc":"2.0","method":"echo","params":{"a":1},"id":"two"}"#,
    r#"{"jsonrpc":"2.0","method":"echo","params":{},"id":null}"#,
    r#"{"jsonrpc":"2.0","method":"options","id":4}"#,
    r#"{"jsonrpc":"2.0","method":"options","params":{"apiError":"array"},"id":5}"#,
    r#"{"jsonrpc":"2.0","method":"options","params":{"apiError":"exception"},"id":6}"#,
    r#"{"jsonrpc":"2.0","method":"login","params":{"contactId":202},"id":7}"#,
    r#"{"jsonrpc":"2.0","method":"api4","params":["Contact","get",{"checkPermissions":false}],"id":8}"#,
    r#"{"jsonrpc":"2.0","method":"api3","params":["Contact","get",{"check_permissions":false}],"id":9}"#,
    r#"{"jsonrpc":"2.0","method":"api4","params":["Nothing","get"],"id":10}"#,
    r#"{"jsonrpc":"2.0","method":"nothing","id":11}"#,
    r#"{"jsonrpc":"2.0","method":"echo","params":["a"]"#,
    "[]",
    "5",
    r#"[{"jsonrpc":"2.0","method":"echo","params":["b"],"id":15},{"jsonrpc":"2.0","method":"echo","params":["c"]}]"#,
    r#"{"jsonrpc":"2.0","method":"echo","params":["last"],"id":16}"#,
];

/// A tape of recorded answers.
struct Tape {
    header: Vec<String>,
    /// Each request with what came back.
    turns: Vec<(String, Vec<String>)>,
}

impl Tape {
    /// What the reference answers to requests of every kind.
    fn of_reference(config: &Config) -> Self {
        let mut session = Session::new(config);
        let mut text = Self::lines('<', &session.header());
        for request in RECORDED {
            text.push_str(&Self::lines('>', request.as_bytes()));
            let mut reply = Vec::new();
            session.feed(format!("{request}\n").as_bytes(), &mut reply);
            text.push_str(&Self::lines('<', &reply));
        }
        Self::parse(&text)
    }

    fn lines(mark: char, bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).lines().map(|line| format!("{mark} {line}\n")).collect()
    }

    fn parse(text: &str) -> Self {
        let mut tape = Self { header: Vec::new(), turns: Vec::new() };
        for line in text.lines() {
            match (line.strip_prefix("> "), line.strip_prefix("< "), tape.turns.last_mut()) {
                (Some(request), _, _) => tape.turns.push((request.to_owned(), Vec::new())),
                (_, Some(reply), Some((_, replies))) => replies.push(reply.to_owned()),
                (_, Some(reply), None) => tape.header.push(reply.to_owned()),
                _ => {}
            }
        }
        tape
    }

    fn play(&self, by_method: bool, with_ids: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let mut say = |lines: &[String]| {
            lines.iter().try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush())
        };
        say(&self.header)?;
        // How often each method was asked: a tape with several replies to it gives them in turn.
        let mut asked: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
        for (n, line) in io::stdin().lock().split(b'\n').enumerate() {
            let line = line?;
            let replies = if by_method {
                let method = method(&line);
                let turn = asked.entry(method.clone()).or_default();
                let known: Vec<_> = self
                    .turns
                    .iter()
                    .filter(|(request, _)| self::method(request.as_bytes()) == method)
                    .collect();
                *turn += 1;
                known.get((*turn - 1) % known.len().max(1)).map(|(_, replies)| replies.as_slice())
            } else {
                self.turns.get(n).map(|(_, replies)| replies.as_slice())
            };
            let replies = replies.unwrap_or_default();
            if with_ids {
                let copied: Vec<String> = replies.iter().map(|reply| with_id_of(&line, reply)).collect();
                say(&copied)?;
            } else {
                say(replies)?;
            }
        }
        Ok(())
    }
}

/// The method that a line asks for; lines that ask for none are all alike.
fn method(line: &[u8]) -> String {
    json::parse(line).ok().and_then(|v| v.get("method")?.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A recorded reply with the id of this request in it.
fn with_id_of(request: &[u8], reply: &str) -> String {
    let id = json::parse(request).ok().and_then(|v| v.get("id").cloned());
    match (id, json::parse(reply.as_bytes())) {
        (Some(id), Ok(Json::Object(mut members))) => {
            members.iter_mut().filter(|(name, _)| name == "id").for_each(|(_, value)| *value = id.clone());
            Json::Object(members).to_string()
        }
        _ => reply.to_owned(),
    }
}

/// A source of numbers that needs no quality.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn response(&mut self) -> String {
        let id = self.value(3);
        match self.roll(4) {
            0 => self.value(0),
            1 => format!(
                "{{\"jsonrpc\":\"2.0\",\"error\":{{\"code\":-{},\"message\":\"\"}},\"id\":{id}}}",
                self.roll(33000)
            ),
            _ => format!("{{\"jsonrpc\":\"2.0\",\"result\":{},\"id\":{id}}}", self.value(0)),
        }
    }

    fn value(&mut self, depth: u64) -> String {
        match self.roll(if depth < 3 { 7 } else { 5 }) {
            0 => "null".to_owned(),
            1 => "true".to_owned(),
            2 => self.roll(1_000_000).to_string(),
            3 => format!("\"{:x}\"", self.roll(1 << 40)),
            4 => "{}".to_owned(),
            5 => format!("[{},{}]", self.value(depth + 1), self.value(depth + 1)),
            _ => format!("{{\"{}\":{}}}", self.roll(10), self.value(depth + 1)),
        }
    }
}
