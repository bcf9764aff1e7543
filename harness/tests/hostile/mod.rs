//! Runs the real binary against the servers of `examples/hostile.rs` and watches both from outside.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

/// No run may take longer, however slow the machine.
const LONGEST_RUN: Duration = Duration::from_secs(100);
/// What is left behind may take so long to be gone from the process table.
const LONGEST_FAREWELL: Duration = Duration::from_secs(5);
/// Resident memory that the harness never exceeds.
const MOST_MEMORY: u64 = 64 << 20;

/// The program of hostile servers. Cargo builds it beside the tests, but not when a single test is asked for.
pub(crate) fn program() -> PathBuf {
    let tests = std::env::current_exe().expect("the test binary has a path");
    let program = tests.ancestors().nth(2).expect("target/PROFILE").join("examples/hostile");
    assert!(program.exists(), "{} is missing: cargo build -p civispec --example hostile", program.display());
    program
}

/// A run that was watched to its end.
pub(crate) struct Watched {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) report: Value,
    pub(crate) took: Duration,
    /// Most resident memory of civispec itself, in bytes.
    pub(crate) peak: u64,
}

impl Watched {
    /// The only run of the report.
    pub(crate) fn run(&self) -> &Value {
        &self.report["runs"][0]
    }

    /// Verdict and reason of a case.
    pub(crate) fn case(&self, id: &str) -> (&str, &str) {
        let cases = self.run()["cases"].as_array().expect("cases");
        let case =
            cases.iter().find(|c| c["id"] == id).unwrap_or_else(|| panic!("{id} is not in the report"));
        (case["verdict"].as_str().expect("a verdict"), case["reason"].as_str().expect("a reason"))
    }

    /// Asserts verdict and a part of the reason.
    pub(crate) fn expect(&self, id: &str, verdict: &str, reason: &str) {
        let (seen, why) = self.case(id);
        assert!(
            seen == verdict && why.contains(reason),
            "{id}: wanted {verdict} ({reason}), got {seen} ({why})"
        );
    }

    pub(crate) fn remarks(&self) -> String {
        self.run()["summary"]["remarks"].to_string()
    }
}

/// A run in progress.
pub(crate) struct Running {
    pub(crate) child: Child,
    /// A word in the environment and the arguments of every process of the target.
    token: String,
    folder: tempfile::TempDir,
    started: Instant,
    output: [JoinHandle<String>; 2],
    peak: u64,
}

/// Where the moment of the hostile server leaves its mark.
pub(crate) fn moment(running: &Running) -> PathBuf {
    running.folder.path().join("moment")
}

/// Starts civispec with these cases and options against `hostile KIND`.
pub(crate) fn start(kind: &str, cases: &str, options: &[&str]) -> Running {
    start_target(&[&program().display().to_string(), kind, "{flags}"], cases, options)
}

/// The same against any command.
pub(crate) fn start_target(target: &[&str], cases: &str, options: &[&str]) -> Running {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let token = format!("hostile-run-{}-{}", std::process::id(), RUNS.fetch_add(1, Ordering::Relaxed));
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("hostile.toml"), cases).expect("the cases are written");
    let mut child = Command::new(env!("CARGO_BIN_EXE_civispec"))
        .args(["run", "pipe", "hostile/*", "-j", "2", "--seed", "1"])
        .arg("--cases")
        .arg(folder.path())
        .arg(format!("--report=json={}", folder.path().join("report.json").display()))
        .arg(format!("--env=HOSTILE_RUN={token}"))
        .arg(format!("--env=HOSTILE_MOMENT={}", folder.path().join("moment").display()))
        .args(options)
        .arg("--")
        .args(target)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("civispec starts");
    let output = [read(child.stdout.take()), read(child.stderr.take())];
    Running { child, token, folder, started: Instant::now(), output, peak: 0 }
}

fn read(stream: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.expect("a pipe").read_to_end(&mut bytes).expect("output is read");
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

impl Running {
    /// Watches memory until `done` says so or the process has ended; too long a run fails.
    pub(crate) fn watch_until(&mut self, mut done: impl FnMut() -> bool) {
        while self.child.try_wait().expect("the child is ours").is_none() && !done() {
            self.peak = self.peak.max(high_water(self.child.id()));
            if self.started.elapsed() > LONGEST_RUN {
                let _ = self.child.kill();
                panic!("the run is stuck: {:?} and not over", self.started.elapsed());
            }
            // A pause between two looks, nothing more.
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }

    /// Watches to the end, and asserts what holds of every run: nothing is left, little memory, a report.
    pub(crate) fn finish(mut self) -> Watched {
        self.watch_until(|| false);
        let status = self.child.wait().expect("the child is ours");
        assert_eq!(status.signal(), None, "civispec itself was ended");
        let took = self.started.elapsed();
        let left = left_behind(&self.token);
        assert!(left.is_empty(), "processes are left: {left:?}");
        assert!(self.peak > 0 && self.peak < MOST_MEMORY, "{} bytes were resident", self.peak);
        let path = self.folder.path().join("report.json");
        let text = std::fs::read_to_string(&path).expect("the report is written");
        let report = serde_json::from_str(&text).expect("the report is JSON");
        let [stdout, stderr] = self.output.map(|reader| reader.join().expect("output is read"));
        Watched { code: status.code(), stdout, stderr, report, took, peak: self.peak }
    }
}

/// The most memory that a process had resident so far; its descendants do not count.
fn high_water(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().map_or(0, |kib| kib << 10)
}

/// Command lines of processes that still carry the token, once they had time to vanish.
fn left_behind(token: &str) -> Vec<String> {
    let deadline = Instant::now() + LONGEST_FAREWELL;
    loop {
        let left: Vec<String> = std::fs::read_dir("/proc")
            .expect("/proc")
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
            .filter_map(|pid| carries(pid, token))
            .collect();
        if left.is_empty() || Instant::now() > deadline {
            return left;
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

fn carries(pid: u32, token: &str) -> Option<String> {
    let of =
        |what: &str| std::fs::read(Path::new("/proc").join(pid.to_string()).join(what)).unwrap_or_default();
    let arguments = of("cmdline");
    let found = [&arguments, &of("environ")]
        .into_iter()
        .any(|bytes| bytes.split(|b| *b == 0 || *b == b'=').any(|word| word == token.as_bytes()));
    found.then(|| format!("{pid}: {}", String::from_utf8_lossy(&arguments).replace('\0', " ")))
}
