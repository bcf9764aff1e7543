//! Defects of lines: where they end, how long they may be, what comes before them, and in which order they go.

use civispec_wire::line::Line;

use crate::pipe::hooks::{Hook, Received};

use super::Seed;

pub(super) const DEFECTS: &[Seed] = &[
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
        slug: "line-unterminated-ignored",
        about: "passes over a last line that lacks its line feed",
        hooks: &[Hook::Line(|incoming, _, _| incoming.ignored |= !incoming.terminated)],
    },
    Seed {
        slug: "line-ends-with-read",
        about: "takes what one read gives for whole lines",
        hooks: &[Hook::Input(|bytes, _| {
            if bytes.last() != Some(&b'\n') {
                bytes.push(b'\n');
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
        slug: "long-line-limit-less-one",
        about: "refuses a line of exactly the limit",
        hooks: &[Hook::Limit(|limit, _| *limit -= 1)],
    },
    Seed {
        slug: "long-line-tail-executed",
        about: "takes what follows the limit of an over-long line for a line of its own",
        hooks: &[Hook::Reply(|received, _, _, scene| scene.keep_tail = received == Received::TooLong)],
    },
    Seed {
        slug: "long-line-ends-session",
        about: "ends the session after an over-long line without a word",
        hooks: &[Hook::Reply(|received, reply, _, scene| {
            if received == Received::TooLong {
                *reply = None;
                scene.quit = true;
            }
        })],
    },
    Seed {
        slug: "garbled-line-ends-session",
        about: "ends the session after a line that is no JSON",
        hooks: &[Hook::Reply(|received, _, _, scene| scene.quit |= received == Received::Garbled)],
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
        slug: "prefix-missing-after-long-line",
        about: "puts no prefix before responses once a line was too long",
        hooks: &[Hook::Frame(|frame, _, scene| {
            if scene.history.too_long > 0 {
                frame.prefix.clear();
            }
        })],
    },
    Seed {
        slug: "prefix-before-noise",
        about: "sends the prefix before a request is evaluated",
        hooks: &[Hook::Frame(|frame, _, _| {
            frame.noise.splice(..0, frame.prefix.drain(..));
        })],
    },
    Seed {
        slug: "requests-reordered",
        about: "answers a request after the next one when that is waiting already",
        hooks: &[
            Hook::Frame(|frame, _, scene| {
                if !scene.held.is_empty() {
                    frame.end.append(&mut scene.held);
                } else if scene.waiting {
                    for part in [&mut frame.noise, &mut frame.prefix, &mut frame.body, &mut frame.end] {
                        scene.held.append(part);
                    }
                }
            }),
            Hook::End(|output, scene| output.append(&mut scene.held)),
        ],
    },
];
