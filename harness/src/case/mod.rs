//! Cases as data: the TOML form, its transcripts and patterns, and the checks that catch an author's mistake early.

mod load;
pub mod pattern;
pub mod template;
pub mod transcript;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::load::{Suite, parse_file};
use self::transcript::{Block, Want};

/// One case: one clause, one stimulus, what must come back.
#[derive(Debug, Clone)]
pub struct Case {
    /// Stable slug with `/`.
    pub id: String,
    /// The clause that it judges.
    pub clause: String,
    /// What it shows, as a sentence without a full stop.
    pub about: String,
    /// The connections that it needs, one or two.
    pub connections: Vec<Connection>,
    /// What it changes in its session.
    pub touches: Vec<Touch>,
    /// Features that the user must declare.
    pub needs: Vec<Feature>,
    /// The profiles that ask for it; empty: those of the clause.
    pub profiles: Vec<String>,
    /// Repeat it with the first line cut at every byte.
    pub every_split: bool,
    /// Needs `--all`.
    pub rare: bool,
    /// Name of a passive oracle whose findings anywhere in the run fail the case.
    pub observe: Option<String>,
    /// Envelope members that are its own subject.
    pub judges: Vec<Envelope>,
    /// Whether the passive oracles judge its answers.
    pub passive: bool,
    /// Texts that no answer may contain.
    pub never: Vec<String>,
    /// Cases of one situation must show the same reading.
    pub situation: String,
    /// Former ids.
    pub alias: Vec<String>,
    /// The transcript.
    pub blocks: Vec<Block>,
    /// The name of the reading that the transcript itself shows.
    pub reading: Option<String>,
    /// Other readings, for the last block.
    pub readings: Vec<Alternative>,
    /// The positive twin.
    pub control: Option<Control>,
    /// The file that it comes from, and the line there.
    pub origin: (String, usize),
}

/// How a connection is opened and who uses it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Connection {
    /// The flag string.
    pub flags: Flags,
    /// Who is logged in before the case begins.
    pub login: Option<Principal>,
}

/// The argument of a connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flags {
    /// The suite's default connection.
    Suite,
    /// No argument.
    None,
    /// This string.
    Text(String),
}

/// A principal that a login can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each is the member of `login` with its name")]
pub enum Principal {
    Cred,
    ContactId,
    UserId,
    User,
}

/// A member of an answer that every case meets and few are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "each is the member of its name")]
pub enum Envelope {
    Id,
    Jsonrpc,
}

/// What a case leaves changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Touch {
    /// Options: the runner restores them.
    Options,
    /// Who is logged in: the session is closed.
    Login,
    /// The session itself: it is closed.
    Session,
}

/// Something that must be declared before a case applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// `--cred`
    Cred,
    /// `--contact-id`
    #[serde(rename = "contactId")]
    ContactId,
    /// `--user-id`
    #[serde(rename = "userId")]
    UserId,
    /// `--user`
    User,
    /// `--noise-call`
    Noise,
    /// `--allow-writes`
    Writes,
    /// The launcher passes an empty flag string on (a matter of the profile).
    EmptyFlags,
    /// The launcher passes the flag string `0` on (a matter of the profile).
    ZeroFlags,
}

/// An alternative ending of a case: another reading of its clause.
#[derive(Debug, Clone)]
pub struct Alternative {
    /// Name of the reading, as the clause has it.
    pub name: String,
    /// Expectations of the last block.
    pub wants: Vec<Want>,
}

/// The positive twin of a refusal.
#[derive(Debug, Clone)]
pub struct Control {
    /// What is replaced.
    pub from: String,
    /// What takes its place.
    pub to: String,
    /// The blocks that are played: those up to the changed one, with its new expectations.
    pub blocks: Vec<Block>,
}

impl Case {
    /// The readings that the case can tell apart, the transcript's own first.
    pub fn reading_names(&self) -> impl Iterator<Item = &str> {
        self.reading.as_deref().into_iter().chain(self.readings.iter().map(|r| r.name.as_str()))
    }

    /// Whether other cases may use the session before and after.
    #[must_use]
    pub fn shares_session(&self) -> bool {
        self.connections.len() == 1
            && !self.touches.iter().any(|t| matches!(t, Touch::Login | Touch::Session))
    }
}

impl Feature {
    /// What the user writes to declare it.
    #[must_use]
    pub const fn option(self) -> &'static str {
        match self {
            Self::Cred => "--cred",
            Self::ContactId => "--contact-id",
            Self::UserId => "--user-id",
            Self::User => "--user",
            Self::Noise => "--noise-call",
            Self::Writes => "--allow-writes",
            Self::EmptyFlags => {
                "a launcher that passes an empty flag string on (cv and wp-cli take it for none)"
            }
            Self::ZeroFlags => "a launcher that passes the flag string 0 on (cv and wp-cli take it for none)",
        }
    }
}

/// Values that the user declares, by the name under which cases refer to them (`@cred`, …).
pub type Declared = BTreeMap<String, civispec_wire::json::Json>;
