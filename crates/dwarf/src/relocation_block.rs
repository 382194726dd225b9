//! Relocations that are decoded some dozens at a time: those of files in whose form they cannot be compared as they stand.
//!
//! Asking for each of them by itself cost more than reading the entries. So a block of relocations is decoded in one go,
//! and what is asked for is mostly the next one of the block.
//!
//! Invariant: the block has all relocations from `low` up to, but not including, `end`, and behind them one at the
//! largest offset. Those before `next` are not above `last`, the offset that was asked for last.

use crate::error::Fault;
use crate::relocations::{call_for, cut};
use crate::sections::{Placed, Relocate};

/// More than the functions between two runs of members need, and few enough for the cache next to the processor.
const ROOM: usize = 64;

/// Bytes that are no jump: what an entry takes and what is skipped at most between two.
const NEAR: u64 = 256;

pub(crate) struct Block {
    placed: [Placed; ROOM],
    next: usize,
    last: u64,
    low: u64,
    end: u64,
    /// How much of the block is used.
    room: usize,
}

impl Default for Block {
    fn default() -> Block {
        let placed = [Placed { offset: u64::MAX, ..Placed::default() }; ROOM];
        Block { placed, next: 0, last: 0, low: 0, end: 0, room: ROOM / 8 }
    }
}

impl Block {
    /// The value at `offset`, of `size` bytes, where the section holds `raw`. The strings that relocations of `source` lead
    /// to are called for.
    #[inline]
    pub fn value(
        &mut self,
        source: &mut dyn Relocate,
        strings: &[u8],
        offset: u64,
        size: u8,
        raw: u64,
    ) -> Result<u64, Fault> {
        let mut placed = &self.placed[self.next % ROOM];
        // Mostly it is the next one.
        if placed.offset != offset {
            if !self.find(source, strings, offset) {
                return Ok(raw);
            }
            placed = &self.placed[self.next % ROOM];
        }
        (self.last, self.next) = (offset, self.next + 1);
        if placed.size != size {
            return source.value(offset, size, raw).map_err(Fault::Relocation);
        }
        Ok(cut(placed.value.wrapping_add(if placed.in_place { raw } else { 0 }), size))
    }

    /// Is there a relocation at `offset`? Then it is the next one.
    #[inline(never)]
    fn find(&mut self, source: &mut dyn Relocate, strings: &[u8], offset: u64) -> bool {
        if offset <= self.last || offset >= self.end {
            self.seek(source, strings, offset);
        }
        self.last = offset;
        while self.placed[self.next % ROOM].offset < offset {
            self.next += 1;
        }
        self.placed[self.next % ROOM].offset == offset
    }

    fn seek(&mut self, source: &mut dyn Relocate, strings: &[u8], offset: u64) {
        self.next = 0;
        if offset >= self.low && offset < self.end {
            return;
        }
        // Who goes on reading wants more than who has jumped.
        let near = offset >= self.end && offset - self.end < NEAR;
        self.room = if near { (2 * self.room).min(ROOM - 1) } else { ROOM / 8 };
        let count = source.ahead(offset, &mut self.placed[..self.room]).min(self.room);
        self.placed[count] = Placed { offset: u64::MAX, ..Placed::default() };
        self.low = offset;
        // There may be more behind a block that is full.
        self.end = if count == self.room { self.placed[count - 1].offset.saturating_add(1) } else { u64::MAX };
        self.placed[..count].iter().for_each(|placed| call_for(strings, placed.value));
    }
}
