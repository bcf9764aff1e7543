//! Seeded defects and harmless variants by name.
//!
//! A defect makes a peer break one clause, so that a suite can be seen to notice it. A variant makes use of a freedom
//! that the texts leave, so that a suite can be seen to stay green. Both are rows of tables: a name, a sentence, and
//! the functions that do it at the points the protocol modules offer. They act on messages and state, never on who
//! is asking.

mod api;
mod batch;
mod harmless;
mod header;
mod line;
mod message;

use std::str::FromStr;

use civispec_wire::json::Json;

use crate::pipe::hooks::Hook;

/// A row of a table.
pub(crate) struct Seed {
    /// The name on the command line; unique among its kind.
    slug: &'static str,
    /// What the peer does, as a fragment that follows "the server".
    about: &'static str,
    hooks: &'static [Hook],
}

/// The tables of the defects.
static DEFECTS: [&[Seed]; 5] =
    [header::DEFECTS, line::DEFECTS, message::DEFECTS, batch::DEFECTS, api::DEFECTS];

/// The tables of the variants.
static VARIANTS: [&[Seed]; 1] = [harmless::VARIANTS];

/// A name that no table has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no {kind} called {name:?}")]
pub struct UnknownSeed {
    /// "defect" or "variant".
    pub kind: &'static str,
    /// The name that was asked for.
    pub name: String,
}

macro_rules! kind {
    ($(#[$doc:meta])* $kind:ident, $word:literal, $tables:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $kind(&'static Seed);

        impl $kind {
            /// All of them, in the order of their tables.
            pub fn all() -> impl Iterator<Item = Self> {
                $tables.iter().flat_map(|table| table.iter()).map(Self)
            }

            /// The name on the command line.
            #[must_use]
            pub fn slug(self) -> &'static str {
                self.0.slug
            }

            /// What the peer does, as a fragment that follows "the server".
            #[must_use]
            pub fn about(self) -> &'static str {
                self.0.about
            }

            pub(crate) fn hooks(self) -> &'static [Hook] {
                self.0.hooks
            }
        }

        impl FromStr for $kind {
            type Err = UnknownSeed;

            fn from_str(name: &str) -> Result<Self, UnknownSeed> {
                Self::all()
                    .find(|seed| seed.slug() == name)
                    .ok_or_else(|| UnknownSeed { kind: $word, name: name.to_owned() })
            }
        }

        impl PartialEq for $kind {
            fn eq(&self, other: &Self) -> bool {
                self.slug() == other.slug()
            }
        }

        impl Eq for $kind {}

        impl std::fmt::Debug for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($kind), "({})"), self.slug())
            }
        }
    };
}

kind! {
    /// A seeded defect. It is parsed from its slug.
    Defect, "defect", DEFECTS
}

kind! {
    /// A harmless variant. It is parsed from its slug.
    Variant, "variant", VARIANTS
}

/// The member of an object, to be changed.
fn member<'a>(value: &'a mut Json, name: &str) -> Option<&'a mut Json> {
    match value {
        Json::Object(members) => members.iter_mut().find(|(known, _)| known == name).map(|(_, value)| value),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
