//! What went over a connection, kept for reports: bounded, whatever comes.

use std::time::{Duration, Instant};

/// Bytes on the wire, for reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    /// Since the connection was opened.
    pub at: Duration,
    /// Index of the connection within the case.
    pub session: usize,
    /// Direction and purpose.
    pub kind: WireKind,
    /// The bytes, at most [`WIRE_KEPT`].
    pub bytes: Vec<u8>,
    /// How many there were.
    pub total: usize,
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

/// Records a connection.
#[derive(Debug)]
pub(super) struct Recorder {
    opened: Instant,
    wire: Vec<Wire>,
}

impl Recorder {
    pub(super) fn new() -> Self {
        Self { opened: Instant::now(), wire: Vec::new() }
    }

    pub(super) fn take(&mut self) -> Vec<Wire> {
        std::mem::take(&mut self.wire)
    }

    pub(super) fn note(&mut self, session: usize, kind: WireKind, bytes: &[u8]) {
        // Chunks of one line that came in pieces are one stretch for a reader.
        if kind == WireKind::Received
            && let Some(last) = self.wire.last_mut()
            && last.kind == kind
            && last.session == session
            && last.bytes.last().is_some_and(|b| *b != b'\n')
        {
            let room = WIRE_KEPT.saturating_sub(last.bytes.len()).min(bytes.len());
            last.bytes.extend_from_slice(&bytes[..room]);
            last.total += bytes.len();
            return;
        }
        if self.wire.len() == WIRE_ITEMS {
            self.wire.remove(0);
        }
        let kept = bytes[..bytes.len().min(WIRE_KEPT)].to_vec();
        self.wire.push(Wire { at: self.opened.elapsed(), session, kind, bytes: kept, total: bytes.len() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_takes_little_room_whatever_its_lines_are() {
        for chunk in [vec![b'x'; 64 << 10], b"{}\n".repeat(20 << 10), b"\n".repeat(64 << 10)] {
            let mut recorder = Recorder::new();
            for _ in 0..2000 {
                recorder.note(0, WireKind::Received, &chunk);
            }
            let kept: usize = recorder.take().iter().map(|w| w.bytes.capacity()).sum();
            assert!(kept <= 2 * WIRE_ITEMS * WIRE_KEPT, "{kept} bytes");
        }
    }
}
