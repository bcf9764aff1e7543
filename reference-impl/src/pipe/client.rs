//! A client that survives a noisy server: it honours `responsePrefix`, skips what is no answer to its request, and
//! gives up in time.
//!
//! Reading and writing happen on two threads of their own, so that neither a server that does not answer nor one that
//! does not read can hold a call beyond its timeout. STDERR of a server is not looked at.

use std::io::{self, ErrorKind, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use civispec_wire::json::{self, Json, object};
use civispec_wire::jsonrpc::{ErrorObject, Request, Response};
use civispec_wire::line::{Line, LineReader};

/// How many bytes one read asks for.
const CHUNK: usize = 64 * 1024;

/// How many chunks may wait to be looked at. A server that floods its output is held back beyond that.
const CHUNKS: usize = 16;

/// How a client deals with its server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long the header and each call may take.
    pub timeout: Duration,
    /// The longest line to accept, in bytes without its line feed.
    pub max_line: usize,
}

impl Default for Settings {
    /// 30 seconds and 64 MiB.
    fn default() -> Self {
        Self { timeout: Duration::from_secs(30), max_line: 64 * 1024 * 1024 }
    }
}

/// Why a call brought no result.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server answered with an error.
    #[error("the server refused: {0}")]
    Refused(#[source] ErrorObject),
    /// The time was up. A later answer will be skipped.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The server closed its output.
    #[error("the server ended the session")]
    Ended,
    /// The server wrote a line beyond [`Settings::max_line`].
    #[error("a line of the server exceeds {0} bytes")]
    LineTooLong(usize),
    /// The prefix is empty or holds a line feed.
    #[error("a response prefix must be a non-empty string without a line feed")]
    BadPrefix,
    /// The server could not be started, read or written.
    #[error("the connection failed")]
    Io(#[from] io::Error),
}

/// What the threads report.
enum Event {
    Bytes(Vec<u8>),
    Ended,
    Failed(io::Error),
}

/// A connection to a server. It sends one request at a time, with the ids 1, 2, 3 and so on.
#[derive(Debug)]
pub struct Client {
    settings: Settings,
    header: Json,
    /// `None` once the input of the server is closed.
    requests: Option<Sender<Vec<u8>>>,
    events: Receiver<Event>,
    ended: bool,
    lines: LineReader,
    prefix: Option<String>,
    last_id: i64,
    skipped: usize,
    child: Option<Child>,
}

impl Client {
    /// Starts a server and reads its header. Its STDERR goes nowhere.
    ///
    /// # Errors
    /// When it cannot be started, or brings no header in time.
    pub fn spawn(command: &mut Command, settings: Settings) -> Result<Self, ClientError> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let (Some(stdout), Some(stdin)) = (child.stdout.take(), child.stdin.take()) else {
            return Err(ClientError::Ended);
        };
        let mut client = Self::unconnected(stdout, stdin, settings);
        // From here on the child is ended with the client, also when there is no header.
        client.child = Some(child);
        client.read_header()?;
        Ok(client)
    }

    /// Takes over the two ends of a connection and reads the header. The threads that serve them end when the streams
    /// do.
    ///
    /// # Errors
    /// When there is no header in time.
    pub fn connect(
        from_server: impl Read + Send + 'static,
        to_server: impl Write + Send + 'static,
        settings: Settings,
    ) -> Result<Self, ClientError> {
        let mut client = Self::unconnected(from_server, to_server, settings);
        client.read_header()?;
        Ok(client)
    }

    fn unconnected(
        from_server: impl Read + Send + 'static,
        to_server: impl Write + Send + 'static,
        settings: Settings,
    ) -> Self {
        let (event, events) = mpsc::sync_channel(CHUNKS);
        let (requests, lines) = mpsc::channel();
        let failed = event.clone();
        thread::spawn(move || read(from_server, &event));
        thread::spawn(move || write(to_server, &lines, &failed));
        Self {
            lines: LineReader::new(settings.max_line),
            settings,
            header: Json::Null,
            requests: Some(requests),
            events,
            ended: false,
            prefix: None,
            last_id: 0,
            skipped: 0,
            child: None,
        }
    }

    /// What the server reported about itself: the member `Civi::pipe` of its header.
    #[must_use]
    pub fn header(&self) -> &Json {
        &self.header
    }

    /// How many lines were skipped so far because they were no answer.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Calls a method and waits for its result. An error without an id counts as the answer, because a server that
    /// could not read the request cannot name it.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the error of the server; the others when there is no answer.
    pub fn call(&mut self, method: &str, params: Option<Json>) -> Result<Json, ClientError> {
        let prefix = self.prefix.clone();
        self.exchange(method, params, |line| match &prefix {
            None => vec![line],
            Some(prefix) => after_prefix(line, prefix.as_bytes()),
        })
    }

    /// Sends a notification, which is not answered.
    ///
    /// # Errors
    /// When the session is over.
    pub fn notify(&mut self, method: &str, params: Option<Json>) -> Result<(), ClientError> {
        self.send(Request { method: method.to_owned(), params, id: None })
    }

    /// Has the server put this prefix before its responses, and from then on takes nothing for a response that has
    /// not got it. Noise that is glued to a response is told apart that way.
    ///
    /// # Errors
    /// As [`call`](Self::call), and [`ClientError::BadPrefix`]; the former prefix stays then.
    pub fn set_prefix(&mut self, prefix: &str) -> Result<(), ClientError> {
        if prefix.is_empty() || prefix.contains('\n') {
            return Err(ClientError::BadPrefix);
        }
        let former = self.prefix.clone();
        self.exchange("options", Some(object([("responsePrefix", prefix.into())])), |line| {
            // Servers differ in whether the answer to this very call has the new prefix, the former one, or none.
            let mut texts = after_prefix(line, prefix.as_bytes());
            texts.extend(former.iter().flat_map(|former| after_prefix(line, former.as_bytes())));
            texts.push(line);
            texts
        })?;
        self.prefix = Some(prefix.to_owned());
        Ok(())
    }

    /// Closes the input of the server and waits for it to end its output. A child process is waited for, or killed if
    /// it does not end its output in time; its exit status is returned.
    ///
    /// # Errors
    /// [`ClientError::TimedOut`] if the server goes on.
    pub fn close(mut self) -> Result<Option<ExitStatus>, ClientError> {
        self.requests = None;
        let deadline = Instant::now() + self.settings.timeout;
        while !self.ended {
            match self.next_line(deadline) {
                Ok(_) | Err(ClientError::LineTooLong(_)) => self.skipped += 1,
                Err(ClientError::Ended) => break,
                Err(error) => return Err(error),
            }
        }
        match self.child.take() {
            Some(mut child) => Ok(Some(child.wait()?)),
            None => Ok(None),
        }
    }

    fn read_header(&mut self) -> Result<(), ClientError> {
        let deadline = Instant::now() + self.settings.timeout;
        loop {
            let line = self.next_line(deadline)?;
            if let Some(welcome) =
                json::parse(&line).ok().and_then(|header| header.get("Civi::pipe").cloned())
            {
                self.header = welcome;
                return Ok(());
            }
            self.skipped += 1;
        }
    }

    /// Sends a request and reads lines until one of the texts in a line is its response.
    fn exchange(
        &mut self,
        method: &str,
        params: Option<Json>,
        texts: impl Fn(&[u8]) -> Vec<&[u8]>,
    ) -> Result<Json, ClientError> {
        self.last_id += 1;
        let id = Json::from(self.last_id);
        let deadline = Instant::now() + self.settings.timeout;
        self.send(Request { method: method.to_owned(), params, id: Some(id.clone()) })?;
        loop {
            let line = self.next_line(deadline)?;
            let response = texts(&line).into_iter().find_map(|text| {
                let response = Response::decode(&json::parse(text).ok()?).ok()?;
                let nameless = response.id == Json::Null && response.outcome.is_err();
                (nameless || response.id.same_value(&id)).then_some(response)
            });
            if let Some(response) = response {
                return response.outcome.map_err(ClientError::Refused);
            }
            self.skipped += 1;
        }
    }

    fn send(&self, request: Request) -> Result<(), ClientError> {
        let mut line = request.to_json().to_string().into_bytes();
        line.push(b'\n');
        self.requests.as_ref().and_then(|requests| requests.send(line).ok()).ok_or(ClientError::Ended)
    }

    /// The next line of the server, a last one without its line feed included.
    fn next_line(&mut self, deadline: Instant) -> Result<Vec<u8>, ClientError> {
        loop {
            let line = if self.ended { self.lines.finish() } else { self.lines.next_line() };
            match line {
                Some(Line::Text(text)) => return Ok(text),
                Some(Line::TooLong { limit }) => return Err(ClientError::LineTooLong(limit)),
                None if self.ended => return Err(ClientError::Ended),
                None => {}
            }
            match self.events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Event::Bytes(bytes)) => self.lines.push(&bytes),
                Ok(Event::Ended) | Err(RecvTimeoutError::Disconnected) => self.ended = true,
                Ok(Event::Failed(error)) => return Err(error.into()),
                Err(RecvTimeoutError::Timeout) => return Err(ClientError::TimedOut(self.settings.timeout)),
            }
        }
    }
}

impl Drop for Client {
    /// A child process does not outlive its client.
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself, and then there is nothing to do.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What follows each occurrence of the prefix. Noise may contain the prefix too, so none of them is sure to be the
/// response.
fn after_prefix<'a>(line: &'a [u8], prefix: &[u8]) -> Vec<&'a [u8]> {
    let places = line.windows(prefix.len()).enumerate().filter(|(_, window)| *window == prefix);
    places.map(|(place, _)| &line[place + prefix.len()..]).collect()
}

fn read(mut from_server: impl Read, events: &SyncSender<Event>) {
    let mut chunk = vec![0; CHUNK];
    loop {
        let event = match from_server.read(&mut chunk) {
            Ok(0) => Event::Ended,
            Ok(length) => Event::Bytes(chunk[..length].to_vec()),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => Event::Failed(error),
        };
        let last = !matches!(event, Event::Bytes(_));
        // Nobody listens once the client is gone.
        if events.send(event).is_err() || last {
            return;
        }
    }
}

fn write(mut to_server: impl Write, requests: &Receiver<Vec<u8>>, events: &SyncSender<Event>) {
    for request in requests {
        match to_server.write_all(&request).and_then(|()| to_server.flush()) {
            Ok(()) => {}
            // The server is gone; the end of its output tells so, after what it still had to say.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return,
            Err(error) => {
                let _ = events.send(Event::Failed(error));
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipe::{Config, serve};
    use civispec_wire::jsonrpc::METHOD_NOT_FOUND;

    fn settings() -> Settings {
        Settings { timeout: Duration::from_secs(20), ..Settings::default() }
    }

    /// A client of the reference server.
    fn client() -> Client {
        let (server_in, to_server) = io::pipe().unwrap();
        let (from_server, server_out) = io::pipe().unwrap();
        thread::spawn(move || serve(&Config::default(), server_in, server_out, io::sink()));
        Client::connect(from_server, to_server, settings()).unwrap()
    }

    /// A client of a server that says this, whatever it is asked.
    fn client_of(output: &[u8]) -> Result<Client, ClientError> {
        Client::connect(io::Cursor::new(output.to_vec()), io::sink(), settings())
    }

    fn api4(entity: &str, action: &str, params: Json) -> Option<Json> {
        Some(Json::Array(vec![entity.into(), action.into(), params]))
    }

    #[test]
    fn calls_bring_results_and_errors() {
        let mut client = client();
        assert_eq!(client.header().get("t"), Some(&Json::from("trusted")));
        let hello = Json::Array(vec!["hello".into()]);
        client.notify("echo", None).unwrap();
        assert_eq!(client.call("echo", Some(hello.clone())).unwrap(), hello);
        match client.call("no-such-method", None).unwrap_err() {
            ClientError::Refused(error) => assert_eq!(error.code, METHOD_NOT_FOUND),
            other => panic!("{other}"),
        }
        assert!(client.close().unwrap().is_none());
    }

    #[test]
    fn noise_on_lines_of_its_own_is_skipped_without_a_prefix() {
        let mut client = client();
        let forged = r#"{"jsonrpc":"2.0","result":"forged","id":99}"#;
        let noise = object([("text", format!("a\n\n{forged}\n").as_str().into())]);
        assert_eq!(client.call("api4", api4("Noise", "echo", noise)).unwrap().to_string(), r#"[{"ok":1}]"#);
        assert_eq!(client.skipped(), 3);
    }

    #[test]
    fn noise_glued_to_a_response_is_skipped_with_a_prefix() {
        let mut client = client();
        for prefix in ["\u{1}\u{1}", "{", "é"] {
            client.set_prefix(prefix).unwrap();
            for noise in ["noise", prefix, "{\"jsonrpc\":", "x\u{1}\u{1}{}"] {
                let params = object([("text", noise.into())]);
                let result = client.call("api4", api4("Noise", "partial", params)).unwrap();
                assert_eq!(result.to_string(), r#"[{"ok":1}]"#, "{prefix:?} {noise:?}");
            }
        }
        assert!(matches!(client.set_prefix("a\nb"), Err(ClientError::BadPrefix)));
        assert!(matches!(client.set_prefix(""), Err(ClientError::BadPrefix)));
    }

    #[test]
    fn noise_before_the_header_is_skipped_and_a_missing_header_is_told() {
        let client = client_of(b"Warning: x\n{}\n{\"Civi::pipe\":{\"v\":\"1\"}}\n").unwrap();
        assert_eq!((client.header().get("v"), client.skipped()), (Some(&Json::from("1")), 2));
        assert!(matches!(client_of(b"Warning: x\n"), Err(ClientError::Ended)));
    }

    #[test]
    fn an_error_without_an_id_answers_the_call() {
        let error = r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"parse error"},"id":null}"#;
        let mut client = client_of(format!("{{\"Civi::pipe\":[]}}\n{error}\n").as_bytes()).unwrap();
        assert!(matches!(client.call("echo", None), Err(ClientError::Refused(e)) if e.code == -32700));
        assert!(matches!(client.call("echo", None), Err(ClientError::Ended)));
    }

    #[test]
    fn a_server_that_is_silent_or_does_not_read_runs_out_of_time() {
        let (server_in, to_server) = io::pipe().unwrap();
        let (from_server, mut server_out) = io::pipe().unwrap();
        server_out.write_all(b"{\"Civi::pipe\":{}}\n").unwrap();
        let settings = Settings { timeout: Duration::from_millis(50), ..Settings::default() };
        let mut client = Client::connect(from_server, to_server, settings).unwrap();
        // More than a pipe holds.
        let long = Json::Array(vec!["x".repeat(1 << 20).as_str().into()]);
        assert!(matches!(client.call("echo", Some(long)), Err(ClientError::TimedOut(_))));
        assert!(matches!(client.call("echo", None), Err(ClientError::TimedOut(_))));
        // A late answer to the first call is not taken for one to the third.
        let answers = [1, 2, 3].map(|id| format!("{{\"jsonrpc\":\"2.0\",\"result\":{id},\"id\":{id}}}\n"));
        server_out.write_all(answers.concat().as_bytes()).unwrap();
        assert_eq!(client.call("echo", None).unwrap(), Json::from(3));
        drop(server_in);
    }

    #[test]
    fn a_line_beyond_the_limit_is_told() {
        let settings = Settings { max_line: 40, ..settings() };
        let output = [b"{\"Civi::pipe\":{}}\n".to_vec(), vec![b'x'; 100]].concat();
        let mut client = Client::connect(io::Cursor::new(output), io::sink(), settings).unwrap();
        assert!(matches!(client.call("echo", None), Err(ClientError::LineTooLong(40))));
    }

    #[test]
    fn a_command_is_started_and_ended() {
        let impatient = Settings { timeout: Duration::from_millis(50), ..Settings::default() };
        // It says nothing unless it is asked something.
        assert!(matches!(Client::spawn(&mut Command::new("cat"), impatient), Err(ClientError::TimedOut(_))));
        let mut command = Command::new("printf");
        let client = Client::spawn(command.arg("{\"Civi::pipe\":{}}\\n"), settings()).unwrap();
        assert!(client.close().unwrap().unwrap().success());
        assert!(matches!(
            Client::spawn(&mut Command::new("/no/such/command"), settings()),
            Err(ClientError::Io(_))
        ));
    }
}
