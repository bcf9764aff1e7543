//! Runs cases: opens sessions, spreads them over workers, repeats what failed in company, and says what happened.
//!
//! The runner emits [`Event`]s and knows no output format. What a case means is decided in [`attempt`], which cases
//! share a session in [`plan`], who sits on which connection in [`seats`], what a repeat shows in [`repeat`], how the
//! target behaves as a process in [`conduct`], what the results mean for clauses in [`summary`].

pub mod attempt;
pub mod conduct;
pub mod plan;
mod repeat;
pub mod seats;
mod summary;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use self::attempt::{Attempt, Context, attempt};
use self::conduct::Conduct;
use self::plan::{Job, Wishes};
use self::seats::Seats;
use crate::case::pattern::Mismatch;
use crate::case::{Case, Declared, Flags, Suite};
use crate::clause::Level;
use crate::event::{CaseResult, Event, RunInfo, RunReport};
use crate::exchange::{Conversation, Death, Limits, OpenError, Pace, variables};
use crate::oracle::passive::{Tally, shorten};
use crate::profile::Profile;
use crate::target::Launcher;
use crate::verdict::Verdict;

/// Deaths in a row after which a target is asked whether it still lives.
const DEATHS: usize = 3;

/// Everything that a run needs.
pub struct Plan<'a> {
    /// The suite.
    pub suite: &'a Suite,
    /// The profile.
    pub profile: &'a Profile,
    /// The cases that were selected.
    pub cases: Vec<&'a Case>,
    /// How connections are opened.
    pub launcher: Launcher,
    /// How the target is called in reports.
    pub name: String,
    /// Declared values.
    pub declared: Declared,
    /// Texts that must never stand in an answer or a report.
    pub secrets: Vec<String>,
    /// What the user declared and asked for.
    pub wishes: Wishes,
    /// Seed of all draws.
    pub seed: u64,
    /// Workers.
    pub workers: usize,
    /// How long to wait.
    pub limits: Limits,
    /// Longest time for the whole run.
    pub run_limit: Duration,
    /// Whether should clauses fail.
    pub strict: bool,
    /// Readings asked for.
    pub readings: BTreeMap<String, String>,
}

/// Runs a plan. Events go to `emit` as they happen; the finished report comes back too.
///
/// # Errors
/// When the default connection cannot be opened: a message for the user.
pub fn run(plan: &Plan<'_>, emit: &mut dyn FnMut(Event)) -> Result<RunReport, String> {
    let started = Instant::now();
    let context = Context {
        launcher: &plan.launcher,
        default_flags: plan.profile.flags.as_deref(),
        declared: &plan.declared,
        secrets: &plan.secrets,
        seed: plan.seed,
        pace: Pace::new(plan.limits, Some(started + plan.run_limit)),
        conduct: Conduct::default(),
        strict: plan.strict,
        readings: &plan.readings,
        sessions: AtomicUsize::new(0),
    };
    let (skipped, applying): (Vec<_>, Vec<_>) = plan
        .cases
        .iter()
        .map(|case| (*case, plan::obstacle(case, &plan.wishes, plan.profile, &plan.launcher)))
        .partition(|(_, obstacle)| obstacle.is_some());
    let applying: Vec<&Case> = applying.into_iter().map(|(case, _)| case).collect();
    let mut info = RunInfo {
        suite_version: env!("CARGO_PKG_VERSION").to_owned(),
        suite: plan.suite.name.clone(),
        profile: plan.profile.name.clone(),
        target: plan.name.clone(),
        identity: String::new(),
        seed: plan.seed,
        sessions: 0,
        strict: plan.strict,
    };
    info.identity = identify(&context)?;
    emit(Event::Started(info.clone(), plan.cases.len()));

    let mut results = Vec::new();
    for (case, obstacle) in skipped {
        let attempt = plain(Verdict::NotApplicable, obstacle.unwrap_or_default());
        let result = finish(plan, case, attempt, Duration::ZERO, Vec::new());
        emit(Event::Decided(Box::new(result.clone())));
        results.push(result);
    }
    let shift = Shift {
        plan,
        context: &context,
        queue: Mutex::new(plan::jobs(&applying, plan.wishes.isolate).into()),
        deaths: Mutex::new(0),
        gone: AtomicBool::new(false),
        why_gone: Mutex::new(None),
        cut_short: AtomicBool::new(false),
        deadline: started + plan.run_limit,
    };
    let mut tally = Tally::default();
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..plan.workers.max(1))
            .map(|_| {
                let sender = sender.clone();
                let shift = &shift;
                scope.spawn(move || shift.work(&sender))
            })
            .collect();
        drop(sender);
        for result in receiver {
            emit(Event::Decided(Box::new(result.clone())));
            results.push(result);
        }
        for worker in workers {
            // A worker that panicked leaves its cases undecided, which the summary reports as our mistake.
            tally.merge(worker.join().unwrap_or_default());
        }
    });
    info.sessions = context.sessions.load(Ordering::Relaxed);
    let decided: std::collections::BTreeSet<String> = results.iter().map(|r| r.id.clone()).collect();
    for case in plan.cases.iter().filter(|c| !decided.contains(&c.id)) {
        let attempt = plain(Verdict::HarnessError, "civispec lost this case: please report it".to_owned());
        results.push(finish(plan, case, attempt, Duration::ZERO, Vec::new()));
    }
    results.sort_by(|a, b| a.id.cmp(&b.id));
    summary::apply_passive(plan, &mut results, &tally);
    summary::apply_consistency(plan, &mut results);
    let unreachable = shift.why_gone.lock().ok().and_then(|mut why| why.take());
    let end = summary::End {
        unreachable,
        interrupted: shift.cut_short.load(Ordering::Relaxed) || crate::interrupted(),
        remarks: context.conduct.remarks(),
        duration: started.elapsed(),
    };
    let report = summary::report(plan, info, results, end);
    emit(Event::Finished(Box::new(report.clone())));
    Ok(report)
}

/// Opens the default connection, makes sure that it gives a header, and returns what the target says it is.
fn identify(context: &Context<'_>) -> Result<String, String> {
    let argv = context.launcher.arguments(&Flags::Suite, context.default_flags)?;
    let shown = crate::report::repro::command_line(&argv);
    context.sessions.fetch_add(1, Ordering::Relaxed);
    match Conversation::open(&argv, context.launcher, &context.pace) {
        Ok(mut conversation) => {
            let header = shorten(conversation.header());
            // What is printed before the header spoils one clause; a program that is no server at all spoils the run.
            let readable = civispec_wire::json::parse_output(conversation.header());
            let mut vars = variables(context.seed, "identify", 0, context.declared);
            let is_server = readable.is_ok() || conversation.settle(&mut vars, &context.pace).is_ok();
            context.conduct.note(&conversation.close(&context.pace).0);
            match readable {
                Err(e) if !is_server => {
                    let message = format!(
                        "the target gave no header: {shown}\nIts first line is no JSON ({e}): {header}\nIt answers no \
                         request either."
                    );
                    Err(crate::report::redact(&message, context.secrets))
                }
                _ => Ok(header),
            }
        }
        Err(OpenError::Start(e)) => Err(format!(
            "the target cannot be started: {shown}: {e}\nGive the command of a Civi::pipe server after '--'; it is \
             started directly, without a shell."
        )),
        Err(OpenError::NoHeader { death: Death::Stopped(what), .. }) => Err(format!("not begun: {what}")),
        Err(OpenError::NoHeader { death, ended, output }) => {
            let mut message =
                vec![format!("the target gave no header: {shown}\n{}", sentence(death.in_words()))];
            if !output.is_empty() {
                message.push(format!("standard output begins with: {}", shorten(&output)));
            }
            let stderr = String::from_utf8_lossy(&ended.stderr);
            let lines: Vec<&str> = stderr.lines().take(10).collect();
            if lines.is_empty() {
                message.push("It wrote nothing on standard error.".to_owned());
            } else {
                message.push(format!("standard error:\n  {}", lines.join("\n  ")));
            }
            Err(crate::report::redact(&message.join("\n"), context.secrets))
        }
    }
}

/// Words about a target as a sentence of their own.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

fn plain(verdict: Verdict, reason: String) -> Attempt {
    Attempt {
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

fn level_of(plan: &Plan<'_>, case: &Case) -> Level {
    plan.suite.ledger.get(&case.clause).map_or(Level::Must, |c| c.level)
}

fn finish(
    plan: &Plan<'_>,
    case: &Case,
    attempt: Attempt,
    duration: Duration,
    needs_earlier: Vec<String>,
) -> CaseResult {
    let commands = case
        .connections
        .iter()
        .filter_map(|c| plan.launcher.arguments(&c.flags, plan.profile.flags.as_deref()).ok())
        .map(|argv| argv.iter().map(|a| crate::report::redact(&a.to_string_lossy(), &plan.secrets)).collect())
        .collect();
    let secrets = &plan.secrets;
    let clean = |text: String| crate::report::redact(&text, secrets);
    let mut wire = attempt.wire;
    for stretch in &mut wire {
        let clean = crate::report::redact_bytes(&stretch.bytes, secrets);
        if stretch.bytes.len() == stretch.total {
            stretch.total = clean.len();
        }
        stretch.bytes = clean;
    }
    CaseResult {
        id: case.id.clone(),
        clause: case.clause.clone(),
        level: level_of(plan, case),
        about: case.about.clone(),
        verdict: attempt.verdict,
        reason: clean(attempt.reason),
        readings: attempt.readings,
        duration,
        wanted: attempt.wanted.map(clean),
        got: attempt.got.map(clean),
        mismatches: attempt
            .mismatches
            .into_iter()
            .map(|m| Mismatch { path: m.path, want: clean(m.want), got: clean(m.got) })
            .collect(),
        control: attempt.control.map(clean),
        needs_earlier,
        rerun: format!("civispec run {} --seed {} -- {}", case.id, plan.seed, plan.name),
        wire,
        commands,
    }
}

/// What the workers of a run share.
struct Shift<'a> {
    plan: &'a Plan<'a>,
    context: &'a Context<'a>,
    queue: Mutex<VecDeque<Job<'a>>>,
    deaths: Mutex<usize>,
    gone: AtomicBool,
    why_gone: Mutex<Option<String>>,
    /// Whether a case was not played, or not to its end, because the run was over.
    cut_short: AtomicBool,
    deadline: Instant,
}

impl<'a> Shift<'a> {
    fn work(&self, results: &mpsc::Sender<CaseResult>) -> Tally {
        let mut tally = Tally::default();
        loop {
            let job = self.queue.lock().ok().and_then(|mut queue| queue.pop_front());
            let Some(job) = job else { return tally };
            self.job(&job, results, &mut tally);
        }
    }

    fn job(&self, job: &Job<'a>, results: &mpsc::Sender<CaseResult>, tally: &mut Tally) {
        let mut seats = Seats::default();
        let mut earlier: Vec<&'a Case> = Vec::new();
        for &case in &job.cases {
            let start = Instant::now();
            let (attempt, needs) = if let Some(why) = self.why_not() {
                (why, Vec::new())
            } else {
                if !seats.is_usable() {
                    earlier.clear();
                }
                let level = level_of(self.plan, case);
                let mut seen = attempt(self.context, case, level, &mut seats, earlier.is_empty(), tally);
                let mut needs = Vec::new();
                let again = seen.verdict.needs_repeat() && self.context.pace.stopped().is_none();
                if again && !earlier.is_empty() {
                    seats.close(self.context, &case.id, tally);
                    (seen, needs) = repeat::alone(self.context, case, level, &earlier, seen);
                    earlier.clear();
                } else if seen.verdict.needs_repeat() {
                    seats.close(self.context, &case.id, tally);
                }
                self.watch(&seen);
                earlier.push(case);
                (seen, needs)
            };
            if attempt.verdict == Verdict::Inconclusive && self.context.pace.stopped().is_some() {
                self.cut_short.store(true, Ordering::Relaxed);
            }
            // The receiver lives as long as the workers do.
            let _ = results.send(finish(self.plan, case, attempt, start.elapsed(), needs));
        }
        let last = job.cases.last().map_or("", |c| c.id.as_str());
        seats.close(self.context, last, tally);
    }

    /// A reason not to play a case any more.
    fn why_not(&self) -> Option<Attempt> {
        if crate::interrupted() {
            return Some(plain(Verdict::Inconclusive, "not run: the run was interrupted".to_owned()));
        }
        if self.gone.load(Ordering::Relaxed) {
            let why = "not run: the target cannot be reached any more";
            return Some(plain(Verdict::Unreachable, why.to_owned()));
        }
        (Instant::now() >= self.deadline).then(|| {
            let limit = self.plan.run_limit.as_secs();
            let why = format!("not run: the run took longer than {limit} s (--run-timeout)");
            plain(Verdict::Inconclusive, why)
        })
    }

    /// Counts deaths in a row; after three the target must answer once on a fresh connection, or it is gone.
    fn watch(&self, seen: &Attempt) {
        if self.context.pace.stopped().is_some() {
            return;
        }
        // Held while the target is asked, so that the other workers wait for what it says.
        let Ok(mut deaths) = self.deaths.lock() else { return };
        if self.gone.load(Ordering::Relaxed) {
            return;
        }
        *deaths = if seen.lifeless { *deaths + 1 } else { 0 };
        if *deaths < DEATHS {
            return;
        }
        *deaths = 0;
        if !self.lives() && self.context.pace.stopped().is_none() {
            self.gone.store(true, Ordering::Relaxed);
            if let Ok(mut why) = self.why_gone.lock() {
                why.get_or_insert_with(|| {
                    format!("{DEATHS} sessions in a row came to nothing; the last: {}", seen.reason)
                });
            }
        }
    }

    fn lives(&self) -> bool {
        let Ok(argv) = self.context.launcher.arguments(&Flags::Suite, self.context.default_flags) else {
            return false;
        };
        self.context.sessions.fetch_add(1, Ordering::Relaxed);
        let Ok(mut conversation) = Conversation::open(&argv, self.context.launcher, &self.context.pace)
        else {
            return false;
        };
        let mut vars = variables(self.plan.seed, "alive", 0, &self.plan.declared);
        let alive = conversation.settle(&mut vars, &self.context.pace).is_ok();
        self.context.conduct.note(&conversation.kill(&self.context.pace));
        alive
    }
}
