//! What is asked of a run over a whole kernel.

use crate::Options;
use crate::policy::BaseRef;
pub use crate::policy::MissingBase;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

#[derive(Debug, Clone)]
pub struct KernelOptions {
    /// The folder whose modules are encoded, with all folders below it.
    pub modules: PathBuf,
    pub base: BaseFrom,
    pub destination: Destination,
    pub missing_base: MissingBase,
    /// Go on after a module that failed.
    pub keep_going: bool,
    pub shard: Shard,
    /// Encode what is up to date, too.
    pub force: bool,
    /// How each file is encoded. Jobs and memory limit are of the whole run.
    pub encode: Options,
    /// Modules, by their paths in the folder, that are encoded with another `base_ref`.
    pub base_refs: HashMap<String, BaseRef>,
}

impl KernelOptions {
    pub(super) fn base_ref_of(&self, module: &Path) -> BaseRef {
        let own = if self.base_refs.is_empty() { None } else { self.base_refs.get(&*module.to_string_lossy()) };
        own.copied().unwrap_or(self.encode.sections.base_ref)
    }
}

/// What the modules' types build on.
#[derive(Debug, Clone)]
pub enum BaseFrom {
    /// The BTF that is made of this kernel.
    Vmlinux(PathBuf),
    /// BTF that is there, each on those before it; the first one on none.
    Btf(Vec<PathBuf>),
}

/// Where the BTF goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// `vmlinux.btf`, and `NAME.ko.btf` in a folder of the same name as the module's.
    Folder(PathBuf),
    /// Each file gets it as its section.
    InPlace,
    /// To who reads the results; nothing is written.
    Reader,
}

/// Of all modules in order, those whose number divided by `of` leaves `index`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    of: usize,
}

impl Shard {
    pub const ALL: Shard = Shard { index: 0, of: 1 };

    pub fn has(self, number: usize) -> bool {
        number % self.of == self.index
    }
}

#[derive(Debug, thiserror::Error)]
#[error("shard has to be i/n, with i from 1 to n: 2/8 is the second of eight; not '{0}'")]
pub struct NoShard(pub String);

impl FromStr for Shard {
    type Err = NoShard;

    fn from_str(text: &str) -> Result<Shard, NoShard> {
        let parsed = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match parsed {
            Some((i, of)) if (1..=of).contains(&i) => Ok(Shard { index: i - 1, of }),
            _ => Err(NoShard(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Shard;

    #[test]
    fn each_number_is_in_one_shard() {
        let shards: Vec<Shard> = (1..=3).map(|i| format!("{i}/3").parse().unwrap()).collect();
        for number in 0..10 {
            assert_eq!(shards.iter().filter(|shard| shard.has(number)).count(), 1);
        }
        assert!((0..10).all(|number| Shard::ALL.has(number)));
        assert!(shards[0].has(0) && shards[1].has(1) && shards[2].has(5));
    }

    #[test]
    fn shards_count_from_one() {
        for wrong in ["", "1", "0/3", "4/3", "1/0", "a/b", "-1/2", "1/2/3", "1.5/2"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
