//! What validation has found out about a base, for all that are checked on it.

use super::blob::Identifiers;
use super::sound::BaseFacts;
use crate::Btf;
use std::sync::OnceLock;

#[derive(Default)]
pub(crate) struct Remembered {
    identifiers: OnceLock<Identifiers>,
    pub(super) facts: OnceLock<BaseFacts>,
}

impl Remembered {
    /// Of its strings and those of its bases.
    pub(super) fn identifiers(&self, base: &Btf) -> &Identifiers {
        self.identifiers.get_or_init(|| Identifiers::among(base.end_string() as usize))
    }
}
