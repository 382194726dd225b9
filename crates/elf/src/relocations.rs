//! The relocations of one debug section of a relocatable file, consulted where a value is read.
//!
//! In a kernel module the relocations of `.debug_info` are larger than `.debug_info` itself, and an encoder reads only
//! some of the values that they belong to. So nothing is applied in advance and nothing copied: the entries stay as they
//! are in the file, sorted by offset as assemblers and linkers write them, and a cursor follows the reader through them.
//! Only where a file has them in another order is a sorted index made.
//!
//! Invariant of a cursor: entries before `next` have offsets below `low`, those from `next` on have offsets of `upcoming`
//! or more. Between the two nothing is relocated, so that most lookups are two comparisons.

use crate::relocation_kinds::{Meaning, Width, meaning};
use crate::symbols::{Target, whole_entries};
use crate::{ElfError, Endian, Image, RelocationError, Section, Symbols};
use object::elf::{self, Rel32, Rel64, Rela32, Rela64};
use object::endian::Endianness;
use std::mem;
use std::sync::{Arc, OnceLock};

/// Steps of one entry before the cursor begins to double them: the next value to be read is seldom further away.
const LINEAR_STEPS: usize = 8;

/// More entries for one place make no sense (a difference takes two), and repeating them all at each read would let a
/// small file cost much time.
const LONGEST_SEQUENCE: usize = 8;

/// An index over the raw relocation entries of one section. Several threads may read one.
#[derive(Debug, Clone, Default)]
pub struct Relocations<'data> {
    entries: Entries<'data>,
    endian: Endian,
    machine: u16,
    /// 64-bit little-endian MIPS files have the parts of `r_info` in another order.
    is_mips64el: bool,
    symbols: Option<Symbols<'data>>,
    /// The entries in order of their offsets where the file has them in another. Found out on first use.
    order: OnceLock<Option<Arc<[usize]>>>,
}

#[derive(Debug, Clone, Copy, Default)]
enum Entries<'data> {
    #[default]
    None,
    Rel32(&'data [Rel32<Endianness>]),
    Rel64(&'data [Rel64<Endianness>]),
    Rela32(&'data [Rela32<Endianness>]),
    Rela64(&'data [Rela64<Endianness>]),
}

/// One entry; `addend` is None where it is what the section has at the place (SHT_REL).
struct Entry {
    offset: u64,
    symbol: u32,
    kind: u32,
    addend: Option<u64>,
}

/// A place in [`Relocations`] that follows a reader through the section.
#[derive(Debug, Clone)]
pub struct RelocationCursor<'a, 'data> {
    table: &'a Relocations<'data>,
    order: Option<&'a [usize]>,
    next: usize,
    low: u64,
    /// The largest number where there is no entry at `next`.
    upcoming: u64,
    /// By some bits of symbol and kind: what relocations of the two that [`each_from`](Self::each_from) met lately do.
    recent: [Recent; RECENT],
}

/// Most relocations of a section lead to few symbols (those of sections) and are of few kinds.
const RECENT: usize = 8;

#[derive(Debug, Clone, Copy, Default)]
struct Recent {
    symbol: u32,
    kind: u32,
    /// With an addend of 0.
    plain: Option<Plain>,
}

/// A relocation that is alone at its place and puts the address of a symbol there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plain {
    /// The symbol's address and the addend.
    pub value: u64,
    /// In bytes.
    pub size: u8,
    /// What the section has at the place is added (SHT_REL).
    pub in_place: bool,
}

/// What is to be done to the value at one place: one relocation, or several in sequence (RISC-V, LoongArch).
#[derive(Debug, Clone, Copy)]
pub struct Relocation<'a, 'data> {
    table: &'a Relocations<'data>,
    order: Option<&'a [usize]>,
    first: usize,
    count: usize,
    offset: u64,
}

impl<'data> Relocations<'data> {
    /// The relocations of a section. Empty for linked files: those that kept relocations (`--emit-relocs`) have the
    /// values in place already.
    pub(crate) fn of(image: &Image<'data>, target: &Section<'data>) -> Result<Relocations<'data>, ElfError> {
        if !image.is_relocatable() {
            return Ok(Relocations::default());
        }
        let mut sources = image.sections().iter().filter(|section| {
            let sh_type = elf::SectionType(section.sh_type);
            section.sh_info as usize == target.index
                && matches!(sh_type, elf::SHT_REL | elf::SHT_RELA | elf::SHT_CREL)
                && section.size != 0
        });
        let Some(source) = sources.next() else { return Ok(Relocations::default()) };
        if sources.next().is_some() {
            return Err(ElfError::SeveralRelocationSections { section: target.display_name().into() });
        }

        let bytes = image.file_bytes(source)?;
        let (entries, expected) = match (elf::SectionType(source.sh_type), image.is_64()) {
            (elf::SHT_REL, false) => (Entries::Rel32(whole_entries(bytes)), mem::size_of::<Rel32<Endianness>>()),
            (elf::SHT_REL, true) => (Entries::Rel64(whole_entries(bytes)), mem::size_of::<Rel64<Endianness>>()),
            (elf::SHT_RELA, false) => (Entries::Rela32(whole_entries(bytes)), mem::size_of::<Rela32<Endianness>>()),
            (elf::SHT_RELA, true) => (Entries::Rela64(whole_entries(bytes)), mem::size_of::<Rela64<Endianness>>()),
            _ => {
                return Err(ElfError::RelocationSectionType {
                    section: target.display_name().into(),
                    sh_type: source.sh_type,
                });
            }
        };
        let what = || format!("section {} ({})", source.index, source.display_name());
        if source.entry_size != 0 && source.entry_size != expected as u64 {
            let expected = expected as u64;
            return Err(ElfError::EntrySize { what: what(), size: source.entry_size, expected });
        }
        let symbols = match source.sh_link {
            0 => None,
            link => Some(Symbols::in_section(image, image.section(link, &what())?)?),
        };
        let is_mips64el =
            elf::Machine(image.machine()) == elf::EM_MIPS && image.is_64() && image.endian() == Endian::Little;
        Ok(Relocations {
            entries,
            endian: image.endian(),
            machine: image.machine(),
            is_mips64el,
            symbols,
            order: OnceLock::new(),
        })
    }

    /// Whether there is nothing to consult: values are in place.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        match self.entries {
            Entries::None => 0,
            Entries::Rel32(entries) => entries.len(),
            Entries::Rel64(entries) => entries.len(),
            Entries::Rela32(entries) => entries.len(),
            Entries::Rela64(entries) => entries.len(),
        }
    }

    /// All entries as they stand in the file, where that is 64-bit and little-endian, has addends, and has the entries in
    /// the order of their offsets; else none. Each is offset, information and addend, of eight bytes each.
    pub fn sorted_entries(&self) -> &'data [[u8; 24]] {
        match self.little_rela64() {
            Some(entries) if self.order().is_none() => raw(entries),
            _ => &[],
        }
    }

    /// The entries, where they have the form that is common by far.
    fn little_rela64(&self) -> Option<&'data [Rela64<Endianness>]> {
        match self.entries {
            Entries::Rela64(entries) if self.endian == Endian::Little && !self.is_mips64el => Some(entries),
            _ => None,
        }
    }

    /// A cursor at the start. The first one looks at all offsets once, to see whether they are in order.
    pub fn cursor(&self) -> RelocationCursor<'_, 'data> {
        let order = self.order();
        // Of kind 0 are relocations that do nothing, whatever the machine.
        let recent = [Recent::default(); RECENT];
        let mut cursor = RelocationCursor { table: self, order, next: 0, low: 0, upcoming: 0, recent };
        cursor.move_to(0);
        cursor
    }

    /// Puts the relocated values into a copy of the section; what is known only at load time stays as it is.
    pub(crate) fn apply_to(&self, data: &mut [u8]) -> Result<(), RelocationError> {
        let mut cursor = self.cursor();
        while let Some(relocation) = cursor.at(cursor.next) {
            let offset = relocation.offset;
            let width = (relocation.first..relocation.first + relocation.count)
                .map(|index| meaning(self.machine, self.entry(cursor.order, index).kind))
                .find_map(|meaning| match meaning {
                    Meaning::Address(Width::Bytes(bytes)) => Some(bytes),
                    _ => None,
                });
            let place = usize::try_from(offset).ok().zip(width);
            let place = place.and_then(|(at, width)| data.get_mut(at..at.checked_add(width.into())?));
            if let Some(place) = place {
                let little = self.endian == Endian::Little;
                let raw = place.iter().enumerate().fold(0u64, |raw, (i, &byte)| {
                    let shift = if little { i } else { place.len() - 1 - i };
                    raw | u64::from(byte) << (8 * shift)
                });
                if let Some(value) = relocation.apply(raw, place.len() as u8)? {
                    let len = place.len();
                    for (i, byte) in place.iter_mut().enumerate() {
                        *byte = (value >> (8 * if little { i } else { len - 1 - i })) as u8;
                    }
                }
            }
            cursor.move_to(cursor.next + relocation.count);
        }
        Ok(())
    }

    fn order(&self) -> Option<&[usize]> {
        self.order
            .get_or_init(|| {
                let sorted = match self.entries {
                    Entries::None => true,
                    Entries::Rela64(entries) if self.little_rela64().is_some() => are_in_order(raw(entries)),
                    Entries::Rel32(entries) => entries.is_sorted_by_key(|entry| entry.r_offset.get(self.endian.into())),
                    Entries::Rel64(entries) => entries.is_sorted_by_key(|entry| entry.r_offset.get(self.endian.into())),
                    Entries::Rela32(entries) => {
                        entries.is_sorted_by_key(|entry| entry.r_offset.get(self.endian.into()))
                    }
                    Entries::Rela64(entries) => {
                        entries.is_sorted_by_key(|entry| entry.r_offset.get(self.endian.into()))
                    }
                };
                (!sorted).then(|| {
                    let mut order: Vec<usize> = (0..self.len()).collect();
                    // Stable: entries for one place apply in the order of the file.
                    order.sort_by_key(|&index| self.offset_in_file_order(index));
                    order.into()
                })
            })
            .as_deref()
    }

    #[inline]
    fn offset_in_file_order(&self, index: usize) -> u64 {
        let order = self.endian.into();
        match self.entries {
            Entries::None => 0,
            Entries::Rel32(entries) => entries[index].r_offset.get(order).into(),
            Entries::Rel64(entries) => entries[index].r_offset.get(order),
            Entries::Rela32(entries) => entries[index].r_offset.get(order).into(),
            Entries::Rela64(entries) => entries[index].r_offset.get(order),
        }
    }

    #[inline]
    fn offset(&self, order: Option<&[usize]>, index: usize) -> u64 {
        self.offset_in_file_order(order.map_or(index, |order| order[index]))
    }

    #[inline]
    fn entry(&self, order: Option<&[usize]>, index: usize) -> Entry {
        let index = order.map_or(index, |order| order[index]);
        let (order, mips) = (self.endian.into(), self.is_mips64el);
        match self.entries {
            Entries::None => Entry { offset: u64::MAX, symbol: 0, kind: 0, addend: None },
            Entries::Rel32(entries) => entries[index].decode(order, mips),
            Entries::Rel64(entries) => entries[index].decode(order, mips),
            Entries::Rela32(entries) => entries[index].decode(order, mips),
            Entries::Rela64(entries) => entries[index].decode(order, mips),
        }
    }

    /// What a relocation with an addend of 0 does, if that is no more than to put an address.
    fn plain(&self, symbol: u32, kind: u32) -> Option<Plain> {
        let Meaning::Address(Width::Bytes(size)) = meaning(self.machine, kind) else { return None };
        match self.target(symbol) {
            Target::Address(value) => Some(Plain { value, size, in_place: false }),
            Target::Unknown | Target::NoSuchSymbol => None,
        }
    }

    #[inline]
    fn target(&self, symbol: u32) -> Target {
        match &self.symbols {
            Some(symbols) => symbols.target(symbol),
            None if symbol == 0 => Target::Address(0),
            None => Target::NoSuchSymbol,
        }
    }
}

/// As they stand in the file.
fn raw(entries: &[Rela64<Endianness>]) -> &[[u8; 24]] {
    object::pod::bytes_of_slice(entries).as_chunks().0
}

/// Whether 64-bit little-endian entries are in the order of their offsets. A kernel's modules have as many of them as names:
/// in blocks, without a loop for each and a look at the byte order, it takes half the instructions.
fn are_in_order(entries: &[[u8; 24]]) -> bool {
    const BLOCK: usize = 16;
    let offset = |entry: &[u8; 24]| u64::from_le_bytes(entry.first_chunk().copied().unwrap_or_default());
    let is_out_of_order = |pair: &[[u8; 24]]| offset(&pair[1]) < offset(&pair[0]);
    let mut rest = entries;
    while let Some(block) = rest.first_chunk::<{ BLOCK + 1 }>() {
        if block.windows(2).any(is_out_of_order) {
            return false;
        }
        rest = &rest[BLOCK..];
    }
    !rest.windows(2).any(is_out_of_order)
}

/// An entry as the file has it.
trait RawEntry {
    fn decode(&self, order: Endianness, is_mips64el: bool) -> Entry;
}

impl RawEntry for Rel32<Endianness> {
    #[inline(always)]
    fn decode(&self, order: Endianness, _: bool) -> Entry {
        let offset = self.r_offset.get(order).into();
        Entry { offset, symbol: self.r_sym(order), kind: self.r_type(order).0, addend: None }
    }
}

impl RawEntry for Rel64<Endianness> {
    #[inline(always)]
    fn decode(&self, order: Endianness, is_mips64el: bool) -> Entry {
        Entry { addend: None, ..Rela64::from(*self).decode(order, is_mips64el) }
    }
}

impl RawEntry for Rela32<Endianness> {
    #[inline(always)]
    fn decode(&self, order: Endianness, _: bool) -> Entry {
        let offset = self.r_offset.get(order).into();
        let addend = i64::from(self.r_addend.get(order)) as u64;
        Entry { offset, symbol: self.r_sym(order), kind: self.r_type(order).0, addend: Some(addend) }
    }
}

impl RawEntry for Rela64<Endianness> {
    #[inline(always)]
    fn decode(&self, order: Endianness, is_mips64el: bool) -> Entry {
        Entry {
            offset: self.r_offset.get(order),
            symbol: self.r_sym(order, is_mips64el),
            kind: self.r_type(order, is_mips64el).0,
            addend: Some(self.r_addend.get(order) as u64),
        }
    }
}

impl<'a, 'data> RelocationCursor<'a, 'data> {
    /// The relocation of the value at exactly this offset of the section, if it has one. Cheapest for offsets not far
    /// ahead of the last one; any jump forward or backward is allowed.
    #[inline]
    pub fn lookup(&mut self, offset: u64) -> Option<Relocation<'a, 'data>> {
        if offset < self.low || offset > self.upcoming {
            self.move_to(self.first_from(offset));
        }
        if offset == self.upcoming { self.at(self.next) } else { None }
    }

    /// Calls back for the first places with relocations from `from` on, in ascending order, `most` at most: with what is
    /// put there, or None where [`lookup`](Self::lookup) has to be asked.
    #[inline]
    pub fn each_from(&mut self, from: u64, most: usize, found: impl FnMut(u64, Option<Plain>)) {
        if from < self.low || from > self.upcoming {
            self.move_to(self.first_from(from));
        }
        let next = match self.table.little_rela64() {
            Some(entries) if self.order.is_none() => {
                // Of most modules: the byte order is known to the compiler.
                let decode = |entry: &Rela64<Endianness>| entry.decode(Endianness::Little, false);
                self.run(most, entries.len(), |index| decode(&entries[index]), found)
            }
            _ => {
                let (table, order) = (self.table, self.order);
                self.run(most, table.len(), |index| table.entry(order, index), found)
            }
        };
        self.move_to(next);
    }

    /// Calls back for `most` places from the next entry on; returns the number of the entry behind them.
    #[inline(always)]
    fn run(
        &mut self,
        most: usize,
        len: usize,
        entry: impl Fn(usize) -> Entry,
        mut found: impl FnMut(u64, Option<Plain>),
    ) -> usize {
        let mut next = self.next;
        if next >= len {
            return len;
        }
        let mut first = entry(next);
        // Mostly it is the one of the entry before.
        let mut known = self.known(first.symbol, first.kind);
        for _ in 0..most {
            next += 1;
            let following = if next < len { entry(next) } else { Entry { offset: u64::MAX, ..first } };
            if following.offset == first.offset && next < len {
                found(first.offset, None);
                next = self.behind(next, first.offset);
                if next == len {
                    break;
                }
                first = entry(next);
                continue;
            }
            if (known.symbol, known.kind) != (first.symbol, first.kind) {
                known = self.known(first.symbol, first.kind);
            }
            match known.plain {
                Some(Plain { value, size, .. }) => {
                    let value = value.wrapping_add(first.addend.unwrap_or(0));
                    found(first.offset, Some(Plain { value, size, in_place: first.addend.is_none() }));
                }
                None => found(first.offset, None),
            }
            if next == len {
                break;
            }
            first = following;
        }
        next
    }

    /// What an entry of [`sorted_entries`](Relocations::sorted_entries) with that information does, before its addend is
    /// added, if it is alone at its place and does no more than to put an address.
    pub fn plain(&mut self, information: u64) -> Option<Plain> {
        self.known((information >> 32) as u32, information as u32).plain
    }

    /// What relocations of this symbol and kind do.
    #[inline(never)]
    fn known(&mut self, symbol: u32, kind: u32) -> Recent {
        let recent = &mut self.recent[(symbol ^ kind) as usize % RECENT];
        if (recent.symbol, recent.kind) != (symbol, kind) {
            *recent = Recent { symbol, kind, plain: self.table.plain(symbol, kind) };
        }
        *recent
    }

    /// The first entry from `next` on, which is one for `offset`, that is not.
    #[cold]
    fn behind(&self, next: usize, offset: u64) -> usize {
        let beyond = |&index: &usize| self.offset(index) != offset;
        let near = (next..self.table.len().min(next + LONGEST_SEQUENCE)).find(beyond);
        let len = self.table.len();
        near.unwrap_or_else(|| offset.checked_add(1).map_or(len, |beyond| self.between(next, len, beyond)))
    }

    fn move_to(&mut self, next: usize) {
        self.next = next;
        self.low = if next == 0 { 0 } else { self.offset(next - 1).saturating_add(1) };
        self.upcoming = if next < self.table.len() { self.offset(next) } else { u64::MAX };
    }

    #[inline]
    fn offset(&self, index: usize) -> u64 {
        self.table.offset(self.order, index)
    }

    /// The relocation that begins at an entry.
    fn at(&self, first: usize) -> Option<Relocation<'a, 'data>> {
        if first >= self.table.len() {
            return None;
        }
        let offset = self.offset(first);
        let end = self.table.len().min(first + LONGEST_SEQUENCE + 1);
        let count = 1 + (first + 1..end).take_while(|&index| self.offset(index) == offset).count();
        Some(Relocation { table: self.table, order: self.order, first, count, offset })
    }

    /// The first entry whose offset is not below `offset`.
    #[inline]
    fn first_from(&self, offset: u64) -> usize {
        let len = self.table.len();
        let mut low = self.next;
        if offset < self.low {
            return self.first_from_backward(offset);
        }
        for _ in 0..LINEAR_STEPS {
            if low == len || self.offset(low) >= offset {
                return low;
            }
            low += 1;
        }
        // Entries before `low` are below `offset`.
        let mut step = LINEAR_STEPS;
        let mut high = low;
        while high < len && self.offset(high) < offset {
            low = high + 1;
            high = high.saturating_add(step).min(len);
            step *= 2;
        }
        self.between(low, high, offset)
    }

    #[cold]
    fn first_from_backward(&self, offset: u64) -> usize {
        // Entries from `high` on are not below `offset`.
        let mut high = self.next - 1;
        let mut step = 1;
        loop {
            let low = high.saturating_sub(step);
            if low == 0 || self.offset(low) < offset {
                return self.between(low, high, offset);
            }
            high = low;
            step *= 2;
        }
    }

    /// The same by halving, where entries before `low` are known to be below `offset` and those from `high` on are not.
    fn between(&self, mut low: usize, mut high: usize, offset: u64) -> usize {
        while low < high {
            let middle = low + (high - low) / 2;
            if self.offset(middle) < offset { low = middle + 1 } else { high = middle }
        }
        low
    }
}

impl Relocation<'_, '_> {
    /// The place in the section.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The value at the place, from the `raw` one that the section has there. `size` is its size in bytes (1, 2, 4 or
    /// 8), or 0 for a LEB128.
    ///
    /// None: it is not known before the program or module is loaded (thread-local and undefined symbols).
    #[inline]
    pub fn apply(&self, raw: u64, size: u8) -> Result<Option<u64>, RelocationError> {
        if self.count > LONGEST_SEQUENCE {
            return Err(RelocationError::TooMany { offset: self.offset });
        }
        let mut value = raw;
        let mut known = true;
        for index in self.first..self.first + self.count {
            let entry = self.table.entry(self.order, index);
            let meaning = meaning(self.table.machine, entry.kind);
            let width = match meaning {
                Meaning::Nothing => continue,
                Meaning::Unknown => {
                    known = false;
                    continue;
                }
                Meaning::Unsupported => {
                    let (machine, offset) = (self.table.machine, self.offset);
                    return Err(RelocationError::Unsupported { machine, kind: entry.kind, offset });
                }
                Meaning::Address(width) | Meaning::Add(width) | Meaning::Subtract(width) | Meaning::Set(width) => width,
            };
            let bytes = match width {
                Width::Bytes(bytes) => bytes,
                Width::SixBits => 1,
                Width::Leb128 => 0,
            };
            if bytes != size {
                return Err(RelocationError::Width { offset: self.offset, width: bytes, size });
            }
            let symbol = self.table.target(entry.symbol);
            let address = match symbol {
                Target::Address(address) => address.wrapping_add(entry.addend.unwrap_or(0)),
                Target::Unknown => {
                    known = false;
                    continue;
                }
                Target::NoSuchSymbol => {
                    let symbols = self.table.symbols.as_ref().map_or(0, Symbols::len);
                    return Err(RelocationError::NoSuchSymbol { offset: self.offset, symbol: entry.symbol, symbols });
                }
            };
            let changed = match meaning {
                Meaning::Address(_) if entry.addend.is_some() => address,
                Meaning::Set(_) => address,
                Meaning::Subtract(_) => value.wrapping_sub(address),
                _ => value.wrapping_add(address),
            };
            value = match width {
                Width::SixBits => (value & !0x3f) | (changed & 0x3f),
                Width::Leb128 | Width::Bytes(8..) => changed,
                Width::Bytes(bytes) => changed & ((1 << (8 * bytes)) - 1),
            };
        }
        Ok(known.then_some(value))
    }
}
