//! Transcripts: the lines of a case, parsed into blocks of things to send and things to expect.
//!
//! Pure. Playing a block is the work of [`crate::exchange`], judging it that of [`crate::oracle`].

use super::pattern::Pattern;
use super::template::{self, Slot};

/// Sends followed by what is expected of them, on one connection.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Block {
    /// Index of the connection: `A:` is 0, `B:` is 1.
    pub session: usize,
    /// Line within the transcript where the block begins, from 0.
    pub line: usize,
    /// What is sent, in order.
    pub sends: Vec<Send>,
    /// What is expected, in order.
    pub wants: Vec<Want>,
}

/// Something to write.
#[derive(Debug, Clone, PartialEq)]
pub enum Send {
    /// A line; `lf` tells whether the LF is sent too.
    Text {
        /// The template as it stands in the case.
        source: String,
        /// The template, parsed.
        slots: Vec<Slot>,
        /// Whether a LF follows.
        lf: bool,
    },
    /// Bytes.
    Hex(Vec<u8>),
    /// Nothing; goes on only when the pipe was seen empty.
    Boundary,
    /// Close stdin.
    Close,
}

/// Something to expect.
#[derive(Debug, Clone, PartialEq)]
pub enum Want {
    /// One answer that matches one of the patterns.
    Answer {
        /// The alternatives.
        any_of: Vec<Pattern>,
        /// Whether members must come in the order written.
        ordered: bool,
        /// Whether the answer may be missing.
        optional: bool,
    },
    /// Answers in any order.
    Unordered(Vec<Pattern>),
    /// A line of exactly these bytes.
    Exact(Vec<Slot>),
    /// No further answer; the marker request comes next.
    Silence,
    /// The target ends with this status (`None`: any).
    Exit(Option<i32>),
    /// From here on, answers carry this prefix.
    Prefix(Option<Vec<Slot>>),
    /// What may stand before the prefix of the next answer.
    Noise(Noise),
}

/// Noise before a prefix.
#[derive(Debug, Clone, PartialEq)]
pub enum Noise {
    /// Exactly this.
    Exact(Vec<Slot>),
    /// Something.
    Some,
    /// Something or nothing.
    Any,
}

/// A mistake in a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranscriptError {
    /// Line within the transcript, from 0.
    pub line: usize,
    /// Column in bytes, from 0.
    pub column: usize,
    /// What is wrong and what was expected.
    pub what: String,
}

/// Parses a transcript into blocks.
///
/// # Errors
/// The first line that does not follow the notation.
pub fn parse(text: &str) -> Result<Vec<Block>, TranscriptError> {
    let mut blocks: Vec<Block> = Vec::new();
    for (number, line) in text.split('\n').enumerate() {
        let fail = |column: usize, what: String| TranscriptError { line: number, column, what };
        let (session, offset) = match line.get(..3) {
            Some("A: ") => (0, 3),
            Some("B: ") => (1, 3),
            _ => (0, 0),
        };
        let body = &line[offset..];
        if body.trim().is_empty() || body.starts_with('#') {
            continue;
        }
        let sends = body.starts_with('>') || body == "|";
        let fresh = blocks.last().is_none_or(|b| b.session != session || (sends && !b.wants.is_empty()));
        if fresh {
            blocks.push(Block { session, line: number, ..Block::default() });
        }
        let Some(block) = blocks.last_mut() else { continue };
        if sends {
            block.sends.push(send(body).map_err(|(c, w)| fail(offset + c, w))?);
        } else {
            want(body, &mut block.wants).map_err(|(c, w)| fail(offset + c, w))?;
        }
    }
    Ok(blocks)
}

/// Parses the expectations of a reading or a control.
///
/// # Errors
/// The first line that is no expectation.
pub fn parse_wants(text: &str) -> Result<Vec<Want>, TranscriptError> {
    let mut wants = Vec::new();
    for (number, line) in text.split('\n').enumerate() {
        let body = line.trim_end();
        if body.trim().is_empty() || body.starts_with('#') {
            continue;
        }
        want(body, &mut wants).map_err(|(column, what)| TranscriptError { line: number, column, what })?;
    }
    Ok(wants)
}

fn send(body: &str) -> Result<Send, (usize, String)> {
    if body == "|" {
        return Ok(Send::Boundary);
    }
    if body.trim_end() == ">>" {
        return Ok(Send::Close);
    }
    let text = |text: &str, at: usize, lf: bool| {
        let slots = template::parse(text).map_err(|(c, w)| (at + c, w))?;
        Ok(Send::Text { source: text.to_owned(), slots, lf })
    };
    match body {
        ">" | "> " => text("", 1, true),
        ">-" => Err((0, "expected text after '>-'".to_owned())),
        _ if body.starts_with("> ") => text(&body[2..], 2, true),
        _ if body.starts_with(">- ") => text(&body[3..], 3, false),
        _ if body.starts_with(">x ") => template::hex(&body[3..]).map(Send::Hex).map_err(|w| (3, w)),
        _ => Err((0, "expected '> TEXT', '>- TEXT', '>x HEX' or '>>'".to_owned())),
    }
}

fn want(body: &str, wants: &mut Vec<Want>) -> Result<(), (usize, String)> {
    let pattern = |at: usize| Pattern::parse(body[at..].trim_end()).map_err(|(c, w)| (at + c, w));
    let answer = |any_of, ordered, optional| Want::Answer { any_of, ordered, optional };
    if let Some(rest) = body.strip_prefix("<| ") {
        let at = body.len() - rest.len();
        return match wants.last_mut() {
            Some(Want::Answer { any_of, .. }) => {
                any_of.push(pattern(at)?);
                Ok(())
            }
            _ => Err((0, "'<|' needs a '<' line before it".to_owned())),
        };
    }
    if body.starts_with("<* ") {
        let next = pattern(3)?;
        match wants.last_mut() {
            Some(Want::Unordered(group)) => group.push(next),
            _ => wants.push(Want::Unordered(vec![next])),
        }
        return Ok(());
    }
    let next = if body.starts_with("< ") {
        answer(vec![pattern(2)?], false, false)
    } else if body.starts_with("<o ") {
        answer(vec![pattern(3)?], true, false)
    } else if body.starts_with("<? ") {
        answer(vec![pattern(3)?], false, true)
    } else if let Some(text) = body.strip_prefix("<= ") {
        Want::Exact(template::parse(text).map_err(|(c, w)| (3 + c, w))?)
    } else if body.trim_end() == "." {
        Want::Silence
    } else if let Some(status) = body.strip_prefix("! exit ") {
        match status.trim() {
            "<any>" => Want::Exit(None),
            n => Want::Exit(Some(n.parse().map_err(|_| (7, "expected a number or <any>".to_owned()))?)),
        }
    } else if let Some(text) = body.strip_prefix("% prefix ") {
        match text.trim() {
            "none" => Want::Prefix(None),
            literal => Want::Prefix(Some(string_slots(literal).map_err(|w| (9, w))?)),
        }
    } else if let Some(text) = body.strip_prefix("% noise ") {
        Want::Noise(match text.trim() {
            "<any>" => Noise::Any,
            "<filled>" => Noise::Some,
            literal => Noise::Exact(string_slots(literal).map_err(|w| (8, w))?),
        })
    } else {
        return Err((
            0,
            "unknown line; expected '>', '>-', '>x', '>>', '|', '<', '<o', '<|', '<?', '<*', '<=', '.', '! exit', \
             '% prefix', '% noise' or '#'"
                .to_owned(),
        ));
    };
    wants.push(next);
    Ok(())
}

/// A JSON string literal with variables.
fn string_slots(literal: &str) -> Result<Vec<Slot>, String> {
    match civispec_wire::json::parse(literal.as_bytes()) {
        Ok(civispec_wire::json::Json::String(text)) => template::parse_inside_string(&text),
        _ => Err("expected a JSON string in quotes".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consecutive_sends_share_a_block_and_a_send_after_an_expectation_opens_one() {
        let blocks = parse("> a\n> b\n< 1\n< 2\n> c\n.\n>>\n! exit 0\n").unwrap();
        assert_eq!(
            blocks.iter().map(|b| (b.sends.len(), b.wants.len())).collect::<Vec<_>>(),
            [(2, 2), (1, 1), (1, 1)]
        );
        assert_eq!(blocks[1].line, 4);
    }

    #[test]
    fn two_connections_are_told_apart_by_their_letters() {
        let blocks = parse("A: > a\nB: > b\nA: < 1\nB: < 2").unwrap();
        assert_eq!(blocks.iter().map(|b| b.session).collect::<Vec<_>>(), [0, 1, 0, 1]);
    }

    #[test]
    fn an_empty_line_can_be_sent_and_alternatives_belong_to_the_line_before() {
        let blocks = parse(">\n< 1\n<| 2\n").unwrap();
        assert!(matches!(&blocks[0].sends[0], Send::Text { slots, lf: true, .. } if slots.is_empty()));
        assert!(matches!(&blocks[0].wants[0], Want::Answer { any_of, .. } if any_of.len() == 2));
    }

    #[test]
    fn a_mistake_names_its_line_and_column() {
        let e = parse("> a\n< {\"x\" 1}").unwrap_err();
        assert_eq!((e.line, e.column), (1, 7));
        assert!(parse("? what").unwrap_err().what.contains("unknown line"));
        assert!(parse("<| 1").is_err());
    }
}
