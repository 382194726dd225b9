//! Types of common layouts, read one after the other in a loop that does nothing else.
//!
//! Most entries of a unit in C stand side by side: pointers, qualifiers and typedefs, structs with their members, arrays
//! with their dimensions, enumerations, prototypes with their parameters. What has children is read to its end before it
//! is noted, so that nothing is put on the stack and taken from it. Where something else is among the children, the loop
//! ends before the entry, as if nothing of it had been read; only structs and enumerations, which may be large, are left
//! open.

use crate::common::{Commons, InPlace, Offsets, Part, Relocated};
use crate::common_members::Noted;
use crate::layout::WINDOW;
use crate::lower::{Context, Frame, Lowering, NOTHING};
use crate::members::{OpenAggregate, OpenEnumeration, OpenPrototype};
use crate::relocations::Relocations;
use btfkit_btf::Kind;
use btfkit_btf::unit::{ARRAY_INDEX, Local, LocalType, Name};

impl Lowering<'_> {
    /// Reads types until something else follows; gives where that starts. `at` is before a code.
    #[inline(always)]
    pub(crate) fn common_types<const BIG: bool>(
        &mut self,
        context: &Context,
        commons: &Commons<'_>,
        data: &[u8],
        at: usize,
        relocations: Option<&mut Relocations<'_>>,
    ) -> usize {
        match (relocations, commons.are_indexed()) {
            (Some(relocations), _) => {
                self.all_types::<BIG, _>(context, commons, data, at, &mut Relocated { relocations })
            }
            (None, true) => self.all_types::<BIG, _>(context, commons, data, at, &mut InPlace::<true>),
            (None, false) => self.all_types::<BIG, _>(context, commons, data, at, &mut InPlace::<false>),
        }
    }

    #[inline(never)]
    fn all_types<const BIG: bool, O: Offsets>(
        &mut self,
        context: &Context,
        commons: &Commons<'_>,
        data: &[u8],
        mut at: usize,
        offsets: &mut O,
    ) -> usize {
        let from = context.base.wrapping_sub(context.unit.start as u32);
        while let Some(window) = data.get(at..).and_then(|rest| rest.first_chunk::<WINDOW>())
            && let Some((common, mut shift)) = commons.at::<O>(window)
            && let Some(name) = commons.name::<BIG, O>(common, window, &mut shift, at, offsets)
        {
            let (kind, flag, target) = (common.kind, common.flag, commons.reference::<BIG, O>(common, window, shift));
            let offset = from.wrapping_add(at as u32);
            if common.part == Part::Leaf {
                self.note(LocalType { kind, flag, name, target, at: offset, ..LocalType::default() });
                at += common.length(shift);
                continue;
            }
            let mut ty = LocalType { kind, name, target, at: offset, ..LocalType::default() };
            let mut next = at + common.length(shift);
            let (local, first) = (self.types.types.len() as Local, self.types.references.len());
            match common.part {
                Part::Aggregate if !common.has_long_number(window, shift) => {
                    ty.size = common.number::<BIG>(window, shift) as u32;
                    if common.aligned {
                        self.alignments.push((local, common.alignment::<BIG>(window, shift)));
                    }
                    let union = kind == Some(Kind::Union);
                    let mut open = OpenAggregate::new(local, self.pending.len() as u32, union);
                    if common.children {
                        let noted = Noted { references: &mut self.types.references, alignments: &mut self.alignments };
                        next = commons.all_members::<BIG, O>(data, next, &mut open, noted, offsets);
                        if data.get(next) != Some(&0) {
                            self.leave_open(ty, open, first);
                            return next;
                        }
                        next += 1;
                    }
                    (ty.first, ty.count) = (first as u32, (self.types.references.len() - first) as u32);
                    if open.end(&mut ty) {
                        self.care.push(local);
                    }
                }
                Part::Enumeration if !common.has_long_number(window, shift) => {
                    ty.size = common.number::<BIG>(window, shift) as u32;
                    if !matches!(ty.size, 1 | 2 | 4) {
                        break;
                    }
                    let mut open = OpenEnumeration::new(local, false);
                    next = enumerators::<BIG, O>(commons, data, next, &mut open, offsets);
                    if data.get(next) != Some(&0) {
                        self.leave_enumeration_open(ty, open);
                        return next;
                    }
                    next += 1;
                    if open.end_small(&mut ty) {
                        self.care.push(local);
                    }
                }
                Part::Array => {
                    let Some((elements, behind)) = dimensions::<BIG, O>(commons, data, next) else { break };
                    next = behind;
                    self.has_array = true;
                    (ty.size, ty.first, ty.count) = (elements, first as u32, 1);
                    self.types.references.push(ARRAY_INDEX);
                }
                Part::Subroutine => {
                    let mut open = OpenPrototype::new(local, 0);
                    let references = &mut self.types.references;
                    if common.children {
                        let behind = parameters::<BIG, O>(commons, data, next, &mut open, references, offsets);
                        let Some(behind) = behind else {
                            references.truncate(first);
                            break;
                        };
                        next = behind;
                    }
                    (ty.first, ty.count) = (first as u32, (references.len() - first) as u32);
                    if open.end(&mut ty) {
                        self.care.push(local);
                    }
                }
                _ => break,
            }
            self.note(ty);
            at = next;
        }
        at
    }

    /// Notes a type that has ended.
    #[inline(always)]
    fn note(&mut self, ty: LocalType) {
        self.index.mark(ty.at);
        self.types.order.push(self.types.types.len() as Local);
        self.types.types.push(ty);
    }

    /// Something else is among the members, of which those in `references` have been read.
    #[inline(never)]
    fn leave_open(&mut self, ty: LocalType, open: OpenAggregate, first: usize) {
        self.pending.extend(self.types.references.drain(first..));
        self.index.mark(ty.at);
        self.types.types.push(ty);
        self.aggregates.push(open);
        self.stack.push(Frame::Aggregate);
    }

    /// The same among enumerators.
    #[inline(never)]
    fn leave_enumeration_open(&mut self, ty: LocalType, open: OpenEnumeration) {
        self.index.mark(ty.at);
        self.types.types.push(ty);
        self.enumerations.push(open);
        self.stack.push(Frame::Enumeration);
    }
}

/// Adds enumerators until one has to be looked at more closely, or something else follows; gives where that starts.
#[inline(always)]
fn enumerators<const BIG: bool, O: Offsets>(
    commons: &Commons<'_>,
    data: &[u8],
    mut at: usize,
    open: &mut OpenEnumeration,
    offsets: &mut O,
) -> usize {
    while let Some(window) = data.get(at..).and_then(|rest| rest.first_chunk::<WINDOW>())
        && let Some((common, mut shift)) = commons.at::<O>(window)
        && common.part == Part::Enumerator
        && let Some(name) = commons.name::<BIG, O>(common, window, &mut shift, at, offsets)
        && !common.has_long_number(window, shift)
    {
        open.add_small(name, common.number::<BIG>(window, shift));
        at += common.length(shift);
    }
    at
}

/// The elements of all dimensions, and where the array's children end; None where one has to be looked at more closely.
#[inline(always)]
fn dimensions<const BIG: bool, O: Offsets>(commons: &Commons<'_>, data: &[u8], mut at: usize) -> Option<(u32, usize)> {
    let mut elements = 1u32;
    loop {
        let window = data.get(at..)?.first_chunk::<WINDOW>()?;
        let (common, shift) = commons.at::<O>(window)?;
        match common.part {
            Part::Subrange if !common.has_long_number(window, shift) => {
                elements = elements.wrapping_mul(common.number::<BIG>(window, shift) as u32);
                at += common.length(shift);
            }
            _ if window[0] == 0 => return Some((elements, at + 1)),
            _ => return None,
        }
    }
}

/// Adds all parameters of a prototype; gives where its children end, or None where one has to be looked at more closely.
#[inline(always)]
fn parameters<const BIG: bool, O: Offsets>(
    commons: &Commons<'_>,
    data: &[u8],
    mut at: usize,
    open: &mut OpenPrototype,
    references: &mut Vec<u32>,
    offsets: &mut O,
) -> Option<usize> {
    loop {
        let window = data.get(at..)?.first_chunk::<WINDOW>()?;
        let (common, mut shift) = commons.at::<O>(window)?;
        let (name, ty) = match common.part {
            Part::Parameter => {
                let name = commons.name::<BIG, O>(common, window, &mut shift, at, offsets)?;
                (name, commons.reference::<BIG, O>(common, window, shift))
            }
            Part::Dots => (Name::NONE, NOTHING),
            _ if window[0] == 0 => return Some(at + 1),
            _ => return None,
        };
        open.add(name, ty);
        references.push(ty);
        at += common.length(shift);
    }
}
