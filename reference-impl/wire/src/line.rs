//! Bytes to lines, in bounded memory.
//!
//! The reader sees chunks as they happen to arrive and gives the same lines however they were cut. It knows nothing
//! of what a line means: empty lines, carriage returns and bad UTF-8 are passed on as they are.

/// One line, without its line feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// The bytes before the line feed, or before the end of the stream.
    Text(Vec<u8>),
    /// A line of more than `limit` bytes. It is reported once, as soon as it exceeds the limit; its bytes are gone.
    TooLong {
        /// The limit that was exceeded, in bytes without the line feed.
        limit: usize,
    },
}

/// Cuts a stream of bytes into [`Line`]s. Only `\n` ends a line.
///
/// After `next_line` has returned `None`, at most `limit` bytes are held, so whoever drains the reader after every
/// push needs memory for the limit and one chunk, whatever arrives.
#[derive(Debug, Clone)]
pub struct LineReader {
    limit: usize,
    buffer: Vec<u8>,
    /// Where the unread bytes of `buffer` begin.
    start: usize,
    /// How far `buffer` is known to hold no line feed, so that a line is not searched again for every chunk.
    scanned: usize,
    /// Whether the bytes up to the next line feed belong to a line that was already reported as too long.
    skipping: bool,
}

impl LineReader {
    /// A reader of lines of at most `limit` bytes, not counting the line feed.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, buffer: Vec::new(), start: 0, scanned: 0, skipping: false }
    }

    /// Sets the limit for the lines that [`next_line`](Self::next_line) has not yet returned, those that are already
    /// in the buffer included.
    pub fn set_limit(&mut self, limit: usize) {
        if limit < self.limit {
            self.compact();
            self.buffer.shrink_to(limit);
        }
        self.limit = limit;
    }

    /// Adds bytes to the end of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.compact();
        self.buffer.extend_from_slice(bytes);
    }

    /// The next line, if it is complete or already too long.
    pub fn next_line(&mut self) -> Option<Line> {
        if self.skipping {
            let Some(end) = find_line_feed(&self.buffer, self.start) else {
                self.buffer.clear();
                self.start = 0;
                self.scanned = 0;
                return None;
            };
            self.start = end + 1;
            self.skipping = false;
        }
        let end = find_line_feed(&self.buffer, self.start.max(self.scanned));
        let length = end.unwrap_or(self.buffer.len()) - self.start;
        if length > self.limit {
            // At least one byte goes, or keep_tail would report an endless row of lines under a limit of 0.
            self.start += self.limit.max(1);
            self.scanned = self.start;
            self.skipping = true;
            return Some(Line::TooLong { limit: self.limit });
        }
        match end {
            Some(end) => {
                let text = self.buffer[self.start..end].to_vec();
                self.start = end + 1;
                Some(Line::Text(text))
            }
            None => {
                self.scanned = self.buffer.len();
                None
            }
        }
    }

    /// What is left when the stream has ended: first the complete lines, then a last one without its line feed if it
    /// has any bytes. Call until it returns `None`; the reader is empty then.
    pub fn finish(&mut self) -> Option<Line> {
        if let Some(line) = self.next_line() {
            return Some(line);
        }
        self.skipping = false;
        self.compact();
        self.scanned = 0;
        let rest = std::mem::take(&mut self.buffer);
        (!rest.is_empty()).then_some(Line::Text(rest))
    }

    /// Takes what follows the first `limit` bytes of the line just reported as [`Line::TooLong`] for a line of its
    /// own. This is what a reader with a fixed buffer does; no correct peer wants it.
    pub fn keep_tail(&mut self) {
        self.skipping = false;
    }

    /// Whether a further complete line is waiting in the buffer.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.buffer[self.start..].contains(&b'\n')
    }

    /// Bytes of memory that the reader occupies.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.buffer.capacity()
    }

    /// Moves the unread bytes to the front of the buffer.
    fn compact(&mut self) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.scanned = self.scanned.saturating_sub(self.start);
            self.start = 0;
        }
    }
}

/// Where the first line feed at or after `from` stands.
fn find_line_feed(bytes: &[u8], from: usize) -> Option<usize> {
    bytes[from..].iter().position(|b| *b == b'\n').map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(s: &str) -> Line {
        Line::Text(s.as_bytes().to_vec())
    }

    fn lines(limit: usize, chunks: &[&[u8]]) -> Vec<Line> {
        let mut reader = LineReader::new(limit);
        let mut lines = Vec::new();
        for chunk in chunks {
            reader.push(chunk);
            lines.extend(std::iter::from_fn(|| reader.next_line()));
        }
        lines.extend(std::iter::from_fn(|| reader.finish()));
        lines
    }

    #[test]
    fn only_a_line_feed_ends_a_line() {
        assert_eq!(
            lines(99, &["a\rb\r\n\u{2028}\u{85}\0\n\nend".as_bytes()]),
            [text("a\rb\r"), text("\u{2028}\u{85}\0"), text(""), text("end")]
        );
    }

    #[test]
    fn the_limit_counts_the_bytes_before_the_line_feed() {
        assert_eq!(lines(3, &[b"abc\nabcd\nx\n"]), [text("abc"), Line::TooLong { limit: 3 }, text("x")]);
        assert_eq!(lines(3, &[b"abc"]), [text("abc")]);
        assert_eq!(lines(3, &[b"abcd"]), [Line::TooLong { limit: 3 }]);
        assert_eq!(lines(0, &[b"\nab\n\n"]), [text(""), Line::TooLong { limit: 0 }, text("")]);
    }

    #[test]
    fn an_over_long_line_is_reported_before_its_end_and_only_once() {
        let mut reader = LineReader::new(2);
        reader.push(b"abc");
        assert_eq!(reader.next_line(), Some(Line::TooLong { limit: 2 }));
        assert_eq!(reader.next_line(), None);
        reader.push(b"defghi\nok");
        assert_eq!(reader.next_line(), None);
        assert_eq!(reader.finish(), Some(text("ok")));
        assert_eq!(reader.finish(), None);
    }

    #[test]
    fn a_new_limit_holds_from_the_next_line_on() {
        let mut reader = LineReader::new(8);
        reader.push(b"12345678\n12345678\n1234\n12345\n");
        assert_eq!(reader.next_line(), Some(text("12345678")));
        reader.set_limit(4);
        assert_eq!(reader.next_line(), Some(Line::TooLong { limit: 4 }));
        assert_eq!(reader.next_line(), Some(text("1234")));
        reader.set_limit(5);
        assert!(reader.is_waiting());
        assert_eq!(reader.next_line(), Some(text("12345")));
        assert!(!reader.is_waiting());
    }

    #[test]
    fn a_limit_raised_in_the_middle_of_a_line_still_lets_it_pass() {
        let mut reader = LineReader::new(4);
        reader.push(b"1234");
        assert_eq!(reader.next_line(), None);
        reader.set_limit(6);
        reader.push(b"56\n");
        assert_eq!(reader.next_line(), Some(text("123456")));
    }

    #[test]
    fn a_kept_tail_is_read_as_a_line_of_its_own() {
        let mut reader = LineReader::new(4);
        reader.push(b"1234ab\n");
        assert_eq!(reader.next_line(), Some(Line::TooLong { limit: 4 }));
        reader.keep_tail();
        assert_eq!(reader.next_line(), Some(text("ab")));
        assert_eq!(reader.next_line(), None);
    }

    proptest! {
        #[test]
        fn any_split_of_the_bytes_gives_the_same_lines(
            bytes in prop::collection::vec(prop::sample::select(b"ab\r\n\0\xff".to_vec()), 0..60),
            cuts in prop::collection::vec(0usize..60, 0..10),
            limit in 0usize..8,
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
            let split = lines(limit, &chunks);
            prop_assert_eq!(&split, &lines(limit, &[&bytes]));

            // The second witness: what the definition of a line says.
            let mut wanted: Vec<&[u8]> = bytes.split(|b| *b == b'\n').collect();
            if wanted.last().is_some_and(|last| last.is_empty()) {
                wanted.pop();
            }
            let wanted: Vec<Line> = wanted
                .into_iter()
                .map(|l| if l.len() > limit { Line::TooLong { limit } } else { Line::Text(l.to_vec()) })
                .collect();
            prop_assert_eq!(split, wanted);
        }

        #[test]
        fn memory_is_bounded_by_the_limit_and_the_chunk(
            limit in 0usize..4096,
            sizes in prop::collection::vec(1usize..2048, 1..200),
            feed in prop::bool::weighted(0.05),
        ) {
            let mut reader = LineReader::new(limit);
            let mut chunk = vec![b'x'; 2048];
            if feed {
                chunk[1000] = b'\n';
            }
            for size in sizes {
                reader.push(&chunk[..size]);
                while reader.next_line().is_some() {}
                // A Vec may reserve twice what it was asked for.
                prop_assert!(reader.memory() <= 2 * (limit + 2048), "{}", reader.memory());
            }
        }
    }
}
