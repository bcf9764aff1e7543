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
    // What is struck out and put in is whole text, so the bytes stay UTF-8.
    String::from_utf8_lossy(&redact_bytes(text.as_bytes(), secrets)).into_owned()
}

/// Strikes declared secrets out of bytes that need not be text.
#[must_use]
pub fn redact_bytes(bytes: &[u8], secrets: &[String]) -> Vec<u8> {
    let mut forms: Vec<String> = secrets.to_vec();
    forms.extend(
        secrets.iter().filter_map(|s| serde_json::to_string(s).ok()).map(|s| s[1..s.len() - 1].to_owned()),
    );
    forms.retain(|form| !form.is_empty());
    // The longest first: a credential before the token in it.
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    // One pass: what was put in is not searched again, as it may hold a secret itself.
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match forms.iter().find(|form| bytes[at..].starts_with(form.as_bytes())) {
            Some(form) => {
                out.extend_from_slice(b"[secret]");
                at += form.len();
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}

/// Writes a report. A regular file is written beside its place and renamed there, so that no half report is ever seen;
/// a link stays a link; a device or a pipe is written to as it is.
///
/// # Errors
/// When the system refuses.
pub fn write_whole(path: &Path, text: &str) -> Result<(), Error> {
    let fail = |source| Error::Write { path: path.to_owned(), source };
    let place = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if std::fs::metadata(&place).is_ok_and(|m| !m.is_file()) {
        let opened = std::fs::OpenOptions::new().write(true).open(&place);
        return opened.and_then(|mut file| file.write_all(text.as_bytes())).map_err(fail);
    }
    let mut beside = place.as_os_str().to_owned();
    beside.push(format!(".{}.tmp", std::process::id()));
    let beside = std::path::PathBuf::from(beside);
    let written = std::fs::File::create(&beside)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&beside, &place));
    written.map_err(|e| {
        // The half file, if there is one, is of no use to anybody.
        let _ = std::fs::remove_file(&beside);
        fail(e)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_stands_in_its_own_replacement_is_struck_out_once() {
        let secrets = ["secret".to_owned()];
        assert_eq!(redact_bytes(b"a secret, a secret", &secrets), b"a [secret], a [secret]");
        let both = ["Bearer secret".to_owned(), "secret".to_owned()];
        assert_eq!(redact("Bearer secret and secret", &both), "[secret] and [secret]");
    }

    #[test]
    fn a_link_stays_a_link_and_its_target_gets_the_report() {
        let dir = tempfile::tempdir().unwrap();
        let (target, link) = (dir.path().join("target.json"), dir.path().join("link.json"));
        std::fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        write_whole(&link, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "new");
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
