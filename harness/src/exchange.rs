//! Exchanges: plays the blocks of a case on open connections and collects what comes back.
//!
//! This is where bytes meet time. Order decides, not the clock: a missing answer is proved by a marker request whose
//! answer comes instead. The clock is asked only when nothing comes at all.

mod intake;
mod pace;
mod silence;
mod wire;

use std::ffi::OsString;
use std::time::{Duration, Instant};

use civispec_wire::json::{self, Json};

use crate::case::template;
use crate::case::transcript::{Block, Send, Want};
use crate::case::{Case, Declared};
use crate::draw::Vars;
use crate::oracle::block::{Fit, Judgement, Output, judge};
use crate::oracle::frame::{find, rfind};
use crate::oracle::passive::Code;
use crate::target::{Child, Ended, Launcher, Pump};

use self::intake::{Search, Stock};
pub use self::pace::{Limits, Pace};
use self::wire::Recorder;
pub use self::wire::{WIRE_KEPT, Wire, WireKind};

/// Bytes of output that are a flood, whatever was asked. What was sent may come back escaped and is added to it.
const FLOOD: usize = 4 << 20;
/// How many bytes of output one sent byte accounts for.
const ECHO: usize = 8;
/// A gap in output that pours in.
const PAUSE: Duration = Duration::from_millis(2);

/// Why a connection is of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Death {
    /// Nothing came in time.
    Hang(String),
    /// It ended, or flooded and was ended.
    Crash(String),
    /// We stopped: the user or the clock of the whole run asked for it. Nobody's fault.
    Stopped(String),
}

impl Death {
    /// What happened, in words.
    #[must_use]
    pub fn in_words(&self) -> &str {
        let (Self::Hang(what) | Self::Crash(what) | Self::Stopped(what)) = self;
        what
    }
}

/// Why a connection could not be opened.
#[derive(Debug)]
pub enum OpenError {
    /// The program could not be started.
    Start(std::io::Error),
    /// It gave no header; how it ended, and what it wrote instead.
    NoHeader {
        /// What happened.
        death: Death,
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
    wire: Recorder,
    ended: Option<Option<i32>>,
    closed: bool,
    markers: u64,
    patient: bool,
    /// Bytes sent since the output was last taken stock of.
    asked: usize,
    /// How many of them were a marker behind a request.
    marked: usize,
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
    /// Whether the answers came only after a further request (a marker) had been sent.
    pub nudged: bool,
}

impl Conversation {
    /// Starts the target and reads its header.
    ///
    /// # Errors
    /// When it cannot be started or gives no first line.
    pub fn open(argv: &[OsString], launcher: &Launcher, pace: &Pace) -> Result<Self, OpenError> {
        let child = Child::start(argv, launcher.cwd.as_deref(), &launcher.env).map_err(OpenError::Start)?;
        let mut conversation = Self {
            child,
            header: Vec::new(),
            inbox: Vec::new(),
            prefix: None,
            wire: Recorder::default(),
            ended: None,
            closed: false,
            markers: 0,
            patient: false,
            asked: 0,
            marked: 0,
        };
        let started = Instant::now();
        let deadline = pace.deadline(started, pace.asked().step);
        let mut seen = 0;
        loop {
            if let Some(end) = conversation.inbox[seen..].iter().position(|b| *b == b'\n') {
                conversation.header = conversation.inbox.drain(..=seen + end).take(seen + end).collect();
                return Ok(conversation);
            }
            seen = conversation.inbox.len();
            let death = match conversation.child.pump(deadline) {
                Pump::Output(bytes) => {
                    conversation.received(0, bytes);
                    match conversation.flooded() {
                        None => continue,
                        Some(death) => death,
                    }
                }
                Pump::Eof => {
                    conversation.saw_end(0, pace);
                    Death::Crash(format!("it ended without a header ({})", conversation.end_in_words()))
                }
                Pump::Quiet => pace.stopped().unwrap_or_else(|| conversation.no_header(pace)),
            };
            let output = std::mem::take(&mut conversation.inbox);
            let ended = conversation.kill(pace);
            return Err(OpenError::NoHeader { death, ended: Box::new(ended), output });
        }
    }

    /// The first line.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// What went over the wire since the last [`Conversation::take_wire`].
    pub fn take_wire(&mut self) -> Vec<Wire> {
        self.wire.take()
    }

    /// Sends a request of ours (`{token}` stands for its id) and returns its answer, if it can be read.
    ///
    /// # Errors
    /// When the connection died over it.
    pub fn request(&mut self, line: &str, vars: &Vars, pace: &Pace) -> Result<Option<Json>, Death> {
        self.markers += 1;
        (self.asked, self.marked) = (0, 0);
        let token = vars.token(&format!("request {}", self.markers));
        self.write(0, format!("{}\n", line.replace("{token}", &token)).as_bytes(), WireKind::Setup);
        let sent = Instant::now();
        let deadline = pace.deadline(sent, pace.step());
        let mut search = Search::new(token);
        loop {
            if let Some((_, end)) = search.line(&self.inbox) {
                pace.answered_after(sent.elapsed());
                let line: Vec<u8> = self.inbox.drain(..end).collect();
                let start = find(&line, b"{\"").unwrap_or(0);
                let prefix = self
                    .prefix
                    .as_deref()
                    .filter(|p| !p.is_empty())
                    .and_then(|p| Some(rfind(&line, p)? + p.len()));
                return Ok(json::parse(&line[prefix.unwrap_or(start)..line.len() - 1]).ok());
            }
            match self.child.pump(deadline) {
                Pump::Output(bytes) => {
                    self.received(0, bytes);
                    if let Some(death) = self.flooded() {
                        return Err(death);
                    }
                }
                Pump::Quiet => {
                    return Err(pace.stopped().unwrap_or_else(|| self.hung(deadline - sent, pace)));
                }
                Pump::Eof => {
                    self.saw_end(0, pace);
                    return Err(self.ended_instead());
                }
            }
        }
    }

    /// Whether another request can be sent.
    #[must_use]
    pub const fn is_usable(&self) -> bool {
        self.ended.is_none() && !self.closed
    }

    /// How the target ended although nobody had closed its input, in words.
    #[must_use]
    pub fn broke_off(&self) -> Option<String> {
        (self.ended.is_some() && !self.closed).then(|| self.end_in_words())
    }

    /// Ends the connection; returns output that nobody had asked for.
    pub fn close(self, pace: &Pace) -> (Ended, Vec<u8>) {
        let mut late = self.inbox;
        if self.ended.is_some() {
            return (self.child.kill(), late);
        }
        let ended = self.child.end(pace.grace(), &mut late);
        if ended.forced {
            pace.had_to_be_ended();
        }
        (ended, late)
    }

    /// Ends a connection that is of no more use: politely if its input has been closed already, else at once.
    #[must_use]
    pub fn kill(self, pace: &Pace) -> Ended {
        if self.ended.is_some() || !self.closed {
            return self.child.kill();
        }
        let ended = self.child.terminate(pace.grace());
        if ended.killed {
            pace.had_to_be_ended();
        }
        ended
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
        pace: &Pace,
    ) -> Played {
        let mut played =
            Played { judgements: Vec::new(), death: None, our_fault: None, undrained: false, nudged: false };
        (self.asked, self.marked) = (0, 0);
        if let Err(what) = self.send_all(block, vars, cut, pace, &mut played.undrained) {
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
            let before = self.asked;
            marker = Some(self.send_marker(block.session, vars));
            self.marked = self.asked - before;
        }
        let started = Instant::now();
        let mut quiet_since = started;
        let mut stock = Stock::default();
        loop {
            // While output pours in, it is judged each time that it has doubled, so that a flood costs no time.
            let due = stock.is_due(self.inbox.len());
            if due {
                let answered = marker.as_mut().and_then(|m| m.line(&self.inbox)).map(|(_, end)| end);
                let complete = answered.is_some() || self.ended.is_some();
                let raw = &self.inbox[..answered.unwrap_or(self.inbox.len())];
                let output =
                    Output { raw, marker: marker.as_ref().map(Search::token), complete, ended: self.ended };
                played.judgements = endings
                    .iter()
                    .map(|wants| judge(case, wants, output, self.prefix.as_deref(), vars))
                    .collect();
                if answered.is_some() {
                    pace.marker_worked();
                }
                let decided = marker.is_none()
                    && (played.judgements.iter().any(|j| j.fit == Fit::Fits)
                        || played.judgements.iter().all(|j| j.fit != Fit::NotYet));
                if self.ended.is_some() {
                    let silenced =
                        !self.closed && refuse_silence_of_the_dead(&mut played.judgements, endings);
                    if !fits(&played.judgements) {
                        played.death = self
                            .last_words(&played.judgements)
                            .or_else(|| silenced.then(|| self.did_not_wait()));
                    }
                }
                if complete || decided {
                    break;
                }
            }
            // However it draws out its answer, some time it must be over.
            let whole = pace.deadline(started, pace.whole());
            let deadline = pace.deadline(quiet_since, pace.step()).min(whole);
            let wait = match &marker {
                _ if !due => Instant::now() + PAUSE,
                None if !self.closed && !self.patient => (quiet_since + pace.patience()).min(deadline),
                Some(_) if self.lines() > lines_before_marker => (quiet_since + pace.quiet()).min(deadline),
                _ => deadline,
            };
            match self.child.pump(wait) {
                Pump::Output(bytes) => {
                    pace.answered_after(quiet_since.elapsed());
                    quiet_since = Instant::now();
                    self.received(block.session, bytes);
                    played.death = self.flooded();
                    if played.death.is_some() {
                        break;
                    }
                }
                Pump::Eof => {
                    self.saw_end(block.session, pace);
                    stock.paused = true;
                }
                Pump::Quiet if !due => stock.paused = true,
                Pump::Quiet if pace.stopped().is_some() => {
                    played.death = pace.stopped();
                    break;
                }
                Pump::Quiet if Instant::now() >= deadline => {
                    played.death = Some(if deadline == whole && quiet_since > started {
                        self.never_ends(deadline - started, pace)
                    } else {
                        self.hung(deadline - quiet_since, pace)
                    });
                    break;
                }
                Pump::Quiet if marker.is_none() && !self.closed => {
                    played.nudged = true;
                    lines_before_marker = self.lines();
                    let before = self.asked;
                    marker = Some(self.send_marker(block.session, vars));
                    self.marked = self.asked - before;
                    stock.paused = true;
                }
                Pump::Quiet => {
                    // Other lines came, the marker's answer did not: whatever it was, it was answered.
                    pace.marker_lost();
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
        self.adopt(&played, vars, marker);
        played
    }

    /// Proves that nothing more is to come, so that the next case starts clean. Returns what stood in between.
    ///
    /// # Errors
    /// When the connection is dead.
    pub fn settle(&mut self, vars: &mut Vars, pace: &Pace) -> Result<Vec<u8>, Death> {
        (self.asked, self.marked) = (0, 0);
        let mut marker = self.send_marker(0, vars);
        let sent = Instant::now();
        let deadline = pace.deadline(sent, pace.step());
        let mut quiet_since = sent;
        loop {
            if let Some((at, end)) = marker.line(&self.inbox) {
                pace.marker_worked();
                let mut line = self.inbox[..at].iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
                if let Some(prefix) = self.prefix.as_deref().filter(|p| !p.is_empty()) {
                    // A prefix may hold a LF, so that the marker's answer begins before its line does.
                    line = rfind(&self.inbox[..at], prefix).unwrap_or(line);
                }
                let stray = self.inbox[..line].to_vec();
                self.inbox.drain(..end);
                return Ok(stray);
            }
            let wait = if self.inbox.contains(&b'\n') { quiet_since + pace.quiet() } else { deadline };
            match self.child.pump(wait.min(deadline)) {
                Pump::Output(bytes) => {
                    pace.answered_after(quiet_since.elapsed());
                    quiet_since = Instant::now();
                    self.received(0, bytes);
                    if let Some(death) = self.flooded() {
                        return Err(death);
                    }
                }
                Pump::Eof => {
                    self.saw_end(0, pace);
                    let end = self.end_in_words();
                    return Err(self.last_words(&[]).unwrap_or_else(|| {
                        Death::Crash(format!("it ended ({end}) when the next request came"))
                    }));
                }
                Pump::Quiet => {
                    if let Some(stopped) = pace.stopped() {
                        return Err(stopped);
                    }
                    if Instant::now() >= deadline {
                        let trickles = quiet_since > sent && quiet_since.elapsed() < pace.step() / 2;
                        let silence = if trickles { Self::never_ends } else { Self::hung };
                        return Err(silence(self, deadline - sent, pace));
                    }
                    pace.marker_lost();
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

    /// From now on no marker is sent ahead of an answer: a target that answers only when more input follows falls
    /// silent.
    pub const fn be_patient(&mut self, patient: bool) {
        self.patient = patient;
    }

    /// Forgets the prefix: the options were restored.
    pub fn reset_prefix(&mut self) {
        self.prefix = None;
    }

    fn send_all(
        &mut self,
        block: &Block,
        vars: &mut Vars,
        cut: Option<usize>,
        pace: &Pace,
        undrained: &mut bool,
    ) -> Result<(), String> {
        let mut cut = cut;
        // Lines that follow each other go out in one write, so that a target finds them all waiting.
        let mut together = Vec::new();
        for send in &block.sends {
            if !matches!(send, Send::Text { .. } | Send::Hex(_)) {
                self.child.send(&std::mem::take(&mut together));
            }
            match send {
                Send::Text { slots, lf, .. } => {
                    let mut bytes = template::render(slots, vars)?;
                    if *lf {
                        bytes.push(b'\n');
                    }
                    if let Some(at) = cut.take().filter(|at| *at > 0 && *at < bytes.len()) {
                        self.child.send(&std::mem::take(&mut together));
                        self.write(block.session, &bytes[..at], WireKind::Sent);
                        *undrained |= !self.wait_drained(block.session, pace);
                        bytes.drain(..at);
                    }
                    self.queue(block.session, &bytes, &mut together);
                }
                Send::Hex(bytes) => self.queue(block.session, bytes, &mut together),
                Send::Boundary => *undrained |= !self.wait_drained(block.session, pace),
                Send::Close => {
                    self.child.close_stdin();
                    self.closed = true;
                    self.note(block.session, "stdin closed");
                }
            }
        }
        self.child.send(&together);
        Ok(())
    }

    /// Waits until the target has read everything. False when it cannot be told or does not happen.
    fn wait_drained(&mut self, session: usize, pace: &Pace) -> bool {
        let deadline = pace.deadline(Instant::now(), pace.step());
        loop {
            match self.child.drained() {
                Some(true) => return true,
                None => return false,
                Some(false) if Instant::now() >= deadline || pace.stopped().is_some() => return false,
                Some(false) => match self.child.pump(Instant::now() + Duration::from_micros(200)) {
                    Pump::Output(bytes) => {
                        self.received(session, bytes);
                        if self.flooded().is_some() {
                            return false;
                        }
                    }
                    Pump::Eof => return false,
                    Pump::Quiet => {}
                },
            }
        }
    }

    fn send_marker(&mut self, session: usize, vars: &Vars) -> Search {
        self.markers += 1;
        let token = vars.token(&format!("marker {}", self.markers));
        let line = format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[\"{token}\"],\"id\":\"{token}\"}}\n"
        );
        self.write(session, line.as_bytes(), WireKind::Marker);
        Search::new(token)
    }

    fn adopt(&mut self, played: &Played, vars: &mut Vars, marker: Option<Search>) {
        let best =
            played.judgements.iter().find(|j| j.fit == Fit::Fits).or_else(|| played.judgements.first());
        let Some(best) = best else { return };
        if best.fit == Fit::Fits {
            *vars = best.vars.clone();
            self.prefix = best.prefix.clone();
        }
        let answered = marker.and_then(|mut m| m.line(&self.inbox)).map(|(_, end)| end);
        let consumed = answered.unwrap_or(best.consumed).min(self.inbox.len());
        self.inbox.drain(..consumed);
    }

    fn lines(&self) -> usize {
        self.inbox.iter().filter(|b| **b == b'\n').count()
    }

    fn queue(&mut self, session: usize, bytes: &[u8], together: &mut Vec<u8>) {
        self.asked += bytes.len();
        self.wire.note(session, WireKind::Sent, bytes);
        together.extend_from_slice(bytes);
    }

    fn write(&mut self, session: usize, bytes: &[u8], kind: WireKind) {
        self.asked += bytes.len();
        self.child.send(bytes);
        self.wire.note(session, kind, bytes);
    }

    fn received(&mut self, session: usize, bytes: Vec<u8>) {
        self.wire.note(session, WireKind::Received, &bytes);
        self.inbox.extend_from_slice(&bytes);
    }

    fn note(&mut self, session: usize, what: &str) {
        self.wire.note(session, WireKind::Event, what.as_bytes());
    }

    /// Whether more came than anything that was asked can account for.
    fn flooded(&self) -> Option<Death> {
        let bytes = self.inbox.len();
        (bytes > FLOOD + ECHO * self.asked).then(|| {
            Death::Crash(format!("it flooded standard output: more than {FLOOD} bytes that nobody asked for"))
        })
    }
}

/// A target that ended by itself proves nothing by its silence, unless its end is what was wanted. Says whether any
/// ending would have fitted.
fn refuse_silence_of_the_dead(judgements: &mut [Judgement], endings: &[&[Want]]) -> bool {
    let mut refused = false;
    for (judgement, wants) in judgements.iter_mut().zip(endings) {
        if judgement.fit == Fit::Fits && !wants.iter().any(|w| matches!(w, Want::Exit(_))) {
            judgement.fit = Fit::Differs;
            refused = true;
        }
    }
    refused
}

fn fits(judgements: &[Judgement]) -> bool {
    judgements.iter().any(|j| j.fit == Fit::Fits)
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
