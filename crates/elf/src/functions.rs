//! The functions that the symbol table knows, by base name.

use crate::{ElfError, SymbolKind, Symbols};
use memchr::{memchr, memmem};
use object::elf;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

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
    entries: Vec<FunctionEntry>,
    by_hash: HashMap<u64, FunctionIndex, BuildHasherDefault<AlreadyHashed>>,
}

#[derive(Debug, Clone)]
struct FunctionEntry {
    /// Its first symbol; the next entry's first one is the end.
    first: u32,
    /// Bytes of its symbols' names that are the base name.
    base_len: u32,
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
        let mut found: Vec<FunctionSymbol<'data>> = Vec::new();
        let mut hashes: Vec<u64> = Vec::new();
        let mut keys: Vec<SortKey> = Vec::with_capacity(symbols.len());
        for symbol in symbols.iter().filter(|symbol| symbol.kind == SymbolKind::Function) {
            let name = symbol.name();
            let (base, suffix) = name.split_at(memchr(b'.', name).unwrap_or(name.len()));
            if is_split_off(suffix) {
                continue;
            }
            keys.push(SortKey { prefix: prefix(base), base_len: base.len() as u32, index: found.len() as u32 });
            // Now, while the name is at hand.
            hashes.push(hash(base));
            found.push(FunctionSymbol { name, address: symbol.value & address_bits, suffixed: !suffix.is_empty() });
        }
        let base = |key: &SortKey| &found[key.index as usize].name[..key.base_len as usize];
        let same_prefix = |a: &SortKey, b: &SortKey| match a.base_len.min(b.base_len) {
            // The shorter one is all in the prefix.
            0..PREFIX_LEN => a.base_len.cmp(&b.base_len),
            _ => base(a).cmp(base(b)),
        };
        keys.sort_unstable_by(|a, b| {
            a.prefix.cmp(&b.prefix).then_with(|| same_prefix(a, b)).then_with(|| a.index.cmp(&b.index))
        });

        let mut table = FunctionTable {
            symbols: Vec::with_capacity(found.len()),
            entries: Vec::new(),
            by_hash: HashMap::with_capacity_and_hasher(found.len(), BuildHasherDefault::default()),
        };
        for group in keys.chunk_by(|a, b| a.prefix == b.prefix && same_prefix(a, b).is_eq()) {
            let hash = hashes[group[0].index as usize];
            if let Some(other) = table.by_hash.insert(hash, FunctionIndex(table.entries.len() as u32)) {
                let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
                let (first, second) = (text(table.name(other)), text(base(&group[0])));
                return Err(ElfError::HashCollision { hash, first, second });
            }
            let first = table.symbols.len();
            table.symbols.extend(group.iter().map(|key| found[key.index as usize]));
            let ambiguous = is_ambiguous(table.symbols[first..].iter().map(|symbol| symbol.address));
            table.entries.push(FunctionEntry { first: first as u32, base_len: group[0].base_len, ambiguous });
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
        self.entries[index.0 as usize].ambiguous
    }
}

/// What function symbols are sorted by: most base names differ in their first bytes, and comparing those here touches no
/// string.
struct SortKey {
    prefix: u128,
    base_len: u32,
    /// In the order of the symbol table.
    index: u32,
}

const PREFIX_LEN: u32 = 16;

/// The first bytes of a name as a number that sorts as they do.
fn prefix(name: &[u8]) -> u128 {
    let mut bytes = [0; PREFIX_LEN as usize];
    let len = name.len().min(bytes.len());
    bytes[..len].copy_from_slice(&name[..len]);
    u128::from_be_bytes(bytes)
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
