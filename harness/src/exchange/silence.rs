//! Puts into words how a connection died: what kind of silence it fell into, or how it ended.
//!
//! One last look is taken at a target that answers nothing: its input is closed, because one that holds its output
//! back gives it up then. What is seen changes the words and never the verdict.

use std::time::{Duration, Instant};

use civispec_wire::json;

use super::{Conversation, Death, Pace};
use crate::oracle::block::{Fit, Judgement};
use crate::oracle::forensics::{self, Finding, Kind};
use crate::oracle::frame::rfind;
use crate::oracle::passive::shorten;
use crate::target::Pump;

/// Standard error that is worth a word when a target falls silent.
const CHATTER: u64 = 1 << 20;

impl Conversation {
    /// How the target ended, in words.
    #[must_use]
    pub fn end_in_words(&self) -> String {
        let end = match (self.ended, self.child.signal()) {
            (None, _) => return "still running".to_owned(),
            (Some(Some(code)), _) => format!("exit status {code}"),
            (Some(None), Some(signal)) => format!("signal {signal}"),
            (Some(None), None) => return "it closed its standard output, but still runs".to_owned(),
        };
        if self.child.left_output_open() {
            return format!("{end}; another process that it left behind holds its output open");
        }
        end
    }

    /// Takes note of the end of the output, and waits a moment for that of the process.
    pub(super) fn saw_end(&mut self, session: usize, pace: &Pace) {
        let deadline = Instant::now() + pace.grace().max(Duration::from_millis(500));
        while !self.child.has_exited() && Instant::now() < deadline {
            // Output has ended; only the process itself is awaited. `pump` would return at once.
            std::thread::park_timeout(Duration::from_millis(1));
        }
        self.ended = Some(self.child.exit_code());
        let words = self.end_in_words();
        self.note(session, &format!("output ended, {words}"));
    }

    /// The end of a target of which an answer was wanted.
    pub(super) fn ended_instead(&self) -> Death {
        let cut = if self.tail_is_cut() { "in the middle of a line" } else { "instead of answering" };
        Death::Crash(format!("it ended ({}) {cut}", self.end_in_words()))
    }

    /// The end of a target of which nothing was wanted but that it goes on.
    pub(super) fn did_not_wait(&self) -> Death {
        Death::Crash(format!("it ended ({}) instead of waiting for the next request", self.end_in_words()))
    }

    /// What a target that ended left behind as its last line, if that is no answer.
    pub(super) fn last_words(&self, judgements: &[Judgement]) -> Option<Death> {
        let end = self.end_in_words();
        if self.tail_is_cut() {
            return Some(Death::Crash(format!("it ended ({end}) in the middle of a line")));
        }
        let unreadable = judgements.iter().find(|j| j.fit == Fit::Unreadable).filter(|_| !self.closed)?;
        let what = unreadable.mismatches.first().map_or_else(String::new, |m| m.got.clone());
        let text = unreadable.answer.clone().unwrap_or_default();
        Some(Death::Crash(format!("it ended ({end}), and what it wrote last is {what}: {text}")))
    }

    /// Whether the output ends in a piece of an answer.
    fn tail_is_cut(&self) -> bool {
        let line = self.inbox.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
        let tail = match self.prefix.as_deref().filter(|p| !p.is_empty()) {
            Some(prefix) => rfind(&self.inbox, prefix).map_or(line, |i| i + prefix.len()),
            None => line,
        };
        let tail = &self.inbox[tail..];
        matches!(tail.first(), Some(b'{' | b'[')) && json::parse(tail).is_err()
    }

    /// The death of a target that said nothing for so long.
    pub(super) fn hung(&mut self, waited: Duration, pace: &Pace) -> Death {
        let seconds = in_seconds(waited);
        let mut listening = false;
        let words = if self.child.is_stopped() {
            format!("the process is stopped, as by SIGSTOP, and gave no answer within {seconds} s")
        } else if self.closed {
            format!("neither an answer nor its end came within {seconds} s after standard input was closed")
        } else if self.child.is_input_abandoned() {
            format!("it closed its standard input and gave no answer within {seconds} s")
        } else if self.inbox.last().is_some_and(|b| *b != b'\n') {
            if self.tail_is_cut() {
                format!("it stopped in the middle of a line (nothing for {seconds} s)")
            } else {
                let finding = Finding::new(Kind::MissingNewline, self.inbox.len());
                format!("its last line was not ended within {seconds} s: {finding}")
            }
        } else if self.child.unread().is_some_and(|unread| unread > self.marked) {
            format!("it does not read its input (nothing for {seconds} s)")
        } else {
            listening = true;
            format!("no answer within {seconds} s")
        };
        let mut words = vec![words];
        if waited < pace.asked().step && pace.is_hurried() {
            let asked = in_seconds(pace.asked().step);
            words.push(format!("that is less than the {asked} s asked for, because it had hung before"));
        }
        if listening && !pace.is_hurried() {
            words.extend(self.look_once_more(pace));
        }
        let chatter = self.child.stderr_total();
        if chatter >= CHATTER {
            words.push(format!("it wrote {chatter} bytes on standard error meanwhile"));
        }
        pace.hung();
        Death::Hang(words.join("; "))
    }

    /// The death of a target that keeps writing and never comes to an end.
    pub(super) fn never_ends(&mut self, waited: Duration, pace: &Pace) -> Death {
        pace.hung();
        Death::Hang(format!("what it writes came to no end within {} s, piece by piece", in_seconds(waited)))
    }

    /// The death of a target that gave no header.
    pub(super) fn no_header(&mut self, pace: &Pace) -> Death {
        let seconds = in_seconds(pace.asked().step);
        let words = if self.child.is_stopped() {
            format!("the process is stopped, as by SIGSTOP, and wrote no header within {seconds} s")
        } else if self.inbox.is_empty() {
            format!("it wrote no header within {seconds} s")
        } else {
            format!("it wrote half a header and then nothing for {seconds} s")
        };
        let words: Vec<String> = [words].into_iter().chain(self.look_once_more(pace)).collect();
        Death::Hang(words.join("; "))
    }

    /// Closes standard input and says what came then, if anything did.
    fn look_once_more(&mut self, pace: &Pace) -> Option<String> {
        let before = self.inbox.len();
        self.child.close_stdin();
        self.closed = true;
        self.note(0, "stdin closed to see whether output was held back");
        let deadline = Instant::now() + pace.grace();
        loop {
            match self.child.pump(deadline) {
                Pump::Output(bytes) => {
                    self.received(0, bytes);
                    if self.flooded().is_some() {
                        break;
                    }
                }
                Pump::Eof => {
                    self.saw_end(0, pace);
                    break;
                }
                Pump::Quiet => break,
            }
        }
        let came = &self.inbox[before..];
        if came.is_empty() {
            return None;
        }
        let recording =
            forensics::Recording { closed: Some(before), owed: 1, ..forensics::Recording::of(&self.inbox) };
        let late = forensics::examine(recording).into_iter().find(|f| f.kind == Kind::AnswerAfterClose);
        Some(late.map_or_else(
            || format!("when standard input was closed, it wrote what is no answer: {}", shorten(came)),
            |finding| finding.to_string(),
        ))
    }
}

/// A duration as a number of seconds that is no longer than need be.
fn in_seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100.0).round() / 100.0
}
