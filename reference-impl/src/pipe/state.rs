//! What a session remembers between requests. It is data; the modules beside it are what changes it.

use civispec_wire::json::Style;

use crate::store::LazyStore;

use super::login::Account;
use super::options::Options;
use super::{Config, Profile, flags};

/// Whether the session may skip credentials and permission checks (flags `t` and `u`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    Trusted,
    Untrusted,
}

/// The state of one session.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) profile: Profile,
    /// The flags as they were requested; `None` when the connection asked for none.
    pub(crate) requested: Option<Vec<u8>>,
    /// The requested flags, each once, in the order of the request.
    pub(crate) flags: Vec<char>,
    pub(crate) trust: Trust,
    /// Whether there is a login mechanism at all (flag `l`).
    pub(crate) authx: bool,
    pub(crate) options: Options,
    /// The active user or contact.
    pub(crate) account: Option<Account>,
    /// How JSON is written.
    pub(crate) style: Style,
    pub(crate) store: LazyStore,
    /// What API calls printed to STDOUT since the last response.
    pub(crate) noise: Vec<u8>,
    /// What goes to STDERR.
    pub(crate) stderr: Vec<u8>,
}

impl State {
    /// The state before the first request.
    pub(crate) fn new(config: &Config) -> Self {
        let flags = flags::requested(config.flags.as_deref());
        Self {
            profile: config.profile,
            trust: match config.profile {
                Profile::Published => flags::trust(&flags),
                // The draft: only trusted parties are allowed to connect.
                Profile::Draft => Trust::Trusted,
            },
            requested: config.flags.clone(),
            flags,
            authx: true,
            options: Options::new(config.profile),
            account: None,
            style: Style::default(),
            store: LazyStore::new(config.db.clone()),
            noise: Vec::new(),
            stderr: Vec::new(),
        }
    }

    pub(crate) fn is_trusted(&self) -> bool {
        self.trust == Trust::Trusted
    }
}
