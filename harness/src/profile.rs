//! Profiles: which clauses and readings a revision of a protocol asks for (`cases/profiles/*.toml`).

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::case::Feature;
use crate::error::DataError;

/// A revision of a protocol as a set of demands.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The name that clauses refer to.
    pub name: String,
    /// The suite that it belongs to.
    pub suite: String,
    /// One line for people.
    pub about: String,
    /// Flag string of the default connection; absent: no argument.
    #[serde(default)]
    pub flags: Option<String>,
    /// Features that its launchers have.
    #[serde(default)]
    pub features: Vec<Feature>,
    /// Readings asked for: clause id to reading name.
    #[serde(default)]
    pub readings: BTreeMap<String, String>,
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// TOML that does not parse.
    pub fn parse(name: &str, text: &str) -> Result<Self, DataError> {
        toml::from_str(text).map_err(|e| DataError::toml(name, text, &e))
    }
}
