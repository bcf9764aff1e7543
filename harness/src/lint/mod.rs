//! Judges recorded sessions without a target: bytes that were sent, bytes that came back, and how it ended.
//!
//! Pure: text in, judgement out; reading files and printing is the command line's. A recording tells the order of
//! bytes within one direction only, so answers are assigned to requests by their order and their ids ([`align`]) and
//! never by time. What a line asks for is read in [`ask`], what its answer breaks is said in [`court`]. "A red is
//! right": where the texts leave a freedom nothing is found, the reading is counted; what a called API may have
//! printed itself is noted and not judged.

pub mod align;
pub mod ask;
mod batch;
mod calls;
pub mod clauses;
pub mod court;
pub mod finding;
mod header;
pub mod numbers;
mod options;
pub mod recording;
pub mod render;
mod text;

pub use court::judge;
pub use finding::{Finding, Judged};
pub use recording::{Parsed, Session, parse};
