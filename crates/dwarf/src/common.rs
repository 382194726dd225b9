//! Entries of common layouts, of which nearly all types and members are, and what is read of them.
//! [`common_types`](crate::common_types) and [`common_members`](crate::common_members) have loops that read them one after
//! the other and do nothing else.
//!
//! Both are for files in which nothing is relocated and names are told by their offsets, and for those in which names are
//! relocated and told by their bytes, as in modules. What sets these abbreviations apart is a few numbers, which lie side
//! by side; [`quick`](crate::quick) reads what has another layout.

use crate::codes::Table;
use crate::common_members::{FORMS, MemberForm};
use crate::entry::Cursor;
use crate::layout::{Field, Layout, NameForm, REACH, Shape, Space, WINDOW, inline_text, string_index, word};
use crate::lower::{Context, Lowering, NOTHING, UNRESOLVED};
use crate::names::{at_str_offset, inline_name, name_in, offset_hash};
use crate::relocations::{RelocatedNames, Relocations};
use crate::sections::RawRelocation;
use btfkit_btf::Kind;
use btfkit_btf::unit::{Name, NameRef, hash_at};

/// What an entry of a common layout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Part {
    /// Not of a common layout.
    #[default]
    Other,
    /// With a type, and no number but its place. It is read by a [`MemberForm`] where that can be.
    Member,
    /// A pointer, qualifier, typedef or declaration, without children.
    Leaf,
    /// The definition of a struct or union, which may have members.
    Aggregate,
    /// With its size, of which values of up to 32 bits may be.
    Enumeration,
    /// With a name.
    Enumerator,
    /// With dimensions.
    Array,
    Subrange,
    Subroutine,
    /// With a type.
    Parameter,
    Dots,
}

/// A [`Layout`] with one number at most. Distances are from a code of one byte.
#[derive(Debug, Clone, Copy)]
#[repr(align(16))]
pub(crate) struct Common {
    pub part: Part,
    /// Of a type.
    pub kind: Option<Kind>,
    /// Declares a union.
    pub flag: bool,
    pub children: bool,
    /// The name's form is an offset, or there is none: asked first.
    by_offset: bool,
    unnamed: bool,
    name: NameForm,
    name_at: u8,
    /// The type is counted from the start of `.debug_info`.
    far: bool,
    typed: bool,
    type_at: u8,
    /// A member's offset, the size of an aggregate or enumeration, an enumerator's value, the elements of a dimension.
    number: Field,
    /// Of an aggregate: its alignment is stated.
    pub aligned: bool,
    alignment: Field,
    /// The bit by which a number in LEB128 is longer than a byte; 0 where it has a fixed size.
    more: u8,
    /// With the code.
    length: u8,
}

/// Codes below this have one byte.
pub(crate) const NARROW: usize = 0x80;

impl Common {
    pub const NONE: Common = Common {
        part: Part::Other,
        kind: None,
        flag: false,
        children: false,
        by_offset: false,
        unnamed: true,
        name: NameForm::None,
        name_at: 0,
        far: false,
        typed: false,
        type_at: 0,
        number: Field::NONE,
        aligned: false,
        alignment: Field::NONE,
        more: 0,
        length: 1,
    };

    pub fn of(layout: &Layout, children: bool) -> Option<Common> {
        let (name, typed) = (layout.name, layout.has_type);
        let (mut part, mut kind, mut slot) = (Part::Other, None, 0);
        match layout.shape {
            Shape::Member if typed && layout.has_only(&[0]) => part = Part::Member,
            Shape::Parameter if typed => part = Part::Parameter,
            Shape::Link(Kind::Typedef) if name == NameForm::None => {}
            Shape::Link(of) if !children => (part, kind) = (Part::Leaf, Some(of)),
            Shape::Aggregate(of) if layout.has_only(&[0, 2]) => (part, kind) = (Part::Aggregate, Some(of)),
            Shape::Aggregate(_) if !children && name != NameForm::None => {
                slot = 1;
                let declared = layout.has_only(&[0, 1]) && layout.numbers[1].is_constant(1);
                (part, kind) = (if declared { Part::Leaf } else { Part::Other }, Some(Kind::Fwd));
            }
            Shape::Enumeration if layout.has(0) && children => (part, kind) = (Part::Enumeration, Some(Kind::Enum)),
            Shape::Enumerator if name != NameForm::None => part = Part::Enumerator,
            Shape::Array if typed && children => (part, kind) = (Part::Array, Some(Kind::Array)),
            Shape::Subrange => {
                // An upper bound counts before a number of elements.
                slot = if layout.has(0) { 0 } else { 1 };
                part = Part::Subrange;
            }
            Shape::Subroutine => (part, kind) = (Part::Subroutine, Some(Kind::FuncProto)),
            _ => {}
        }
        let within = |at: u8| at.checked_add(1).filter(|&at| (at as usize) < REACH);
        let number = layout.numbers[slot];
        let more = if part == Part::Subrange && slot == 0 { 1 } else { 0 };
        let aligned = part == Part::Aggregate && layout.has(2);
        let alignment = if aligned { layout.numbers[2] } else { Field::NONE };
        let others_in_leb = layout.leb & !(1 << slot) != 0;
        Some(Common {
            part,
            kind,
            flag: kind == Some(Kind::Fwd) && layout.shape == Shape::Aggregate(Kind::Union),
            children,
            by_offset: name == NameForm::Offset,
            unnamed: name == NameForm::None,
            name,
            name_at: within(layout.name_at)?,
            // What the values of an enumeration are does not matter where these have 32 bits.
            far: layout.far && part != Part::Enumeration,
            typed: typed && part != Part::Enumeration,
            type_at: within(layout.type_at)?,
            number: Field { at: within(number.at)?, add: number.add.checked_add(more)?, ..number },
            aligned,
            alignment: Field { at: within(alignment.at)?, ..alignment },
            more: if layout.leb != 0 { 0x80 } else { 0 },
            length: within(layout.length)?,
        })
        .filter(|_| part != Part::Other && !others_in_leb)
    }

    /// Unspecified parameters that have `length` bytes behind their code.
    pub fn dots(length: u32) -> Option<Common> {
        let length = u8::try_from(length).ok().filter(|&length| (length as usize) < REACH - 1)? + 1;
        Some(Common { part: Part::Dots, length, ..Common::NONE })
    }

    /// Of a code that is longer by `shift`, with an inline name.
    #[inline(always)]
    pub fn length(&self, shift: usize) -> usize {
        shift + self.length as usize % REACH
    }

    #[inline(always)]
    pub fn number<const BIG: bool>(&self, window: &[u8; WINDOW], shift: usize) -> u64 {
        self.number.read::<BIG>(window, shift)
    }

    /// 0 where none is stated.
    #[inline(always)]
    pub fn alignment<const BIG: bool>(&self, window: &[u8; WINDOW], shift: usize) -> u64 {
        self.alignment.read::<BIG>(window, shift)
    }

    /// Is the number in LEB128, and longer than a byte?
    #[inline(always)]
    pub fn has_long_number(&self, window: &[u8; WINDOW], shift: usize) -> bool {
        self.more != 0 && window[shift + self.number.at as usize % REACH] & self.more != 0
    }
}

/// What all entries of a unit have in common, where they can be read here.
pub(crate) struct Commons<'t> {
    /// By codes of one byte.
    narrow: &'t [Common; NARROW],
    /// By all codes.
    pub common: &'t [Common],
    /// Of members, by codes of one byte.
    pub forms: &'t [MemberForm; FORMS],
    /// References within the unit, and from the start of `.debug_info`, count from here in the group.
    from: [u64; 2],
    space: Space,
    /// Bytes from behind the unit's first one to the end of the group.
    ahead: u32,
    /// The unit's part of `.debug_str_offsets`, where that has 32-bit offsets.
    strings: &'t [u8],
    in_types: bool,
}

/// How the offset of a name is read.
pub(crate) trait Offsets {
    /// Names may be indices, and with these there are so many abbreviations that codes may have two bytes. (Without, the
    /// loops have less to choose from and to keep in registers.)
    const INDEXED: bool;
    /// What leads out of the unit is relocated, too.
    const RELOCATED: bool;
    /// The name whose offset is at this place of the section, where that has `raw`; None where it cannot be told here.
    fn name(&mut self, at: usize, raw: u64) -> Option<Name>;

    /// What a loop keeps in registers meanwhile: what changes, and what does not.
    type Next: Copy;
    type Names: Copy;
    fn next(&self) -> (Self::Next, Self::Names);
    fn keep(&mut self, next: Self::Next);
    /// The hash of a name, as above, and without a call; None also where that takes one.
    fn hash(next: &mut Self::Next, names: &Self::Names, at: usize, raw: u32) -> Option<u64>;
}

pub(crate) struct InPlace<const INDEXED: bool>;

impl<const INDEXED: bool> Offsets for InPlace<INDEXED> {
    const INDEXED: bool = INDEXED;
    const RELOCATED: bool = false;

    #[inline(always)]
    fn name(&mut self, _: usize, raw: u64) -> Option<Name> {
        Some(at_str_offset(raw))
    }

    type Next = ();
    type Names = ();

    #[inline(always)]
    fn next(&self) -> ((), ()) {
        ((), ())
    }

    #[inline(always)]
    fn keep(&mut self, (): ()) {}

    #[inline(always)]
    fn hash((): &mut (), (): &(), _: usize, raw: u32) -> Option<u64> {
        Some(offset_hash(raw as u64))
    }
}

pub(crate) struct Relocated<'r, 'a> {
    pub relocations: &'r mut Relocations<'a>,
}

impl<'a> Offsets for Relocated<'_, 'a> {
    const INDEXED: bool = false;
    const RELOCATED: bool = true;

    #[inline(always)]
    fn name(&mut self, at: usize, raw: u64) -> Option<Name> {
        // What is wrong with one, or with its name, is said by who reads it again.
        let relocations = &mut *self.relocations;
        let offset = match relocations.names.next(&mut relocations.rest, at as u64) {
            Some(offset) => offset,
            None => u32::try_from(relocations.other_name(at as u64, raw).ok()?).ok()?,
        };
        name_in(relocations.names.texts, offset)
    }

    type Next = &'a [RawRelocation];
    type Names = RelocatedNames<'a>;

    #[inline(always)]
    fn next(&self) -> (Self::Next, Self::Names) {
        (self.relocations.rest, self.relocations.names)
    }

    #[inline(always)]
    fn keep(&mut self, next: Self::Next) {
        self.relocations.rest = next;
    }

    #[inline(always)]
    fn hash(next: &mut Self::Next, names: &Self::Names, at: usize, _: u32) -> Option<u64> {
        hash_at(names.texts, names.next(next, at as u64)?)
    }
}

impl<'a> Lowering<'a> {
    pub(crate) fn commons<'t>(&self, context: &Context, table: &Table<'t>, cursor: &Cursor<'_>) -> Option<Commons<'t>>
    where
        'a: 't,
    {
        let space = self.space(context, cursor);
        let commons = Commons {
            narrow: table.common.first_chunk()?,
            common: table.common,
            forms: table.members.first_chunk()?,
            from: [space.base, space.start.wrapping_neg()],
            ahead: space.behind_base(),
            space,
            strings: self.names.offsets_of(context.strings),
            in_types: context.unit.in_types,
        };
        Some(commons).filter(|_| cursor.relocations.is_none() == self.names.are_told_by_offset())
    }
}

impl Commons<'_> {
    /// See [`Offsets::INDEXED`].
    #[inline(always)]
    pub fn are_indexed(&self) -> bool {
        !self.strings.is_empty()
    }

    /// What starts in the window, and by how much its code is longer than a byte.
    #[inline(always)]
    pub fn at<O: Offsets>(&self, window: &[u8; WINDOW]) -> Option<(&Common, usize)> {
        match window[0] {
            code @ 0x80.. if O::INDEXED => {
                // One of three bytes is beyond all tables.
                let code = code as usize & 0x7f | (window[1] as usize) << 7;
                Some((self.common.get(code)?, 1))
            }
            code => Some((self.narrow.get(code as usize)?, 0)),
        }
    }

    /// What the entry refers to, as an offset in the group.
    #[inline(always)]
    pub fn reference<const BIG: bool, O: Offsets>(&self, common: &Common, window: &[u8; WINDOW], shift: usize) -> u32 {
        let raw = word::<BIG>(window, shift + common.type_at as usize % REACH);
        let ty = match O::RELOCATED {
            // What leads out of the unit has no name here either.
            true => self.near(raw).unwrap_or(UNRESOLVED),
            false => self.space.within((raw as u64).wrapping_add(self.from[common.far as usize])),
        };
        if common.typed { ty } else { NOTHING }
    }

    /// The name of the entry at `at`. `shift` grows by an inline name, up to eight bytes; None for a longer or an empty
    /// one, and for an entry whose reference is not in place.
    #[inline(always)]
    pub fn name<const BIG: bool, O: Offsets>(
        &self,
        common: &Common,
        window: &[u8; WINDOW],
        shift: &mut usize,
        at: usize,
        offsets: &mut O,
    ) -> Option<Name> {
        if O::RELOCATED && common.far {
            return None;
        }
        let name_at = *shift + common.name_at as usize % REACH;
        if O::RELOCATED && common.by_offset {
            return offsets.name(at + name_at, word::<BIG>(window, name_at) as u64);
        }
        if O::RELOCATED && common.unnamed {
            return Some(Name::NONE);
        }
        match common.name {
            // Types with and without names come in no order: no branch for that.
            NameForm::Offset | NameForm::None => {
                let Name { hash, at } = offsets.name(at + name_at, word::<BIG>(window, name_at) as u64)?;
                let all = 0u64.wrapping_sub((common.name == NameForm::Offset) as u64);
                Some(Name { hash: hash & all, at: NameRef(at.0 & all) })
            }
            NameForm::Index(size) if O::INDEXED => {
                let index = string_index::<BIG>(word::<BIG>(window, name_at) as u64, size);
                let offset = self.strings.get(usize::try_from(index * 4).ok()?..)?.first_chunk()?;
                let offset = if BIG { u32::from_be_bytes(*offset) } else { u32::from_le_bytes(*offset) };
                Some(at_str_offset(offset as u64))
            }
            NameForm::Inline => {
                let (text, length) = inline_text(window, name_at)?;
                *shift += length + 1;
                Some(inline_name(text, length, at + name_at, self.in_types)).filter(|name| !name.is_none())
            }
            NameForm::Index(_) => None,
        }
    }

    /// What refers to that offset in the unit, as an offset in the group; None where that is not in it.
    #[inline(always)]
    pub fn near(&self, raw: u32) -> Option<u32> {
        (raw.wrapping_sub(1) < self.ahead).then(|| raw.wrapping_add(self.space.base as u32))
    }
}
