//! Members of common layouts, read one after the other in a loop that does nothing else: bitfields and aligned members,
//! too.
//!
//! Behind its type a member has its place, and before that at most one other number: a width, or an alignment. These are
//! within four bytes, so that one load has all of them beside the type. Where names are indices, members are read by their
//! [`Common`](crate::common::Common) instead.

use crate::common::{Commons, InPlace, Offsets, Part, Relocated};
use crate::layout::{Field, Layout, NameForm, REACH, Shape, WINDOW, inline_text, word};
use crate::members::{MAX_WIDTH, OpenAggregate, WIDTH_SHIFT};
use crate::names::inline_hash;
use crate::relocations::Relocations;
use btfkit_btf::unit::Local;

/// What a member has beside its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Beside {
    #[default]
    Nothing,
    Width,
    Alignment,
}

/// How the entry begins, behind its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Front {
    /// It is no member of such a layout.
    #[default]
    Other,
    Offset,
    Inline,
    Unnamed,
}

/// A number in the four bytes behind the type.
#[derive(Debug, Clone, Copy, Default)]
struct Behind {
    shift: u8,
    add: u8,
    mask: u16,
}

impl Behind {
    /// None where it is somewhere else. `from` is where the type ends.
    fn of(field: &Field, from: u32, big: bool) -> Option<Behind> {
        let add = u8::try_from(field.add).ok()?;
        let size = field.mask.count_ones() / 8;
        if size == 0 {
            return Some(Behind { shift: 0, add, mask: 0 });
        }
        let at = (field.at as u32).checked_sub(from).filter(|at| at + size <= 4)?;
        let shift = if big { 4 - at - size } else { at };
        Some(Behind { shift: 8 * shift as u8, add, mask: field.mask })
    }

    /// Is it right behind the type, and nothing is added to it?
    fn is_alone(&self, big: bool) -> bool {
        let nothing_before = if big { self.shift as u32 + self.mask.count_ones() == 32 } else { self.shift == 0 };
        self.add == 0 && (self.mask == 0 || nothing_before)
    }

    /// Of one that is.
    #[inline(always)]
    fn read_alone<const BIG: bool>(self, bytes: u32) -> u64 {
        (if BIG { bytes >> (self.shift % 32) } else { bytes } & self.mask as u32) as u64
    }

    #[inline(always)]
    fn read(self, bytes: u32) -> u64 {
        (bytes >> (self.shift % 32) & self.mask as u32) as u64 + self.add as u64
    }
}

/// The layout of a member. Distances are from a code of one byte.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(16))]
pub(crate) struct MemberForm {
    /// The front is an offset, and there is nothing beside the place, as it mostly is: asked first.
    plain: bool,
    by_offset: bool,
    front: Front,
    beside: Beside,
    /// Behind an inline name from its end.
    type_at: u8,
    /// With the code.
    length: u8,
    place: Behind,
    other: Behind,
}

/// Codes of one byte, of which the upper half stands for longer ones.
pub(crate) const FORMS: usize = 0x100;

impl MemberForm {
    pub fn of(layout: &Layout, big: bool) -> Option<MemberForm> {
        if layout.shape != Shape::Member || !layout.has_type || layout.far || layout.leb != 0 {
            return None;
        }
        let front = match layout.name {
            NameForm::Offset => Front::Offset,
            NameForm::Inline => Front::Inline,
            NameForm::None => Front::Unnamed,
            NameForm::Index(_) => return None,
        };
        let behind = |number: usize| Behind::of(&layout.numbers[number], layout.type_at as u32 + 4, big);
        let (beside, place, other) = if layout.has_only(&[0]) {
            (Beside::Nothing, behind(0).filter(|place| place.is_alone(big))?, Behind::default())
        } else if layout.has_only(&[1, 2]) && layout.has(1) && layout.has(2) {
            (Beside::Width, behind(1)?, behind(2).filter(|other| other.mask as u64 <= MAX_WIDTH)?)
        } else if layout.has_only(&[0, 3]) {
            (Beside::Alignment, behind(0)?, behind(3)?)
        } else {
            return None;
        };
        let type_at = layout.type_at.checked_add(1).filter(|&at| (at as usize) < REACH)?;
        let length = layout.length.checked_add(1)?;
        let named_first = layout.name_at == 0;
        let by_offset = front == Front::Offset;
        let plain = by_offset && beside == Beside::Nothing;
        named_first.then_some(MemberForm { plain, by_offset, front, beside, type_at, length, place, other })
    }

    /// The hash of a name that is not told by an offset, and the bytes that it takes; None for an empty or a longer one.
    #[inline(always)]
    fn other_front(&self, window: &[u8; WINDOW]) -> Option<(u64, usize)> {
        match self.front {
            Front::Inline => {
                let (text, length) = inline_text(window, 1).filter(|(_, length)| *length != 0)?;
                Some((inline_hash(text, length), length + 1))
            }
            Front::Unnamed => Some((0, 0)),
            Front::Offset | Front::Other => None,
        }
    }
}

/// What is noted while members are read.
pub(crate) struct Noted<'n> {
    pub references: &'n mut Vec<u32>,
    pub alignments: &'n mut Vec<(Local, u64)>,
}

impl Noted<'_> {
    /// For one more?
    #[inline(always)]
    fn have_room(&self) -> bool {
        self.references.len() != self.references.capacity()
    }
}

impl Commons<'_> {
    /// Does the loop read members with this code?
    #[inline]
    pub fn has_member(&self, code: u64) -> bool {
        let code = code as usize;
        match self.are_indexed() {
            true => self.common.get(code).is_some_and(|common| common.part == Part::Member),
            false => self.forms.get(code).is_some_and(|form| form.front != Front::Other),
        }
    }

    /// Reads members until one has to be looked at more closely, or something else follows; gives where that starts. `at`
    /// is before a code.
    #[inline(never)]
    pub fn members<const BIG: bool>(
        &self,
        data: &[u8],
        at: usize,
        open: &mut OpenAggregate,
        noted: Noted<'_>,
        relocations: Option<&mut Relocations<'_>>,
    ) -> usize {
        match (relocations, self.are_indexed()) {
            (Some(relocations), _) => self.all_members::<BIG, _>(data, at, open, noted, &mut Relocated { relocations }),
            (None, true) => self.all_members::<BIG, _>(data, at, open, noted, &mut InPlace::<true>),
            (None, false) => self.all_members::<BIG, _>(data, at, open, noted, &mut InPlace::<false>),
        }
    }

    #[inline(always)]
    pub fn all_members<const BIG: bool, O: Offsets>(
        &self,
        data: &[u8],
        at: usize,
        open: &mut OpenAggregate,
        noted: Noted<'_>,
        offsets: &mut O,
    ) -> usize {
        match O::INDEXED {
            true => self.indexed_members::<BIG, O>(data, at, open, noted.references, offsets),
            false => self.plain_members::<BIG, O>(data, at, open, noted, offsets),
        }
    }

    #[inline(always)]
    fn plain_members<const BIG: bool, O: Offsets>(
        &self,
        data: &[u8],
        mut at: usize,
        open: &mut OpenAggregate,
        mut noted: Noted<'_>,
        offsets: &mut O,
    ) -> usize {
        loop {
            at = self.run::<BIG, O>(data, at, open, &mut noted, offsets);
            let Some(window) = data.get(at..).and_then(|rest| rest.first_chunk::<WINDOW>()) else { return at };
            let form = &self.forms[window[0] as usize];
            if form.front == Front::Other {
                return at;
            }
            let Some(length) = self.one::<BIG, O>(form, window, at, open, &mut noted, offsets) else { return at };
            at += length;
        }
    }

    /// Whatever takes a call ends the run, as what is in registers would have to be put aside for it each time.
    #[inline(always)]
    fn run<const BIG: bool, O: Offsets>(
        &self,
        data: &[u8],
        at: usize,
        open: &mut OpenAggregate,
        noted: &mut Noted<'_>,
        offsets: &mut O,
    ) -> usize {
        let Some(mut rest) = data.get(at..) else { return at };
        let (mut own, (mut next, names)) = (*open, offsets.next());
        while let Some(window) = rest.first_chunk::<WINDOW>()
            && noted.have_room()
        {
            let form = &self.forms[window[0] as usize];
            // What is plain ends by itself: it has nothing in it that moves the rest, and nothing to choose from.
            rest = if form.plain {
                let raw = word::<BIG>(window, 1);
                let Some(name) = O::hash(&mut next, &names, data.len() - rest.len() + 1, raw) else { break };
                let Some(behind) = rest.get(form.length as usize..) else { break };
                let type_at = form.type_at as usize % REACH;
                let Some(ty) = self.near(word::<BIG>(window, type_at)) else { break };
                own.place(name, form.place.read_alone::<BIG>(word::<BIG>(window, type_at + 4)) * 8);
                noted.references.push(ty);
                behind
            } else {
                let (name, shift) = if form.by_offset {
                    let raw = word::<BIG>(window, 1);
                    let Some(name) = O::hash(&mut next, &names, data.len() - rest.len() + 1, raw) else { break };
                    (name, 0)
                } else {
                    let Some(front) = form.other_front(window) else { break };
                    front
                };
                let Some(behind) = rest.get(shift + form.length as usize..) else { break };
                if !self.take::<BIG>(form, window, name, shift, &mut own, noted) {
                    break;
                }
                behind
            };
        }
        offsets.keep(next);
        *open = own;
        data.len() - rest.len()
    }

    /// Reads a member; gives its length, or None where it has to be looked at more closely.
    #[inline(never)]
    fn one<const BIG: bool, O: Offsets>(
        &self,
        form: &MemberForm,
        window: &[u8; WINDOW],
        at: usize,
        open: &mut OpenAggregate,
        noted: &mut Noted<'_>,
        offsets: &mut O,
    ) -> Option<usize> {
        let (name, shift) = match form.front {
            Front::Offset => (offsets.name(at + 1, word::<BIG>(window, 1) as u64)?.hash, 0),
            _ => form.other_front(window)?,
        };
        noted.references.reserve(1);
        noted.alignments.reserve(1);
        let taken = self.take::<BIG>(form, window, name, shift, open, noted);
        taken.then_some(shift + form.length as usize)
    }

    /// Notes a member whose name has been read; false where its type is not in the group.
    #[inline(always)]
    fn take<const BIG: bool>(
        &self,
        form: &MemberForm,
        window: &[u8; WINDOW],
        name: u64,
        shift: usize,
        open: &mut OpenAggregate,
        noted: &mut Noted<'_>,
    ) -> bool {
        let type_at = shift + form.type_at as usize % REACH;
        let Some(ty) = self.near(word::<BIG>(window, type_at)) else { return false };
        let bytes = word::<BIG>(window, type_at + 4);
        match form.beside {
            Beside::Nothing => open.place(name, form.place.read_alone::<BIG>(bytes) * 8),
            Beside::Width => {
                let (place, width) = (form.place.read(bytes), form.other.read(bytes));
                open.add(name, place | width << WIDTH_SHIFT, ty);
            }
            // Without room it is read once more, by who makes some.
            Beside::Alignment if noted.alignments.len() == noted.alignments.capacity() => return false,
            Beside::Alignment => {
                noted.alignments.push((open.local, form.other.read(bytes)));
                open.place(name, form.place.read(bytes) * 8);
            }
        }
        noted.references.push(ty);
        true
    }

    #[inline(never)]
    fn indexed_members<const BIG: bool, O: Offsets>(
        &self,
        data: &[u8],
        at: usize,
        open: &mut OpenAggregate,
        references: &mut Vec<u32>,
        offsets: &mut O,
    ) -> usize {
        let Some(mut rest) = data.get(at..) else { return at };
        let mut own = *open;
        while let Some(window) = rest.first_chunk::<WINDOW>()
            && let Some((common, mut shift)) = self.at::<O>(window)
            && common.part == Part::Member
            && let Some(name) = self.name::<BIG, O>(common, window, &mut shift, data.len() - rest.len(), offsets)
            && !common.has_long_number(window, shift)
        {
            own.place(name.hash, common.number::<BIG>(window, shift) * 8);
            references.push(self.reference::<BIG, O>(common, window, shift));
            rest = &rest[common.length(shift).min(WINDOW)..];
        }
        *open = own;
        data.len() - rest.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Encoding, Plan};
    use crate::sections::Bytes;
    use gimli::constants as dw;

    const NAMES: [&[u16]; 3] = [
        &[],
        &[dw::DW_AT_name.0, dw::DW_FORM_strp.0, dw::DW_AT_decl_line.0, dw::DW_FORM_data2.0],
        &[dw::DW_AT_name.0, dw::DW_FORM_string.0],
    ];

    /// Numbers behind the type: what there is, and whether a form has it.
    const NUMBERS: [(&[u16], bool); 9] = [
        (&[], true),
        (&[dw::DW_AT_data_member_location.0, dw::DW_FORM_data1.0], true),
        (&[dw::DW_AT_data_member_location.0, dw::DW_FORM_data2.0], true),
        (&[dw::DW_AT_bit_size.0, dw::DW_FORM_data1.0, dw::DW_AT_data_bit_offset.0, dw::DW_FORM_data2.0], true),
        (
            &[dw::DW_AT_bit_size.0, dw::DW_FORM_implicit_const.0, 5, dw::DW_AT_data_bit_offset.0, dw::DW_FORM_data1.0],
            true,
        ),
        (&[dw::DW_AT_alignment.0, dw::DW_FORM_data1.0, dw::DW_AT_data_member_location.0, dw::DW_FORM_data2.0], true),
        (&[dw::DW_AT_alignment.0, dw::DW_FORM_implicit_const.0, 64], true),
        // A place behind something else, or a width of two bytes.
        (&[dw::DW_AT_decl_line.0, dw::DW_FORM_data2.0, dw::DW_AT_data_member_location.0, dw::DW_FORM_data1.0], false),
        (&[dw::DW_AT_bit_size.0, dw::DW_FORM_data2.0, dw::DW_AT_data_bit_offset.0, dw::DW_FORM_data1.0], false),
    ];

    #[test]
    fn forms_read_what_layouts_read() {
        let encoding = Encoding { version: 5, address_size: 8, offset_size: 4 };
        let mut seed = 1u64;
        for (name, (numbers, has_form), big) in NAMES
            .iter()
            .flat_map(|name| NUMBERS.iter().flat_map(move |numbers| [false, true].map(|big| (name, numbers, big))))
        {
            let kind = [dw::DW_TAG_member.0, 0];
            let ty = [dw::DW_AT_type.0, dw::DW_FORM_ref4.0];
            let all = kind.iter().chain(*name).chain(&ty).chain(*numbers).chain(&[0, 0]);
            // In LEB128; constants are signed, so that 64 has a second byte.
            let bytes: Vec<u8> = all
                .flat_map(|&number| match number {
                    64.. if number == 64 || number >= 0x80 => vec![number as u8 & 0x7f | 0x80, (number >> 7) as u8],
                    _ => vec![number as u8],
                })
                .collect();
            let plan = Plan::parse(Bytes::new(&bytes, big), encoding).unwrap();
            let layout = plan.layout.unwrap();
            assert_eq!(plan.member.is_some(), *has_form, "{name:?} {numbers:?} {big}");
            let Some(form) = plan.member else { continue };
            for _ in 0..20 {
                let window: [u8; WINDOW] = std::array::from_fn(|_| {
                    seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                    (seed >> 33) as u8
                });
                let behind_code: [u8; WINDOW] =
                    std::array::from_fn(|at| if at + 1 < WINDOW { window[at + 1] } else { 0 });
                let read = |at: usize| if big { word::<true>(&window, at) } else { word::<false>(&window, at) };
                for shift in 0..4 {
                    let type_at = shift + form.type_at as usize;
                    let (ty, numbers) = (read(type_at), read(type_at + 4));
                    let place = match (form.beside, big) {
                        (Beside::Nothing, false) => form.place.read_alone::<false>(numbers),
                        (Beside::Nothing, true) => form.place.read_alone::<true>(numbers),
                        _ => form.place.read(numbers),
                    };
                    let value = match form.beside {
                        Beside::Width => place | form.other.read(numbers) << WIDTH_SHIFT,
                        _ => place * 8,
                    };
                    let type_at = shift + layout.type_at as usize;
                    let (expected_type, expected, alignment) = match big {
                        false => (
                            word::<false>(&behind_code, type_at),
                            layout.member_value::<false>(&behind_code, shift),
                            layout.numbers[3].read::<false>(&behind_code, shift),
                        ),
                        true => (
                            word::<true>(&behind_code, type_at),
                            layout.member_value::<true>(&behind_code, shift),
                            layout.numbers[3].read::<true>(&behind_code, shift),
                        ),
                    };
                    assert_eq!((ty, Some(value)), (expected_type, expected), "{name:?} {numbers:?} {big} {shift}");
                    if form.beside == Beside::Alignment {
                        assert_eq!(form.other.read(numbers), alignment);
                    }
                }
            }
        }
    }
}
