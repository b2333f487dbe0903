//! The one integration binary: the real program, real sockets, real files, SIGKILL.
#![expect(unreachable_pub, reason = "the scaffold is used by every file beside it")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::format_push_string,
    clippy::string_slice,
    reason = "a helper of tests fails as a test does"
)]

mod bad_input;
mod browser;
mod clock;
mod corpus;
mod disk;
mod drops;
mod feeds;
mod flow;
mod fuzzed;
mod hostile;
mod hub;
mod ingest;
mod kill;
mod page;
mod poison;
mod reading;
mod rot;
mod seeds;
mod sinks;
mod systemd;
mod tidy;
mod topics;
mod verbs;
mod vigil;
mod world;
