//! The functions of the symbol table that units define or declare, in the order of their names.

use crate::program::Program;
use crate::walk::Gleaned;
use btfkit_btf::names::is_identifier;
use btfkit_btf::unit::name_hash;
use btfkit_elf::{FunctionIndex, FunctionSymbol};
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
    /// Some unit has an instance of it.
    pub defined: bool,
    pub symbols: &'p [FunctionSymbol<'p>],
    pub ambiguous: bool,
    prefix: u128,
}

/// Those functions, and the order in which instances of them are looked at.
pub(crate) struct Functions<'p> {
    /// In strcmp order.
    pub met: Vec<Met<'p>>,
    /// Instances by the place of their function, and of one function in the order of units; each is named by its place
    /// in the order of units, beside that of the function.
    pub instances: Vec<(u32, u32)>,
}

impl<'p> Functions<'p> {
    pub fn of(program: &'p Program<'_>, groups: &[Gleaned]) -> Functions<'p> {
        let symbols = || groups.iter().flat_map(|group| &group.functions).map(|function| function.symbol);
        let mut instances_of = vec![0u32; program.functions.len()];
        symbols().for_each(|symbol| instances_of[symbol as usize] += 1);
        let is_met = |&f: &FunctionIndex| instances_of[f.0 as usize] != 0 || program.is_declared(f);
        let met: Vec<_> = program.functions.iter().filter(is_met).collect();
        let met = in_order(program, &met, |f| instances_of[f.0 as usize] != 0);
        // Counted above, so that each has its place: where those of the function before end.
        let mut places = instances_of;
        let mut end = 0;
        for met in &met {
            let place = &mut places[met.index.0 as usize];
            (*place, end) = (end, end + *place);
        }
        let mut instances = vec![(0, 0); end as usize];
        (0..).zip(symbols()).for_each(|(instance, symbol)| {
            let place = &mut places[symbol as usize];
            instances[*place as usize].1 = instance;
            *place += 1;
        });
        let mut start = 0;
        for (rank, met) in (0..).zip(&met) {
            let end = places[met.index.0 as usize] as usize;
            if met.defined {
                instances[start..end].iter_mut().for_each(|instance| instance.0 = rank);
                start = end;
            }
        }
        Functions { met, instances }
    }
}

/// In strcmp order.
fn in_order<'p>(
    program: &'p Program<'_>,
    met: &[FunctionIndex],
    is_defined: impl Fn(FunctionIndex) -> bool + Sync,
) -> Vec<Met<'p>> {
    let functions = &program.functions;
    let look = |&index: &FunctionIndex| {
        let name = functions.name(index);
        Met {
            index,
            name,
            hash: name_hash(name),
            identifier: is_identifier(name),
            defined: is_defined(index),
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
