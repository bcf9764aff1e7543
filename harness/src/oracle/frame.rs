//! Cuts raw output into answers: lines, or whatever follows the response prefix when one is set.

/// Walks over raw output and hands out one answer after the other.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    raw: &'a [u8],
    at: usize,
    complete: bool,
}

/// One answer as it stood in the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What stood before the prefix; empty where no prefix is set.
    pub noise: &'a [u8],
    /// The answer itself, without prefix and LF.
    pub line: &'a [u8],
    /// Whether the prefix that should stand before it is missing.
    pub prefix_missing: bool,
    /// Whether a LF ended it.
    pub terminated: bool,
    /// Offset of `noise` in the raw output.
    pub offset: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor at the start of `raw`. `complete` tells that no more output will follow.
    #[must_use]
    pub const fn new(raw: &'a [u8], complete: bool) -> Self {
        Self { raw, at: 0, complete }
    }

    /// How far the cursor has come.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.at
    }

    /// The next answer under the given prefix, or nothing when the output so far does not hold one.
    pub fn next(&mut self, prefix: Option<&[u8]>) -> Option<Frame<'a>> {
        let rest = &self.raw[self.at..];
        if rest.is_empty() {
            return None;
        }
        let prefix = prefix.filter(|p| !p.is_empty());
        let (noise, body, missing) = match prefix {
            None => (0, 0, false),
            Some(prefix) => match find(rest, prefix) {
                Some(i) => (i, i + prefix.len(), false),
                // Without the prefix it may still be on its way.
                None if self.complete => (0, 0, true),
                None => return None,
            },
        };
        let (end, terminated) = match rest[body..].iter().position(|b| *b == b'\n') {
            Some(i) => (body + i, true),
            None if self.complete => (rest.len(), false),
            None => return None,
        };
        let frame = Frame {
            noise: &rest[..noise],
            line: &rest[body..end],
            prefix_missing: missing,
            terminated,
            offset: self.at,
        };
        self.at += end + usize::from(terminated);
        Some(frame)
    }
}

/// Position of the first occurrence of `needle`.
#[must_use]
pub fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(i) = hay[from..].iter().position(|b| *b == first) {
        let at = from + i;
        if hay[at..].starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// Position of the last occurrence of `needle`.
#[must_use]
pub fn rfind(hay: &[u8], needle: &[u8]) -> Option<usize> {
    (0..=hay.len().checked_sub(needle.len())?).rev().find(|&i| hay[i..].starts_with(needle))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn without_a_prefix_every_line_is_an_answer() {
        let mut c = Cursor::new(b"a\n\nb", true);
        assert_eq!(c.next(None).unwrap().line, b"a");
        assert_eq!(c.next(None).unwrap().line, b"");
        let last = c.next(None).unwrap();
        assert_eq!((last.line, last.terminated), (&b"b"[..], false));
        assert!(c.next(None).is_none());
        assert!(Cursor::new(b"half", false).next(None).is_none());
    }

    #[test]
    fn a_prefix_separates_noise_from_answers_even_when_glued_or_with_a_newline_in_it() {
        let mut c = Cursor::new(b"noise\nglued\n@@{}\n", true);
        let frame = c.next(Some(b"\n@@")).unwrap();
        assert_eq!((frame.noise, frame.line), (&b"noise\nglued"[..], &b"{}"[..]));
        assert!(Cursor::new(b"{}\n", true).next(Some(b"@@")).unwrap().prefix_missing);
    }

    proptest! {
        #[test]
        fn noise_that_does_not_hold_the_prefix_never_hides_an_answer(
            noise in proptest::collection::vec(any::<u8>(), 0..60),
            answers in proptest::collection::vec("[a-z0-9{}\":]{0,20}", 1..4),
        ) {
            let prefix = b"\x01\x02\x01";
            prop_assume!(find(&[noise.as_slice(), prefix].concat(), prefix) == Some(noise.len()));
            let mut raw = Vec::new();
            for answer in &answers {
                raw.extend_from_slice(&noise);
                raw.extend_from_slice(prefix);
                raw.extend_from_slice(answer.as_bytes());
                raw.push(b'\n');
            }
            let mut cursor = Cursor::new(&raw, false);
            for answer in &answers {
                let frame = cursor.next(Some(prefix)).unwrap();
                prop_assert_eq!((frame.noise, frame.line), (noise.as_slice(), answer.as_bytes()));
            }
        }
    }
}
