//! `civispec run`: selects cases, declares what the user declared, runs, reports.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use civispec_wire::json::Json;

use crate::case::{Case, Declared, Feature, Suite};
use crate::catalog::{Catalog, nearest, selects};
use crate::error::Error;
use crate::event::{Event, RunReport};
use crate::exchange::Limits;
use crate::profile::Profile;
use crate::report::terminal::{Terminal, progress};
use crate::report::{json, junit, repro, write_whole};
use crate::runner::plan::{Wishes, of_profile};
use crate::runner::{self, Plan};
use crate::target::{Launcher, Placement, adopt, end_adopted, reference};
use crate::verdict::{Tallied, exit_status};

/// Run the suite against a target, or against the built-in reference.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  civispec run                                     the built-in reference, every profile
  civispec run pipe -- cv pipe {flags}             a server that takes the flags as an argument
  civispec run pipe -- cv ev 'Civi::pipe(\"{flags}\");'
  civispec run pipe 'pipe/batch/*' -- php srv.php  some cases, the server's default connection only
  civispec run pipe --cred 'Bearer …' --contact-id 202 --report json=run.json -- cv pipe {flags}

{flags} stands for the flag string of a connection. As an argument of its own it receives any string; inside a longer
argument only letters. The command is started directly, never through a shell.")]
pub(crate) struct Args {
    /// Suite, case ids, clause ids or globs; none: everything.
    selectors: Vec<String>,
    /// The command of the target; without it the built-in reference is tested.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
    /// The revision of the text that is asked for [default: published; without a target: all].
    #[arg(long, value_parser = ["published", "draft"])]
    profile: Option<String>,
    /// An AuthX credential that logs a user in with all rights, such as 'Bearer s3cr3t'.
    #[arg(long, value_name = "CRED", env = "CIVISPEC_CRED", hide_env_values = true)]
    cred: Option<String>,
    /// A contact that may log in and see contacts.
    #[arg(long, value_name = "ID")]
    contact_id: Option<i64>,
    /// The user id of such a contact.
    #[arg(long, value_name = "ID")]
    user_id: Option<i64>,
    /// The name of such a user.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// An APIv4 call that prints a line of text, such as 'Noise echo'.
    #[arg(long, value_name = "ENTITY ACTION")]
    noise_call: Option<String>,
    /// Allow cases that create, change and delete contacts.
    #[arg(long)]
    allow_writes: bool,
    /// Run cases that take a session of their own and teach little, too.
    #[arg(long)]
    all: bool,
    /// One session per case.
    #[arg(long)]
    isolate: bool,
    /// Sessions at the same time [default: the number of processors].
    #[arg(short = 'j', long, value_name = "N")]
    jobs: Option<usize>,
    /// Seconds of silence after which the target counts as hung.
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    timeout: f64,
    /// Seconds after which a run is stopped.
    #[arg(long, value_name = "SECONDS", default_value = "1800")]
    run_timeout: u64,
    /// Seed of drawn ids and values [default: drawn, and printed].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// A folder with cases of your own, beside the built-in ones.
    #[arg(long, value_name = "DIR")]
    cases: Vec<PathBuf>,
    /// Working directory of the target.
    #[arg(long, value_name = "DIR")]
    cwd: Option<PathBuf>,
    /// An environment variable of the target.
    #[arg(long, value_name = "K=V")]
    env: Vec<String>,
    /// The flag strings that the command can take: any, or (alnum) only letters, as inside a longer argument.
    #[arg(long, value_parser = ["any", "alnum"], default_value = "any")]
    flags_charset: String,
    /// Departures from should clauses fail.
    #[arg(long)]
    strict: bool,
    /// Ask for a reading of a clause that its text leaves open.
    #[arg(long, value_name = "CLAUSE=NAME")]
    reading: Vec<String>,
    /// Write a report: json=FILE or junit=FILE.
    #[arg(long, value_name = "FORMAT=FILE")]
    report: Vec<String>,
    /// Name readings and every case that does not apply.
    #[arg(short, long)]
    verbose: bool,
}

impl Args {
    /// Whether no target was given.
    pub(super) const fn has_no_command(&self) -> bool {
        self.command.is_empty()
    }
}

/// Runs and reports; the exit status says how it went.
pub(crate) fn run(args: Args) -> Result<u8, Error> {
    let reports = report_files(&args.report)?;
    let mut catalog = Catalog::built_in()?;
    for folder in &args.cases {
        catalog.add_folder(folder)?;
    }
    check_readings(&catalog, &args.reading)?;
    watch_for_interrupt();
    adopt();
    let seed = args.seed.unwrap_or_else(fresh_seed);
    let mut done = Vec::new();
    let mut selected = 0;
    let mut outcome = Ok(());
    for suite in &catalog.suites {
        let profiles: Vec<&Profile> = catalog
            .profiles_of(&suite.name)
            .filter(|p| match &args.profile {
                Some(name) => p.name == *name,
                None => args.command.is_empty() || p.name == "published",
            })
            .collect();
        for profile in profiles {
            let cases = select(suite, profile, &args.selectors);
            selected += cases.len();
            if cases.is_empty() || crate::interrupted() {
                continue;
            }
            let plan = plan(&args, suite, profile, cases, seed)?;
            match play(&plan, args.verbose) {
                Ok(report) => done.push(report),
                Err(message) => {
                    outcome = Err(Error::Unreachable(message));
                    break;
                }
            }
        }
    }
    let written = write_reports(&reports, &done);
    if selected == 0 {
        return Err(nothing_selected(&catalog, &args.selectors));
    }
    written?;
    outcome?;
    let mut total = Tallied::default();
    for report in &done {
        let t = report.tallied();
        total.harness_error |= t.harness_error;
        total.unreachable |= t.unreachable;
        total.failed |= t.failed;
        total.unproven |= t.unproven;
        total.stale |= t.stale;
    }
    total.unproven |= crate::interrupted();
    Ok(exit_status(total))
}

fn play(plan: &Plan<'_>, verbose: bool) -> Result<RunReport, String> {
    let live = std::io::stderr().is_terminal();
    let (mut decided, mut total) = (0, 0);
    let mut report = runner::run(plan, &mut |event| {
        if let Event::Started(_, cases) = &event {
            total = *cases;
        }
        if let Event::Decided(_) = &event {
            decided += 1;
        }
        if live && let Some(line) = progress(&event, decided, total) {
            // Progress is a courtesy; a terminal that went away is no reason to stop.
            let _ = write!(std::io::stderr(), "{line}");
        }
    })?;
    report.remarks.extend(runner::conduct::strays(end_adopted()));
    let text = Terminal { ledger: &plan.suite.ledger, verbose }.render(&report);
    super::print(&crate::report::redact(&text, &plan.secrets));
    Ok(report)
}

fn plan<'a>(
    args: &Args,
    suite: &'a Suite,
    profile: &'a Profile,
    cases: Vec<&'a Case>,
    seed: u64,
) -> Result<Plan<'a>, Error> {
    let (launcher, name, mut declared, mut features, mut secrets) = if args.command.is_empty() {
        let r = reference::pipe(&super::own_binary()?, &profile.name, &[]);
        (r.launcher, "built-in reference".to_owned(), r.declared, r.features, r.secrets)
    } else {
        let launcher = launcher(args)?;
        let name = repro::command_line(&launcher.command);
        (launcher, name, Declared::new(), Vec::new(), Vec::new())
    };
    declare(args, &mut declared, &mut features, &mut secrets)?;
    if !(args.timeout > 0.0 && args.timeout <= 86_400.0) {
        return Err(Error::Usage(format!(
            "--timeout {}: expected seconds between 0 and 86400",
            args.timeout
        )));
    }
    let step = Duration::from_secs_f64(args.timeout);
    let mut readings: BTreeMap<String, String> = profile.readings.clone();
    readings.extend(
        args.reading.iter().filter_map(|r| r.split_once('=')).map(|(c, n)| (c.to_owned(), n.to_owned())),
    );
    Ok(Plan {
        suite,
        profile,
        cases,
        launcher,
        name: crate::report::redact(&name, &secrets),
        declared,
        secrets,
        wishes: Wishes {
            features: features.into_iter().collect::<BTreeSet<_>>(),
            all: args.all,
            isolate: args.isolate,
        },
        seed,
        workers: args
            .jobs
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from))
            .clamp(1, 64),
        limits: limits(step),
        run_limit: Duration::from_secs(args.run_timeout),
        strict: args.strict,
        readings,
    })
}

/// Waiting times that follow from the longest silence.
fn limits(step: Duration) -> Limits {
    Limits {
        step,
        patience: (step / 4).min(Duration::from_millis(500)),
        grace: (step / 2).min(Duration::from_secs(2)),
    }
}

fn launcher(args: &Args) -> Result<Launcher, Error> {
    let env = args
        .env
        .iter()
        .map(|pair| {
            pair.split_once('=')
                .filter(|(key, _)| !key.is_empty())
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .ok_or_else(|| Error::Usage(format!("--env {pair}: expected K=V")))
        })
        .collect::<Result<_, _>>()?;
    if let Some(dir) = args.cwd.as_ref().filter(|d| !d.is_dir()) {
        return Err(Error::Usage(format!("--cwd {}: there is no such folder", dir.display())));
    }
    let launcher = Launcher {
        command: args.command.clone(),
        cwd: args.cwd.clone(),
        env,
        letters_only: args.flags_charset == "alnum",
    };
    if launcher.command.first().and_then(|c| c.to_str()).is_some_and(|c| c.contains("{flags}")) {
        return Err(Error::Usage("{flags} stands for an argument, not for the program".to_owned()));
    }
    if launcher.placement() == Placement::Absent && args.flags_charset == "alnum" {
        return Err(Error::Usage("--flags-charset needs a command with {flags}".to_owned()));
    }
    Ok(launcher)
}

fn declare(
    args: &Args,
    declared: &mut Declared,
    features: &mut Vec<Feature>,
    secrets: &mut Vec<String>,
) -> Result<(), Error> {
    let mut add = |name: &str, feature, value: Option<Json>| {
        if let Some(value) = value {
            declared.insert(name.to_owned(), value);
            features.push(feature);
        }
    };
    add("@cred", Feature::Cred, args.cred.as_deref().map(Json::from));
    add("@contactId", Feature::ContactId, args.contact_id.map(Json::from));
    add("@userId", Feature::UserId, args.user_id.map(Json::from));
    add("@user", Feature::User, args.user.as_deref().map(Json::from));
    if let Some(call) = &args.noise_call {
        let words: Vec<&str> = call.split_whitespace().collect();
        let [entity, action] = words.as_slice() else {
            return Err(Error::Usage(format!("--noise-call '{call}': expected 'ENTITY ACTION'")));
        };
        declared.insert("@noiseEntity".to_owned(), Json::from(*entity));
        declared.insert("@noiseAction".to_owned(), Json::from(*action));
        features.push(Feature::Noise);
    }
    if args.allow_writes {
        features.push(Feature::Writes);
    }
    if let Some(cred) = &args.cred {
        // Without its scheme, too: a target may quote the token alone.
        let token = cred.split_whitespace().last().unwrap_or_default();
        if token.len() < 4 {
            return Err(Error::Usage("--cred: too short to be struck out of reports".to_owned()));
        }
        secrets.extend([cred.clone(), token.to_owned()]);
    }
    Ok(())
}

fn select<'a>(suite: &'a Suite, profile: &'a Profile, selectors: &[String]) -> Vec<&'a Case> {
    of_profile(suite, profile)
        .map(|(case, _)| case)
        .filter(|case| selectors.is_empty() || selectors.iter().any(|s| *s == suite.name || selects(s, case)))
        .filter(|case| {
            // `run pipe X` means X of the suite pipe, not both.
            let narrow: Vec<&String> = selectors.iter().filter(|s| **s != suite.name).collect();
            narrow.is_empty() || narrow.iter().any(|s| selects(s, case))
        })
        .collect()
}

/// The error for selectors that select nothing, with the nearest ids.
pub(crate) fn nothing_selected(catalog: &Catalog, selectors: &[String]) -> Error {
    let ids = catalog.suites.iter().flat_map(|s| {
        let cases = s.cases.iter().map(|c| c.id.as_str());
        cases.chain(s.ledger.iter().map(|c| c.id.as_str()))
    });
    let ids: Vec<&str> = ids.collect();
    let mut message = format!("nothing is selected by {}", selectors.join(" "));
    for selector in selectors.iter().filter(|s| catalog.suites.iter().all(|suite| suite.name != **s)) {
        let near = nearest(selector, ids.iter().copied());
        if !near.is_empty() {
            message += "\nnearest to ";
            message += selector;
            message += ": ";
            message += &near.join(", ");
        }
    }
    let suites: Vec<&str> = catalog.suites.iter().map(|s| s.name.as_str()).collect();
    message += "\nsuites: ";
    message += &suites.join(", ");
    message.push_str("\n`civispec list` names every case, `civispec list --clauses` every clause.");
    Error::NothingSelected(message)
}

fn check_readings(catalog: &Catalog, readings: &[String]) -> Result<(), Error> {
    for pair in readings {
        let Some((clause, name)) = pair.split_once('=') else {
            return Err(Error::Usage(format!("--reading {pair}: expected CLAUSE=NAME")));
        };
        let Some(clause) = catalog.suites.iter().find_map(|s| s.ledger.get(clause)) else {
            return Err(Error::Usage(format!("--reading {pair}: there is no clause {clause}")));
        };
        if clause.readings.iter().all(|r| r.name != name) {
            let names: Vec<&str> = clause.readings.iter().map(|r| r.name.as_str()).collect();
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(Error::Usage(format!(
                "--reading {pair}: the readings of {} are: {known}",
                clause.id
            )));
        }
    }
    Ok(())
}

/// The format of a report.
#[derive(Debug, Clone, Copy)]
enum Format {
    Json,
    Junit,
}

fn report_files(reports: &[String]) -> Result<Vec<(Format, PathBuf)>, Error> {
    let places: BTreeSet<&str> = reports.iter().filter_map(|pair| Some(pair.split_once('=')?.1)).collect();
    if places.len() < reports.len() && reports.iter().all(|pair| pair.contains('=')) {
        return Err(Error::Usage("--report: two reports go to one file".to_owned()));
    }
    reports
        .iter()
        .map(|pair| {
            let usage = || Error::Usage(format!("--report {pair}: expected json=FILE or junit=FILE"));
            let (format, path) = pair.split_once('=').filter(|(_, p)| !p.is_empty()).ok_or_else(usage)?;
            let format = match format {
                "json" => Format::Json,
                "junit" => Format::Junit,
                _ => return Err(usage()),
            };
            Ok((format, PathBuf::from(path)))
        })
        .collect()
}

/// Writes every report that can be written; the first that cannot is the error.
fn write_reports(files: &[(Format, PathBuf)], done: &[RunReport]) -> Result<(), Error> {
    let mut outcome = Ok(());
    for (format, path) in files {
        let text = match format {
            Format::Json => json::render(done).map_err(|e| e.to_string()),
            Format::Junit => junit::render(done).map_err(|e| e.to_string()),
        };
        let written = text
            .map_err(|e| Error::Write { path: path.clone(), source: std::io::Error::other(e) })
            .and_then(|text| write_whole(path, &text));
        if outcome.is_ok() {
            outcome = written;
        }
    }
    outcome
}

fn watch_for_interrupt() {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGINT, SIGTERM]) else { return };
    std::thread::spawn(move || {
        for _ in signals.forever() {
            crate::interrupt();
        }
    });
}

fn fresh_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    // Seeds are typed by people: keep them short.
    crate::draw::mix(now as u64 ^ u64::from(std::process::id())) % 1_000_000
}
