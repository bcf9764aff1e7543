//! A session over a reader and two writers.

use std::io::{self, ErrorKind, Read, Write};

use super::{Config, Session};

/// How many bytes one read asks for.
const CHUNK: usize = 64 * 1024;

/// Runs a session until the input ends: writes the header, then answers every line, and flushes before each read that
/// may block. A reader of the output that goes away ends the session without an error.
///
/// # Errors
/// The first error of `stdin` or `stdout`, a broken pipe excepted. Errors of `stderr` are passed over: it is for
/// diagnosis only, and some clients hand out one that cannot be written.
pub fn serve(
    config: &Config,
    mut stdin: impl Read,
    mut stdout: impl Write,
    mut stderr: impl Write,
) -> io::Result<()> {
    let mut session = Session::new(config);
    let mut out = session.header();
    let mut chunk = vec![0; CHUNK];
    loop {
        let written = stdout.write_all(&out).and_then(|()| stdout.flush());
        // The session goes on whether or not anybody can be told.
        let _ = stderr.write_all(&session.take_stderr());
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            written => written?,
        }
        if session.is_ended() {
            return Ok(());
        }
        out.clear();
        match stdin.read(&mut chunk) {
            Ok(0) => session.finish(&mut out),
            Ok(length) => session.feed(&chunk[..length], &mut out),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(input: &[u8]) -> String {
        let mut out = Vec::new();
        serve(&Config::default(), input, &mut out, io::sink()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_header_comes_first_and_the_end_of_the_input_ends_the_session() {
        assert_eq!(run(b""), "{\"Civi::pipe\":{\"v\":\"5.81.0\",\"t\":\"trusted\",\"l\":[\"login\"]}}\n");
    }

    #[test]
    fn a_last_line_without_a_line_feed_is_executed() {
        let out = run(br#"{"jsonrpc":"2.0","method":"echo","params":{},"id":1}"#);
        assert!(out.ends_with("\n{\"jsonrpc\":\"2.0\",\"result\":{},\"id\":1}\n"), "{out}");
    }

    #[test]
    fn a_reader_that_went_away_is_no_error() {
        struct Broken;
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        serve(&Config::default(), io::empty(), Broken, io::sink()).unwrap();
    }

    #[test]
    fn output_is_flushed_before_every_read() {
        use std::cell::Cell;
        struct Output<'a>(&'a Cell<usize>);
        impl Write for Output<'_> {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.set(self.0.get() + bytes.len());
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                self.0.set(0);
                Ok(())
            }
        }
        struct Input<'a>(&'a Cell<usize>, usize);
        impl Read for Input<'_> {
            fn read(&mut self, chunk: &mut [u8]) -> io::Result<usize> {
                assert_eq!(self.0.get(), 0, "a read with output unflushed");
                self.1 -= 1;
                chunk[..2].copy_from_slice(b"1\n");
                Ok(if self.1 == 0 { 0 } else { 2 })
            }
        }
        let unflushed = Cell::new(0);
        serve(&Config::default(), Input(&unflushed, 5), Output(&unflushed), io::sink()).unwrap();
    }
}
