//! Cases kept as text, beside this file.

pub mod case;
mod kernel;
