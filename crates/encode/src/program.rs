//! What the ELF file says of the program: its functions, and the sections whose variables are wanted.

use crate::{Features, Options};
use btfkit_btf::unit::name_hash;
use btfkit_elf::{ElfError, FunctionIndex, FunctionTable, Image, Kfunc, Kfuncs, SymbolKind, Symbols};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::atomic::{AtomicBool, Ordering};

/// The per-CPU variables of a kernel or module.
const PER_CPU: &[u8] = b".data..percpu";

pub(crate) struct Program<'data> {
    pub functions: FunctionTable<'data>,
    /// A bit for each function name, by its hash: most functions of DWARF are inlined and have no symbol, and this says
    /// so without a look into the table.
    filter: Vec<u64>,
    /// By function: some unit declares it. Set by all threads, and the same whatever their order.
    declared: Vec<AtomicBool>,
    /// What is wrong with `.BTF_ids`.
    pub btf_ids_faults: Vec<String>,
    /// By function: the flags of the kfunc, for functions that are kfuncs.
    pub kfuncs: FxHashMap<u32, u32>,
    /// Sections whose variables are wanted, by address.
    pub sections: Vec<DataSection<'data>>,
}

#[derive(Debug, Clone)]
pub(crate) struct DataSection<'data> {
    pub index: usize,
    pub name: &'data [u8],
    pub address: u64,
    pub size: u64,
    /// Hashes of the names of the objects at the section's start. DWARF of code that the linker has discarded says
    /// address 0, which may be where such a section starts; a symbol tells what really stands there.
    pub first_objects: FxHashSet<u64>,
}

impl<'data> Program<'data> {
    pub fn read(image: &Image<'data>, symbols: &Symbols<'data>, options: &Options) -> Result<Program<'data>, ElfError> {
        let features = &options.features;
        let kfuncs = || {
            let wanted = features.decl_tag_kfuncs && features.decl_tag;
            if wanted { btfkit_elf::kfuncs(image) } else { Ok(Kfuncs::default()) }
        };
        let (functions, (sections, found)) = rayon::join(
            || FunctionTable::build(symbols, name_hash),
            || rayon::join(|| data_sections(image, symbols, features), kfuncs),
        );
        let functions = functions?;
        let bits = (functions.len() * BITS_PER_FUNCTION).next_power_of_two().max(64);
        let mut filter = vec![0u64; bits / 64];
        for hash in functions.hashes() {
            let (word, bit) = place_in(&filter, hash);
            filter[word] |= bit;
        }
        let (mut kfuncs, mut btf_ids_faults) = (FxHashMap::default(), Vec::new());
        // Damaged lists cost the tags that they would give, and nothing else.
        match found {
            Ok(found) => {
                for Kfunc { name, flags } in found.functions {
                    if let Some(function) = functions.get(name_hash(&name)) {
                        kfuncs.insert(function.0, flags);
                    }
                }
                let skipped = found.skipped.into_iter();
                btf_ids_faults.extend(skipped.map(|s| format!("{}: {}", s.symbol, s.reason)));
            }
            Err(error) => btf_ids_faults.push(error.to_string()),
        }
        let declared = functions.iter().map(|_| AtomicBool::new(false)).collect();
        Ok(Program { functions, filter, declared, btf_ids_faults, kfuncs, sections })
    }

    pub fn is_declared(&self, function: FunctionIndex) -> bool {
        self.declared[function.0 as usize].load(Ordering::Relaxed)
    }

    /// The wanted section that an address lies in.
    pub fn section_at(&self, address: u64) -> Option<&DataSection<'data>> {
        self.sections.iter().find(|s| address.checked_sub(s.address).is_some_and(|offset| offset < s.size))
    }
}

/// The sections whose variables are wanted, by address.
fn data_sections<'data>(
    image: &Image<'data>,
    symbols: &Symbols<'data>,
    features: &Features,
) -> Vec<DataSection<'data>> {
    let wanted = |name: &[u8]| features.global_var || features.var && name == PER_CPU;
    let sections = image.sections().iter().filter(|s| s.is_program_data() && s.is_allocated() && s.size != 0);
    let mut sections: Vec<DataSection<'data>> = sections
        .filter(|s| wanted(s.name))
        .map(|s| DataSection {
            index: s.index,
            name: s.name,
            address: s.address,
            size: s.size,
            first_objects: FxHashSet::default(),
        })
        .collect();
    for symbol in symbols.of_kind(SymbolKind::Object) {
        let at_start = |d: &&mut DataSection<'_>| Some(d.index) == symbol.section && d.address == symbol.value;
        if let Some(section) = sections.iter_mut().find(at_start) {
            section.first_objects.insert(name_hash(symbol.name()));
        }
    }
    sections.sort_by_key(|s| (s.address, s.index));
    sections
}

/// Of the filter: one name in so many passes without being there.
const BITS_PER_FUNCTION: usize = 16;

/// The word and the bit of a name, by its hash. Filters have a power of two of words.
#[inline]
fn place_in(filter: &[u64], hash: u64) -> (usize, u64) {
    ((hash >> 40) as usize & (filter.len() - 1), 1 << (hash >> 32 & 63))
}

impl btfkit_dwarf::Program for Program<'_> {
    fn function(&self, name: u64) -> Option<u32> {
        let (word, bit) = place_in(&self.filter, name);
        if self.filter[word] & bit == 0 {
            return None;
        }
        self.functions.get(name).map(|index| index.0)
    }

    fn declares(&self, function: u32) {
        // Mostly set already: a look does not take the line from other threads.
        let declared = &self.declared[function as usize];
        if !declared.load(Ordering::Relaxed) {
            declared.store(true, Ordering::Relaxed);
        }
    }

    fn wants_variable(&self, address: u64) -> bool {
        self.section_at(address).is_some()
    }
}
