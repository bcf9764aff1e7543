//! How output is looked at while it comes, so that a flood of it costs little time.

use crate::oracle::frame::find;
use crate::target::child::CHUNK;

/// Looks for the answer that carries a token, and looks at no byte twice.
pub(super) struct Search {
    token: String,
    seen: usize,
}

impl Search {
    pub(super) const fn new(token: String) -> Self {
        Self { token, seen: 0 }
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Where the token stands, and where its line ends.
    pub(super) fn line(&mut self, inbox: &[u8]) -> Option<(usize, usize)> {
        let from = self.seen.saturating_sub(self.token.len()).min(inbox.len());
        match find(&inbox[from..], self.token.as_bytes()) {
            None => {
                self.seen = inbox.len();
                None
            }
            Some(i) => {
                let at = from + i;
                self.seen = at;
                inbox[at..].iter().position(|b| *b == b'\n').map(|i| (at, at + i + 1))
            }
        }
    }
}

/// When output is worth being judged: always while it is short, later each time that it has doubled or paused.
#[derive(Default)]
pub(super) struct Stock {
    judged: usize,
    /// A pause has come.
    pub(super) paused: bool,
}

impl Stock {
    /// Whether to judge now; if so, that is taken as done.
    pub(super) const fn is_due(&mut self, length: usize) -> bool {
        let due = length <= CHUNK || length >= 2 * self.judged || self.paused;
        if due {
            self.judged = length;
            self.paused = false;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_however_the_output_was_cut() {
        let output = b"noise\n{\"id\":\"token\"}\nmore";
        for cut in 0..output.len() {
            let mut search = Search::new("token".to_owned());
            let early = search.line(&output[..cut]);
            assert_eq!(early.or_else(|| search.line(output)), Some((13, 21)), "{cut}");
        }
    }

    #[test]
    fn long_output_is_judged_each_time_that_it_has_doubled_or_paused() {
        let mut stock = Stock::default();
        assert!(stock.is_due(10) && stock.is_due(11), "short output always");
        assert!(stock.is_due(3 * CHUNK) && !stock.is_due(4 * CHUNK) && stock.is_due(6 * CHUNK));
        stock.paused = true;
        assert!(stock.is_due(6 * CHUNK + 1) && !stock.is_due(6 * CHUNK + 2));
    }
}
