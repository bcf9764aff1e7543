//! Sans-IO codecs of the protocols that civispec tests.
//!
//! Everything here is a pure function of bytes: no sockets, no files, no clock, no randomness. The harness, the
//! reference peers and the fuzz targets all stand on it, so whatever arrives from a target passes through here and
//! nothing in here may panic, recurse without a bound, or allocate more than a small multiple of its input.
//!
//! * [`mod@line`] splits a byte stream into lines of bounded length.
//! * [`json`] is a view of JSON text that keeps what a conformance tool must see: duplicate members, the text of
//!   numbers, the order of members, and the offset of a mistake.
//! * [`jsonrpc`] is the JSON-RPC 2.0 vocabulary on top of it.

pub mod json;
pub mod jsonrpc;
pub mod line;
