//! Which bound there is.

use super::{anonymous, cgroup};
use std::fmt;
use std::path::PathBuf;

/// How much anonymous memory this process may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limit {
    pub bytes: u64,
    pub by: SetBy,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SetBy {
    Option,
    /// The file that says it, and what it says: more than the limit, because others are in the group too.
    Group(PathBuf, u64),
}

impl Limit {
    /// What was asked for; else what the control groups leave; None where nothing bounds.
    pub fn of(asked: Option<u64>) -> Option<Limit> {
        match asked {
            Some(bytes) => Some(Limit { bytes, by: SetBy::Option }),
            None => cgroup::room(anonymous()?),
        }
    }

    /// What is left of it.
    pub fn room(&self) -> u64 {
        self.bytes.saturating_sub(anonymous().unwrap_or(0))
    }

    /// Is there room for the pages of a file besides? Only control groups count these.
    pub fn holds_pages(&self, need: u64, file: u64) -> bool {
        self.by == SetBy::Option || need.saturating_add(file) <= self.bytes
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = super::mebibytes(self.bytes);
        match &self.by {
            SetBy::Option => write!(f, "the memory limit that was asked for is {own}"),
            SetBy::Group(file, limit) => {
                let whole = super::mebibytes(*limit);
                write!(f, "the control group leaves {own} ({} says {whole})", file.display())
            }
        }
    }
}
