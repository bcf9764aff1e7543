//! Exchanges: plays the blocks of a case on open connections and collects what comes back.
//!
//! This is where bytes meet time. Order decides, not the clock: a missing answer is proved by a marker request whose
//! answer comes instead. The clock is asked only when nothing comes at all.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use civispec_wire::json::{self, Json};

use crate::case::template;
use crate::case::transcript::{Block, Send, Want};
use crate::case::{Case, Declared};
use crate::draw::Vars;
use crate::oracle::block::{Fit, Judgement, Output, judge};
use crate::oracle::frame::find;
use crate::oracle::passive::Code;
use crate::target::child::FLOOD;
use crate::target::{Child, Ended, Pump};

/// How long to wait.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest silence before a target counts as hung.
    pub step: Duration,
    /// Silence after which a marker request is sent to prove that an answer is missing.
    pub patience: Duration,
    /// Time that a target gets to end after its input was closed, and again after TERM.
    pub grace: Duration,
}

/// Bytes on the wire, for reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    /// Since the run began, later since the case did; the same clock for all connections.
    pub at: Duration,
    /// Index of the connection within the case.
    pub session: usize,
    /// Direction and purpose.
    pub kind: WireKind,
    /// The bytes, at most [`WIRE_KEPT`].
    pub bytes: Vec<u8>,
    /// How many there were.
    pub total: usize,
    /// Whether the last of them is a LF.
    pub ends_line: bool,
}

/// What a stretch of bytes was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireKind {
    /// We wrote it.
    Sent,
    /// We wrote it to prove an order; it is no part of the case.
    Marker,
    /// We wrote it to bring the session into the state that the case starts from.
    Setup,
    /// The target wrote it on standard output.
    Received,
    /// Something that happened: input closed, output ended.
    Event,
}

/// Bytes of one stretch that are kept for reports.
pub const WIRE_KEPT: usize = 2048;
/// Stretches kept per connection; the oldest are dropped.
const WIRE_ITEMS: usize = 400;

/// What the times of all stretches are measured from.
static CLOCK: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);

/// Whether marker requests are answered, learned over a run.
#[derive(Debug, Default)]
pub struct MarkerTrust(AtomicU8);

const MARKER_WORKS: u8 = u8::MAX;

impl MarkerTrust {
    /// How long a marker may stay unanswered while other lines come.
    fn quiet(&self, limits: &Limits) -> Duration {
        match self.0.load(Ordering::Relaxed) {
            MARKER_WORKS => limits.step,
            0..3 => limits.step.min(Duration::from_secs(1)),
            _ => Duration::from_millis(20),
        }
    }

    fn worked(&self) {
        self.0.store(MARKER_WORKS, Ordering::Relaxed);
    }

    fn lost(&self) {
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < 3).then_some(n + 1));
    }
}

/// Why a connection is of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Death {
    /// Nothing came in time.
    Hang(String),
    /// It ended, or flooded and was ended.
    Crash(String),
}

/// Why a connection could not be opened.
#[derive(Debug)]
pub enum OpenError {
    /// The program could not be started.
    Start(std::io::Error),
    /// It gave no header; how it ended, and what it wrote instead.
    NoHeader {
        /// What happened, in words.
        what: String,
        /// How it ended.
        ended: Box<Ended>,
        /// The first bytes of its output.
        output: Vec<u8>,
    },
}

/// An open connection.
pub struct Conversation {
    child: Child,
    header: Vec<u8>,
    inbox: Vec<u8>,
    prefix: Option<Vec<u8>>,
    wire: VecDeque<Wire>,
    ended: Option<Option<i32>>,
    closed: bool,
    markers: u64,
}

/// The outcome of one play of a block.
pub struct Played {
    /// For each ending that was tried, its judgement.
    pub judgements: Vec<Judgement>,
    /// What went wrong with the connection.
    pub death: Option<Death>,
    /// A mistake of ours or of the case's author.
    pub our_fault: Option<String>,
    /// Whether the system could not tell if a boundary was seen empty.
    pub undrained: bool,
}

impl Conversation {
    /// Starts the target and reads its header.
    ///
    /// # Errors
    /// When it cannot be started or gives no first line.
    pub fn open(
        argv: &[std::ffi::OsString],
        cwd: Option<&std::path::Path>,
        env: &[(String, String)],
        limits: &Limits,
    ) -> Result<Self, OpenError> {
        let child = Child::start(argv, cwd, env).map_err(OpenError::Start)?;
        let mut conversation = Self {
            child,
            header: Vec::new(),
            inbox: Vec::new(),
            prefix: None,
            wire: VecDeque::new(),
            ended: None,
            closed: false,
            markers: 0,
        };
        let deadline = Instant::now() + limits.step;
        loop {
            if let Some(end) = conversation.inbox.iter().position(|b| *b == b'\n') {
                conversation.header = conversation.inbox.drain(..=end).take(end).collect();
                return Ok(conversation);
            }
            let what = match conversation.child.pump(deadline) {
                Pump::Output(bytes) => {
                    conversation.received(0, bytes);
                    if conversation.inbox.len() <= FLOOD {
                        continue;
                    }
                    format!("wrote {} bytes without a line end", conversation.inbox.len())
                }
                Pump::Eof => "ended without a header".to_owned(),
                Pump::Quiet if conversation.inbox.is_empty() => {
                    format!("wrote no header within {} s", limits.step.as_secs_f32())
                }
                Pump::Quiet => {
                    format!("wrote half a header and then nothing for {} s", limits.step.as_secs_f32())
                }
            };
            let output = std::mem::take(&mut conversation.inbox);
            let ended = conversation.child.end(limits.grace, &mut Vec::new());
            return Err(OpenError::NoHeader { what, ended: Box::new(ended), output });
        }
    }

    /// The first line.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// What went over the wire since the last [`Conversation::take_wire`].
    pub fn take_wire(&mut self) -> Vec<Wire> {
        std::mem::take(&mut self.wire).into()
    }

    /// Sends a request of ours (`{token}` stands for its id) and returns its answer, if one comes that can be read.
    pub fn request(&mut self, line: &str, vars: &Vars, limits: &Limits) -> Option<Json> {
        self.markers += 1;
        let token = vars.token(&format!("request {}", self.markers));
        self.write(0, format!("{}\n", line.replace("{token}", &token)).as_bytes(), WireKind::Setup);
        let deadline = Instant::now() + limits.step;
        loop {
            if let Some(end) = self.marker_end(&token) {
                let line: Vec<u8> = self.inbox.drain(..end).collect();
                let start = find(&line, b"{\"").unwrap_or(0);
                let prefix = self.prefix.as_deref().and_then(|p| Some(rfind(&line, p)? + p.len()));
                return json::parse(&line[prefix.unwrap_or(start)..line.len() - 1]).ok();
            }
            match self.child.pump(deadline) {
                Pump::Output(bytes) if self.inbox.len() <= FLOOD => self.received(0, bytes),
                Pump::Output(_) | Pump::Quiet => return None,
                Pump::Eof => {
                    self.saw_end(0, limits);
                    return None;
                }
            }
        }
    }

    /// Whether another request can be sent.
    #[must_use]
    pub const fn is_usable(&self) -> bool {
        self.ended.is_none() && !self.closed
    }

    /// Ends the connection; returns output that nobody had asked for.
    pub fn close(self, limits: &Limits) -> (Ended, Vec<u8>) {
        let mut late = self.inbox;
        if self.ended.is_none() {
            let ended = self.child.end(limits.grace, &mut late);
            (ended, late)
        } else {
            (self.child.kill(), late)
        }
    }

    /// Ends the connection at once.
    #[must_use]
    pub fn kill(self) -> Ended {
        self.child.kill()
    }

    /// Judges the header as if it were an answer.
    pub fn judge_header(&self, case: &Case, wants: &[Want], vars: &Vars) -> Judgement {
        let raw = [self.header.as_slice(), b"\n"].concat();
        judge(case, wants, Output { raw: &raw, marker: None, complete: true, ended: None }, None, vars)
    }

    /// Plays one block and judges each of `endings` on what came. `cut` splits the first sent line behind so many
    /// bytes.
    pub fn play(
        &mut self,
        case: &Case,
        block: &Block,
        endings: &[&[Want]],
        vars: &mut Vars,
        cut: Option<usize>,
        (limits, trust): (&Limits, &MarkerTrust),
    ) -> Played {
        let mut played = Played { judgements: Vec::new(), death: None, our_fault: None, undrained: false };
        if let Err(what) = self.send_all(block, vars, cut, limits, &mut played.undrained) {
            played.our_fault = Some(what);
            return played;
        }
        let needs_marker = endings.len() > 1
            || endings.iter().any(|wants| {
                wants.iter().any(|w| matches!(w, Want::Silence | Want::Answer { optional: true, .. }))
            });
        let mut marker = None;
        let mut lines_before_marker = 0;
        if needs_marker && !self.closed {
            marker = Some(self.send_marker(block.session, vars));
        }
        let mut deadline = Instant::now() + limits.step;
        let mut quiet_since = Instant::now();
        loop {
            let answered = marker.as_deref().and_then(|m| self.marker_end(m));
            let complete = answered.is_some() || self.ended.is_some();
            let raw = &self.inbox[..answered.unwrap_or(self.inbox.len())];
            let output = Output { raw, marker: marker.as_deref(), complete, ended: self.ended };
            let judgements: Vec<Judgement> = endings
                .iter()
                .map(|wants| judge(case, wants, output, self.prefix.as_deref(), vars))
                .collect();
            if answered.is_some() {
                trust.worked();
            }
            let open = judgements.iter().any(|j| j.fit == Fit::NotYet);
            let decided = marker.is_none() && (judgements.iter().any(|j| j.fit == Fit::Fits) || !open);
            if complete || decided {
                played.judgements = judgements;
                break;
            }
            let wait = match &marker {
                None if !self.closed => (quiet_since + limits.patience).min(deadline),
                Some(_) if self.lines() > lines_before_marker => {
                    (quiet_since + trust.quiet(limits)).min(deadline)
                }
                _ => deadline,
            };
            match self.child.pump(wait) {
                Pump::Output(bytes) => {
                    self.received(block.session, bytes);
                    quiet_since = Instant::now();
                    deadline = quiet_since + limits.step;
                    if self.inbox.len() > FLOOD {
                        played.death = Some(Death::Crash(format!(
                            "it flooded standard output: {} bytes for one request",
                            self.inbox.len()
                        )));
                        break;
                    }
                }
                Pump::Eof => self.saw_end(block.session, limits),
                Pump::Quiet if crate::interrupted() => {
                    played.death = Some(Death::Hang("the run was interrupted".to_owned()));
                    break;
                }
                Pump::Quiet if Instant::now() >= deadline => {
                    played.judgements = judgements;
                    played.death = Some(Death::Hang(self.describe_silence(limits)));
                    break;
                }
                Pump::Quiet if marker.is_none() && !self.closed => {
                    lines_before_marker = self.lines();
                    marker = Some(self.send_marker(block.session, vars));
                }
                Pump::Quiet => {
                    // Other lines came, the marker's answer did not: whatever it was, it was answered.
                    trust.lost();
                    let output = Output { raw: &self.inbox, marker: None, complete: true, ended: None };
                    played.judgements = endings
                        .iter()
                        .map(|wants| judge(case, wants, output, self.prefix.as_deref(), vars))
                        .collect();
                    break;
                }
            }
        }
        prefer_clean(&mut played.judgements);
        self.adopt(&played, vars, marker.as_deref());
        played
    }

    /// Proves that nothing more is to come, so that the next case starts clean. Returns what stood in between.
    ///
    /// # Errors
    /// When the connection is dead.
    pub fn settle(
        &mut self,
        vars: &mut Vars,
        limits: &Limits,
        trust: &MarkerTrust,
    ) -> Result<Vec<u8>, Death> {
        let marker = self.send_marker(0, vars);
        let deadline = Instant::now() + limits.step;
        let mut quiet_since = Instant::now();
        loop {
            if let Some(end) = self.marker_end(&marker) {
                trust.worked();
                let at = find(&self.inbox, marker.as_bytes()).unwrap_or(0);
                let mut line = self.inbox[..at].iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
                if let Some(prefix) = self.prefix.as_deref().filter(|p| !p.is_empty()) {
                    // A prefix may hold a LF, so that the marker's answer begins before its line does.
                    line = rfind(&self.inbox[..at], prefix).unwrap_or(line);
                }
                let stray = self.inbox[..line].to_vec();
                self.inbox.drain(..end);
                return Ok(stray);
            }
            let wait = if self.inbox.contains(&b'\n') { quiet_since + trust.quiet(limits) } else { deadline };
            match self.child.pump(wait.min(deadline)) {
                Pump::Output(bytes) => {
                    self.received(0, bytes);
                    quiet_since = Instant::now();
                    if self.inbox.len() > FLOOD {
                        return Err(Death::Crash("it flooded standard output".to_owned()));
                    }
                }
                Pump::Eof => {
                    self.saw_end(0, limits);
                    return Err(Death::Crash(format!(
                        "it ended ({}) when the next request came",
                        self.end_in_words()
                    )));
                }
                Pump::Quiet if crate::interrupted() => {
                    return Err(Death::Hang("the run was interrupted".to_owned()));
                }
                Pump::Quiet if Instant::now() >= deadline => {
                    return Err(Death::Hang(self.describe_silence(limits)));
                }
                Pump::Quiet => {
                    trust.lost();
                    // The unrecognised answer to the marker itself is not held against anybody.
                    let last = self.inbox.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
                    let lines: Vec<u8> = self.inbox.drain(..last).collect();
                    let keep = lines[..lines.len().saturating_sub(1)]
                        .iter()
                        .rposition(|b| *b == b'\n')
                        .map_or(0, |i| i + 1);
                    return Ok(lines[..keep].to_vec());
                }
            }
        }
    }

    /// Forgets the prefix: the options were restored.
    pub fn reset_prefix(&mut self) {
        self.prefix = None;
    }

    /// How the target ended, in words.
    #[must_use]
    pub fn end_in_words(&self) -> String {
        match self.ended {
            Some(Some(code)) => format!("exit status {code}"),
            Some(None) => "a signal".to_owned(),
            None => "still running".to_owned(),
        }
    }

    fn send_all(
        &mut self,
        block: &Block,
        vars: &mut Vars,
        cut: Option<usize>,
        limits: &Limits,
        undrained: &mut bool,
    ) -> Result<(), String> {
        let mut cut = cut;
        for send in &block.sends {
            match send {
                Send::Text { slots, lf, .. } => {
                    let mut bytes = template::render(slots, vars)?;
                    if *lf {
                        bytes.push(b'\n');
                    }
                    if let Some(at) = cut.take().filter(|at| *at > 0 && *at < bytes.len()) {
                        self.write(block.session, &bytes[..at], WireKind::Sent);
                        *undrained |= !self.wait_drained(block.session, limits);
                        bytes.drain(..at);
                    }
                    self.write(block.session, &bytes, WireKind::Sent);
                }
                Send::Hex(bytes) => self.write(block.session, bytes, WireKind::Sent),
                Send::Boundary => *undrained |= !self.wait_drained(block.session, limits),
                Send::Close => {
                    self.child.close_stdin();
                    self.closed = true;
                    self.note(block.session, "stdin closed");
                }
            }
        }
        Ok(())
    }

    /// Waits until the target has read everything. False when it cannot be told or does not happen.
    fn wait_drained(&mut self, session: usize, limits: &Limits) -> bool {
        let deadline = Instant::now() + limits.step;
        loop {
            match self.child.drained() {
                Some(true) => return true,
                None => return false,
                Some(false) if Instant::now() >= deadline || crate::interrupted() => return false,
                Some(false) => match self.child.pump(Instant::now() + Duration::from_micros(200)) {
                    Pump::Output(bytes) => self.received(session, bytes),
                    Pump::Eof => return false,
                    Pump::Quiet => {}
                },
            }
        }
    }

    fn send_marker(&mut self, session: usize, vars: &Vars) -> String {
        self.markers += 1;
        let token = vars.token(&format!("marker {}", self.markers));
        let line = format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[\"{token}\"],\"id\":\"{token}\"}}\n"
        );
        self.write(session, line.as_bytes(), WireKind::Marker);
        token
    }

    /// Where the line that answers the marker ends.
    fn marker_end(&self, token: &str) -> Option<usize> {
        let at = find(&self.inbox, token.as_bytes())?;
        self.inbox[at..].iter().position(|b| *b == b'\n').map(|i| at + i + 1)
    }

    fn adopt(&mut self, played: &Played, vars: &mut Vars, marker: Option<&str>) {
        let best =
            played.judgements.iter().find(|j| j.fit == Fit::Fits).or_else(|| played.judgements.first());
        let Some(best) = best else { return };
        if best.fit == Fit::Fits {
            *vars = best.vars.clone();
            self.prefix = best.prefix.clone();
        }
        let consumed = marker.and_then(|m| self.marker_end(m)).unwrap_or(best.consumed).min(self.inbox.len());
        self.inbox.drain(..consumed);
    }

    fn lines(&self) -> usize {
        self.inbox.iter().filter(|b| **b == b'\n').count()
    }

    fn describe_silence(&self, limits: &Limits) -> String {
        let seconds = limits.step.as_secs_f32();
        if self.child.stdin_open() && self.child.drained() == Some(false) {
            format!("it does not read its input (nothing for {seconds} s)")
        } else if self.inbox.last().is_some_and(|b| *b != b'\n') {
            format!("it stopped in the middle of a line (nothing for {seconds} s)")
        } else {
            format!("no answer within {seconds} s")
        }
    }

    fn saw_end(&mut self, session: usize, limits: &Limits) {
        let deadline = Instant::now() + limits.grace.max(Duration::from_millis(500));
        while !self.child.has_exited() && Instant::now() < deadline {
            // Output has ended; only the process itself is awaited. `pump` would return at once.
            std::thread::park_timeout(Duration::from_millis(1));
        }
        self.ended = Some(self.child.exit_code());
        let words = self.end_in_words();
        self.note(session, &format!("output ended, {words}"));
    }

    fn write(&mut self, session: usize, bytes: &[u8], kind: WireKind) {
        self.child.send(bytes);
        self.record(session, kind, bytes);
    }

    fn received(&mut self, session: usize, bytes: Vec<u8>) {
        self.record(session, WireKind::Received, &bytes);
        self.inbox.extend_from_slice(&bytes);
    }

    fn note(&mut self, session: usize, what: &str) {
        self.record(session, WireKind::Event, what.as_bytes());
    }

    /// Keeps a stretch. What the target writes is kept line by line, so that a report does not depend on how reads
    /// happened to cut it.
    fn record(&mut self, session: usize, kind: WireKind, bytes: &[u8]) {
        if kind != WireKind::Received {
            return self.keep(session, kind, bytes);
        }
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            match self.wire.back_mut() {
                Some(last) if last.kind == kind && last.session == session && !last.ends_line => {
                    let room = WIRE_KEPT.saturating_sub(last.bytes.len()).min(line.len());
                    last.bytes.extend_from_slice(&line[..room]);
                    last.total += line.len();
                    last.ends_line = line.ends_with(b"\n");
                }
                _ => self.keep(session, kind, line),
            }
        }
    }

    fn keep(&mut self, session: usize, kind: WireKind, bytes: &[u8]) {
        if self.wire.len() == WIRE_ITEMS {
            self.wire.pop_front();
        }
        self.wire.push_back(Wire {
            at: CLOCK.elapsed(),
            session,
            kind,
            bytes: bytes[..bytes.len().min(WIRE_KEPT)].to_vec(),
            total: bytes.len(),
            ends_line: bytes.ends_with(b"\n"),
        });
    }
}

fn rfind(hay: &[u8], needle: &[u8]) -> Option<usize> {
    (0..=hay.len().checked_sub(needle.len())?).rev().find(|&i| hay[i..].starts_with(needle))
}

/// Where one ending accounts for every answer, another that fits only by calling some of them strays does not fit.
fn prefer_clean(judgements: &mut [Judgement]) {
    let strays = |j: &Judgement| j.charged.iter().filter(|(code, ..)| *code == Code::Extra).count();
    let least = judgements.iter().filter(|j| j.fit == Fit::Fits).map(strays).min();
    for judgement in judgements.iter_mut().filter(|j| j.fit == Fit::Fits) {
        if Some(strays(judgement)) != least {
            judgement.fit = Fit::Differs;
        }
    }
}

/// Variables for one play, with the declared values in place.
#[must_use]
pub fn variables(seed: u64, case: &str, turn: u64, declared: &Declared) -> Vars {
    let mut vars = Vars::new(seed, case, turn);
    for (name, value) in declared {
        vars.capture(name, value.clone());
    }
    vars
}
