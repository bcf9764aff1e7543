//! What went over a connection, kept for reports: bounded, whatever comes.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

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

/// Records a connection.
#[derive(Debug, Default)]
pub(super) struct Recorder(VecDeque<Wire>);

impl Recorder {
    pub(super) fn take(&mut self) -> Vec<Wire> {
        std::mem::take(&mut self.0).into()
    }

    /// Keeps a stretch. What the target writes is kept line by line, so that a report does not depend on how reads
    /// happened to cut it.
    pub(super) fn note(&mut self, session: usize, kind: WireKind, bytes: &[u8]) {
        if kind != WireKind::Received {
            return self.keep(session, kind, bytes);
        }
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            match self.0.back_mut() {
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
        if self.0.len() == WIRE_ITEMS {
            self.0.pop_front();
        }
        self.0.push_back(Wire {
            at: CLOCK.elapsed(),
            session,
            kind,
            bytes: bytes[..bytes.len().min(WIRE_KEPT)].to_vec(),
            total: bytes.len(),
            ends_line: bytes.ends_with(b"\n"),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_takes_little_room_whatever_its_lines_are() {
        for chunk in [vec![b'x'; 64 << 10], b"{}\n".repeat(8 << 10), [&[b'x'; 5000][..], b"\n"].concat()] {
            let mut recorder = Recorder::default();
            for _ in 0..500 {
                recorder.note(0, WireKind::Received, &chunk);
            }
            let kept: usize = recorder.take().iter().map(|w| w.bytes.capacity()).sum();
            assert!(kept <= 2 * WIRE_ITEMS * WIRE_KEPT, "{kept} bytes");
        }
    }
}
