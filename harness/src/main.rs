//! The `civispec` command. Everything it does lives in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    civispec::cli::main(std::env::args_os())
}
