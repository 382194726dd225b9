//! Members of common layouts, read one after the other in a loop that does nothing else.
//!
//! Nearly half of all entries are members, and nearly all of these have a name, a type and a whole byte's offset. What
//! sets such abbreviations apart is a few numbers, which lie side by side; [`fixed_members`](Lowering::fixed_members) reads
//! all others.

use crate::abbreviations::Table;
use crate::entry::Cursor;
use crate::layout::{Field, Layout, NameForm, REACH, Shape, Space, WINDOW, inline_text, string_index, word};
use crate::lower::{Context, Lowering};
use crate::members::OpenAggregate;
use crate::names::{inline_hash, offset_hash};

/// A [`Layout`] of a member with a type and no number but its offset. Distances are from a code of one byte.
#[derive(Debug, Clone, Copy)]
#[repr(align(16))]
pub(crate) struct Common {
    name: NameForm,
    name_at: u8,
    type_at: u8,
    /// The type is counted from the start of `.debug_info`.
    far: bool,
    offset: Field,
    /// The bit by which an offset in LEB128 is longer than a byte; 0 where it has a fixed size.
    more: u8,
    /// With the code.
    length: u8,
}

/// Codes below this have one byte.
pub(crate) const NARROW: usize = 0x80;

impl Common {
    pub fn of(layout: &Layout) -> Option<Common> {
        let common = layout.shape == Shape::Member && layout.has_type && layout.is_plain();
        let within = |at: u8| at.checked_add(1).filter(|&at| (at as usize) < REACH);
        let offset = layout.numbers[0];
        Some(Common {
            name: layout.name,
            name_at: within(layout.name_at)?,
            type_at: within(layout.type_at)?,
            far: layout.far,
            offset: Field { at: within(offset.at)?, ..offset },
            more: if layout.leb != 0 { 0x80 } else { 0 },
            length: within(layout.length)?,
        })
        .filter(|_| common)
    }
}

/// What all members of a unit have in common, where they can be read here: nothing is relocated, and names are told by
/// their offsets.
pub(crate) struct Commons<'t> {
    /// By code; without indices of strings only those of one byte.
    common: &'t [Option<Common>],
    /// References within the unit, and from the start of `.debug_info`, count from here in the group.
    from: [u64; 2],
    space: Space,
    /// The unit's part of `.debug_str_offsets`, where that has 32-bit offsets.
    strings: &'t [u8],
}

impl<'a> Lowering<'a> {
    pub(crate) fn commons<'t>(&self, context: &Context, table: &'t Table, cursor: &Cursor<'_>) -> Option<Commons<'t>>
    where
        'a: 't,
    {
        let space = self.space(context, cursor);
        let from = [space.base, space.start.wrapping_neg()];
        let strings = self.names.offsets_of(context.strings);
        let codes = if strings.is_empty() { NARROW.min(table.common.len()) } else { table.common.len() };
        let commons = Commons { common: &table.common[..codes], from, space, strings };
        Some(commons).filter(|_| cursor.relocations.is_none() && self.names.are_told_by_offset())
    }
}

impl Commons<'_> {
    /// Reads members until one has to be looked at more closely, or something else follows; gives where that starts. `at`
    /// is before a code. What members refer to is added to `pending`.
    #[inline(always)]
    pub fn read<const BIG: bool>(
        &self,
        data: &[u8],
        at: usize,
        open: &mut OpenAggregate,
        pending: &mut Vec<u32>,
    ) -> usize {
        match self.strings.is_empty() {
            true => self.read_all::<BIG, false>(data, at, open, pending),
            false => self.read_all::<BIG, true>(data, at, open, pending),
        }
    }

    /// `INDEXED`: names may be indices, and with these there are so many abbreviations that codes may have two bytes.
    /// (Without, the loop has less to choose from and to keep in registers.)
    #[inline(never)]
    fn read_all<const BIG: bool, const INDEXED: bool>(
        &self,
        data: &[u8],
        mut at: usize,
        open: &mut OpenAggregate,
        pending: &mut Vec<u32>,
    ) -> usize {
        // A copy stays in registers.
        let mut own = *open;
        while let Some(window) = data.get(at..).and_then(|rest| rest.first_chunk::<WINDOW>())
            && let (code, mut shift) = code::<INDEXED>(window)
            && let Some(Some(common)) = self.common.get(code)
        {
            let name_at = shift + common.name_at as usize % REACH;
            let name = match common.name {
                NameForm::Index(size) if INDEXED => {
                    let index = string_index::<BIG>(word::<BIG>(window, name_at) as u64, size);
                    let rest = usize::try_from(index * 4).ok().and_then(|at| self.strings.get(at..));
                    let Some(offset) = rest.and_then(|rest| rest.first_chunk()) else { break };
                    offset_hash(if BIG { u32::from_be_bytes(*offset) } else { u32::from_le_bytes(*offset) } as u64)
                }
                NameForm::Offset => offset_hash(word::<BIG>(window, name_at) as u64),
                NameForm::Inline => {
                    let Some((text, length)) = inline_text(window, name_at) else { break };
                    shift += length + 1;
                    inline_hash(text, length)
                }
                NameForm::None => 0,
                NameForm::Index(_) => break,
            };
            if window[shift + common.offset.at as usize % REACH] & common.more != 0 {
                break;
            }
            let raw = word::<BIG>(window, shift + common.type_at as usize % REACH) as u64;
            let ty = self.space.within(raw.wrapping_add(self.from[common.far as usize]));
            own.add(name, common.offset.read::<BIG>(window, shift) * 8, ty);
            pending.push(ty);
            at += shift + common.length as usize;
        }
        *open = own;
        at
    }
}

/// A code, and by how much it is longer than a byte. One of three bytes is beyond all tables.
#[inline(always)]
fn code<const WIDE: bool>(window: &[u8; WINDOW]) -> (usize, usize) {
    match window[0] {
        code @ 0x80.. if WIDE => (code as usize & 0x7f | (window[1] as usize) << 7, 1),
        code => (code as usize, 0),
    }
}
