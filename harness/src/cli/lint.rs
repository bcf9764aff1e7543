//! `civispec lint`: judges recorded sessions without a target.

use std::path::PathBuf;

use super::{complain, print};
use crate::error::Error;
use crate::lint::render::{self, Detail};
use crate::lint::{Finding, built_in_ledger, judge, parse};

/// Judge recorded sessions without a target.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  civispec lint session.jsonl              every finding with what was sent, wanted and got
  civispec lint --brief captures/*.jsonl   one line for each finding

A recording has one JSON object per line: {\"session\",\"about\",\"flags\",\"protocol\"}, then {\"dir\",\"text\"} or
{\"dir\",\"hex\"} with dir > (sent), < (standard output) or ! (standard error), then {\"exit\"}; `civispec record` makes
one. The order between the two directions is not judged, nor is what a called API may have printed.

Exit status: 0 where no must or states clause is broken, 1 where one is, 2 for a file that cannot be read.")]
pub(crate) struct Args {
    /// The recordings.
    #[arg(required = true, value_name = "FILE.jsonl")]
    files: Vec<PathBuf>,
    /// One line for each finding.
    #[arg(short, long)]
    brief: bool,
}

/// Judges every file that can be read, and tells of those that cannot.
pub(crate) fn lint(args: &Args) -> Result<u8, Error> {
    let ledger = built_in_ledger()?;
    let detail = if args.brief { Detail::Brief } else { Detail::Full };
    let mut all = Vec::new();
    let mut damaged = false;
    for path in &args.files {
        let name = path.display().to_string();
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(source) => {
                complain(&Error::Read { path: path.clone(), source });
                damaged = true;
                continue;
            }
        };
        let parsed = parse(&name, &bytes);
        let judged: Vec<_> = parsed.sessions.into_iter().map(|s| (s.clone(), judge(&ledger, &s))).collect();
        print(&render::file(&name, &judged, detail));
        damaged |= !parsed.damage.is_empty();
        if judged.is_empty() && parsed.damage.is_empty() {
            let what = "there is no session in it; expected {\"session\":…} on the first line";
            complain(&Error::Usage(format!("{name}: {what}")));
            damaged = true;
        }
        for damage in parsed.damage {
            complain(&Error::Data(damage));
        }
        all.extend(judged.into_iter().map(|(_, judged)| judged));
    }
    print(&render::summary(&ledger, all.iter()));
    let broken = all.iter().any(|judged| judged.findings.iter().any(Finding::is_broken));
    Ok(match (damaged, broken) {
        (true, _) => 2,
        (false, true) => 1,
        (false, false) => 0,
    })
}
