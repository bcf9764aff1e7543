//! `Civi::pipe`: JSON-RPC 2.0 requests and responses as lines over two byte streams.
//!
//! [`Session`] is the protocol without IO, [`serve`] runs it over a reader and two writers, and [`Client`] is the
//! other end. One module each: the welcome `flags`, the five `methods`, `options`, `login`, the API calls
//! (`api` with `api3` and `api4`), who may do what (`permission`), the older notation of the `draft`, and
//! the `hooks` through which a seeded defect gets in.
//!
//! Where the specification leaves a choice, the choice is stated on the item that makes it.

pub(crate) mod api;
mod api3;
mod api4;
mod client;
mod draft;
pub(crate) mod entity;
mod flags;
pub(crate) mod hooks;
mod login;
pub(crate) mod methods;
pub(crate) mod options;
pub(crate) mod permission;
mod serve;
mod session;
pub(crate) mod state;

use std::path::PathBuf;

use crate::defect::{Defect, Variant};

pub use client::{Client, ClientError, Settings};
pub use login::{ACCOUNT, TestAccount};
pub use serve::serve;
pub use session::Session;

/// The version of CiviCRM that the server claims to be (flag `v`, `System.get`).
pub const VERSION: &str = "5.81.0";

/// The error codes that this server adds to those of JSON-RPC, within [`civispec_wire::jsonrpc::SERVER_ERRORS`].
pub mod code {
    /// A login was refused: unknown principal, wrong credential, another user is active, or no login mechanism.
    pub const LOGIN_REFUSED: i64 = -32001;
    /// The request is for trusted sessions only.
    pub const NOT_TRUSTED: i64 = -32002;
    /// An API call failed; `data.error_code` says how.
    pub const API_FAILED: i64 = -32099;
}

/// Which text the server follows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Profile {
    /// The published reference, CiviCRM 5.47 and later.
    #[default]
    Published,
    /// The earlier draft: no flags, no trust, API errors as regular results, the older notation of `OPTIONS`.
    Draft,
}

/// How a server session is set up.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The text to follow.
    pub profile: Profile,
    /// The requested connection flags, one per character; `None` means the default, `vtl`. The draft has no flags.
    pub flags: Option<Vec<u8>>,
    /// The SQLite file behind the API calls; `None` keeps everything in memory.
    pub db: Option<PathBuf>,
    /// What to do wrong.
    pub defects: Vec<Defect>,
    /// What to do differently without doing it wrong.
    pub variants: Vec<Variant>,
}
