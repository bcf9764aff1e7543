//! Reporters: turn the events of a run into output. They see events and nothing else.

pub mod json;
pub mod junit;
pub mod mark;
pub mod repro;
pub mod terminal;

use std::io::Write;
use std::path::Path;

use crate::error::Error;

/// Strikes declared secrets out of a text.
#[must_use]
pub fn redact(text: &str, secrets: &[String]) -> String {
    secrets.iter().filter(|s| s.len() > 2).fold(text.to_owned(), |text, secret| {
        let escaped = serde_json::to_string(secret).unwrap_or_default();
        text.replace(secret.as_str(), "[secret]").replace(escaped.trim_matches('"'), "[secret]")
    })
}

/// Strikes declared secrets out of bytes that need not be text.
#[must_use]
pub fn redact_bytes(bytes: &[u8], secrets: &[String]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for secret in secrets.iter().filter(|s| s.len() > 2) {
        let escaped = serde_json::to_string(secret).unwrap_or_default();
        for form in [secret.as_bytes(), escaped.trim_matches('"').as_bytes()] {
            while let Some(at) = crate::oracle::frame::find(&out, form) {
                out.splice(at..at + form.len(), b"[secret]".iter().copied());
            }
        }
    }
    out
}

/// Writes a file beside its place and renames it there, so that no half report is ever seen.
///
/// # Errors
/// When the system refuses.
pub fn write_whole(path: &Path, text: &str) -> Result<(), Error> {
    let fail = |source| Error::Write { path: path.to_owned(), source };
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.tmp", std::process::id()));
    let beside = std::path::PathBuf::from(beside);
    let written = std::fs::File::create(&beside)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|e| {
        // The half file, if there is one, is of no use to anybody.
        let _ = std::fs::remove_file(&beside);
        fail(e)
    })
}
