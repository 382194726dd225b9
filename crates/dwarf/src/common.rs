//! Entries of common layouts, of which nearly all types and members are: what is read of them, and the loop that reads
//! members one after the other and does nothing else. [`common_types`](crate::common_types) has the loop of types.
//!
//! Both are for files in which nothing is relocated and names are told by their offsets, and for those in which names are
//! relocated and told by their bytes, as in modules. What sets these abbreviations apart is a few numbers, which lie side
//! by side; [`quick`](crate::quick) reads what has another layout.

use crate::abbreviations::Table;
use crate::entry::Cursor;
use crate::layout::{Field, Layout, NameForm, REACH, Shape, Space, WINDOW, inline_text, string_index, word};
use crate::lower::{Context, Lowering, NOTHING};
use crate::members::OpenAggregate;
use crate::names::{at_str_offset, inline_name, name_in};
use crate::relocations::Relocations;
use btfkit_btf::Kind;
use btfkit_btf::unit::{Name, NameRef};

/// What an entry of a common layout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Part {
    /// Not of a common layout.
    #[default]
    Other,
    /// With a type in the unit, a name by its offset, and no number but its place, which has a fixed size.
    Member,
    /// The same, but for the forms of name, type and place.
    OddMember,
    /// A pointer, qualifier, typedef or declaration, without children.
    Leaf,
    /// The definition of a struct or union, which may have members.
    Aggregate,
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
    name: NameForm,
    name_at: u8,
    /// The type is counted from the start of `.debug_info`.
    far: bool,
    typed: bool,
    type_at: u8,
    /// A member's offset, an aggregate's size, the elements of a dimension.
    number: Field,
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
        name: NameForm::None,
        name_at: 0,
        far: false,
        typed: false,
        type_at: 0,
        number: Field::NONE,
        more: 0,
        length: 1,
    };

    pub fn of(layout: &Layout, children: bool) -> Option<Common> {
        let (name, typed) = (layout.name, layout.has_type);
        let (mut part, mut kind, mut slot) = (Part::Other, None, 0);
        match layout.shape {
            Shape::Member if typed && layout.has_only(&[0]) => {
                let plain = name == NameForm::Offset && !layout.far && layout.leb == 0;
                part = if plain { Part::Member } else { Part::OddMember };
            }
            Shape::Parameter if typed => part = Part::Parameter,
            Shape::Link(Kind::Typedef) if name == NameForm::None => {}
            Shape::Link(of) if !children => (part, kind) = (Part::Leaf, Some(of)),
            Shape::Aggregate(of) if layout.has_only(&[0]) => (part, kind) = (Part::Aggregate, Some(of)),
            Shape::Aggregate(_) if !children && name != NameForm::None => {
                slot = 1;
                let declared = layout.has_only(&[0, 1]) && layout.numbers[1].is_constant(1);
                (part, kind) = (if declared { Part::Leaf } else { Part::Other }, Some(Kind::Fwd));
            }
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
        let others_in_leb = layout.leb & !(1 << slot) != 0;
        Some(Common {
            part,
            kind,
            flag: kind == Some(Kind::Fwd) && layout.shape == Shape::Aggregate(Kind::Union),
            children,
            name,
            name_at: within(layout.name_at)?,
            far: layout.far,
            typed,
            type_at: within(layout.type_at)?,
            number: Field { at: within(number.at)?, add: number.add.checked_add(more)?, ..number },
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

    pub fn is_member(&self) -> bool {
        matches!(self.part, Part::Member | Part::OddMember)
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
    common: &'t [Common],
    /// References within the unit, and from the start of `.debug_info`, count from here in the group.
    from: [u64; 2],
    space: Space,
    /// The unit's part of `.debug_str_offsets`, where that has 32-bit offsets.
    strings: &'t [u8],
    /// `.debug_str`
    texts: &'t [u8],
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
}

pub(crate) struct InPlace<const INDEXED: bool>;

impl<const INDEXED: bool> Offsets for InPlace<INDEXED> {
    const INDEXED: bool = INDEXED;
    const RELOCATED: bool = false;

    #[inline(always)]
    fn name(&mut self, _: usize, raw: u64) -> Option<Name> {
        Some(at_str_offset(raw))
    }
}

pub(crate) struct Relocated<'r, 'a> {
    relocations: &'r mut Relocations<'a>,
    texts: &'r [u8],
}

impl Offsets for Relocated<'_, '_> {
    const INDEXED: bool = false;
    const RELOCATED: bool = true;

    #[inline(always)]
    fn name(&mut self, at: usize, raw: u64) -> Option<Name> {
        // What is wrong with one, or with its name, is said by who reads it again.
        let offset = self.relocations.name(at as u64, raw).ok()?;
        Some(name_in(self.texts, offset)).filter(|name| !name.is_none())
    }
}

impl<'a> Lowering<'a> {
    pub(crate) fn commons<'t>(&self, context: &Context, table: &'t Table, cursor: &Cursor<'_>) -> Option<Commons<'t>>
    where
        'a: 't,
    {
        let space = self.space(context, cursor);
        let commons = Commons {
            narrow: table.common.first_chunk()?,
            common: &table.common,
            from: [space.base, space.start.wrapping_neg()],
            space,
            strings: self.names.offsets_of(context.strings),
            texts: self.sections.str.data,
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

    #[inline(always)]
    pub fn relocated<'r, 'a>(&'r self, relocations: &'r mut Relocations<'a>) -> Relocated<'r, 'a> {
        Relocated { relocations, texts: self.texts }
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
    pub fn reference<const BIG: bool>(&self, common: &Common, window: &[u8; WINDOW], shift: usize) -> u32 {
        let raw = word::<BIG>(window, shift + common.type_at as usize % REACH) as u64;
        let ty = self.space.within(raw.wrapping_add(self.from[common.far as usize]));
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
        match common.name {
            NameForm::Offset if O::RELOCATED => offsets.name(at + name_at, word::<BIG>(window, name_at) as u64),
            NameForm::None if O::RELOCATED => Some(Name::NONE),
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

    /// Reads members until one has to be looked at more closely, or something else follows; gives where that starts. `at`
    /// is before a code. What members refer to is added to `references`.
    #[inline(always)]
    pub fn members<const BIG: bool>(
        &self,
        data: &[u8],
        at: usize,
        open: &mut OpenAggregate,
        references: &mut Vec<u32>,
        relocations: Option<&mut Relocations<'_>>,
    ) -> usize {
        match (relocations, self.are_indexed()) {
            (Some(relocations), _) => {
                self.all_members::<BIG, _>(data, at, open, references, &mut self.relocated(relocations))
            }
            (None, true) => self.all_members::<BIG, _>(data, at, open, references, &mut InPlace::<true>),
            (None, false) => self.all_members::<BIG, _>(data, at, open, references, &mut InPlace::<false>),
        }
    }

    #[inline(never)]
    pub fn all_members<const BIG: bool, O: Offsets>(
        &self,
        data: &[u8],
        at: usize,
        open: &mut OpenAggregate,
        references: &mut Vec<u32>,
        offsets: &mut O,
    ) -> usize {
        let Some(mut rest) = data.get(at..) else { return at };
        // A copy stays in registers.
        let mut own = *open;
        while let Some(window) = rest.first_chunk::<WINDOW>()
            && let Some((common, shift)) = self.at::<O>(window)
        {
            let at = data.len() - rest.len();
            let member = match common.part {
                Part::Member if !O::INDEXED => {
                    let name_at = common.name_at as usize % REACH;
                    let name = offsets.name(at + name_at, word::<BIG>(window, name_at) as u64);
                    let Some(Name { hash: name, .. }) = name else { break };
                    let ty = self.near::<BIG>(common, window);
                    Member { name, ty, bytes: common.number::<BIG>(window, 0), length: common.length(0) }
                }
                Part::Member | Part::OddMember => {
                    let member = match O::INDEXED {
                        true => self.member::<BIG, O>(common, window, shift, at, offsets),
                        false => self.odd_member::<BIG, O>(common, window, at, offsets),
                    };
                    let Some(member) = member else { break };
                    member
                }
                _ => break,
            };
            own.place(member.name, member.bytes * 8);
            references.push(member.ty);
            rest = &rest[member.length.min(WINDOW)..];
        }
        *open = own;
        data.len() - rest.len()
    }

    /// What a [`Part::Member`] refers to.
    #[inline(always)]
    fn near<const BIG: bool>(&self, common: &Common, window: &[u8; WINDOW]) -> u32 {
        let raw = word::<BIG>(window, common.type_at as usize % REACH) as u64;
        self.space.within(raw.wrapping_add(self.space.base))
    }

    #[inline(always)]
    fn member<const BIG: bool, O: Offsets>(
        &self,
        common: &Common,
        window: &[u8; WINDOW],
        mut shift: usize,
        at: usize,
        offsets: &mut O,
    ) -> Option<Member> {
        let name = self.name::<BIG, O>(common, window, &mut shift, at, offsets)?.hash;
        if common.has_long_number(window, shift) {
            return None;
        }
        let ty = self.reference::<BIG>(common, window, shift);
        Some(Member { name, ty, bytes: common.number::<BIG>(window, shift), length: common.length(shift) })
    }

    /// One in ten, if names are no indices: the loop is shorter without them.
    #[inline(never)]
    fn odd_member<const BIG: bool, O: Offsets>(
        &self,
        common: &Common,
        window: &[u8; WINDOW],
        at: usize,
        offsets: &mut O,
    ) -> Option<Member> {
        self.member::<BIG, O>(common, window, 0, at, offsets)
    }
}

/// What is read of a member.
struct Member {
    /// Its hash.
    name: u64,
    ty: u32,
    /// From the start of the aggregate.
    bytes: u64,
    /// Of the entry, with its code.
    length: usize,
}
