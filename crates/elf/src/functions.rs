//! The functions that the symbol table knows, by base name.

use crate::{ElfError, SymbolKind, Symbols};
use memchr::{memchr, memmem};
use object::elf;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

/// Function symbols grouped by base name: the name up to its first `.`, so that `foo`, `foo.isra.0` and
/// `foo.llvm.123` are one entry `foo`. Parts that the compiler split off a function (`foo.cold`, `foo.part.0`) are
/// left out.
///
/// Lookups need no lock and no name, only its hash: they are asked for each function that DWARF has.
#[derive(Debug, Clone)]
pub struct FunctionTable<'data> {
    /// Grouped: those of one entry side by side, in the order of the symbol table.
    symbols: Vec<FunctionSymbol<'data>>,
    /// In strcmp order of base names.
    entries: Vec<FunctionEntry<'data>>,
    by_hash: HashMap<u64, FunctionIndex, BuildHasherDefault<AlreadyHashed>>,
}

#[derive(Debug, Clone)]
struct FunctionEntry<'data> {
    name: &'data [u8],
    symbols: Range<u32>,
    ambiguous: bool,
}

/// An entry of a [`FunctionTable`]. Indexes are dense and in strcmp order of base names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionIndex(pub u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunctionSymbol<'data> {
    /// The full name.
    pub name: &'data [u8],
    pub address: u64,
    /// Whether the name has a suffix that the base name has not.
    pub suffixed: bool,
}

impl<'data> FunctionTable<'data> {
    /// `hash` must be good in all 64 bits; two base names with equal hashes are an error.
    pub fn build(symbols: &Symbols<'data>, hash: impl Fn(&[u8]) -> u64) -> Result<FunctionTable<'data>, ElfError> {
        // Thumb functions have bit 0 of their values set, which is no part of their addresses in DWARF.
        let address_bits = if elf::Machine(symbols.machine()) == elf::EM_ARM { !1 } else { !0 };
        let mut found: Vec<Found<'data>> = Vec::new();
        for symbol in symbols.iter().filter(|symbol| symbol.kind == SymbolKind::Function) {
            let name = symbol.name();
            let (base, suffix) = name.split_at(memchr(b'.', name).unwrap_or(name.len()));
            if is_split_off(suffix) {
                continue;
            }
            let symbol = FunctionSymbol { name, address: symbol.value & address_bits, suffixed: !suffix.is_empty() };
            found.push(Found { prefix: prefix(base), base, symbol });
        }
        found.sort_by(|a, b| a.prefix.cmp(&b.prefix).then_with(|| a.base.cmp(b.base)));

        let mut table = FunctionTable {
            symbols: Vec::with_capacity(found.len()),
            entries: Vec::new(),
            by_hash: HashMap::default(),
        };
        for group in found.chunk_by(|a, b| a.base == b.base) {
            let base = group[0].base;
            let index = FunctionIndex(table.entries.len() as u32);
            let hash = hash(base);
            match table.by_hash.entry(hash) {
                Entry::Vacant(place) => place.insert(index),
                Entry::Occupied(other) => {
                    let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
                    let first = text(table.entries[other.get().0 as usize].name);
                    return Err(ElfError::HashCollision { hash, first, second: text(base) });
                }
            };
            let start = table.symbols.len() as u32;
            table.symbols.extend(group.iter().map(|found| found.symbol));
            let symbols = start..table.symbols.len() as u32;
            let ambiguous = is_ambiguous(group.iter().map(|found| found.symbol.address));
            table.entries.push(FunctionEntry { name: base, symbols, ambiguous });
        }
        Ok(table)
    }

    /// The entry whose base name has this hash.
    #[inline]
    pub fn get(&self, hash: u64) -> Option<FunctionIndex> {
        self.by_hash.get(&hash).copied()
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All entries, in strcmp order of base names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = FunctionIndex> + use<> {
        (0..self.entries.len() as u32).map(FunctionIndex)
    }

    /// The base name.
    pub fn name(&self, index: FunctionIndex) -> &'data [u8] {
        self.entries[index.0 as usize].name
    }

    /// The symbols of an entry, in the order of the symbol table; never none.
    pub fn symbols(&self, index: FunctionIndex) -> &[FunctionSymbol<'data>] {
        let Range { start, end } = self.entries[index.0 as usize].symbols;
        &self.symbols[start as usize..end as usize]
    }

    /// Whether the symbols of an entry are at different addresses, so that its name does not tell which is meant.
    pub fn ambiguous(&self, index: FunctionIndex) -> bool {
        self.entries[index.0 as usize].ambiguous
    }
}

/// A function symbol on its way into the table.
struct Found<'data> {
    prefix: u64,
    base: &'data [u8],
    symbol: FunctionSymbol<'data>,
}

/// The first eight bytes as a number that sorts as they do: most names differ in it, and comparing it touches no string.
fn prefix(name: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let len = name.len().min(8);
    bytes[..len].copy_from_slice(&name[..len]);
    u64::from_be_bytes(bytes)
}

fn is_split_off(suffix: &[u8]) -> bool {
    !suffix.is_empty() && (memmem::find(suffix, b".cold").is_some() || memmem::find(suffix, b".part").is_some())
}

/// Different addresses are ambiguous, aliases at one address are not. Symbols at 0, which have no address yet, do not
/// count as long as none with an address came before them.
fn is_ambiguous(addresses: impl Iterator<Item = u64>) -> bool {
    let mut known = 0;
    for address in addresses {
        if known != 0 && address != known {
            return true;
        }
        known = address;
    }
    false
}

/// Passes a hash on as it is.
#[derive(Debug, Clone, Copy, Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            self.0 = self.0.rotate_left(8) ^ prefix(chunk);
        }
    }
}
