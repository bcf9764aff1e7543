//! Oracles: pure judges of what a target wrote. They see bytes and cases, never a target, a clock or a file.
//!
//! [`frame`] cuts output into noise and answers, [`passive`] holds every answer against the rules that bind all
//! answers, [`block`] holds the answers of one block against its expectations, [`forensics`] explains output that is
//! no answer at all.

pub mod block;
pub mod forensics;
pub mod frame;
pub mod passive;
