//! The built-in reference as a target: this very binary, started as `serve`.

use std::ffi::OsString;
use std::path::Path;

use civispec_wire::json::Json;

use super::Launcher;
use super::launcher::PLACEHOLDER;
use crate::case::{Declared, Feature};

/// What the reference's user would declare about it.
#[derive(Debug, Clone)]
pub struct Reference {
    /// How it is started.
    pub launcher: Launcher,
    /// Its credentials and principals.
    pub declared: Declared,
    /// Everything that it can do.
    pub features: Vec<Feature>,
    /// Its secrets.
    pub secrets: Vec<String>,
}

/// The reference pipe server of a profile; `extra` are further arguments of `serve pipe`, such as a defect.
#[must_use]
pub fn pipe(binary: &Path, profile: &str, extra: &[String]) -> Reference {
    let mut command: Vec<OsString> =
        vec![binary.into(), "serve".into(), "pipe".into(), "--profile".into(), profile.into()];
    command.extend(extra.iter().map(OsString::from));
    command.extend(["--".into(), PLACEHOLDER.into()]);
    let account = civispec_reference::pipe::ACCOUNT;
    let declared = [
        ("@cred", Json::from(account.cred)),
        ("@contactId", Json::from(account.contact_id)),
        ("@userId", Json::from(account.user_id)),
        ("@user", Json::from(account.user)),
        ("@noiseEntity", Json::from("Noise")),
        ("@noiseAction", Json::from("echo")),
    ];
    Reference {
        launcher: Launcher { command, cwd: None, env: Vec::new(), letters_only: false },
        declared: declared.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
        features: vec![
            Feature::Cred,
            Feature::ContactId,
            Feature::UserId,
            Feature::User,
            Feature::Noise,
            Feature::Writes,
            Feature::EmptyFlags,
            Feature::ZeroFlags,
        ],
        secrets: vec![account.cred.to_owned(), account.cred.trim_start_matches("Bearer ").to_owned()],
    }
}
