//! The relocations of a section that is read in ascending order.
//!
//! In a relocatable file nearly every name is a field that still needs its relocation, and asking for each of them by
//! itself cost more than reading the entries. Of nearly all files the relocations can be compared as they stand: offset,
//! information (symbol and kind) and addend, sorted. The next one mostly is at the very offset that is asked for, and of
//! the same information as that of the name before: then its addend is all that is needed. The strings that those a little
//! further on lead to are called for meanwhile: a compiler writes them in no order, so that each would be waited for.
//!
//! Invariant: relocations before `rest` are at smaller offsets than those in it, so that all of one place are on one side.

use crate::error::Fault;
use crate::relocation_block::Block;
use crate::sections::{RawRelocation, Relocate, Section};
use btfkit_btf::prefetch::prefetch_near;

/// So many relocations further on strings are called for.
const AHEAD: usize = 24;

/// Relocations that are looked at one by one before a gallop begins.
const STEPS: usize = 8;

/// Bytes of all but the longest names.
const NAME: u64 = 20;

pub(crate) struct Relocations<'a> {
    /// Empty where they cannot be compared as they stand.
    all: &'a [RawRelocation],
    pub rest: &'a [RawRelocation],
    pub names: RelocatedNames<'a>,
    source: Box<dyn Relocate + 'a>,
    block: Option<Box<Block>>,
}

/// What relocations of names have in common.
#[derive(Clone, Copy)]
pub(crate) struct RelocatedNames<'a> {
    /// `.debug_str`, which is where most relocations lead to.
    pub texts: &'a [u8],
    information: u64,
    /// Is added to their addends: 4 bytes, no more.
    value: u64,
}

impl RelocatedNames<'_> {
    /// Where in `.debug_str` the name is whose offset is at this place, where the next relocation alone tells it.
    #[inline(always)]
    pub fn next(&self, rest: &mut &[RawRelocation], at: u64) -> Option<u32> {
        let window = rest.first_chunk::<AHEAD>()?;
        if (offset(&window[0]), information(&window[0])) != (at, self.information) || offset(&window[1]) == at {
            return None;
        }
        *rest = &rest[1..];
        call_for(self.texts, addend(&window[AHEAD - 1]).wrapping_add(self.value));
        Some(addend(&window[0]).wrapping_add(self.value) as u32)
    }
}

/// Asks for what a relocation leads to.
#[inline(always)]
pub(crate) fn call_for(strings: &[u8], at: u64) {
    // A name that begins at the end of a line of the cache goes on in the next one.
    prefetch_near(strings, at);
    prefetch_near(strings, at.wrapping_add(NAME - 1));
}

/// The lower `size` bytes of a value.
#[inline(always)]
pub(crate) fn cut(value: u64, size: u8) -> u64 {
    value & u64::MAX >> (64 - 8 * size as u32).min(63)
}

#[inline(always)]
fn word(entry: &RawRelocation, number: usize) -> u64 {
    let word = [0, 1, 2, 3, 4, 5, 6, 7].map(|at| entry[8 * number + at]);
    u64::from_le_bytes(word)
}

fn offset(entry: &RawRelocation) -> u64 {
    word(entry, 0)
}

fn information(entry: &RawRelocation) -> u64 {
    word(entry, 1)
}

fn addend(entry: &RawRelocation) -> u64 {
    word(entry, 2)
}

impl<'a> Relocations<'a> {
    /// None where values are in place already. Boxed, as it is handed from reader to reader.
    pub fn of(section: &Section<'a>, strings: &Section<'a>) -> Option<Box<Relocations<'a>>> {
        let source = section.relocations?;
        let (entries, mut source) = (source.entries(), source.cursor());
        // One that names might have. The first is that of the unit's abbreviations.
        let name = entries.iter().take(STEPS).map(information).find_map(|information| {
            let plain = source.plain(information).filter(|plain| plain.size == 4)?;
            Some((information, plain.value))
        });
        let all = if name.is_some() { entries } else { &[] };
        let (information, value) = name.unwrap_or_default();
        Some(Box::new(Relocations {
            all,
            rest: all,
            names: RelocatedNames { texts: strings.data, information, value },
            source,
            block: name.is_none().then(Box::default),
        }))
    }

    /// The value at `at`, of `size` bytes, where the section holds `raw`.
    #[inline]
    pub fn value(&mut self, at: u64, size: u8, raw: u64) -> Result<u64, Fault> {
        match &mut self.block {
            None => self.seek(at, size, raw).map(|(value, _)| value),
            Some(block) => block.value(&mut *self.source, self.names.texts, at, size, raw),
        }
    }

    /// The same for the 4 bytes of a name's offset.
    #[inline(always)]
    pub fn name(&mut self, at: u64, raw: u64) -> Result<u64, Fault> {
        match self.names.next(&mut self.rest, at) {
            Some(offset) => Ok(offset as u64),
            None => self.other_name(at, raw),
        }
    }

    #[inline(never)]
    pub fn other_name(&mut self, at: u64, raw: u64) -> Result<u64, Fault> {
        if self.block.is_some() {
            return self.value(at, 4, raw);
        }
        let (value, plain) = self.seek(at, 4, raw)?;
        if let Some((information, value)) = plain {
            (self.names.information, self.names.value) = (information, value);
        }
        Ok(value)
    }

    /// The value, and what other relocations of the same information add to their addends, if that is all they do.
    fn seek(&mut self, at: u64, size: u8, raw: u64) -> Result<(u64, Option<(u64, u64)>), Fault> {
        self.move_to(at);
        let Some(entry) = self.rest.first().filter(|entry| offset(entry) == at) else { return Ok((raw, None)) };
        if self.rest.get(1).is_some_and(|other| offset(other) == at) {
            self.rest = &self.rest[self.rest.partition_point(|entry| offset(entry) == at)..];
        } else {
            self.pass(1);
            if let Some(plain) = self.source.plain(information(entry))
                && plain.size == size
            {
                let value = cut(plain.value.wrapping_add(addend(entry)), size);
                return Ok((value, Some((information(entry), plain.value))));
            }
        }
        let value = self.source.value(at, size, raw).map_err(Fault::Relocation)?;
        Ok((value, None))
    }

    /// To the first one that is not before `at`.
    fn move_to(&mut self, at: u64) {
        let is_before = |entry: &RawRelocation| offset(entry) < at;
        let passed = self.all.len() - self.rest.len();
        if self.all[..passed].last().is_some_and(|last| !is_before(last)) {
            self.rest = &self.all[self.all[..passed].partition_point(is_before)..];
            return;
        }
        let near = self.rest.iter().take(STEPS).take_while(|entry| is_before(entry)).count();
        if near < STEPS {
            self.pass(near);
            return;
        }
        let mut bound = 2 * STEPS;
        while self.rest.get(bound).is_some_and(is_before) {
            bound *= 2;
        }
        let within = &self.rest[..bound.min(self.rest.len())];
        self.pass(within.partition_point(is_before));
    }

    /// Leaves some behind, and calls for what comes near.
    fn pass(&mut self, count: usize) {
        self.rest = &self.rest[count..];
        let known = AHEAD.saturating_sub(1 + count);
        for entry in self.rest.iter().take(AHEAD - 1).skip(known) {
            call_for(self.names.texts, addend(entry).wrapping_add(self.names.value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sections::{Placed, Plain, RelocationSource};

    /// By information: what is added to the addend, and how many bytes that gives. Of others it takes more to tell.
    const PLAIN: [(u64, u64, u8); 3] = [(0x1_0000_000a, 1000, 4), (0x2_0000_000a, 5000, 4), (0x1_0000_0001, 7, 8)];

    struct Source(Vec<RawRelocation>);

    impl RelocationSource for Source {
        fn cursor(&self) -> Box<dyn Relocate + '_> {
            Box::new(Cursor(&self.0))
        }

        fn entries(&self) -> &[RawRelocation] {
            &self.0
        }
    }

    struct Cursor<'s>(&'s [RawRelocation]);

    impl Relocate for Cursor<'_> {
        /// Looks at all of them; the last one at a place decides.
        fn value(&mut self, at: u64, size: u8, raw: u64) -> Result<u64, String> {
            let Some(entry) = self.0.iter().rfind(|entry| offset(entry) == at) else { return Ok(raw) };
            match self.plain(information(entry)) {
                Some(plain) if plain.size == size => {
                    Ok((plain.value + addend(entry)) & u64::MAX >> (64 - 8 * u32::from(size)))
                }
                _ => Err(format!("{at}")),
            }
        }

        fn ahead(&mut self, from: u64, into: &mut [Placed]) -> usize {
            let mut offsets: Vec<u64> = self.0.iter().map(offset).filter(|&offset| offset >= from).collect();
            offsets.dedup();
            into.iter_mut().zip(offsets).map(|(into, offset)| *into = Placed { offset, ..Placed::default() }).count()
        }

        fn plain(&mut self, wanted: u64) -> Option<Plain> {
            let known = PLAIN.iter().find(|(information, ..)| *information == wanted);
            known.map(|&(_, value, size)| Plain { value, size })
        }
    }

    fn random(state: &mut u64, below: u64) -> u64 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) % below
    }

    #[test]
    fn a_value_is_what_the_file_says_however_it_is_come_to() {
        for seed in 0..12 {
            let state = &mut (seed + 1);
            let mut at = 0;
            let count = [3, 40, 400][seed as usize % 3];
            let entries = (0..count).map(|_| {
                at += [4, 4, 4, 0, 7, 90][random(state, 6) as usize];
                // In every third file no relocation is like the first ones of a kernel's.
                let kind = random(state, 8) as usize;
                let (information, ..) =
                    if seed % 3 == 2 { (99, 0, 0) } else { PLAIN.get(kind % 4).copied().unwrap_or((99, 0, 0)) };
                let mut entry = [0; 24];
                for (word, value) in [at, information, random(state, 1 << 34)].into_iter().enumerate() {
                    entry[8 * word..][..8].copy_from_slice(&value.to_le_bytes());
                }
                entry
            });
            let source = Source(entries.collect());
            let strings = [0; 300];
            let section = Section { data: &[], relocations: Some(&source) };
            let strings = Section { data: &strings, relocations: None };
            let mut relocations = Relocations::of(&section, &strings).unwrap();
            let mut cursor = source.cursor();
            let mut wanted = 0;
            for _ in 0..800 {
                wanted = match random(state, 12) {
                    0 => random(state, at + 10),
                    1 => wanted,
                    _ => {
                        source.0.iter().map(offset).find(|&offset| offset > wanted).unwrap_or(0) + random(state, 9) / 8
                    }
                };
                let expected = |size, cursor: &mut dyn Relocate| cursor.value(wanted, size, 77).ok();
                let size = if random(state, 3) == 0 { 8 } else { 4 };
                if size == 4 && random(state, 4) != 0 {
                    assert_eq!(relocations.name(wanted, 77).ok(), expected(4, &mut *cursor), "{seed} {wanted}");
                } else {
                    assert_eq!(
                        relocations.value(wanted, size, 77).ok(),
                        expected(size, &mut *cursor),
                        "{seed} {wanted}"
                    );
                }
            }
        }
    }
}
