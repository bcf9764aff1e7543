//! One attempt at a case: its control, the case, its control again, on connections that are opened when needed.

use std::sync::atomic::AtomicUsize;

use super::conduct::Conduct;
use super::seats::Seats;
use crate::case::pattern::Mismatch;
use crate::case::transcript::{Block, Want};
use crate::case::{Case, Control, Declared, Touch, template};
use crate::clause::Level;
use crate::exchange::{Death, OpenError, Pace, Wire, variables};
use crate::oracle::block::{Fit, Judgement};
use crate::oracle::forensics;
use crate::oracle::passive::{Code, Sighting, Tally, shorten};
use crate::target::Launcher;
use crate::verdict::Verdict;

/// What does not change during a run.
pub struct Context<'a> {
    /// How connections are opened.
    pub launcher: &'a Launcher,
    /// Flags of the profile's default connection.
    pub default_flags: Option<&'a str>,
    /// Declared values (`@cred`, …).
    pub declared: &'a Declared,
    /// Texts that must never stand in an answer.
    pub secrets: &'a [String],
    /// Seed of all draws.
    pub seed: u64,
    /// How long to wait, and what was learned about that.
    pub pace: Pace,
    /// How the target behaves as a process.
    pub conduct: Conduct,
    /// Whether should clauses fail.
    pub strict: bool,
    /// Readings asked for: clause id to name.
    pub readings: &'a std::collections::BTreeMap<String, String>,
    /// Connections opened so far.
    pub sessions: AtomicUsize,
}

/// What an attempt showed.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in one sentence; empty for a pass.
    pub reason: String,
    /// Readings that fit.
    pub readings: Vec<String>,
    /// What was wanted where it differs.
    pub wanted: Option<String>,
    /// The answer that differs.
    pub got: Option<String>,
    /// Where they differ.
    pub mismatches: Vec<Mismatch>,
    /// What the control did, if there is one.
    pub control: Option<String>,
    /// What went over the wire.
    pub wire: Vec<Wire>,
    /// Whether the connection died without having answered anything.
    pub lifeless: bool,
}

impl Attempt {
    fn new(verdict: Verdict, reason: String) -> Self {
        Self {
            verdict,
            reason,
            readings: Vec::new(),
            wanted: None,
            got: None,
            mismatches: Vec::new(),
            control: None,
            wire: Vec::new(),
            lifeless: false,
        }
    }
}

pub(super) enum Play {
    Fits(Vec<String>),
    Differs(Box<Judgement>),
    Unreadable(Box<Judgement>),
    Dead(Death),
    Never(String, String),
    NoSetup(String),
    NotOpen(OpenError),
    OurFault(String),
    Undrained,
}

/// Plays a case once, with its controls, and judges it.
pub fn attempt(
    context: &Context<'_>,
    case: &Case,
    level: Level,
    seats: &mut Seats,
    fresh: bool,
    tally: &mut Tally,
) -> Attempt {
    if !fresh {
        let _ = seats.take_wire();
    }
    let touches_options = case.touches.contains(&Touch::Options);
    if touches_options && let Err(play) = remember_options(context, case, seats) {
        return verdict(context, case, level, play, seats);
    }
    let mut result = attempt_with_controls(context, case, level, seats, tally);
    let spent = case.touches.iter().any(|t| matches!(t, Touch::Login | Touch::Session));
    if spent || (touches_options && seats.is_usable() && !restore_options(context, case, seats)) {
        seats.close(context, &case.id, tally);
    }
    result.wire.sort_by_key(|w| w.at);
    let start = result.wire.first().map(|w| w.at).unwrap_or_default();
    for stretch in &mut result.wire {
        stretch.at -= start;
    }
    result
}

fn attempt_with_controls(
    context: &Context<'_>,
    case: &Case,
    level: Level,
    seats: &mut Seats,
    tally: &mut Tally,
) -> Attempt {
    let mut control = None;
    if let Some(twin) = &case.control {
        if let Err(failed) = play_control(context, case, twin, 1, seats, tally) {
            return control_failed(context, case, level, failed, "before", seats);
        }
        control = Some("passed before".to_owned());
    }
    let mut died_after = None;
    let mut main = play_all(context, case, seats, tally);
    if matches!(main, Play::Fits(_)) && std::mem::take(&mut seats.nudged) {
        main = patiently(context, case).err().unwrap_or(main);
    }
    if matches!(main, Play::Fits(_)) {
        main = settle(context, case, seats, Some(tally)).err().unwrap_or(main);
    } else if matches!(main, Play::Differs(_) | Play::Unreadable(_)) {
        // For the report: whatever else was on its way. The verdict stands, whether the target still answers or not.
        died_after = settle(context, case, seats, None).err();
    }
    let fits = matches!(main, Play::Fits(_));
    let mut result = verdict(context, case, level, main, seats);
    if let Some(Play::Dead(Death::Hang(what) | Death::Crash(what))) = died_after {
        result.reason = format!("{}; then {what}", result.reason);
    }
    if fits && let Some(twin) = &case.control {
        if case.touches.contains(&Touch::Options)
            && seats.is_usable()
            && !restore_options(context, case, seats)
        {
            seats.close(context, &case.id, tally);
        }
        if let Err(failed) = play_control(context, case, twin, 2, seats, tally) {
            return control_failed(context, case, level, failed, "after", seats);
        }
        control = Some("passed before and after".to_owned());
        result.wire.extend(seats.take_wire());
    }
    result.control = control;
    result
}

/// The positive twin, and the state as it was before it.
fn play_control(
    context: &Context<'_>,
    case: &Case,
    twin: &Control,
    turn: u64,
    seats: &mut Seats,
    tally: &mut Tally,
) -> Result<(), Play> {
    match play(context, case, &twin.blocks, false, turn, None, seats, tally) {
        // A block may hold further requests whose answers the twin does not look at.
        Play::Fits(_) => settle(context, case, seats, None)?,
        failed => return Err(failed),
    }
    if case.touches.contains(&Touch::Options) && seats.is_usable() && !restore_options(context, case, seats) {
        seats.close(context, &case.id, tally);
    }
    Ok(())
}

fn control_failed(
    context: &Context<'_>,
    case: &Case,
    level: Level,
    failed: Play,
    when: &str,
    seats: &mut Seats,
) -> Attempt {
    let mut result = verdict(context, case, level, failed, seats);
    if result.verdict != Verdict::HarnessError {
        result.control = Some(format!("failed {when}: {}", result.reason));
        result.reason = format!("the control failed {when} the case, so nothing is known: {}", result.reason);
        result.verdict = Verdict::Inconclusive;
    }
    result
}

/// The case itself: once, or once for each split of its first line.
fn play_all(context: &Context<'_>, case: &Case, seats: &mut Seats, tally: &mut Tally) -> Play {
    if !case.every_split {
        return play(context, case, &case.blocks, true, 0, None, seats, tally);
    }
    let mut vars = variables(context.seed, &case.id, 10, context.declared);
    let length = case.blocks.iter().flat_map(|b| &b.sends).find_map(|s| match s {
        crate::case::transcript::Send::Text { slots, .. } => template::render(slots, &mut vars).ok(),
        _ => None,
    });
    let length = length.map_or(0, |l| l.len());
    let mut last = Play::OurFault("the case is split at every byte but sends no line".to_owned());
    for cut in 1..=length {
        last = play(context, case, &case.blocks, true, 10 + cut as u64, Some(cut), seats, tally);
        if !matches!(last, Play::Fits(_)) {
            return last;
        }
    }
    last
}

/// An answer that came only after a marker had been sent may have waited for it. Alone, and with nothing behind the
/// request, it must come too; a slow target has all the time that a hung one gets.
fn patiently(context: &Context<'_>, case: &Case) -> Result<(), Play> {
    let mut seats = Seats::default();
    seats.patient = true;
    let mut scratch = Tally::default();
    let again = play_all(context, case, &mut seats, &mut scratch);
    seats.close(context, &case.id, &mut scratch);
    match again {
        Play::Fits(_) => Ok(()),
        Play::Dead(Death::Hang(what)) => Err(Play::Dead(Death::Hang(format!(
            "an answer comes only when another request follows it: {what}"
        )))),
        other => Err(other),
    }
}

#[expect(clippy::too_many_arguments, reason = "the parts of one play; a struct would be built at each call")]
fn play(
    context: &Context<'_>,
    case: &Case,
    blocks: &[Block],
    with_readings: bool,
    turn: u64,
    cut: Option<usize>,
    seats: &mut Seats,
    tally: &mut Tally,
) -> Play {
    let mut vars = variables(context.seed, &case.id, turn, context.declared);
    let mut readings = Vec::new();
    let mut cut = cut;
    for (i, block) in blocks.iter().enumerate() {
        let last = i + 1 == blocks.len();
        let mut endings: Vec<&[Want]> = vec![&block.wants];
        if last && with_readings {
            endings.extend(case.readings.iter().map(|r| r.wants.as_slice()));
        }
        if blocks[..i].iter().any(|b| b.session == block.session)
            && let Some(words) = seats.broke_off(block.session)
        {
            // A new connection would not know what the case has told the old one.
            return Play::Dead(Death::Crash(format!("it ended ({words}) in the middle of the case")));
        }
        let conversation = match seats.seat(block.session, &case.connections[block.session], context, case) {
            Ok(conversation) => conversation,
            Err(play) => return play,
        };
        if blocks[..i].iter().all(|b| b.session != block.session) {
            tally.judge_header(&case.id, conversation.header());
        }
        if block.sends.is_empty() && blocks[..i].iter().all(|b| b.session != block.session) {
            let judgements: Vec<Judgement> =
                endings.iter().map(|wants| conversation.judge_header(case, wants, &vars)).collect();
            match settled(judgements, case, last && with_readings) {
                Ok((judgement, shown)) => {
                    vars = judgement.vars;
                    readings = shown;
                }
                Err(play) => return play,
            }
            continue;
        }
        let played = conversation.play(case, block, &endings, &mut vars, cut.take(), &context.pace);
        if let Some(fault) = played.our_fault {
            return Play::OurFault(fault);
        }
        if let Some(first) =
            played.judgements.iter().find(|j| j.fit == Fit::Fits).or(played.judgements.first())
        {
            if !first.answers.is_empty() {
                seats.serves(block.session);
            }
            charge(case, first, context, tally);
            let texts = first.answers.iter().map(|a| String::from_utf8_lossy(a));
            for text in texts {
                if let Some(never) = case.never.iter().find(|n| text.contains(n.as_str())) {
                    return Play::Never(never.clone(), shorten(text.as_bytes()));
                }
            }
        }
        if let Some(death) = played.death {
            seats.kill(block.session, context);
            return Play::Dead(death);
        }
        if played.undrained {
            return Play::Undrained;
        }
        seats.nudged |= played.nudged;
        match settled(played.judgements, case, last && with_readings) {
            Ok((_, shown)) => readings = shown,
            Err(Play::Differs(judgement)) if ended_instead(&judgement) => {
                let words = seats.get(block.session).map(|c| c.end_in_words()).unwrap_or_default();
                seats.kill(block.session, context);
                return Play::Dead(Death::Crash(format!("it ended ({words}) instead of answering")));
            }
            Err(play) => return play,
        }
    }
    Play::Fits(readings)
}

/// The first judgement that fits, with the names of all readings that do; or what the closest one says.
fn settled(
    judgements: Vec<Judgement>,
    case: &Case,
    with_readings: bool,
) -> Result<(Judgement, Vec<String>), Play> {
    let names: Vec<&str> = case.reading_names().collect();
    let fits = |j: &&Judgement| j.fit == Fit::Fits;
    let shown = judgements.iter().enumerate().filter(|(_, j)| j.fit == Fit::Fits);
    let shown =
        shown.filter_map(|(i, _)| names.get(i).filter(|_| with_readings)).map(|n| (*n).to_owned()).collect();
    if let Some(judgement) = judgements.iter().find(fits) {
        return Ok((judgement.clone(), shown));
    }
    // A departure tells more than an answer that cannot be read.
    match judgements.into_iter().min_by_key(|j| (j.fit == Fit::Unreadable, j.mismatches.len())) {
        Some(judgement) if judgement.fit == Fit::Unreadable => Err(Play::Unreadable(Box::new(judgement))),
        Some(judgement) => Err(Play::Differs(Box::new(judgement))),
        None => Err(Play::OurFault("a block was not judged".to_owned())),
    }
}

/// Whether an answer is missing because the output ended.
fn ended_instead(judgement: &Judgement) -> bool {
    judgement.answer.is_none() && judgement.mismatches.iter().any(|m| m.got == "the output ended")
}

fn charge(case: &Case, judgement: &Judgement, context: &Context<'_>, tally: &mut Tally) {
    if !case.passive {
        return;
    }
    tally.count(Code::Id);
    tally.count(Code::Extra);
    for answer in &judgement.answers {
        tally.judge(&case.id, answer, context.secrets);
    }
    for (code, detail, answer) in &judgement.charged {
        let sighting = Sighting { case: case.id.clone(), detail: detail.clone(), answer: answer.clone() };
        tally.note(*code, sighting);
    }
}

fn note_extra(tally: &mut Tally, case: &str, line: &[u8], detail: &str) {
    let looks = forensics::explain(line).map_or_else(String::new, |finding| format!(": {finding}"));
    let sighting =
        Sighting { case: case.to_owned(), detail: format!("{detail}{looks}"), answer: shorten(line) };
    tally.note(Code::Extra, sighting);
}

/// Charges output that came when a session was over.
pub(super) fn note_late(tally: &mut Tally, case: &str, late: &[u8]) {
    // Of several the first is kept, so the others need no look.
    if let Some(line) = late.split(|b| *b == b'\n').find(|l| !l.is_empty()) {
        let finding = forensics::explain_late(line);
        let detail = format!("output after the end of the session: {finding}");
        tally.note(Code::Extra, Sighting { case: case.to_owned(), detail, answer: shorten(line) });
    }
}

/// Proves on every open connection that nothing more comes; what does is charged to the tally, if there is one.
fn settle(
    context: &Context<'_>,
    case: &Case,
    seats: &mut Seats,
    mut tally: Option<&mut Tally>,
) -> Result<(), Play> {
    let mut vars = variables(context.seed, &case.id, 3, context.declared);
    for index in 0..seats.count() {
        let Some(conversation) = seats.get(index).filter(|c| c.is_usable()) else { continue };
        match conversation.settle(&mut vars, &context.pace) {
            Ok(stray) => {
                let first = stray.split_inclusive(|b| *b == b'\n').next();
                if let Some((line, tally)) = first.zip(tally.as_deref_mut().filter(|_| case.passive)) {
                    note_extra(tally, &case.id, line, "an answer that nobody asked for");
                }
            }
            Err(death) => {
                seats.kill(index, context);
                return Err(Play::Dead(death));
            }
        }
    }
    Ok(())
}

/// Asks for the options before a case changes them.
fn remember_options(context: &Context<'_>, case: &Case, seats: &mut Seats) -> Result<(), Play> {
    let known = seats.defaults.is_some();
    let conversation = seats.seat(0, &case.connections[0], context, case)?;
    if known {
        return Ok(());
    }
    let vars = variables(context.seed, &case.id, 4, context.declared);
    let line = "{\"jsonrpc\":\"2.0\",\"method\":\"options\",\"id\":\"{token}\"}";
    let answer = match conversation.request(line, &vars, &context.pace) {
        Ok(answer) => answer,
        Err(death) => {
            seats.kill(0, context);
            return Err(Play::Dead(death));
        }
    };
    // Where options cannot be read they cannot be restored; the session is then closed after the case.
    seats.defaults =
        answer.and_then(|a| a.get("result").map(ToString::to_string)).filter(|o| o.starts_with('{'));
    Ok(())
}

/// Whether every option that the case names stands in the list of options, and so can be set back.
fn lists_all(listed: &str, case: &Case) -> bool {
    let sent = |name: &str| {
        case.blocks.iter().flat_map(|b| &b.sends).any(|send| match send {
            crate::case::transcript::Send::Text { source, .. } => source.contains(name),
            _ => false,
        })
    };
    ["apiCheckPermissions", "apiError", "bufferSize", "responsePrefix"]
        .iter()
        .all(|name| listed.contains(&format!("\"{name}\"")) || !sent(name))
}

/// Sets the options back and makes sure that they are.
fn restore_options(context: &Context<'_>, case: &Case, seats: &mut Seats) -> bool {
    let Some(defaults) = seats.defaults.clone().filter(|listed| lists_all(listed, case)) else {
        return false;
    };
    let Some(conversation) = seats.get(0) else { return false };
    let vars = variables(context.seed, &case.id, 5, context.declared);
    let set =
        format!("{{\"jsonrpc\":\"2.0\",\"method\":\"options\",\"params\":{defaults},\"id\":\"{{token}}\"}}");
    let ask = "{\"jsonrpc\":\"2.0\",\"method\":\"options\",\"id\":\"{token}\"}";
    let Ok(Some(_)) = conversation.request(&set, &vars, &context.pace) else { return false };
    conversation.reset_prefix();
    let now = conversation.request(ask, &vars, &context.pace).ok().flatten();
    let wanted = civispec_wire::json::parse(defaults.as_bytes()).ok();
    now.as_ref()
        .and_then(|a| a.get("result"))
        .zip(wanted)
        .is_some_and(|(now, wanted)| now.same_value(&wanted))
}

fn verdict(context: &Context<'_>, case: &Case, level: Level, play: Play, seats: &mut Seats) -> Attempt {
    let departure = Verdict::of_departure(level, context.strict);
    let mut result = match play {
        Play::Fits(readings) => match context.readings.get(&case.clause) {
            Some(asked) if !readings.is_empty() && !readings.contains(asked) => {
                let shown = readings.join(", ");
                Attempt::new(Verdict::Fail, format!("it shows the reading {shown}, but {asked} is asked for"))
            }
            _ => Attempt { readings, ..Attempt::new(Verdict::Pass, String::new()) },
        },
        Play::Differs(judgement) => {
            let reason = judgement.mismatches.first().map_or_else(
                || "the answer differs".to_owned(),
                |m| {
                    let place = if m.path.is_empty() { String::new() } else { format!("at {}: ", m.path) };
                    format!("{place}wanted {}, got {}", m.want, m.got)
                },
            );
            explained(Attempt::new(departure, reason), *judgement)
        }
        Play::Unreadable(judgement) => {
            let reason = format!(
                "an answer is {}, which is charged to its own clause: {}",
                judgement.mismatches.first().map_or("no JSON", |m| m.got.as_str()),
                judgement.answer.clone().unwrap_or_default()
            );
            explained(Attempt::new(Verdict::Inconclusive, reason), *judgement)
        }
        Play::Dead(Death::Hang(what)) => Attempt::new(Verdict::Hang, what),
        Play::Dead(Death::Crash(what)) => {
            let complaint = std::mem::take(&mut seats.complaint);
            let last = if complaint.is_empty() {
                String::new()
            } else {
                format!("; its standard error ends with: {}", shorten(complaint.as_bytes()))
            };
            Attempt::new(Verdict::Crash, what + &last)
        }
        Play::Dead(Death::Stopped(what)) => {
            Attempt::new(Verdict::Inconclusive, format!("not finished: {what}"))
        }
        Play::Never(text, answer) => Attempt {
            got: Some(answer),
            wanted: Some(format!("no answer that contains {text:?}")),
            ..Attempt::new(departure, format!("an answer contains {text:?}"))
        },
        Play::NoSetup(what) => Attempt::new(Verdict::Inconclusive, what),
        Play::NotOpen(error) => not_open(error),
        Play::OurFault(what) => Attempt::new(Verdict::HarnessError, what),
        Play::Undrained => Attempt::new(
            Verdict::Inconclusive,
            "the pipe was not seen empty between two writes, so the split proves nothing".to_owned(),
        ),
    };
    if matches!(result.verdict, Verdict::Hang | Verdict::Crash) && !seats.has_served() {
        result.lifeless = true;
    }
    result.wire = seats.take_wire();
    result
}

fn explained(attempt: Attempt, judgement: Judgement) -> Attempt {
    Attempt { wanted: judgement.wanted, got: judgement.answer, mismatches: judgement.mismatches, ..attempt }
}

/// A connection that could not be opened, as a verdict on the case that wanted it.
fn not_open(error: OpenError) -> Attempt {
    match error {
        OpenError::Start(e) => Attempt {
            lifeless: true,
            ..Attempt::new(Verdict::Unreachable, format!("the command cannot be started: {e}"))
        },
        OpenError::NoHeader { death: Death::Stopped(what), .. } => {
            Attempt::new(Verdict::Inconclusive, format!("not finished: {what}"))
        }
        OpenError::NoHeader { death, output, .. } => {
            let verdict = if matches!(death, Death::Crash(_)) { Verdict::Crash } else { Verdict::Hang };
            let got = (!output.is_empty()).then(|| shorten(&output));
            Attempt { got, lifeless: true, ..Attempt::new(verdict, death.in_words().to_owned()) }
        }
    }
}
