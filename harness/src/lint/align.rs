//! Assigns the answers of a session to the lines that asked for them.
//!
//! Answers come in the order of the requests, one line each, so the assignment is an alignment of two sequences. A
//! search finds the cheapest explanation of the whole output: an answer with the id of its request costs nothing; a
//! wrong id, a missing answer, a line that nobody asked for, a missing prefix each have a price. The response prefix
//! is part of the state of the search, because requests change it on the way. What an explanation breaks is said
//! elsewhere.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::rc::Rc;

use civispec_wire::json::Json;

use super::ask::{Ask, Single};
use super::fit::{asked_prefix, belongs, fit, is_response, prefix_of, price_of_silence};
use super::text::{parse_answer, value_end};
use crate::oracle::frame::{Cursor, find};

/// Lines after which the best explanation so far is settled, and how many of them are kept: the work is linear in the
/// length of a session, however much of it is wrong.
const STRETCH: usize = 64;
const KEPT: usize = 48;
/// Most states that are looked at for one stretch.
const BUDGET: usize = 40_000;

/// One line of the client.
#[derive(Debug, Clone)]
pub struct Slot {
    /// Its line in the recording.
    pub line: usize,
    /// Its bytes, without the line feed.
    pub bytes: Vec<u8>,
    /// Whether a line feed ended it.
    pub ended: bool,
    /// What it asks for.
    pub ask: Ask,
    /// Whether it may be longer than the server accepts.
    pub long: bool,
}

/// An answer as it stood in the output.
#[derive(Debug, Clone)]
pub struct Taken<'a> {
    /// Offset of its line in the output.
    pub offset: usize,
    /// What stood before the prefix.
    pub noise: &'a [u8],
    /// What stood between the prefix, or the start of the line, and the answer.
    pub before: &'a [u8],
    /// The answer.
    pub text: &'a [u8],
    /// What followed it on its line.
    pub after: &'a [u8],
    /// The answer as a value, if it is one.
    pub value: Option<Rc<Json>>,
    /// Whether the prefix that should stand before it is missing.
    pub prefix_missing: bool,
    /// Whether it has the prefix that its own request asked for.
    pub new_prefix: bool,
    /// Whether a line feed followed.
    pub terminated: bool,
}

/// One step of the explanation.
#[derive(Debug, Clone)]
pub enum Step<'a> {
    /// A line got its answer: several where a batch was answered line by line.
    Answered {
        /// Index of the line.
        slot: usize,
        /// Its answers.
        taken: Vec<Taken<'a>>,
    },
    /// A line got none.
    Unanswered {
        /// Index of the line.
        slot: usize,
    },
    /// Output that answers nothing.
    Extra {
        /// Index of the line whose answer comes next.
        slot: usize,
        /// Where it stands.
        offset: usize,
        /// What it is.
        bytes: &'a [u8],
        /// Whether it looks like a response.
        response: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct State {
    slot: usize,
    at: usize,
    /// Index into `Aligner::prefixes`.
    prefix: usize,
}

/// Explains `out`, the output behind the header, by the lines of the client.
#[must_use]
pub fn align<'a>(slots: &[Slot], out: &'a [u8], start: usize) -> Vec<Step<'a>> {
    let mut aligner = Aligner { slots, out, prefixes: vec![Vec::new()], parsed: HashMap::new() };
    let mut state = State { slot: 0, at: start, prefix: 0 };
    let mut steps = Vec::new();
    while !aligner.is_end(state) {
        let (mut stretch, mut end) = aligner.search(state);
        if !aligner.is_end(end) {
            let cut = stretch.partition_point(|(before, _)| before.slot < state.slot + KEPT);
            if cut > 0 && cut < stretch.len() {
                end = stretch[cut].0;
                stretch.truncate(cut);
            }
        }
        if end == state {
            // Beyond all understanding: what is left answers nothing.
            steps.push(Step::Extra {
                slot: state.slot,
                offset: state.at,
                bytes: &out[state.at..],
                response: false,
            });
            steps.extend((state.slot..slots.len()).map(|slot| Step::Unanswered { slot }));
            break;
        }
        steps.extend(stretch.into_iter().map(|(_, step)| step));
        state = end;
    }
    steps
}

struct Aligner<'s, 'a> {
    slots: &'s [Slot],
    out: &'a [u8],
    prefixes: Vec<Vec<u8>>,
    parsed: HashMap<(usize, usize), Option<Rc<Json>>>,
}

type Path<'a> = Vec<(State, Step<'a>)>;

impl<'a> Aligner<'_, 'a> {
    fn is_end(&self, state: State) -> bool {
        state.slot == self.slots.len() && state.at == self.out.len()
    }

    /// The cheapest way to the end, or over the next stretch.
    fn search(&mut self, start: State) -> (Path<'a>, State) {
        let mut heap = BinaryHeap::new();
        let mut best: HashMap<State, (u32, Option<(State, Step<'a>)>)> = HashMap::new();
        best.insert(start, (0, None));
        heap.push((Reverse(0u32), start));
        let mut farthest = start;
        let mut seen = 0;
        while let Some((Reverse(cost), state)) = heap.pop() {
            if best.get(&state).is_some_and(|(known, _)| *known < cost) {
                continue;
            }
            if (state.slot, state.at) > (farthest.slot, farthest.at) {
                farthest = state;
            }
            seen += 1;
            if self.is_end(state) || state.slot >= start.slot + STRETCH || seen > BUDGET {
                farthest = if seen > BUDGET { farthest } else { state };
                break;
            }
            for (price, next, step) in self.steps_from(state) {
                let total = cost + price;
                if best.get(&next).is_none_or(|(known, _)| total < *known) {
                    best.insert(next, (total, Some((state, step))));
                    heap.push((Reverse(total), next));
                }
            }
        }
        let mut path = Vec::new();
        let mut state = farthest;
        while let Some((_, Some((before, step)))) = best.remove(&state) {
            path.push((before, step));
            state = before;
        }
        path.reverse();
        (path, farthest)
    }

    fn steps_from(&mut self, state: State) -> Vec<(u32, State, Step<'a>)> {
        let mut next = Vec::new();
        let at_end = state.at >= self.out.len();
        if let Some(slot) = self.slots.get(state.slot) {
            let silence = price_of_silence(slot, at_end);
            for (prefix, price) in self.prefixes_after(slot, None, state.prefix) {
                let after = State { slot: state.slot + 1, prefix, ..state };
                next.push((silence + price, after, Step::Unanswered { slot: state.slot }));
            }
            if !at_end {
                for (price, taken, at) in self.answers_at(state, slot) {
                    let value = taken.last().and_then(|t| t.value.clone());
                    for (prefix, extra) in self.prefixes_after(slot, value.as_deref(), state.prefix) {
                        let after = State { slot: state.slot + 1, at, prefix };
                        let step = Step::Answered { slot: state.slot, taken: taken.clone() };
                        next.push((price + extra, after, step));
                    }
                }
            }
        }
        if !at_end {
            next.push(self.extra_at(state));
        }
        next
    }

    /// What the next line, or the next answer behind a prefix, can be as the answer to `slot`.
    fn answers_at(&mut self, state: State, slot: &Slot) -> Vec<(u32, Vec<Taken<'a>>, usize)> {
        let mut found = Vec::new();
        let mut tried = Vec::new();
        let asked = asked_prefix(slot).map(|p| self.intern(p));
        for (prefix, is_new) in [(Some(state.prefix), false), (asked, true), (Some(0), false)] {
            let Some(prefix) = prefix.filter(|p| !tried.contains(p)) else { continue };
            tried.push(prefix);
            let Some(mut segment) = self.segment(state, prefix, slot, is_new) else { continue };
            if asked.is_some_and(|a| a != prefix && self.out[state.at..].starts_with(&self.prefixes[a])) {
                // A prefix of blanks could be taken for a part of the answer.
                segment.price += u32::from(!self.prefixes[asked.unwrap_or(0)].is_empty());
            }
            let priced = self.readings_of(&segment);
            for (price, taken, at) in priced {
                let fit = price + fit(slot, &taken);
                if let (Ask::Batch(members), Some(value)) = (&slot.ask, &taken.value)
                    && belongs(members, value)
                {
                    let (all, at) = self.spread(members, &segment, state.prefix, taken.clone(), at);
                    found.push((price + segment.price + 3, all, at));
                }
                found.push((fit + segment.price, vec![taken], at));
            }
        }
        if found.iter().any(|(price, taken, _)| *price < 4 && taken.iter().all(|t| t.value.is_some())) {
            // What is an answer in one way is not broken in another.
            found.retain(|(_, taken, _)| taken.iter().all(|t| t.value.is_some()));
        }
        found
    }

    /// The next stretch of output under one prefix, up to its line feed.
    fn segment(&self, state: State, prefix: usize, slot: &Slot, is_new: bool) -> Option<Segment> {
        let mut cursor = Cursor::new(&self.out[state.at..], true);
        let text = &self.prefixes[prefix];
        let frame = cursor.next((!text.is_empty()).then_some(text.as_slice()))?;
        if frame.prefix_missing {
            return None;
        }
        let body = state.at + frame.noise.len() + text.len();
        let missing = prefix == 0 && state.prefix != 0 && !is_new;
        let noise = match (frame.noise.is_empty(), slot.ask.calls_api()) {
            (true, _) => 0,
            // What an API printed is what the prefix is for.
            (false, true) => 1,
            // What looks like a response is likelier one without its prefix.
            (false, false) if find(frame.noise, b"{\"").is_some() => 9,
            (false, false) => 4,
        };
        Some(Segment {
            offset: state.at,
            noise: (state.at, state.at + frame.noise.len()),
            body,
            end: body + frame.line.len(),
            terminated: frame.terminated,
            prefix,
            missing,
            is_new,
            price: noise + if missing { 4 } else { 0 },
        })
    }

    /// The ways to find an answer in a segment: all of it, behind or before other text, over several lines.
    fn readings_of(&mut self, segment: &Segment) -> Vec<(u32, Taken<'a>, usize)> {
        let Segment { body, end, .. } = *segment;
        let next = end + usize::from(segment.terminated);
        let whole = self.parse(body, end);
        if whole.is_some() {
            // Blanks may be a prefix that should not be there.
            let padded = u32::from(matches!(self.out.get(body), Some(b' ' | b'\t')));
            return vec![(padded, self.taken(segment, (body, end), end, whole), next)];
        }
        let mut found = vec![(0, self.taken(segment, (body, end), end, None), next)];
        let here = &self.out[body..end];
        if let Some(length) = value_end(here).filter(|n| *n < here.len()) {
            let stop = body + length;
            if let Some(value) = self.parse(body, stop).filter(|v| is_response(v)) {
                let rest = &self.out[stop..end];
                let prefix = &self.prefixes[segment.prefix];
                // A second answer on the same line is left for the next request.
                let shared = matches!(rest.first(), Some(b'{' | b'['))
                    || (!prefix.is_empty() && rest.starts_with(prefix));
                let (after, next) = if shared { (stop, stop) } else { (end, next) };
                let mut taken = self.taken(segment, (body, stop), after, Some(value));
                taken.terminated &= !shared;
                found.push((3, taken, next));
            }
        } else if let Some(length) = value_end(&self.out[body..]) {
            let stop = body + length;
            if let Some(value) = self.parse(body, stop).filter(|v| is_response(v)) {
                let terminated = self.out.get(stop) == Some(&b'\n');
                let mut taken = self.taken(segment, (body, stop), stop, Some(value));
                taken.terminated = terminated;
                found.push((3, taken, stop + usize::from(terminated)));
            }
        }
        let starts =
            here.windows(2).enumerate().filter(|(_, w)| *w == b"{\"" || *w == b"[{").map(|(i, _)| body + i);
        for start in starts.skip_while(|s| *s == body).take(20) {
            if let Some(value) = self.parse(start, end).filter(|v| is_response(v)) {
                let mut taken = self.taken(segment, (start, end), end, Some(value));
                taken.before = &self.out[body..start];
                found.push((2, taken, next));
                break;
            }
        }
        if segment.prefix != 0
            && let Some((start, stop)) = self.next_response(next)
        {
            // What was printed between the prefix and the response.
            let value = self.parse(start, stop);
            let mut taken = self.taken(segment, (start, stop), stop, value);
            taken.before = &self.out[body..start];
            taken.terminated = stop < self.out.len();
            found.push((4, taken, (stop + 1).min(self.out.len())));
        }
        found
    }

    /// The next line at or behind `at` that is a response, if it is near.
    fn next_response(&mut self, mut at: usize) -> Option<(usize, usize)> {
        for _ in 0..20 {
            let length = self.out.get(at..)?.iter().position(|b| *b == b'\n');
            let end = length.map_or(self.out.len(), |n| at + n);
            if at < end && self.parse(at, end).is_some_and(|v| is_response(&v)) {
                return Some((at, end));
            }
            at = end + 1;
        }
        None
    }

    fn taken(
        &self,
        s: &Segment,
        (from, to): (usize, usize),
        end: usize,
        value: Option<Rc<Json>>,
    ) -> Taken<'a> {
        Taken {
            offset: s.offset,
            noise: &self.out[s.noise.0..s.noise.1],
            before: &[],
            text: &self.out[from..to],
            after: &self.out[to..end],
            value,
            prefix_missing: s.missing,
            new_prefix: s.is_new,
            terminated: s.terminated,
        }
    }

    /// A batch whose members were answered on lines of their own, with or without the prefix.
    fn spread(
        &mut self,
        members: &[Single],
        first: &Segment,
        now: usize,
        taken: Taken<'a>,
        at: usize,
    ) -> (Vec<Taken<'a>>, usize) {
        let mut all = vec![taken];
        let mut at = at;
        while at < self.out.len() && all.len() < members.len() {
            let rest = &self.out[at..];
            let prefix =
                [first.prefix, now].into_iter().map(|p| &self.prefixes[p]).find(|p| rest.starts_with(p));
            let body = at + prefix.map_or(0, Vec::len);
            let length = self.out[body..].iter().position(|b| *b == b'\n');
            let end = length.map_or(self.out.len(), |n| body + n);
            let Some(value) = self.parse(body, end).filter(|v| belongs(members, v)) else { break };
            let missing = now != 0 && body == at;
            let segment = Segment {
                offset: at,
                noise: (at, at),
                body,
                end,
                terminated: length.is_some(),
                missing,
                ..*first
            };
            all.push(self.taken(&segment, (body, end), end, Some(value)));
            at = end + usize::from(length.is_some());
        }
        (all, at)
    }

    /// Output that answers nothing: one line that looks like a response, or all lines that do not.
    fn extra_at(&mut self, state: State) -> (u32, State, Step<'a>) {
        let api = self.slots.get(state.slot).is_some_and(|slot| slot.ask.calls_api());
        let mut at = state.at;
        let mut response = false;
        while at < self.out.len() {
            let end = self.out[at..].iter().position(|b| *b == b'\n').map_or(self.out.len(), |n| at + n);
            let prefix = &self.prefixes[state.prefix];
            let body = if self.out[at..end].starts_with(prefix) { at + prefix.len() } else { at };
            let looks = find(&self.out[body..end], b"{\"").is_some() && {
                let start = body + find(&self.out[body..end], b"{\"").unwrap_or(0);
                self.parse(body, end).or_else(|| self.parse(start, end)).is_some_and(|v| is_response(&v))
            };
            if looks && at > state.at {
                break;
            }
            // A prefix with a line feed in it begins on a line of its own.
            let prefix = &self.prefixes[state.prefix];
            if at > state.at && !prefix.is_empty() && self.out[at..].starts_with(prefix) {
                break;
            }
            at = (end + 1).min(self.out.len());
            if looks {
                response = true;
                break;
            }
        }
        let price = match (response, api) {
            (true, false) => 8,
            (true, true) => 6,
            (false, false) => 4,
            (false, true) => 2,
        };
        let step =
            Step::Extra { slot: state.slot, offset: state.at, bytes: &self.out[state.at..at], response };
        (price, State { at, ..state }, step)
    }

    fn parse(&mut self, from: usize, to: usize) -> Option<Rc<Json>> {
        let text = &self.out[from..to];
        self.parsed.entry((from, to)).or_insert_with(|| parse_answer(text).ok().map(Rc::new)).clone()
    }

    fn intern(&mut self, prefix: Vec<u8>) -> usize {
        self.prefixes.iter().position(|p| *p == prefix).unwrap_or_else(|| {
            self.prefixes.push(prefix);
            self.prefixes.len() - 1
        })
    }

    /// The prefixes that may be in force after `slot` was answered with `value`, with what it costs to think so.
    fn prefixes_after(&mut self, slot: &Slot, value: Option<&Json>, now: usize) -> Vec<(usize, u32)> {
        let Some(asked) = asked_prefix(slot) else { return vec![(now, 0)] };
        let asked = self.intern(asked);
        let answers: &[Json] = match value {
            Some(Json::Array(items)) => items,
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        let reported = answers.iter().rev().find_map(|a| a.get("result")?.get("responsePrefix"));
        if let Some(reported) = reported.and_then(prefix_of) {
            let reported = self.intern(reported);
            return vec![(reported, 0), (asked, 1)];
        }
        let refused = answers.iter().any(|a| a.get("error").is_some());
        let listed = answers.iter().any(|a| a.get("result").is_some());
        match (refused || listed, value.is_some()) {
            (true, true) => vec![(now, 0), (asked, 1)],
            _ => vec![(asked, 0), (now, 1)],
        }
    }
}

struct Segment {
    offset: usize,
    noise: (usize, usize),
    body: usize,
    end: usize,
    terminated: bool,
    prefix: usize,
    missing: bool,
    is_new: bool,
    price: u32,
}
