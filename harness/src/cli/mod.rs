//! The command line: reads arguments, calls the library, prints, and turns errors into exit statuses.

mod explain;
mod lint;
mod list;
mod record;
mod run;
mod serve;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::error::Error;

/// Tests Civi::pipe servers clause by clause.
#[derive(Debug, Parser)]
#[command(
    name = "civispec",
    version,
    about,
    long_about = "Conformance suite for the RPC protocols of CiviCRM and eGroupWare.\n\nEach case judges one clause \
                  of a specification on the bytes that an implementation writes. Without a target, the built-in \
                  reference is tested, so the tool proves itself on a fresh machine.",
    after_help = EXIT_CODES,
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit status (the first that applies):
  5  a mistake of civispec itself, or a report that could not be written
  2  usage: bad options, bad case files
  4  nothing was selected
  3  the target cannot be reached
  1  a case failed, hung or crashed the target, or a must or states clause is unproven
  6  only stale baseline entries
  0  everything that applies is proven";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the suite against a target, or against the built-in reference.
    Run(Box<run::Args>),
    /// List cases or clauses.
    List(list::Args),
    /// Explain a case or a clause.
    Explain(explain::Args),
    /// Serve a reference implementation.
    Serve(serve::Args),
    /// Judge recorded sessions without a target.
    Lint(lint::Args),
    /// Sit between a client and a server and record what passes.
    Record(record::Args),
}

/// A suite of the catalog, for arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SuiteName {
    /// Civi::pipe
    Pipe,
}

/// Parses the arguments of the process, does the work, and says how it went.
#[must_use]
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let dashes = args.iter().any(|a| a == "--");
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version are no errors; everything else is the user's and exits with 2.
            let code = if e.use_stderr() { 2 } else { 0 };
            let _ = e.print();
            return ExitCode::from(code);
        }
    };
    let done = match cli.command {
        // A script whose variable is empty must not test the reference instead of its server.
        Command::Run(args) if dashes && args.has_no_command() => {
            Err(Error::Usage("there is no command after '--'".to_owned()))
        }
        Command::Run(args) => run::run(*args),
        Command::List(args) => list::list(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Serve(args) => serve::serve(args),
        Command::Lint(args) => lint::lint(&args),
        Command::Record(args) => record::record(&args),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            complain(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

fn complain(error: &Error) {
    use std::io::Write;
    // Standard error may be gone; there is nobody left to tell.
    let _ = writeln!(anstream::stderr(), "civispec: {error}");
}

/// Prints to standard output. A closed pipe (`| head`) is no error.
pub(crate) fn print(text: &str) {
    use std::io::Write;
    let mut out = anstream::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// This very binary.
pub(crate) fn own_binary() -> Result<PathBuf, Error> {
    std::env::current_exe().map_err(|source| Error::Read { path: PathBuf::from("civispec"), source })
}
