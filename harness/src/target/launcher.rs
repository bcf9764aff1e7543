//! How the command of a target takes the flag string of a connection.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::case::Flags;

/// The placeholder that stands for the flag string.
pub const PLACEHOLDER: &str = "{flags}";

/// A command that opens one connection each time it is started.
#[derive(Debug, Clone)]
pub struct Launcher {
    /// Program and arguments; `{flags}` stands for the flag string.
    pub command: Vec<OsString>,
    /// Working directory.
    pub cwd: Option<PathBuf>,
    /// Environment variables added to ours.
    pub env: Vec<(String, String)>,
    /// Only letters may be passed, because the flags land inside other text.
    pub letters_only: bool,
}

/// Where the placeholder stands in the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// Nowhere: only the default connection can be opened.
    Absent,
    /// It is an argument of its own.
    Whole,
    /// It is part of a longer argument.
    Embedded,
}

impl Launcher {
    /// Where the placeholder stands.
    #[must_use]
    pub fn placement(&self) -> Placement {
        let mut placement = Placement::Absent;
        for arg in self.command.iter().skip(1) {
            match arg.to_str() {
                Some(PLACEHOLDER) => return Placement::Whole,
                Some(text) if text.contains(PLACEHOLDER) => placement = Placement::Embedded,
                _ => {}
            }
        }
        placement
    }

    /// The arguments that open a connection with these flags; `suite` is the flag string of the profile's default connection, if it
    /// has one.
    ///
    /// # Errors
    /// Why this command cannot open such a connection; the case is then not applicable.
    pub fn arguments(&self, flags: &Flags, suite: Option<&str>) -> Result<Vec<OsString>, String> {
        let text = match flags {
            Flags::Suite => suite,
            Flags::None => None,
            Flags::Text(text) => Some(text.as_str()),
        };
        let placement = self.placement();
        match (placement, flags, text) {
            (Placement::Absent, Flags::Suite | Flags::None, _) => return Ok(self.command.clone()),
            (Placement::Absent, ..) => {
                return Err(format!(
                    "the command has no {PLACEHOLDER}, so only its default connection is tested"
                ));
            }
            (Placement::Embedded, _, None) => {
                return Err(format!("{PLACEHOLDER} is part of a longer argument and cannot be left out"));
            }
            (_, _, Some(text))
                if (placement == Placement::Embedded || self.letters_only)
                    && !text.chars().all(|c| c.is_ascii_alphabetic()) =>
            {
                return Err(format!("the flag string {text:?} cannot be put into the command safely"));
            }
            _ => {}
        }
        Ok(self
            .command
            .iter()
            .filter(|arg| text.is_some() || arg.to_str() != Some(PLACEHOLDER))
            .map(|arg| match (arg.to_str(), text) {
                (Some(arg), Some(text)) => OsString::from(arg.replace(PLACEHOLDER, text)),
                _ => arg.clone(),
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launcher(command: &[&str]) -> Launcher {
        Launcher {
            command: command.iter().map(OsString::from).collect(),
            cwd: None,
            env: vec![],
            letters_only: false,
        }
    }

    fn text(flags: &str) -> Flags {
        Flags::Text(flags.to_owned())
    }

    #[test]
    fn a_whole_argument_receives_any_flag_string_and_is_dropped_for_none() {
        let l = launcher(&["srv", "pipe", "{flags}"]);
        assert_eq!(l.arguments(&text("a b\""), Some("vtl")).unwrap(), ["srv", "pipe", "a b\""]);
        assert_eq!(l.arguments(&Flags::None, Some("vtl")).unwrap(), ["srv", "pipe"]);
        assert_eq!(l.arguments(&Flags::Suite, Some("vtl")).unwrap(), ["srv", "pipe", "vtl"]);
    }

    #[test]
    fn inside_a_longer_argument_only_letters_apply() {
        let l = launcher(&["cv", "ev", "Civi::pipe(\"{flags}\");"]);
        assert_eq!(l.arguments(&text("vu"), Some("vtl")).unwrap()[2], "Civi::pipe(\"vu\");");
        for flags in [text("v1"), text("\");exec(\""), Flags::None] {
            assert!(l.arguments(&flags, Some("vtl")).is_err(), "{flags:?}");
        }
    }

    #[test]
    fn without_a_placeholder_only_the_default_connection_exists() {
        let l = launcher(&["srv"]);
        assert!(
            l.arguments(&Flags::Suite, Some("vtl")).is_ok() && l.arguments(&Flags::None, Some("vtl")).is_ok()
        );
        assert!(l.arguments(&text("vu"), Some("vtl")).is_err());
    }
}
