//! `civispec explain`: everything that is known about a case or a clause.

use super::print;
use crate::case::{Case, Suite};
use crate::catalog::Catalog;
use crate::clause::Clause;
use crate::error::Error;

/// Explain a case or a clause.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  civispec explain pipe:flags.unknown-null
  civispec explain pipe/flags/unknown-in-the-middle-is-null")]
pub(crate) struct Args {
    /// Id of a case or a clause.
    id: String,
    /// A folder with cases of your own.
    #[arg(long, value_name = "DIR")]
    cases: Vec<std::path::PathBuf>,
}

/// Prints the explanation.
pub(crate) fn explain(args: &Args) -> Result<u8, Error> {
    let mut catalog = Catalog::built_in()?;
    for folder in &args.cases {
        catalog.add_folder(folder)?;
    }
    for suite in &catalog.suites {
        if let Some(clause) = suite.ledger.get(&args.id) {
            print(&of_clause(suite, clause));
            return Ok(0);
        }
        if let Some(case) = suite.cases.iter().find(|c| c.id == args.id || c.alias.contains(&args.id)) {
            let clause = suite.ledger.get(&case.clause);
            print(&of_case(case));
            print(&clause.map(|c| of_clause(suite, c)).unwrap_or_default());
            return Ok(0);
        }
    }
    Err(super::run::nothing_selected(&catalog, std::slice::from_ref(&args.id)))
}

fn of_clause(suite: &Suite, clause: &Clause) -> String {
    let mut lines = vec![
        format!("clause   {}", clause.id),
        format!("level    {} ({:?})", clause.level, clause.role).to_lowercase(),
    ];
    lines.push(format!("source   {}{}", source_name(clause.source()), section(clause)));
    lines.extend(clause.quote.iter().map(|q| format!("quote    \"{q}\"")));
    lines.push(format!("means    {}", clause.says));
    lines.push(format!("profiles {}", clause.profiles.join(", ")));
    for reading in &clause.readings {
        lines.push(format!("reading  {}: {} ({})", reading.name, reading.about, reading.source));
    }
    if let Some(untestable) = &clause.untestable {
        lines.push(format!("untested {}", untestable.sentence));
    }
    lines.extend(clause.hint.iter().map(|h| format!("usually  {h}")));
    for case in suite.cases.iter().filter(|c| c.clause == clause.id) {
        lines.push(format!("case     {}: {}", case.id, case.about));
    }
    lines.join("\n") + "\n"
}

fn section(clause: &Clause) -> String {
    if clause.section.is_empty() { String::new() } else { format!(", \"{}\"", clause.section) }
}

fn source_name(source: &str) -> &str {
    match source {
        "pipe" => "Civi::pipe, published reference",
        "draft" => "Civi::pipe, early draft",
        "jsonrpc" => "JSON-RPC 2.0",
        "json" => "JSON (RFC 8259)",
        "own" => "our own requirement",
        other => other,
    }
}

fn of_case(case: &Case) -> String {
    let mut lines = vec![format!("case     {}", case.id), format!("about    {}", case.about)];
    lines.push(format!("file     {}:{}", case.origin.0, case.origin.1));
    for feature in &case.needs {
        lines.push(format!("needs    {}", feature.option()));
    }
    for block in &case.blocks {
        for send in &block.sends {
            lines.push(match send {
                crate::case::transcript::Send::Text { source, lf, .. } => {
                    format!("         {} {source}", if *lf { ">" } else { ">-" })
                }
                other => format!("         {other:?}"),
            });
        }
        for want in &block.wants {
            lines.push(format!("         {}", describe(want)));
        }
    }
    if let Some(control) = &case.control {
        lines.push(format!(
            "control  the same with {} in place of {} must be served",
            control.to, control.from
        ));
    }
    if let Some(observe) = &case.observe {
        lines.push(format!("observes {observe}: every answer of the run"));
    }
    lines.join("\n") + "\n\n"
}

fn describe(want: &crate::case::transcript::Want) -> String {
    use crate::case::transcript::Want;
    match want {
        Want::Answer { any_of, .. } => {
            format!("< {}", any_of.iter().map(ToString::to_string).collect::<Vec<_>>().join("  or  "))
        }
        Want::Unordered(group) => {
            format!(
                "< in any order: {}",
                group.iter().map(ToString::to_string).collect::<Vec<_>>().join("  ")
            )
        }
        Want::Exact(slots) => format!("<= {}", slots.iter().map(ToString::to_string).collect::<String>()),
        Want::Silence => ". (no answer)".to_owned(),
        Want::Exit(status) => {
            format!("! exit {}", status.map_or_else(|| "any".to_owned(), |s| s.to_string()))
        }
        Want::Prefix(_) => "% the response prefix changes".to_owned(),
        Want::Noise(_) => "% noise comes first".to_owned(),
    }
}
