//! Defects of lines: where they end, what they hold, how long they may be, and what comes before them.

use civispec_wire::line::Line;

use crate::pipe::code::API_FAILED;
use crate::pipe::hooks::{Hook, Received};

use super::{KEEP_LINE, Seed, code_of, is_cut_off};

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "line-ends-in-crlf",
        about: "ends its lines in CR LF",
        hooks: &[Hook::Frame(|frame, _, _| to_crlf(&mut frame.end))],
    },
    Seed {
        slug: "line-of-error-ends-in-crlf",
        about: "ends the lines of errors in CR LF",
        hooks: &[Hook::Frame(|frame, _, scene| {
            if scene.history.last_failed {
                to_crlf(&mut frame.end);
            }
        })],
    },
    Seed {
        slug: "line-ends-at-cr",
        about: "takes a bare CR for the end of a line",
        hooks: &[Hook::Input(|bytes, _| {
            for place in 0..bytes.len().saturating_sub(1) {
                if bytes[place] == b'\r' && bytes[place + 1] != b'\n' {
                    bytes[place] = b'\n';
                }
            }
        })],
    },
    Seed {
        slug: "line-ends-at-u2028",
        about: "takes U+2028 for the end of a line",
        hooks: &[Hook::Input(|bytes, _| {
            while let Some(place) = bytes.windows(3).position(|window| window == "\u{2028}".as_bytes()) {
                bytes.splice(place..place + 3, [b'\n']);
            }
        })],
    },
    Seed {
        slug: "line-ends-with-short-read",
        about: "takes what a short read gives for whole lines",
        hooks: &[Hook::Input(|bytes, _| {
            if bytes.len() < 1024 && bytes.last() != Some(&b'\n') {
                bytes.push(b'\n');
            }
        })],
    },
    Seed {
        slug: "line-of-api-error-glued-to-warning",
        about: "writes a warning on the line of the answer to an API call that fails",
        hooks: &[
            Hook::Response(|_, answer, _, scene| {
                scene.count = usize::from(code_of(&answer.message) == Some(API_FAILED));
            }),
            Hook::Frame(|frame, _, scene| {
                if std::mem::take(&mut scene.count) == 1 {
                    frame.prefix.extend_from_slice(b"Warning: the call failed. ");
                }
            }),
        ],
    },
    Seed {
        slug: "line-of-batch-without-array",
        about: "writes the responses of a batch behind each other on one line, without an array",
        hooks: &[Hook::Frame(|frame, _, _| {
            let commas = commas(&frame.body, |depth| depth == 1);
            if frame.body.starts_with(b"[") && !commas.is_empty() {
                for at in commas {
                    frame.body[at] = b' ';
                }
                frame.body = frame.body[1..frame.body.len() - 1].to_vec();
            }
        })],
    },
    Seed {
        slug: "answer-padded",
        about: "puts two blanks behind each comma",
        hooks: &[Hook::Frame(|frame, _, _| {
            if !frame.is_header {
                pad(&mut frame.body);
            }
        })],
    },
    Seed {
        slug: "answer-padded-in-batch",
        about: "puts two blanks behind each comma of the answer to a batch",
        hooks: &[Hook::Frame(|frame, _, _| {
            if frame.body.starts_with(b"[") {
                pad(&mut frame.body);
            }
        })],
    },
    Seed {
        slug: "parse-error-on-several-lines",
        about: "spreads the answer to a truncated request over two lines",
        hooks: &[
            KEEP_LINE,
            Hook::Frame(|frame, _, scene| {
                if is_cut_off(&scene.held) && scene.history.last_failed && !frame.body.is_empty() {
                    frame.body.insert(1, b'\n');
                }
            }),
        ],
    },
    Seed {
        slug: "login-answer-on-several-lines",
        about: "spreads the answer to a login over two lines",
        hooks: &[
            Hook::Response(|request, _, _, scene| {
                scene.count = usize::from(request.is_some_and(|request| request.method == "login"));
            }),
            Hook::Frame(|frame, _, scene| {
                if std::mem::take(&mut scene.count) == 1 && !frame.body.is_empty() {
                    frame.body.insert(1, b'\n');
                }
            }),
        ],
    },
    Seed {
        slug: "line-empty-answered",
        about: "answers an empty line with a parse error",
        hooks: &[Hook::Line(|incoming, _, _| incoming.ignored = false)],
    },
    Seed {
        slug: "line-empty-answered-when-repeated",
        about: "answers an empty line with a parse error when another one stands before it",
        hooks: &[Hook::Line(|incoming, _, scene| {
            scene.count = if incoming.ignored { scene.count + 1 } else { 0 };
            incoming.ignored &= scene.count < 2;
        })],
    },
    Seed {
        slug: "line-crlf-refused",
        about: "refuses a request that ends in CR LF",
        hooks: &[Hook::Line(|incoming, _, _| {
            if let Line::Text(text) = &mut incoming.line
                && text.last() == Some(&b'\r')
            {
                text.push(b'?');
            }
        })],
    },
    Seed {
        slug: "line-zero-ignored",
        about: "passes over a line that is the digit 0",
        hooks: &[Hook::Line(|incoming, _, _| incoming.ignored |= incoming.line == Line::Text(b"0".to_vec()))],
    },
    Seed {
        slug: "long-line-tail-executed",
        about: "takes what follows the limit of an over-long line for a line of its own",
        hooks: &[Hook::Reply(|received, _, _, scene| scene.keep_tail = received == Received::TooLong)],
    },
    Seed {
        slug: "prefix-on-options-and-echo-only",
        about: "puts the prefix before answers of the methods options and echo and before no others",
        hooks: &[
            Hook::Response(|request, _, _, scene| {
                let has =
                    request.is_some_and(|request| matches!(request.method.as_str(), "options" | "echo"));
                scene.count = usize::from(has && scene.batch.is_none());
            }),
            Hook::Frame(|frame, _, scene| {
                if std::mem::take(&mut scene.count) == 0 {
                    frame.prefix.clear();
                }
            }),
        ],
    },
    Seed {
        slug: "prefix-missing-on-errors",
        about: "puts no prefix before errors",
        hooks: &[Hook::Frame(|frame, _, scene| {
            if scene.history.last_failed {
                frame.prefix.clear();
            }
        })],
    },
    Seed {
        slug: "prefix-before-noise",
        about: "sends a prefix of one line before a request is evaluated",
        hooks: &[Hook::Frame(|frame, _, _| {
            if !frame.prefix.contains(&b'\n') {
                frame.noise.splice(..0, frame.prefix.drain(..));
            }
        })],
    },
    Seed {
        slug: "prefix-before-noise-of-second-call",
        about: "sends a prefix of one line before a request is evaluated once a call has printed something",
        hooks: &[Hook::Frame(|frame, _, scene| {
            if frame.noise.is_empty() || frame.prefix.is_empty() || frame.prefix.contains(&b'\n') {
                return;
            }
            if scene.count > 0 {
                frame.noise.splice(..0, frame.prefix.drain(..));
            }
            scene.count += 1;
        })],
    },
];

/// Puts a CR before each LF.
fn to_crlf(bytes: &mut Vec<u8>) {
    for at in (0..bytes.len()).rev().filter(|at| bytes[*at] == b'\n').collect::<Vec<_>>() {
        bytes.insert(at, b'\r');
    }
}

/// Where the commas between the tokens of a JSON text stand, if so many brackets as `which` says are open there.
fn commas(text: &[u8], which: fn(usize) -> bool) -> Vec<usize> {
    let (mut in_string, mut escaped, mut depth) = (false, false, 0usize);
    let mut found = Vec::new();
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if which(depth) => found.push(at),
            _ => {}
        }
    }
    found
}

fn pad(body: &mut Vec<u8>) {
    for at in commas(body, |_| true).into_iter().rev() {
        body.splice(at + 1..at + 1, *b"  ");
    }
}
