//! The relocations of a section that is read in ascending order, some dozens at a time.
//!
//! In a relocatable file nearly every name is a field that still needs its relocation, and asking for each of them by
//! itself cost more than reading the entries. So a block of relocations is decoded in one go, and what is asked for is
//! mostly the next one of the block. The strings that a block leads to are called for meanwhile: a compiler writes them
//! in no order, so that each would be waited for.
//!
//! Invariant: the block has all relocations from `low` up to, but not including, `end`, and behind them one at the
//! largest offset. Those before `next` are not above `last`, the offset that was asked for last.

use crate::error::Fault;
use crate::sections::{Placed, Relocate, Section};
use btfkit_btf::prefetch::prefetch;

/// More than the functions between two runs of members need, and few enough for the cache next to the processor.
const ROOM: usize = 64;

pub(crate) struct Relocations<'a> {
    source: Box<dyn Relocate + 'a>,
    /// `.debug_str`, which is where most relocations lead to.
    strings: &'a [u8],
    block: [Placed; ROOM],
    next: usize,
    last: u64,
    low: u64,
    end: u64,
    /// How much of the block is used.
    room: usize,
}

/// Bytes of all but the longest names.
const NAME: u64 = 20;

/// Bytes that are no jump: what an entry takes and what is skipped at most between two.
const NEAR: u64 = 256;

impl<'a> Relocations<'a> {
    /// None where values are in place already. Boxed, as it is handed from reader to reader.
    pub fn of(section: &Section<'a>, strings: &Section<'a>) -> Option<Box<Relocations<'a>>> {
        let source = section.relocations?.cursor();
        let block = [Placed { offset: u64::MAX, ..Placed::default() }; ROOM];
        Some(Box::new(Relocations {
            source,
            strings: strings.data,
            block,
            next: 0,
            last: 0,
            low: 0,
            end: 0,
            room: ROOM / 8,
        }))
    }

    /// The value at `offset`, of `size` bytes, where the section holds `raw`.
    #[inline(always)]
    pub fn value(&mut self, offset: u64, size: u8, raw: u64) -> Result<u64, Fault> {
        let mut placed = &self.block[self.next % ROOM];
        // Mostly it is the next one.
        if placed.offset != offset {
            if !self.find(offset) {
                return Ok(raw);
            }
            placed = &self.block[self.next % ROOM];
        }
        (self.last, self.next) = (offset, self.next + 1);
        if placed.size != size {
            return self.source.value(offset, size, raw).map_err(Fault::Relocation);
        }
        let value = placed.value.wrapping_add(if placed.in_place { raw } else { 0 });
        Ok(value & u64::MAX >> (64 - 8 * size as u32).min(63))
    }

    /// Is there a relocation at `offset`? Then it is the next one.
    #[inline(never)]
    fn find(&mut self, offset: u64) -> bool {
        if offset <= self.last || offset >= self.end {
            self.seek(offset);
        }
        self.last = offset;
        while self.block[self.next % ROOM].offset < offset {
            self.next += 1;
        }
        self.block[self.next % ROOM].offset == offset
    }

    fn seek(&mut self, offset: u64) {
        self.next = 0;
        if offset >= self.low && offset < self.end {
            return;
        }
        // Who goes on reading wants more than who has jumped.
        let near = offset >= self.end && offset - self.end < NEAR;
        self.room = if near { (2 * self.room).min(ROOM - 1) } else { ROOM / 8 };
        let count = self.source.ahead(offset, &mut self.block[..self.room]).min(self.room);
        self.block[count] = Placed { offset: u64::MAX, ..Placed::default() };
        self.low = offset;
        // There may be more behind a block that is full.
        self.end = if count == self.room { self.block[count - 1].offset.saturating_add(1) } else { u64::MAX };
        for placed in &self.block[..count] {
            prefetch(self.strings, placed.value);
            // A name that begins at the end of a line of the cache goes on in the next one.
            prefetch(self.strings, placed.value.wrapping_add(NAME));
        }
    }
}
