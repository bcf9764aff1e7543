//! Explains output that is no answer.
