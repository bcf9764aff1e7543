//! The connections of a case: opened when first needed, closed when spent, and what they leave for the report.

use std::sync::atomic::Ordering;

use super::attempt::{Context, Play};
use crate::case::{Case, Connection, Principal};
use crate::exchange::{Conversation, OpenError, Wire, variables};
use crate::oracle::passive::Tally;

/// The connections of a case or of several cases that share them.
#[derive(Default)]
pub struct Seats {
    open: Vec<Option<Conversation>>,
    /// The options of the first connection as they were at first, if a case wanted to know.
    pub(super) defaults: Option<String>,
    served: bool,
    /// Whether connections wait for every answer without sending a marker ahead of it.
    pub(super) patient: bool,
    /// Whether some answer came only after a marker had been sent.
    pub(super) nudged: bool,
    /// The last lines that a target wrote on standard error before it was given up.
    pub(super) complaint: String,
    /// What went over connections that are gone.
    wire: Vec<Wire>,
}

impl Seats {
    /// Closes every connection; output that comes after the end is charged to `case`.
    pub fn close(&mut self, context: &Context<'_>, case: &str, tally: &mut Tally) {
        self.defaults = None;
        for mut conversation in self.open.drain(..).flatten() {
            self.wire.extend(conversation.take_wire());
            let (ended, late) = conversation.close(&context.pace);
            context.conduct.note(&ended);
            super::attempt::note_late(tally, case, &late);
        }
    }

    /// Ends a connection that is of no more use.
    pub(super) fn kill(&mut self, index: usize, context: &Context<'_>) {
        if let Some(mut conversation) = self.open.get_mut(index).and_then(Option::take) {
            self.wire.extend(conversation.take_wire());
            let ended = conversation.kill(&context.pace);
            let stderr = String::from_utf8_lossy(&ended.stderr);
            let lines: Vec<&str> = stderr.lines().filter(|l| !l.trim().is_empty()).collect();
            self.complaint = lines[lines.len().saturating_sub(3)..].join(" | ");
            context.conduct.note(&ended);
        }
        if index == 0 {
            self.defaults = None;
        }
    }

    /// Whether the first connection is open and can take another case.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.open.first().and_then(Option::as_ref).is_some_and(Conversation::is_usable)
    }

    /// Whether anything was answered on the first connection, or on the last that was in its place.
    pub(super) const fn has_served(&self) -> bool {
        self.served
    }

    /// Something was answered.
    pub(super) const fn serves(&mut self, index: usize) {
        self.served |= index == 0;
    }

    /// How many places there are.
    pub(super) const fn count(&self) -> usize {
        self.open.len()
    }

    /// An open connection.
    pub(super) fn get(&mut self, index: usize) -> Option<&mut Conversation> {
        self.open.get_mut(index).and_then(Option::as_mut)
    }

    /// How the target of a connection ended although nobody asked it to.
    pub(super) fn broke_off(&self, index: usize) -> Option<String> {
        self.open.get(index)?.as_ref()?.broke_off()
    }

    /// The connection at a place, opened and logged in if need be.
    pub(super) fn seat(
        &mut self,
        index: usize,
        connection: &Connection,
        context: &Context<'_>,
        case: &Case,
    ) -> Result<&mut Conversation, Play> {
        while self.open.len() <= index {
            self.open.push(None);
        }
        if self.open[index].as_ref().is_none_or(|c| !c.is_usable()) {
            self.kill(index, context);
            if index == 0 {
                self.served = false;
            }
            let argv = context
                .launcher
                .arguments(&connection.flags, context.default_flags)
                .map_err(Play::OurFault)?;
            context.sessions.fetch_add(1, Ordering::Relaxed);
            let opened = Conversation::open(&argv, context.launcher, &context.pace);
            let mut conversation = opened.map_err(|e| {
                if let OpenError::NoHeader { ended, .. } = &e {
                    context.conduct.note(ended);
                }
                Play::NotOpen(e)
            })?;
            conversation.be_patient(self.patient);
            self.open[index] = Some(conversation);
            if let Some(principal) = connection.login
                && let Err(play) = self.log_in(index, principal, context, case)
            {
                self.kill(index, context);
                return Err(play);
            }
        }
        self.open[index].as_mut().ok_or_else(|| Play::OurFault("a connection vanished".to_owned()))
    }

    fn log_in(
        &mut self,
        index: usize,
        principal: Principal,
        context: &Context<'_>,
        case: &Case,
    ) -> Result<(), Play> {
        let Some(conversation) = self.get(index) else { return Ok(()) };
        let name = match principal {
            Principal::Cred => "cred",
            Principal::ContactId => "contactId",
            Principal::UserId => "userId",
            Principal::User => "user",
        };
        let mut vars = variables(context.seed, &case.id, u64::MAX, context.declared);
        let value = vars.get(&format!("@{name}"));
        let line = format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"login\",\"params\":{{\"{name}\":{value}}},\"id\":\"{{token}}\"}}"
        );
        match conversation.request(&line, &vars, &context.pace).map_err(Play::Dead)? {
            Some(answer) if answer.get("result").is_some() => Ok(()),
            Some(answer) => {
                Err(Play::NoSetup(format!("the login by {name} that precedes the case failed: {answer}")))
            }
            None => Err(Play::NoSetup(format!(
                "the answer to the login by {name} that precedes the case is no JSON"
            ))),
        }
    }

    /// What went over all connections since the last call, those included that are gone.
    pub(super) fn take_wire(&mut self) -> Vec<Wire> {
        let mut wire = std::mem::take(&mut self.wire);
        wire.extend(self.open.iter_mut().flatten().flat_map(Conversation::take_wire));
        wire
    }
}
