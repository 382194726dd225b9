//! The functions that the symbol table knows, by base name.

use crate::{ElfError, SymbolKind, Symbols};
use memchr::{memchr, memmem};
use object::elf;
use rayon::prelude::*;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

/// Function symbols grouped by base name: the name up to its first `.`, so that `foo`, `foo.isra.0` and
/// `foo.llvm.123` are one entry `foo`. Parts that the compiler split off a function (`foo.cold`, `foo.part.0`) are
/// left out.
///
/// Lookups need no lock and no name, only its hash: they are asked for each function that DWARF has. Entries are not in
/// the order of names: half of a kernel's function symbols are in no DWARF, and sorting them all took longer than the
/// rest of the table.
#[derive(Debug, Clone)]
pub struct FunctionTable<'data> {
    /// Grouped: those of one entry side by side, in the order of the symbol table.
    symbols: Vec<FunctionSymbol<'data>>,
    entries: Vec<FunctionEntry>,
    by_hash: HashMap<u64, FunctionIndex, BuildHasherDefault<AlreadyHashed>>,
}

#[derive(Debug, Clone)]
struct FunctionEntry {
    /// Its first symbol; the next entry's first one is the end.
    first: u32,
    /// Bytes of its symbols' names that are the base name.
    base_len: u32,
}

/// An entry of a [`FunctionTable`]. Indexes are dense, in the order of the entries' first symbols.
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

/// A function symbol that was read on some thread.
struct Found<'data> {
    /// Of the base name; taken while the name is at hand.
    hash: u64,
    base_len: u32,
    symbol: FunctionSymbol<'data>,
}

/// Symbols that a thread reads at a time.
const PIECE: usize = 1 << 13;

impl<'data> FunctionTable<'data> {
    /// `hash` must be good in all 64 bits; two base names with equal hashes are an error.
    pub fn build(
        symbols: &Symbols<'data>,
        hash: impl Fn(&[u8]) -> u64 + Sync,
    ) -> Result<FunctionTable<'data>, ElfError> {
        let pieces = (0..symbols.len().div_ceil(PIECE)).into_par_iter();
        let found: Vec<Vec<Found<'data>>> =
            pieces.map(|piece| functions(symbols, piece * PIECE..(piece + 1) * PIECE, &hash)).collect();
        let count = found.iter().map(Vec::len).sum();

        let mut by_hash = HashMap::with_capacity_and_hasher(count, BuildHasherDefault::default());
        // By entry: its first symbol, and how many it has.
        let mut firsts: Vec<(&Found<'data>, u32)> = Vec::with_capacity(count);
        let mut entry_of: Vec<FunctionIndex> = Vec::with_capacity(count);
        for found in found.iter().flatten() {
            let new = FunctionIndex(firsts.len() as u32);
            match by_hash.entry(found.hash) {
                Entry::Vacant(free) => {
                    entry_of.push(*free.insert(new));
                    firsts.push((found, 1));
                }
                Entry::Occupied(known) => {
                    let (first, count) = &mut firsts[known.get().0 as usize];
                    if first.base() != found.base() {
                        let text = |found: &Found<'_>| String::from_utf8_lossy(found.base()).into_owned();
                        let (first, second) = (text(first), text(found));
                        return Err(ElfError::HashCollision { hash: found.hash, first, second });
                    }
                    *count += 1;
                    entry_of.push(*known.get());
                }
            }
        }

        let Some(&some) = found.iter().flatten().next().map(|found| &found.symbol) else {
            return Ok(FunctionTable { symbols: Vec::new(), entries: Vec::new(), by_hash });
        };
        let mut end = 0;
        let entries: Vec<FunctionEntry> = firsts
            .into_iter()
            .map(|(found, count)| {
                end += count;
                FunctionEntry { first: end - count, base_len: found.base_len }
            })
            .collect();
        let mut next: Vec<u32> = entries.iter().map(|entry| entry.first).collect();
        let mut grouped = vec![some; count];
        for (found, entry) in found.iter().flatten().zip(entry_of) {
            let place = &mut next[entry.0 as usize];
            grouped[*place as usize] = found.symbol;
            *place += 1;
        }
        Ok(FunctionTable { symbols: grouped, entries, by_hash })
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

    /// All entries.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = FunctionIndex> + use<> {
        (0..self.entries.len() as u32).map(FunctionIndex)
    }

    /// The hashes of all base names, in no order.
    pub fn hashes(&self) -> impl Iterator<Item = u64> {
        self.by_hash.keys().copied()
    }

    /// The base name.
    pub fn name(&self, index: FunctionIndex) -> &'data [u8] {
        let entry = &self.entries[index.0 as usize];
        &self.symbols[entry.first as usize].name[..entry.base_len as usize]
    }

    /// The symbols of an entry, in the order of the symbol table; never none.
    pub fn symbols(&self, index: FunctionIndex) -> &[FunctionSymbol<'data>] {
        let index = index.0 as usize;
        let end = self.entries.get(index + 1).map_or(self.symbols.len(), |next| next.first as usize);
        &self.symbols[self.entries[index].first as usize..end]
    }

    /// Whether the symbols of an entry are at different addresses, so that its name does not tell which is meant.
    pub fn ambiguous(&self, index: FunctionIndex) -> bool {
        is_ambiguous(self.symbols(index).iter().map(|symbol| symbol.address))
    }
}

/// The function symbols among some symbols, without parts that were split off.
fn functions<'data>(symbols: &Symbols<'data>, range: Range<usize>, hash: impl Fn(&[u8]) -> u64) -> Vec<Found<'data>> {
    // Thumb functions have bit 0 of their values set, which is no part of their addresses in DWARF.
    let address_bits = if elf::Machine(symbols.machine()) == elf::EM_ARM { !1 } else { !0 };
    let found = symbols.of_kind_in(range, SymbolKind::Function).filter_map(|symbol| {
        let name = symbol.name();
        let (base, suffix) = name.split_at(memchr(b'.', name).unwrap_or(name.len()));
        let address = symbol.value & address_bits;
        (!is_split_off(suffix)).then(|| Found {
            hash: hash(base),
            base_len: base.len() as u32,
            symbol: FunctionSymbol { name, address, suffixed: !suffix.is_empty() },
        })
    });
    found.collect()
}

impl<'data> Found<'data> {
    fn base(&self) -> &'data [u8] {
        &self.symbol.name[..self.base_len as usize]
    }
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

    /// Not called for keys of type u64, but the trait wants it.
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }
}
