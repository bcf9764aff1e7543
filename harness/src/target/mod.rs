//! Targets: what is under test, and how a connection to it is opened.
//!
//! A target is started directly, never through a shell. Supervision of a started process lives in [`child`]; how a
//! flag string becomes an argument lives in [`launcher`]. Nothing here knows what is sent.

pub mod child;
pub mod launcher;
mod orphans;
pub mod reference;

pub use self::child::{Child, Ended, Pump};
pub use self::launcher::{Launcher, Placement};
pub use self::orphans::{adopt, end_adopted};
