//! Layouts: entries that are read in one step.
//!
//! Of most abbreviations the attributes that matter stand at constant distances: a name (an offset, or the text itself
//! at the front), a type, and small numbers. For these an abbreviation has a layout beside its plan, and an entry costs
//! a few loads. What has no layout is read step by step; both give the same.

use crate::entry::Cursor;
use crate::error::Fault;
use crate::lower::{Context, Lowering, NOTHING, UNRESOLVED};
use crate::members::{MAX_WIDTH, WIDTH_SHIFT};
use crate::names::inline_name;
use crate::plan::{Attr, Op, Role, Steps};
use btfkit_btf::Kind;
use btfkit_btf::text::short_length;
use btfkit_btf::unit::Name;
use gimli::{DwTag, constants as dw};

/// What an entry with a layout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Member,
    Enumerator,
    /// Of a subroutine type; with nothing but a name and a type.
    Parameter,
    /// A pointer, qualifier or typedef.
    Link(Kind),
    Aggregate(Kind),
    Enumeration,
    Array,
    Subrange,
    Subroutine,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameForm {
    None,
    Offset,
    /// An index of so many bytes into the unit's string offsets.
    Index(u8),
    Inline,
}

/// A number of `size` bytes (0, 1 or 2), to which `add` is added: of an attribute that only the abbreviation states,
/// this is all. LEB128 numbers are taken to have one byte.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub at: u8,
    /// Of a number in big-endian order: how far its last bit is from the right.
    pub shift: u8,
    /// Of a number in little-endian order: its bits.
    pub mask: u16,
    pub add: u16,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    pub shape: Shape,
    pub name: NameForm,
    /// Distances from the first attribute; behind an inline name, from its end.
    pub name_at: u8,
    pub has_type: bool,
    /// The type may be in another unit: an offset from the start of `.debug_info`.
    pub far: bool,
    pub type_at: u8,
    pub length: u8,
    /// A bit for each number that is stated.
    present: u8,
    /// A bit for each number in LEB128: entries in which it is longer than a byte are read step by step.
    pub leb: u8,
    pub numbers: [Field; 4],
}

/// What a layout reads.
#[derive(Clone, Copy)]
pub(crate) struct Fixed<'a, const BIG: bool> {
    pub name: Name,
    /// Offset in the group, or [`NOTHING`] or [`UNRESOLVED`].
    pub ty: u32,
    window: &'a [u8; WINDOW],
    shift: usize,
}

impl<const BIG: bool> Fixed<'_, BIG> {
    /// A number of the shape; 0 where it is not stated.
    #[inline(always)]
    pub fn number(&self, layout: &Layout, number: usize) -> u64 {
        layout.numbers[number].read::<BIG>(self.window, self.shift)
    }

    /// See [`Layout::member_value`].
    pub fn member_value(&self, layout: &Layout) -> Option<u64> {
        layout.member_value::<BIG>(self.window, self.shift)
    }
}

impl Field {
    /// One that is not stated is 0.
    pub const NONE: Field = Field { at: 0, shift: 16, mask: 0, add: 0 };

    /// Does the abbreviation alone state it, as that number?
    pub fn is_constant(&self, number: u16) -> bool {
        self.mask == 0 && self.add == number
    }

    #[inline(always)]
    pub fn read<const BIG: bool>(&self, window: &[u8; WINDOW], shift: usize) -> u64 {
        let at = shift + self.at as usize % REACH;
        let pair = [window[at], window[at + 1]];
        let value = match BIG {
            false => u16::from_le_bytes(pair) & self.mask,
            true => ((u16::from_be_bytes(pair) as u32) >> self.shift) as u16,
        };
        value as u64 + self.add as u64
    }
}

/// Attributes start within this many bytes (a power of two: masked with it, distances need no other check) …
pub(crate) const REACH: usize = 32;
/// … so that, behind an inline name of up to eight bytes, all are within this window. Entries nearer to the end of
/// their unit are read step by step.
pub(crate) const WINDOW: usize = REACH + 8 + 8;

impl Layout {
    /// The layout for these steps, if they have one.
    pub fn of(tag: DwTag, role: Role, children: bool, read: &Steps) -> Option<Layout> {
        let shape = shape(tag, role)?;
        let leaf = matches!(shape, Shape::Member | Shape::Enumerator | Shape::Parameter | Shape::Subrange);
        if leaf && children {
            return None;
        }
        let mut layout = Layout {
            shape,
            name: NameForm::None,
            name_at: 0,
            has_type: false,
            far: false,
            type_at: 0,
            length: 0,
            present: 0,
            leb: 0,
            numbers: [Field::NONE; 4],
        };
        let mut at = 0u32;
        for (index, step) in read.steps.iter().enumerate() {
            at += step.skip;
            let here = u8::try_from(at).ok()?;
            at += match (step.attr, step.op) {
                (Attr::Name, Op::Strp4) => {
                    (layout.name, layout.name_at) = (NameForm::Offset, here);
                    4
                }
                (Attr::Name, Op::String) if index == 0 => {
                    (layout.name, layout.name_at) = (NameForm::Inline, here);
                    0
                }
                (Attr::Name, Op::Strx(size)) => {
                    (layout.name, layout.name_at) = (NameForm::Index(size), here);
                    size as u32
                }
                (Attr::Type, Op::Ref4 | Op::RefAddr4) => {
                    (layout.has_type, layout.type_at) = (true, here);
                    layout.far = step.op == Op::RefAddr4;
                    4
                }
                (attr, op) => {
                    let slot = numbers(shape).iter().position(|&a| a == attr)?;
                    let (size, add) = match op {
                        Op::Data1 => (1, 0),
                        Op::Data2 => (2, 0),
                        Op::Udata => {
                            layout.leb |= 1 << slot;
                            (1, 0)
                        }
                        Op::Implicit => (0, u16::try_from(step.implicit).ok()?),
                        Op::Present => (0, 1),
                        _ => return None,
                    };
                    let mask = ((1u32 << (8 * size)) - 1) as u16;
                    layout.numbers[slot] = Field { at: here, shift: 16 - 8 * size, mask, add };
                    layout.present |= 1 << slot;
                    size as u32
                }
            };
        }
        if at as usize >= REACH {
            return None;
        }
        layout.length = u8::try_from(at + read.tail).ok().filter(|&length| length as usize <= WINDOW - 8)?;
        // A width without an offset of its own is counted from a storage unit.
        let old = shape == Shape::Member && layout.has(2) && !layout.has(1);
        (!old).then_some(layout)
    }

    /// Is the shape's number stated?
    #[inline]
    pub fn has(&self, number: usize) -> bool {
        self.present & 1 << number != 0
    }

    /// The type that is stated, as an offset in the group, or [`NOTHING`] or [`UNRESOLVED`]; None where a relocation has
    /// to be asked.
    #[inline(always)]
    pub fn reference<const BIG: bool>(&self, window: &[u8; WINDOW], shift: usize, space: &Space) -> Option<u32> {
        if !self.has_type {
            return Some(NOTHING);
        }
        let raw = word::<BIG>(window, shift + self.type_at as usize % REACH) as u64;
        let position = match self.far {
            false => raw + space.base,
            true if !space.relocated => raw.wrapping_sub(space.start),
            true => return None,
        };
        Some(space.within(position))
    }

    /// As in [`LocalMember`](btfkit_btf::unit::LocalMember), of a member; None where BTF has no room for its width.
    #[inline(always)]
    pub fn member_value<const BIG: bool>(&self, window: &[u8; WINDOW], shift: usize) -> Option<u64> {
        if self.is_plain() {
            return Some(self.numbers[0].read::<BIG>(window, shift) * 8);
        }
        let bits = match self.has(1) {
            true => self.numbers[1].read::<BIG>(window, shift),
            false => self.numbers[0].read::<BIG>(window, shift) * 8,
        };
        let width = self.numbers[2].read::<BIG>(window, shift);
        (width <= MAX_WIDTH).then_some(bits | width << WIDTH_SHIFT)
    }

    /// Does a LEB128 number not end with its first byte?
    pub fn has_long_number(&self, window: &[u8; WINDOW], shift: usize) -> bool {
        let long = |number: usize| window[shift % 16 + self.numbers[number].at as usize % REACH] >= 0x80;
        (0..self.numbers.len()).any(|number| self.leb & 1 << number != 0 && long(number))
    }

    /// Is no number but the first one stated?
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.present <= 1
    }

    /// Is no number stated but these?
    pub fn has_only(&self, numbers: &[usize]) -> bool {
        self.present & !numbers.iter().fold(0, |bits, number| bits | 1 << number) == 0
    }
}

/// What references of a unit count from, and where they may lead.
pub(crate) struct Space {
    /// Of the unit's first byte from the start of the group.
    pub base: u64,
    /// Of the group, from the start of `.debug_info`.
    pub start: u64,
    length: u64,
    /// Offsets from the start of `.debug_info` are not in place yet.
    relocated: bool,
}

impl Space {
    /// A position in the group as a reference.
    #[inline(always)]
    pub fn within(&self, position: u64) -> u32 {
        // From 1: at 0 is a header.
        let within = position.wrapping_sub(1) < self.length.wrapping_sub(1);
        if within { position as u32 } else { UNRESOLVED }
    }

    /// Bytes of the group behind the unit's first one.
    pub fn behind_base(&self) -> u32 {
        u32::try_from(self.length.saturating_sub(self.base + 1)).unwrap_or(0)
    }
}

impl<'a> Lowering<'a> {
    #[inline(always)]
    pub(crate) fn space(&self, context: &Context, cursor: &Cursor<'_>) -> Space {
        Space {
            base: context.base as u64,
            start: self.start,
            length: self.length as u64,
            relocated: cursor.relocations.is_some(),
        }
    }

    /// A name of the forms [`NameForm::Offset`] and [`NameForm::Index`]; `raw` are the four bytes at `at`.
    #[inline(always)]
    pub(crate) fn offset_or_index<const BIG: bool>(
        &mut self,
        context: &Context,
        form: NameForm,
        raw: u64,
        at: usize,
        cursor: &mut Cursor<'a>,
    ) -> Result<Name, Fault> {
        if let NameForm::Index(size) = form {
            return Ok(self.names.by_index(string_index::<BIG>(raw, size), context.strings));
        }
        let offset = match &mut cursor.relocations {
            None => raw,
            Some(relocations) => relocations.name(at as u64, raw)?,
        };
        Ok(self.names.in_str(offset))
    }

    /// Reads the entry at the cursor, which is behind its code; None where it must be read step by step.
    #[inline(always)]
    pub(crate) fn fixed<const BIG: bool>(
        &mut self,
        context: &Context,
        layout: &Layout,
        cursor: &mut Cursor<'a>,
    ) -> Result<Option<Fixed<'a, BIG>>, Fault> {
        let Some(window) = cursor.bytes.data.get(cursor.at..).and_then(|rest| rest.first_chunk::<WINDOW>()) else {
            return Ok(None);
        };
        let name_at = layout.name_at as usize % REACH;
        let mut shift = 0;
        let name = match layout.name {
            NameForm::None => Name::NONE,
            NameForm::Offset | NameForm::Index(_) => {
                let raw = word::<BIG>(window, name_at) as u64;
                self.offset_or_index::<BIG>(context, layout.name, raw, cursor.at + name_at, cursor)?
            }
            NameForm::Inline => {
                let Some((text, length)) = inline_text(window, name_at) else { return Ok(None) };
                shift = length + 1;
                inline_name(text, length, cursor.at + name_at, context.unit.in_types)
            }
        };
        let space = self.space(context, cursor);
        let Some(ty) = layout.reference::<BIG>(window, shift, &space) else { return Ok(None) };
        if layout.leb != 0 && layout.has_long_number(window, shift) {
            return Ok(None);
        }
        // Shorter than the window, which is within the unit.
        cursor.at += shift + layout.length as usize;
        Ok(Some(Fixed { name, ty, window, shift }))
    }
}

/// An inline name as a little-endian word, with what follows it, and its length; None for one of more than seven bytes.
#[inline(always)]
pub(crate) fn inline_text(window: &[u8; WINDOW], at: usize) -> Option<(u64, usize)> {
    let text = u64::from_le_bytes(*window[at..].first_chunk().expect("the window is larger"));
    let length = short_length(text);
    // What the compiler is told by the remainder: the length is below 8.
    (length != 8).then_some((text, length % 8))
}

#[inline(always)]
pub(crate) fn word<const BIG: bool>(window: &[u8; WINDOW], at: usize) -> u32 {
    // By one load: put together from bytes, it is taken apart again where only some of them are asked for.
    let bytes = *window[at..at + 4].first_chunk().expect("four bytes");
    if BIG { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
}

/// An index of `size` bytes, from the four at its place.
#[inline(always)]
pub(crate) fn string_index<const BIG: bool>(raw: u64, size: u8) -> u64 {
    let bits = 8 * size as u64;
    if BIG { raw >> (32 - bits) } else { raw & ((1 << bits) - 1) }
}

fn shape(tag: DwTag, role: Role) -> Option<Shape> {
    Some(match tag {
        dw::DW_TAG_member => Shape::Member,
        dw::DW_TAG_enumerator => Shape::Enumerator,
        dw::DW_TAG_formal_parameter => Shape::Parameter,
        dw::DW_TAG_subrange_type if role == Role::Subrange => Shape::Subrange,
        dw::DW_TAG_pointer_type => Shape::Link(Kind::Ptr),
        dw::DW_TAG_const_type => Shape::Link(Kind::Const),
        dw::DW_TAG_volatile_type => Shape::Link(Kind::Volatile),
        dw::DW_TAG_restrict_type => Shape::Link(Kind::Restrict),
        dw::DW_TAG_typedef => Shape::Link(Kind::Typedef),
        dw::DW_TAG_structure_type => Shape::Aggregate(Kind::Struct),
        dw::DW_TAG_union_type => Shape::Aggregate(Kind::Union),
        dw::DW_TAG_enumeration_type => Shape::Enumeration,
        dw::DW_TAG_array_type => Shape::Array,
        dw::DW_TAG_subroutine_type => Shape::Subroutine,
        _ => return None,
    })
}

/// The attributes that are numbers, in the order that [`Fixed::number`] counts.
fn numbers(shape: Shape) -> &'static [Attr] {
    match shape {
        Shape::Member => &[Attr::MemberLocation, Attr::DataBitOffset, Attr::BitSize, Attr::Alignment],
        Shape::Enumerator => &[Attr::ConstValue],
        Shape::Aggregate(_) => &[Attr::ByteSize, Attr::Declaration, Attr::Alignment],
        Shape::Enumeration => &[Attr::ByteSize],
        Shape::Subrange => &[Attr::UpperBound, Attr::Count],
        _ => &[],
    }
}
