//! `civispec list`: what there is to run.

use super::print;
use crate::catalog::{Catalog, selects};
use crate::error::Error;

/// List cases or clauses.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  civispec list                    every case with its clause
  civispec list 'pipe/batch/*'     some of them
  civispec list --clauses          every clause with its level")]
pub(crate) struct Args {
    /// Case ids, clause ids or globs.
    selectors: Vec<String>,
    /// List clauses instead of cases.
    #[arg(long)]
    clauses: bool,
    /// A folder with cases of your own.
    #[arg(long, value_name = "DIR")]
    cases: Vec<std::path::PathBuf>,
}

/// Prints the list.
pub(crate) fn list(args: &Args) -> Result<u8, Error> {
    let mut catalog = Catalog::built_in()?;
    for folder in &args.cases {
        catalog.add_folder(folder)?;
    }
    let mut rows = Vec::new();
    for suite in &catalog.suites {
        let chosen = |case: &&crate::case::Case| {
            args.selectors.is_empty() || args.selectors.iter().any(|s| *s == suite.name || selects(s, case))
        };
        let cases: Vec<_> = suite.cases.iter().filter(chosen).collect();
        if args.clauses {
            for clause in suite.ledger.iter() {
                let n = cases.iter().filter(|c| c.clause == clause.id).count();
                let named = args.selectors.is_empty() || n > 0;
                if named {
                    let why = clause
                        .untestable
                        .as_ref()
                        .map_or_else(|| format!("{n} cases"), |u| format!("untestable: {}", u.sentence));
                    let role = if clause.role == crate::clause::Role::Client { " client" } else { "" };
                    rows.push(format!("{:<42} {:<7}{role} {why}", clause.id, clause.level.to_string()));
                }
            }
        } else {
            for case in cases {
                rows.push(format!("{:<52} {:<40} {}", case.id, case.clause, case.about));
            }
        }
    }
    if rows.is_empty() {
        return Err(super::run::nothing_selected(&catalog, &args.selectors));
    }
    print(&(rows.join("\n") + "\n"));
    Ok(0)
}
