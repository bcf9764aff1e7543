//! A server session without IO: bytes in, bytes out.
//!
//! This is the protocol from the line to the reply: what is ignored, what is refused, and how batches and
//! notifications are answered. What a method does is in the modules beside it.

use civispec_wire::json::{self, Json};
use civispec_wire::jsonrpc::{ErrorObject, INVALID_REQUEST, PARSE_ERROR, Request, Response};
use civispec_wire::line::{Line, LineReader};

use super::hooks::{Answer, Frame, Hooks, Incoming, Received};
use super::state::State;
use super::{Config, Profile, draft, flags, methods};

/// How many bytes are handed to the line reader at a time, so that its memory does not depend on the caller's chunks.
const SLICE: usize = 64 * 1024;

/// A server session. It owns everything it needs: sessions do not share state unless they share a database file.
#[derive(Debug)]
pub struct Session {
    reader: LineReader,
    state: State,
    hooks: Hooks,
    ended: bool,
}

impl Session {
    /// A session that has received nothing yet. Nothing is opened or read here.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let seeds = config.defects.iter().map(|d| d.hooks()).chain(config.variants.iter().map(|v| v.hooks()));
        let mut hooks = Hooks::new(seeds.flatten().collect());
        let mut state = State::new(config);
        hooks.start(&mut state);
        let mut session = Self { reader: LineReader::new(0), state, hooks, ended: false };
        session.apply_limit();
        session
    }

    /// The welcome header as a line, to be written before anything else.
    pub fn header(&mut self) -> Vec<u8> {
        let mut header = flags::header(&self.state);
        self.hooks.header(&mut header, &mut self.state);
        let mut frame = Frame {
            body: header.print(self.state.style).into_bytes(),
            end: b"\n".to_vec(),
            is_header: true,
            ..Frame::default()
        };
        self.hooks.frame(&mut frame, &mut self.state);
        let mut out = Vec::new();
        write(frame, &mut out);
        out
    }

    /// Takes the next bytes of the input, executes every line that is complete, in order, and appends what is to be
    /// written. How the input is cut into pieces makes no difference.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.hooks.is_empty() {
            return self.take(bytes, out);
        }
        let mut bytes = bytes.to_vec();
        self.hooks.input(&mut bytes);
        self.take(&bytes, out);
    }

    /// The input has ended: executes a last line that lacks its line feed.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        while !self.ended
            && let Some(line) = self.reader.finish()
        {
            self.line(line, false, out);
        }
        self.ended = true;
        self.hooks.end(out);
    }

    /// Whether the session is over and takes no more input.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// What is to be written to STDERR since the last call.
    pub fn take_stderr(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.state.stderr)
    }

    /// Bytes of memory that hold input. It stays within a small multiple of `bufferSize`, whatever arrives.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.reader.memory()
    }

    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for slice in bytes.chunks(SLICE) {
            if self.ended {
                return;
            }
            self.reader.push(slice);
            while !self.ended
                && let Some(line) = self.reader.next_line()
            {
                self.line(line, true, out);
            }
        }
    }

    /// Executes one line and appends its reply.
    fn line(&mut self, line: Line, terminated: bool, out: &mut Vec<u8>) {
        self.hooks.scene.waiting = self.reader.is_waiting();
        let mut incoming = Incoming { ignored: line == Line::Text(Vec::new()), line, terminated };
        self.hooks.line(&mut incoming, &mut self.state);
        if incoming.ignored {
            return;
        }
        let (received, mut reply) = match incoming.line {
            Line::TooLong { limit } => {
                let message = format!("line too long: the limit is {limit} bytes");
                (Received::TooLong, Some(refusal(INVALID_REQUEST, message)))
            }
            Line::Text(text) => match json::parse(&text) {
                // What was wrong is not quoted: the line may hold a credential.
                Err(error) => {
                    let message = format!("parse error at byte {}", error.offset);
                    (Received::Garbled, Some(refusal(PARSE_ERROR, message)))
                }
                Ok(Json::Array(messages)) => (Received::Batch(messages.len()), self.batch(messages)),
                Ok(message) => (Received::Single, self.single(message)),
            },
        };
        self.hooks.reply(received, &mut reply, &mut self.state);
        self.write_reply(reply.as_ref(), out);

        self.apply_limit();
        if std::mem::take(&mut self.hooks.scene.keep_tail) {
            self.reader.keep_tail();
        }
        self.ended |= self.hooks.scene.quit;
    }

    /// A message on a line of its own.
    fn single(&mut self, message: Json) -> Option<Json> {
        if self.state.profile == Profile::Draft
            && let Some(reply) = draft::old_notation(&message, &mut self.state)
        {
            return Some(reply);
        }
        self.message(message)
    }

    /// A batch: its messages in order, its responses in the same order, and nothing if there are none. An empty one
    /// is an invalid request.
    fn batch(&mut self, messages: Vec<Json>) -> Option<Json> {
        if messages.is_empty() {
            return Some(refusal(INVALID_REQUEST, "a batch must not be empty"));
        }
        let mut responses = Vec::new();
        for (position, message) in messages.into_iter().enumerate() {
            self.hooks.scene.batch = Some(position);
            responses.extend(self.message(message));
        }
        self.hooks.scene.batch = None;
        (!responses.is_empty()).then_some(Json::Array(responses))
    }

    /// Executes a message. Whatever is no valid request is answered, with its id where that can be read; a
    /// notification is executed and not answered.
    fn message(&mut self, mut message: Json) -> Option<Json> {
        self.hooks.message(&mut message, &mut self.state);
        let (request, id, outcome) = match Request::decode(message) {
            Ok(mut request) => {
                self.hooks.request(&mut request, &mut self.state);
                let mut outcome = methods::call(&request, &mut self.state, &mut self.hooks);
                self.hooks.outcome(&request, &mut outcome, &mut self.state);
                let id = request.id.clone();
                (Some(request), id, outcome)
            }
            Err(invalid) => {
                (None, Some(invalid.id), Err(ErrorObject::new(INVALID_REQUEST, invalid.reason.to_string())))
            }
        };
        let failed = outcome.is_err();
        let mut answer = Answer {
            send: id.is_some(),
            message: Response { id: id.unwrap_or(Json::Null), outcome }.into_json(),
        };
        self.hooks.response(request.as_ref(), &mut answer, &mut self.state, failed);
        answer.send.then_some(answer.message)
    }

    /// Appends the bytes of a reply: what API calls printed, then the prefix, the response and a line feed.
    fn write_reply(&mut self, reply: Option<&Json>, out: &mut Vec<u8>) {
        let mut frame = Frame { noise: std::mem::take(&mut self.state.noise), ..Frame::default() };
        if let Some(reply) = reply {
            frame.prefix = self.state.options.response_prefix.clone().unwrap_or_default().into_bytes();
            frame.body = reply.print(self.state.style).into_bytes();
            frame.end = b"\n".to_vec();
        }
        self.hooks.frame(&mut frame, &mut self.state);
        write(frame, out);
    }

    /// Tells the reader the limit that holds from the next line on.
    fn apply_limit(&mut self) {
        let mut limit = self.state.options.buffer_size;
        self.hooks.limit(&mut limit);
        self.reader.set_limit(limit);
    }
}

/// The response to a line that has no id.
fn refusal(code: i64, message: impl Into<String>) -> Json {
    Response { id: Json::Null, outcome: Err(ErrorObject::new(code, message)) }.into_json()
}

fn write(frame: Frame, out: &mut Vec<u8>) {
    for part in [frame.noise, frame.prefix, frame.body, frame.end] {
        out.extend_from_slice(&part);
    }
}
