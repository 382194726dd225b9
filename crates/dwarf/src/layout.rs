//! Layouts: entries that are read in one step.
//!
//! Of most abbreviations the attributes that matter stand at constant distances: a name (an offset, or the text itself
//! at the front), a type, and small numbers. For these an abbreviation has a layout beside its plan, and an entry costs
//! a few loads. What has no layout is read step by step; both give the same.

use crate::entry::Cursor;
use crate::error::Fault;
use crate::lower::{Context, Lowering, NOTHING, UNRESOLVED};
use crate::plan::{Attr, Op, Role, Steps};
use crate::sections::short_length;
use btfkit_btf::Kind;
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
    Array,
    Subrange,
    Subroutine,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NameForm {
    None,
    Offset,
    /// An index of so many bytes into the unit's string offsets.
    Index(u8),
    Inline,
}

/// A number of `size` bytes (0, 1 or 2), to which `add` is added: of an attribute that only the abbreviation states,
/// this is all. LEB128 numbers are taken to have one byte.
#[derive(Debug, Clone, Copy, Default)]
struct Field {
    at: u8,
    size: u8,
    add: u16,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    pub shape: Shape,
    name: NameForm,
    /// Distances from the first attribute; behind an inline name, from its end.
    name_at: u8,
    has_type: bool,
    /// The type may be in another unit: an offset from the start of `.debug_info`.
    far: bool,
    type_at: u8,
    length: u8,
    /// A bit for each number that is stated.
    present: u8,
    /// A bit for each number in LEB128: entries in which it is longer than a byte are read step by step.
    leb: u8,
    numbers: [Field; 4],
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
        let field = layout.numbers[number];
        let at = self.shift + field.at as usize % REACH;
        let pair = [self.window[at], self.window[at + 1]];
        let bits = 8 * (field.size as u32 % 4);
        let value = match BIG {
            false => u16::from_le_bytes(pair) as u32 & ((1 << bits) - 1),
            true => ((u16::from_be_bytes(pair) as u32) << bits) >> 16,
        };
        (value + field.add as u32) as u64
    }
}

/// Attributes start within this many bytes (a power of two: masked with it, distances need no other check) …
const REACH: usize = 32;
/// … so that, behind an inline name of up to eight bytes, all are within this window. Entries nearer to the end of
/// their unit are read step by step.
const WINDOW: usize = REACH + 8 + 8;

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
            numbers: [Field::default(); 4],
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
                    layout.numbers[slot] = Field { at: here, size, add };
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
        let bound = shape != Shape::Subrange || layout.has(0) || layout.has(1);
        (!old && bound).then_some(layout)
    }

    /// Is the shape's number stated?
    #[inline]
    pub fn has(&self, number: usize) -> bool {
        self.present & 1 << number != 0
    }

    /// Does a LEB128 number not end with its first byte?
    fn has_long_number(&self, window: &[u8; WINDOW], shift: usize) -> bool {
        let long = |number: usize| window[shift % 16 + self.numbers[number].at as usize % REACH] >= 0x80;
        (0..self.numbers.len()).any(|number| self.leb & 1 << number != 0 && long(number))
    }

    /// Is no number but the first one stated?
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.present <= 1
    }
}

impl<'a> Lowering<'a> {
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
            NameForm::Offset => {
                let raw = word::<BIG>(window, name_at) as u64;
                let offset = match &mut cursor.relocations {
                    None => raw,
                    Some(relocations) => {
                        relocations.value((cursor.at + name_at) as u64, 4, raw).map_err(Fault::Relocation)?
                    }
                };
                self.names.in_str(offset)
            }
            NameForm::None => Name::NONE,
            NameForm::Index(size) => {
                let raw = word::<BIG>(window, name_at) as u64;
                let bits = 8 * size as u64;
                let index = if BIG { raw >> (32 - bits) } else { raw & ((1 << bits) - 1) };
                self.names.by_index(index, context.strings)
            }
            NameForm::Inline => {
                let text: [u8; 8] = *window[name_at..].first_chunk().expect("the window is larger");
                let text = u64::from_le_bytes(text);
                let length = short_length(text);
                if length == 8 {
                    return Ok(None);
                }
                shift = (length % 8) + 1;
                self.names.inline(text, length, cursor.at + name_at, context.unit.in_types)
            }
        };
        let ty = match layout.has_type {
            false => NOTHING,
            true => {
                let raw = word::<BIG>(window, shift + layout.type_at as usize % REACH);
                let position = match layout.far {
                    false => raw as u64 + context.base as u64,
                    true if cursor.relocations.is_none() => (raw as u64).wrapping_sub(self.start),
                    true => return Ok(None),
                };
                // From 1: at 0 is a header.
                let within = position.wrapping_sub(1) < (self.length as u64).wrapping_sub(1);
                if within { position as u32 } else { UNRESOLVED }
            }
        };
        if layout.leb != 0 && layout.has_long_number(window, shift) {
            return Ok(None);
        }
        // Shorter than the window, which is within the unit.
        cursor.at += shift + layout.length as usize;
        Ok(Some(Fixed { name, ty, window, shift }))
    }
}

#[inline(always)]
fn word<const BIG: bool>(window: &[u8; WINDOW], at: usize) -> u32 {
    let bytes = [window[at], window[at + 1], window[at + 2], window[at + 3]];
    if BIG { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
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
        Shape::Subrange => &[Attr::UpperBound, Attr::Count],
        _ => &[],
    }
}
