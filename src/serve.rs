//! The doors of a running daemon.

pub mod control;
pub mod page;
pub mod socket;
pub mod websub;
