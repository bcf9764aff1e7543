//! `civispec serve`: a reference implementation on standard input and output.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use civispec_reference::defect::{Defect, Variant};
use civispec_reference::pipe::{Config, Profile, serve as serve_pipe};

use super::SuiteName;
use crate::error::Error;

/// Serve a reference implementation.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  civispec serve pipe              serve with the default flags
  civispec serve pipe vu           an untrusted session that reports its version
  printf '%s\\n' '{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[1],\"id\":1}' | civispec serve pipe")]
pub(crate) struct Args {
    /// What to serve.
    #[arg(value_enum)]
    suite: SuiteName,
    /// The flag string of the connection; none: the default flags.
    flags: Option<OsString>,
    /// The text to follow.
    #[arg(long, default_value = "published", value_parser = ["published", "draft"])]
    profile: String,
    /// Keep the data in this SQLite file instead of memory.
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Break a clause on purpose (repeatable; `list` names them all).
    #[arg(long, value_name = "NAME")]
    defect: Vec<String>,
    /// Use a freedom that the texts leave (repeatable; `list` names them all).
    #[arg(long, value_name = "NAME")]
    variant: Vec<String>,
}

/// Serves until standard input ends.
pub(crate) fn serve(args: Args) -> Result<u8, Error> {
    let SuiteName::Pipe = args.suite;
    if let Some(listing) = listing(&args) {
        super::print(&listing);
        return Ok(0);
    }
    let seeded = |e: civispec_reference::defect::UnknownSeed| {
        Error::Usage(format!("{e}; --defect list and --variant list name them"))
    };
    let config = Config {
        profile: if args.profile == "draft" { Profile::Draft } else { Profile::Published },
        flags: args.flags.map(OsStringExt::into_vec),
        db: args.db,
        defects: args.defect.iter().map(|d| d.parse::<Defect>()).collect::<Result<_, _>>().map_err(seeded)?,
        variants: args
            .variant
            .iter()
            .map(|v| v.parse::<Variant>())
            .collect::<Result<_, _>>()
            .map_err(seeded)?,
    };
    match serve_pipe(&config, std::io::stdin().lock(), std::io::stdout(), std::io::stderr()) {
        Ok(()) => Ok(0),
        Err(source) => Err(Error::Write { path: PathBuf::from("<stdout>"), source }),
    }
}

fn listing(args: &Args) -> Option<String> {
    let lines = |rows: Vec<(&str, &str)>| {
        Some(rows.into_iter().map(|(slug, about)| format!("{slug}: the server {about}\n")).collect())
    };
    if args.defect.iter().any(|d| d == "list") {
        return lines(Defect::all().map(|d| (d.slug(), d.about())).collect());
    }
    if args.variant.iter().any(|v| v == "list") {
        return lines(Variant::all().map(|v| (v.slug(), v.about())).collect());
    }
    None
}
