//! Defects of streams: which bytes make a line, what happens to requests that arrive together or in pieces, and how
//! answers are buffered.

use civispec_wire::json::{Json, parse};
use civispec_wire::jsonrpc::METHOD_NOT_FOUND;
use civispec_wire::line::Line;

use crate::pipe::hooks::{Frame, Hook};
use crate::pipe::options::Options;

use super::flow::{refuse_if, repeat_if};
use super::options::list_of;
use super::{Seed, code_of};

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "options-lost-at-login",
        about: "sets the options back when somebody logs in",
        hooks: &[Hook::Outcome(|request, outcome, state, _| {
            if request.method == "login" && outcome.is_ok() {
                state.options = Options::new(state.profile);
            }
        })],
    },
    Seed {
        slug: "error-about-long-name-on-stderr",
        about: "writes the error about an unknown method to standard error when its name has 1000 bytes or more",
        hooks: &[
            Hook::Response(|request, answer, _, scene| {
                let is_long = request.is_some_and(|request| request.method.len() >= 1000);
                let is_unknown = code_of(&answer.message) == Some(METHOD_NOT_FOUND);
                scene.count = usize::from(is_long && is_unknown && scene.batch.is_none());
            }),
            Hook::Frame(|frame, state, scene| {
                if std::mem::take(&mut scene.count) == 1 {
                    state.stderr.append(&mut take(frame));
                }
            }),
        ],
    },
    Seed {
        slug: "unknown-method-cut-within-a-character",
        about: "quotes the first 16 bytes of an unknown method in its error, whole characters or not",
        hooks: &[
            Hook::Response(|request, answer, _, scene| {
                scene.held.clear();
                if let Some(request) = request.filter(|_| code_of(&answer.message) == Some(METHOD_NOT_FOUND))
                    && let Some(cut) = request.method.as_bytes().get(..16)
                    && std::str::from_utf8(cut).is_err()
                {
                    scene.held.extend_from_slice(cut);
                }
            }),
            Hook::Frame(|frame, _, scene| {
                const BEFORE: &[u8] = br#""message":""#;
                if let Some(place) = frame.body.windows(BEFORE.len()).position(|window| window == BEFORE) {
                    let place = place + BEFORE.len();
                    frame.body.splice(place..place, scene.held.drain(..));
                }
            }),
        ],
    },
    Seed {
        slug: "batch-with-unknown-method-in-lines",
        about: "answers a batch of a good request and an unknown method with a line for each, unless there is a prefix",
        hooks: &[
            Hook::Reply(|_, reply, state, scene| {
                scene.held.clear();
                if state.options.response_prefix.is_none()
                    && let Some(Json::Array(responses)) = reply
                    && let [good, bad] = &responses[..]
                    && good.get("result").is_some()
                    && code_of(bad) == Some(METHOD_NOT_FOUND)
                {
                    scene.held = bad.print(state.style).into_bytes();
                    *reply = Some(good.clone());
                }
            }),
            Hook::Frame(|frame, _, scene| {
                if !scene.held.is_empty() {
                    frame.end = [&frame.end[..], &scene.held, &frame.end].concat();
                    scene.held.clear();
                }
            }),
        ],
    },
    Seed {
        slug: "request-without-method-answered-twice",
        about: "answers a request of nothing but a version and a number as its id twice, unless the one before failed",
        hooks: &[
            Hook::Message(|message, _, scene| {
                let is_number = message.get("id").is_some_and(|id| id.as_i64().is_some());
                let is_short = message.as_object().is_some_and(|members| members.len() == 2);
                let is_versioned = message.get("jsonrpc").is_some();
                let is_calm = scene.history.messages > 0 && !scene.history.last_failed;
                let is_alone = scene.batch.is_none();
                scene.count = usize::from(is_number && is_short && is_versioned && is_calm && is_alone);
            }),
            Hook::Frame(|frame, _, scene| repeat_if(&mut scene.count, frame)),
        ],
    },
    Seed {
        slug: "answer-of-two-records-behind-the-next",
        about: "answers an API call that finds two records behind the next request",
        hooks: &[
            Hook::Response(|request, answer, _, scene| {
                let is_call = request.is_some_and(|request| request.method == "api4");
                let found = answer.message.get("result").and_then(Json::as_array).map_or(0, <[_]>::len);
                scene.count = usize::from(is_call && found == 2 && scene.batch.is_none());
            }),
            Hook::Frame(|frame, _, scene| {
                let before = std::mem::take(&mut scene.held);
                if std::mem::take(&mut scene.count) == 1 {
                    scene.held = take(frame);
                }
                frame.end.extend(before);
            }),
        ],
    },
    Seed {
        slug: "request-after-count-refused",
        about: "refuses the request that follows a count by api3",
        hooks: &[Hook::Response(|request, answer, _, scene| {
            refuse_if(&mut scene.count, answer);
            let action = request.filter(|request| request.method == "api3");
            let action = action.and_then(|request| request.params.as_ref()?.as_array()?.get(1)?.as_str());
            let is_good = answer.message.get("result").is_some();
            scene.count = usize::from(is_good && scene.batch.is_none() && action == Some("getcount"));
        })],
    },
    Seed {
        slug: "answer-of-ninth-echo-repeats-the-first",
        about: "keeps eight answers, and repeats the first for the ninth of nine echoes in a row",
        hooks: &[
            // Counts the echoes in a row, and keeps the answer to the first of them.
            Hook::Line(|incoming, _, scene| {
                scene.count = if is_numbered_echo(&incoming.line) { scene.count + 1 } else { 0 };
            }),
            Hook::Frame(|frame, _, scene| match scene.count {
                1 => scene.held.clone_from(&frame.body),
                9 => frame.body.clone_from(&scene.held),
                _ => {}
            }),
        ],
    },
    Seed {
        slug: "options-list-kept-while-nothing-else-is-called",
        about: "repeats its list of options, whatever was set, until another method is called",
        hooks: &[Hook::Outcome(|request, outcome, _, scene| {
            // Only what clients that count their requests see: the restoring of options is none of the matter.
            let is_numbered = request.id.as_ref().is_some_and(|id| id.as_i64().is_some());
            if request.method != "options" || !is_numbered {
                scene.held.clear();
            } else if let Some(list) = list_of(request, outcome) {
                match parse(&scene.held) {
                    Ok(Json::Object(known)) => *list = known,
                    _ => scene.held = Json::Object(list.clone()).to_string().into_bytes(),
                }
            }
        })],
    },
    Seed {
        slug: "line-loses-its-middle",
        about: "loses a read of 4 to 8 KiB that holds neither the begin nor the end of its line",
        hooks: &[Hook::Input(|bytes, scene| {
            let is_middle = scene.count == 1 && !bytes.contains(&b'\n');
            if is_middle && (4097..8192).contains(&bytes.len()) {
                bytes.clear();
            } else if let Some(last) = bytes.last() {
                scene.count = usize::from(*last != b'\n');
            }
        })],
    },
    Seed {
        slug: "line-ends-at-any-separator",
        about: "takes vertical tabs, form feeds, information separators and U+0085 for ends of lines",
        hooks: &[Hook::Input(|bytes, _| {
            while let Some(place) = bytes.windows(2).position(|window| window == "\u{85}".as_bytes()) {
                bytes.splice(place..place + 2, [b'\n']);
            }
            for byte in bytes.iter_mut().filter(|byte| matches!(byte, 0x0b | 0x0c | 0x1c..=0x1e)) {
                *byte = b'\n';
            }
        })],
    },
    Seed {
        slug: "escaped-newline-as-space",
        about: "takes an escaped newline in an echo with a number as its id for a space",
        hooks: &[Hook::Line(|incoming, _, _| {
            rewrite_escapes(&mut incoming.line, |escape| if escape == b"\\n" { b" " } else { escape });
        })],
    },
    Seed {
        slug: "escaped-backslash-dropped",
        about: "drops one backslash of an escaped backslash before an n in an echo",
        hooks: &[Hook::Line(|incoming, _, _| {
            if let Line::Text(text) = &mut incoming.line
                && is_echo(text)
            {
                while let Some(place) = text.windows(3).position(|window| window == br"\\n") {
                    text.remove(place);
                }
            }
        })],
    },
];

/// Takes the whole answer out of a frame.
fn take(frame: &mut Frame) -> Vec<u8> {
    let mut bytes = std::mem::take(&mut frame.prefix);
    bytes.append(&mut frame.body);
    bytes.append(&mut frame.end);
    bytes
}

fn is_echo(line: &[u8]) -> bool {
    const METHOD: &[u8] = br#""method":"echo""#;
    line.windows(METHOD.len()).any(|window| window == METHOD)
}

/// Whether a line is an echo with a number as its id.
fn is_numbered_echo(line: &Line) -> bool {
    let Line::Text(text) = line else { return false };
    let id = || parse(text).ok().and_then(|request| request.get("id")?.as_i64());
    is_echo(text) && id().is_some()
}

/// Spells the escapes of two bytes in another way, in an echo with a number as its id.
fn rewrite_escapes(line: &mut Line, spell: fn(&[u8]) -> &[u8]) {
    if !is_numbered_echo(line) {
        return;
    }
    let Line::Text(text) = line else { return };
    let mut new = Vec::with_capacity(text.len());
    let mut rest = &text[..];
    while let Some(place) =
        rest.iter().position(|byte| *byte == b'\\').filter(|place| place + 2 <= rest.len())
    {
        new.extend_from_slice(&rest[..place]);
        new.extend_from_slice(spell(&rest[place..place + 2]));
        rest = &rest[place + 2..];
    }
    new.extend_from_slice(rest);
    *text = new;
}
