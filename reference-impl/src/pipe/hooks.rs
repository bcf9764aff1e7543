//! The points at which a seeded defect or a harmless variant gets into a session.
//!
//! The session calls one function per point. Without seeds each of them is an empty loop; with seeds it hands the
//! values at that point to the functions of the [`Hook`]s, which may change them. A hook sees messages, the state and
//! the [`Scene`], and nothing else; it never learns which case is being played.

use civispec_wire::json::Json;
use civispec_wire::jsonrpc::{INVALID_REQUEST, PARSE_ERROR, Request};
use civispec_wire::line::Line;

use super::methods::Outcome;
use super::permission::{Access, Ask, OptOut};
use super::state::State;

/// A line as it came from the reader.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) line: Line,
    /// Whether it ended in a line feed; a last line may not.
    pub(crate) terminated: bool,
    /// Set to pass over the line.
    pub(crate) ignored: bool,
}

/// What a line turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    TooLong,
    Garbled,
    /// Any JSON but an array.
    Single,
    /// An array of so many messages.
    Batch(usize),
}

/// One response, before it joins the reply to its line.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) message: Json,
    /// Whether it is sent; the answer to a notification is not.
    pub(crate) send: bool,
}

/// The bytes that one line brings about, in the order of their parts.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    /// What API calls printed meanwhile.
    pub(crate) noise: Vec<u8>,
    pub(crate) prefix: Vec<u8>,
    pub(crate) body: Vec<u8>,
    pub(crate) end: Vec<u8>,
    /// Whether this is the header.
    pub(crate) is_header: bool,
}

/// Where in the session a hook is called, what went before, and what it may ask of the session.
#[derive(Debug, Default)]
pub(crate) struct Scene {
    /// The position of the message in its batch; `None` outside of one.
    pub(crate) batch: Option<usize>,
    /// Whether a further complete line was already waiting when this one was taken.
    pub(crate) waiting: bool,
    pub(crate) history: History,
    /// For hooks that hold bytes back, or remember some.
    pub(crate) held: Vec<u8>,
    /// For hooks that count, or remember that something happened.
    pub(crate) count: usize,
    /// Set to end the session after the present line.
    pub(crate) quit: bool,
    /// Set on [`Received::TooLong`] to have the rest of the line read as a line of its own.
    pub(crate) keep_tail: bool,
}

/// Counts of what was answered so far, the present message excluded.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Messages of any kind.
    pub(crate) messages: usize,
    /// Messages that failed.
    pub(crate) errors: usize,
    /// Whether the last message failed.
    pub(crate) last_failed: bool,
    /// The code of the last message or line, if that failed.
    pub(crate) last_code: Option<i64>,
    /// Calls of `options`, failed ones included.
    pub(crate) options: usize,
    /// Calls of `login` that went well.
    pub(crate) logins: usize,
    /// Calls of `login` that failed.
    pub(crate) failed_logins: usize,
    /// Lines that were no JSON.
    pub(crate) garbled: usize,
    /// Lines that were too long.
    pub(crate) too_long: usize,
}

/// Declares the points: for each the variant of [`Hook`] and the function of [`Hooks`] that calls it.
macro_rules! points {
    ($($(#[$doc:meta])* $point:ident $call:ident ($($argument:ident: $type:ty),*);)*) => {
        /// A function and the point at which it is called.
        pub(crate) enum Hook {
            $($(#[$doc])* $point(fn($($type,)* &mut Scene)),)*
        }

        impl Hooks {
            $($(#[$doc])* pub(crate) fn $call(&mut self, $($argument: $type),*) {
                for hook in &self.hooks {
                    if let Hook::$point(function) = hook {
                        function($($argument,)* &mut self.scene);
                    }
                }
            })*
        }
    };
}

points! {
    /// Before the header.
    Start start(state: &mut State);
    /// The header as a value.
    Header header(header: &mut Json, state: &mut State);
    /// Bytes as one read gave them.
    Input input(bytes: &mut Vec<u8>);
    /// The line limit that the reader gets, in bytes.
    Limit limit(bytes: &mut usize);
    /// A line before it is parsed.
    Line line(incoming: &mut Incoming, state: &mut State);
    /// A message, alone or of a batch, before it is taken for a request.
    Message message(message: &mut Json, state: &mut State);
    /// A valid request before it is executed.
    Request request(request: &mut Request, state: &mut State);
    /// Whether an opt-out of permission checks counts.
    OptOut opt_out(opt_out: &OptOut, allowed: &mut bool);
    /// What the active user may reach with an API call.
    Rights rights(ask: &Ask, access: &mut Access);
    /// What came of a request, before it is made a response.
    Outcome outcome(request: &Request, outcome: &mut Outcome, state: &mut State);
    /// A response; there is no request if the message was none.
    Response run_response(request: Option<&Request>, answer: &mut Answer, state: &mut State);
    /// All that answers a line: one response, an array of them, or nothing.
    Reply run_reply(received: Received, reply: &mut Option<Json>, state: &mut State);
    /// The bytes about to be written, the header's included.
    Frame frame(frame: &mut Frame, state: &mut State);
    /// What is written when the input has ended.
    End end(output: &mut Vec<u8>);
}

/// The hooks of a session and the scene they see.
pub(crate) struct Hooks {
    hooks: Vec<&'static Hook>,
    pub(crate) scene: Scene,
}

impl Hooks {
    pub(crate) fn new(hooks: Vec<&'static Hook>) -> Self {
        Self { hooks, scene: Scene::default() }
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.hooks.is_empty()
    }

    /// Calls the hooks on a response, then counts it.
    pub(crate) fn response(
        &mut self,
        request: Option<&Request>,
        answer: &mut Answer,
        state: &mut State,
        failed: bool,
    ) {
        let code = answer.message.get("error").and_then(|error| error.get("code")?.as_i64());
        self.run_response(request, answer, state);
        let history = &mut self.scene.history;
        history.last_code = code;
        history.messages += 1;
        history.errors += usize::from(failed);
        history.last_failed = failed;
        match request.map(|request| request.method.as_str()) {
            Some("options") => history.options += 1,
            Some("login") if failed => history.failed_logins += 1,
            Some("login") => history.logins += 1,
            _ => {}
        }
    }

    /// Calls the hooks on the reply to a line, then counts the line.
    pub(crate) fn reply(&mut self, received: Received, reply: &mut Option<Json>, state: &mut State) {
        self.run_reply(received, reply, state);
        let history = &mut self.scene.history;
        let (count, code) = match received {
            Received::Garbled => (&mut history.garbled, PARSE_ERROR),
            Received::TooLong => (&mut history.too_long, INVALID_REQUEST),
            Received::Single | Received::Batch(_) => return,
        };
        history.last_code = Some(code);
        *count += 1;
        history.errors += 1;
        history.last_failed = true;
    }
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hooks").field("hooks", &self.hooks.len()).field("scene", &self.scene).finish()
    }
}
