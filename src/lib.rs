//! Storywatch reads the news as it is published and tells its user, within seconds and only once, when there is new
//! coverage of a story that the user tracks. The modules stand in reading order; `ARCHITECTURE.md` has the picture.

mod again;
pub mod article;
mod caught;
mod counted;
pub mod event;
mod failpoint;
pub mod hub;
mod lock;
pub mod poison;
pub mod pulse;
pub mod quiet;

pub mod source;

pub mod pipeline;

pub mod journal;
pub mod store;

pub mod search;

pub mod reading;

pub mod alert;
pub mod health;

pub mod serve;

pub mod config;
pub mod journald;
pub mod systemd;

pub mod daemon;
pub mod demo;

pub mod cli;
