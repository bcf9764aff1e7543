//! A line that shows a failure again without this tool: `printf … | command`.

use std::ffi::OsString;

use crate::event::CaseResult;
use crate::exchange::WireKind;

/// A command as a shell would need it.
#[must_use]
pub fn command_line(argv: &[OsString]) -> String {
    argv.iter().map(|a| quote(&a.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

/// Quotes a word for a POSIX shell, where it needs quotes.
#[must_use]
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// The reproduce lines of a case, one for each of its connections.
#[must_use]
pub fn lines(case: &CaseResult) -> Vec<String> {
    case.commands
        .iter()
        .enumerate()
        .filter_map(|(session, argv)| {
            let command = argv.iter().map(|a| quote(a)).collect::<Vec<_>>().join(" ");
            let pieces: Vec<(&[u8], usize)> = case
                .wire
                .iter()
                .filter(|w| w.session == session && matches!(w.kind, WireKind::Sent | WireKind::Setup))
                .map(|w| (w.bytes.as_slice(), w.total))
                .collect();
            if case.wire.is_empty() {
                return None;
            }
            if pieces.iter().any(|(bytes, total)| bytes.len() < *total) {
                return Some(format!("{}   # a line is too long to print here", case.rerun));
            }
            // Writes that came apart stay apart; whole lines need no pause.
            let apart =
                pieces.iter().rev().skip(1).any(|(bytes, _)| bytes.last().is_some_and(|b| *b != b'\n'));
            if apart {
                let steps: Vec<String> =
                    pieces.iter().map(|(bytes, _)| format!("printf {}", format_string(bytes))).collect();
                Some(format!("( {} ) | {command}", steps.join("; sleep 0.3; ")))
            } else if pieces.is_empty() {
                Some(format!("{command} </dev/null"))
            } else {
                let all: Vec<u8> = pieces.iter().flat_map(|(bytes, _)| bytes.iter().copied()).collect();
                Some(format!("printf {} | {command}", format_string(&all)))
            }
        })
        .collect()
}

/// Bytes as the quoted format string of POSIX `printf`.
fn format_string(bytes: &[u8]) -> String {
    let mut out = String::from("'");
    for b in bytes {
        match b {
            b'\n' => out.push_str("\\n"),
            b'\\' => out.push_str("\\\\"),
            b'%' => out.push_str("%%"),
            b'\'' => out.push_str("'\\''"),
            0x20..=0x7e => out.push(char::from(*b)),
            _ => out.push_str(&octal(*b)),
        }
    }
    out.push('\'');
    out
}

fn octal(b: u8) -> String {
    format!("\\{b:03o}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_quoted_only_where_a_shell_needs_it() {
        assert_eq!(
            command_line(&["cv".into(), "ev".into(), "Civi::pipe(\"vu\");".into()]),
            "cv ev 'Civi::pipe(\"vu\");'"
        );
        assert_eq!(quote("it's"), "'it'\\''s'");
        assert_eq!(quote(""), "''");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn a_shell_prints_exactly_the_bytes_that_were_sent(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let script = format!("printf {}", format_string(&bytes));
            let out = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
            prop_assert_eq!(out.stdout, bytes);
        }
    }
}
