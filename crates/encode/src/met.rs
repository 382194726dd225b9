//! The functions of the symbol table that units define or declare, in the order of their names.

use btfkit_btf::names::is_identifier;
use btfkit_btf::unit::name_hash;
use btfkit_elf::{FunctionIndex, FunctionSymbol, FunctionTable};
use rayon::prelude::*;

/// A function, with all that is asked of its name. Names lie all over the symbol table's strings, where each look waits
/// for the memory: so one look is for everything.
pub(crate) struct Met<'p> {
    pub index: FunctionIndex,
    pub name: &'p [u8],
    /// Its [`name_hash`].
    pub hash: u64,
    /// Whether the kernel takes the name.
    pub identifier: bool,
    pub symbols: &'p [FunctionSymbol<'p>],
    pub ambiguous: bool,
    prefix: u128,
}

/// In strcmp order.
pub(crate) fn in_order<'p>(functions: &'p FunctionTable<'_>, met: &[FunctionIndex]) -> Vec<Met<'p>> {
    let look = |&index: &FunctionIndex| {
        let name = functions.name(index);
        Met {
            index,
            name,
            hash: name_hash(name),
            identifier: is_identifier(name),
            symbols: functions.symbols(index),
            ambiguous: functions.ambiguous(index),
            prefix: prefix(name),
        }
    };
    let mut met: Vec<Met<'p>> = met.par_iter().map(look).collect();
    // Most names differ in their first bytes.
    met.par_sort_unstable_by(|a, b| a.prefix.cmp(&b.prefix).then_with(|| a.name.cmp(b.name)));
    met
}

/// The first bytes of a name as a number that sorts as they do.
fn prefix(name: &[u8]) -> u128 {
    let mut bytes = [0; 16];
    let len = name.len().min(bytes.len());
    bytes[..len].copy_from_slice(&name[..len]);
    u128::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::prefix;

    #[test]
    fn prefixes_sort_as_names_do() {
        let names: [&[u8]; 6] =
            [b"", b"vfs", b"vfs_read", b"vfs_read_", b"vfs_read_and_something_longer", b"vfs_read\xe9"];
        assert!(names.is_sorted_by_key(|name| prefix(name)));
    }
}
