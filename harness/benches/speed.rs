//! Speed, as ratios measured in one run: `cargo bench -p civispec`.
//!
//! 1. Round trips through the harness beside a bare ping-pong over the same kind of pipes (aim: at least half).
//! 2. The reference fed with pipelined requests beside parsing and printing the same lines (how much a session costs).
//! 3. A whole `civispec run pipe` against the reference (aim: under 2 s on two cores).

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use civispec::case::{Flags, Suite};
use civispec::catalog::Catalog;
use civispec::exchange::{Conversation, Limits, Pace, variables};
use civispec::target::reference;
use civispec_reference::pipe::{Config, Session};
use civispec_wire::json;

const ROUNDS: usize = 5;
const TRIPS: u32 = 5_000;

fn main() {
    // `cargo test --benches` asks benches to run once, quickly; there is nothing to assert here.
    if std::env::args().any(|a| a == "--test") {
        return;
    }
    let (harness, bare): (Vec<f64>, Vec<f64>) = (0..ROUNDS).map(|_| (harness_trips(), bare_trips())).unzip();
    row(
        "round trips through the harness",
        median(&harness),
        "bare ping-pong",
        median(&bare),
        "aim: at least 0.50",
    );
    let (session, codec): (Vec<f64>, Vec<f64>) =
        (0..ROUNDS).map(|_| (pipelined(), parse_and_print())).unzip();
    row("reference, pipelined", median(&session), "parse and print alone", median(&codec), "");
    let runs: Vec<f64> = (0..ROUNDS).map(|_| whole_run().as_secs_f64()).collect();
    let ping = 1.0 / median(&bare);
    report(&format!(
        "civispec run pipe: median {:.2} s, as long as {:.0} bare round trips (aim: under 2 s)",
        median(&runs),
        median(&runs) / ping
    ));
}

fn row(name: &str, ours: f64, other: &str, theirs: f64, aim: &str) {
    report(&format!("{name}: {ours:.0}/s beside {other}: {theirs:.0}/s, ratio {:.2} {aim}", ours / theirs));
}

fn report(line: &str) {
    // A bench that cannot print has nobody to tell.
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_civispec"))
}

const LINE: &str = "{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[\"0123456789ab\"],\"id\":123456}\n";

/// Round trips per second of a loop that writes a line and reads a line.
fn bare_trips() -> f64 {
    let mut child = Command::new(binary())
        .args(["serve", "pipe"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the reference starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("a header");
    let start = Instant::now();
    for _ in 0..TRIPS {
        stdin.write_all(LINE.as_bytes()).expect("written");
        line.clear();
        stdout.read_line(&mut line).expect("an answer");
    }
    let rate = f64::from(TRIPS) / start.elapsed().as_secs_f64();
    drop(stdin);
    child.wait().expect("it ends");
    rate
}

/// Round trips per second of a case that the harness draws, sends, receives and judges.
fn harness_trips() -> f64 {
    let catalog = Catalog::built_in().expect("sound data");
    let suite = own_suite(&catalog);
    let case = &suite.cases[0];
    let target = reference::pipe(binary(), "published", &[]);
    let argv = target.launcher.arguments(&Flags::Suite, Some("vtl")).expect("the default connection");
    let limits = Limits {
        step: Duration::from_secs(10),
        patience: Duration::from_secs(1),
        grace: Duration::from_secs(2),
    };
    let pace = Pace::new(limits, None);
    let mut conversation =
        Conversation::open(&argv, &target.launcher, &pace).unwrap_or_else(|_| panic!("it opens"));
    let start = Instant::now();
    for turn in 0..u64::from(TRIPS) {
        let mut vars = variables(1, &case.id, turn, &target.declared);
        let block = &case.blocks[0];
        let played = conversation.play(case, block, &[&block.wants], &mut vars, None, &pace);
        assert!(played.death.is_none() && played.judgements[0].mismatches.is_empty());
    }
    let rate = f64::from(TRIPS) / start.elapsed().as_secs_f64();
    let _ = conversation.close(&pace);
    rate
}

fn own_suite(catalog: &Catalog) -> Suite {
    let mut suite = catalog.suites[0].clone();
    suite.cases.clear();
    let text = "[[case]]\nid = \"pipe/bench/echo\"\nclause = \"pipe:echo.input\"\nabout = \"bench\"\ntranscript = '''\n\
                > {\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[\"<$s>\"],\"id\":<$n>}\n\
                < {\"jsonrpc\":\"2.0\",\"result\":[\"<$s>\"],\"id\":<$n>}\n'''\n";
    suite.add("bench.toml", text).expect("a sound case");
    suite
}

const PIPELINED: usize = 50_000;

fn pipelined() -> f64 {
    let input = LINE.repeat(PIPELINED);
    let mut session = Session::new(&Config::default());
    session.header();
    let mut out = Vec::with_capacity(input.len());
    let start = Instant::now();
    for chunk in input.as_bytes().chunks(64 << 10) {
        session.feed(chunk, &mut out);
    }
    session.finish(&mut out);
    let rate = PIPELINED as f64 / start.elapsed().as_secs_f64();
    assert_eq!(out.iter().filter(|b| **b == b'\n').count(), PIPELINED);
    rate
}

fn parse_and_print() -> f64 {
    let start = Instant::now();
    let mut printed = 0;
    for _ in 0..PIPELINED {
        let value = json::parse(LINE.trim_end().as_bytes()).expect("JSON");
        printed += value.to_string().len();
    }
    assert!(printed > 0);
    PIPELINED as f64 / start.elapsed().as_secs_f64()
}

fn whole_run() -> Duration {
    let start = Instant::now();
    let status = Command::new(binary())
        .args(["run", "pipe", "--profile", "published", "--seed", "1"])
        .stdout(Stdio::null())
        .status()
        .expect("civispec starts");
    assert!(status.success());
    start.elapsed()
}
