//! What a correct peer looks like: reference implementations of the protocols that civispec tests, with seeded
//! defects behind a switch.
//!
//! * [`pipe`] is the server and the client of `Civi::pipe`.
//! * `store` is the small database behind the API calls.
//! * [`defect`] lists the seeded defects and the harmless variants by name.
//!
//! The protocol modules are written for the case without a defect and call a thin layer of hooks at a few points;
//! everything that is wrong on purpose lives below [`defect`]. Nothing in here knows of cases, clauses or seeds: a
//! defect sees messages and state only.

pub mod defect;
pub mod pipe;
mod store;
