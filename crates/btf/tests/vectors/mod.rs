//! Cases kept as text, beside this file.

mod append;
pub mod case;
pub mod dedup;
mod distill;
mod endian;
mod golden;
mod headers;
mod kernel;
mod layout;
mod permute;
mod relocate;
mod units;
mod verdicts;
