//! Entries that have a layout: what there is most of, dealt with in one step each.
//!
//! Nothing is decided here that [`crate::types`] and [`crate::members`] would decide otherwise; what is unusual in any
//! way is left to them.

use crate::codes::Table;
use crate::common::Commons;
use crate::common_members::Noted;
use crate::entry::Cursor;
use crate::error::Fault;
use crate::layout::{Fixed, Layout, Shape};
use crate::lower::{Carrier, Context, Frame, Lowering};
use crate::plan::Plan;
use btfkit_btf::Kind;
use btfkit_btf::unit::{Local, LocalType};

/// How far a run of entries went.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    /// The first one must be read step by step; the cursor is where it was.
    None,
    /// The cursor is before the code of what follows.
    Some,
    /// And behind the end of their parent.
    All,
}

impl<'a> Lowering<'a> {
    /// Deals with the entry at `offset` of the group, and with those like it that follow; false where it must be read
    /// step by step. The cursor is behind its code.
    #[inline(always)]
    pub(crate) fn quick<'p, const BIG: bool>(
        &mut self,
        context: &Context,
        table: &Table<'p>,
        commons: Option<&Commons<'_>>,
        plan: &'p Plan,
        cursor: &mut Cursor<'a>,
        offset: u32,
    ) -> Result<bool, Fault> {
        let Some(layout) = &plan.layout else { return Ok(false) };
        let run = match (layout.shape, self.parent()) {
            (Shape::Member, Some(Frame::Aggregate)) => {
                self.quick_members::<BIG>(context, table, commons, layout, cursor, offset)?
            }
            (Shape::Enumerator, Some(Frame::Enumeration)) => {
                self.run::<BIG>(context, table, layout, cursor, |me, layout, fixed| {
                    if !fixed.name.is_none() {
                        me.add_enumerator(fixed.name, fixed.number(layout, 0));
                    }
                    !fixed.name.is_none()
                })?
            }
            (Shape::Parameter, Some(Frame::Prototype)) => {
                self.run::<BIG>(context, table, layout, cursor, |me, _, fixed| {
                    me.add_parameter(fixed.name, fixed.ty);
                    true
                })?
            }
            (Shape::Subrange, Some(Frame::Array { .. })) => {
                self.run::<BIG>(context, table, layout, cursor, |me, layout, fixed| {
                    me.add_dimension(match layout.has(0) {
                        true => fixed.number(layout, 0).wrapping_add(1),
                        false => fixed.number(layout, 1),
                    });
                    true
                })?
            }
            (Shape::Member | Shape::Enumerator | Shape::Parameter | Shape::Subrange, _) => return Ok(false),
            (_, Some(Frame::Ignored) | None) => return Ok(false),
            _ => {
                if let Some(commons) = commons {
                    let at = context.unit.start + (offset - context.base) as usize;
                    let relocations = cursor.relocations.as_deref_mut();
                    let next = self.common_types::<BIG>(context, commons, cursor.bytes.data, at, relocations);
                    if next != at {
                        cursor.at = next;
                        return Ok(true);
                    }
                }
                // By itself it is read step by step.
                if layout.shape == Shape::Enumeration {
                    return Ok(false);
                }
                return self.quick_type::<BIG>(context, plan.children, layout, cursor, offset);
            }
        };
        if run == Run::All
            && let Some(frame) = self.stack.pop()
        {
            self.close(frame);
        }
        Ok(run != Run::None)
    }

    #[inline(always)]
    fn quick_members<const BIG: bool>(
        &mut self,
        context: &Context,
        table: &Table<'_>,
        commons: Option<&Commons<'_>>,
        layout: &Layout,
        cursor: &mut Cursor<'a>,
        offset: u32,
    ) -> Result<Run, Fault> {
        let Some(mut open) = self.aggregates.last().copied() else { return Ok(Run::None) };
        let at = context.unit.start + (offset - context.base) as usize;
        let data = cursor.bytes.data;
        let behind = commons.map_or(at, |commons| {
            let relocations = cursor.relocations.as_deref_mut();
            let noted = Noted { references: &mut self.pending, alignments: &mut self.alignments };
            commons.members::<BIG>(data, at, &mut open, noted, relocations)
        });
        let run = if behind == at {
            self.fixed_members::<BIG>(context, table, layout, cursor, &mut open, commons)?
        } else {
            let ends = data.get(behind) == Some(&0);
            cursor.at = behind + ends as usize;
            if ends { Run::All } else { Run::Some }
        };
        if let Some(last) = self.aggregates.last_mut() {
            *last = open;
        }
        Ok(run)
    }

    #[inline(always)]
    fn quick_type<const BIG: bool>(
        &mut self,
        context: &Context,
        children: bool,
        layout: &Layout,
        cursor: &mut Cursor<'a>,
        offset: u32,
    ) -> Result<bool, Fault> {
        let Some(fixed) = self.fixed::<BIG>(context, layout, cursor)? else { return Ok(false) };
        let frame = match layout.shape {
            Shape::Link(Kind::Typedef) if fixed.name.is_none() => {
                self.hole(offset, fixed.ty);
                Frame::Ignored
            }
            Shape::Link(kind) => {
                let ty = LocalType { kind: Some(kind), name: fixed.name, target: fixed.ty, ..LocalType::default() };
                let local = self.push_type(offset, ty);
                if !children {
                    self.types.order.push(local);
                    return Ok(true);
                }
                match kind {
                    Kind::Ptr => Frame::Annotated(Carrier::Pointer(local)),
                    _ => Frame::Annotated(Carrier::Type(local, -1)),
                }
            }
            Shape::Aggregate(kind) if fixed.number(layout, 1) != 0 => self.declared_aggregate(offset, kind, fixed.name),
            Shape::Aggregate(kind) => {
                if layout.has(2) {
                    self.alignments.push((self.types.types.len() as Local, fixed.number(layout, 2)));
                }
                self.open_aggregate(offset, kind, fixed.name, fixed.number(layout, 0) as u32)
            }
            Shape::Array => self.open_array(offset, fixed.ty),
            _ => self.open_prototype(offset, fixed.ty),
        };
        if children {
            self.stack.push(frame)
        } else {
            self.close(frame)
        }
        Ok(true)
    }

    /// Reads entries of one shape, until another one follows, their parent ends, or `take` will not have one. The cursor
    /// is behind a code.
    #[inline(always)]
    fn run<'p, const BIG: bool>(
        &mut self,
        context: &Context,
        table: &Table<'p>,
        mut layout: &'p Layout,
        cursor: &mut Cursor<'a>,
        mut take: impl FnMut(&mut Self, &Layout, Fixed<'a, BIG>) -> bool,
    ) -> Result<Run, Fault> {
        let shape = std::mem::discriminant(&layout.shape);
        let mut back = cursor.at;
        let mut run = Run::None;
        loop {
            match self.fixed::<BIG>(context, layout, cursor)? {
                Some(fixed) if take(self, layout, fixed) => run = Run::Some,
                _ => break,
            }
            back = cursor.at;
            match cursor.bytes.uleb(&mut cursor.at) {
                Ok(0) => return Ok(Run::All),
                Ok(code) => match table.get(code).and_then(|plan| plan.layout.as_ref()) {
                    Some(next) if std::mem::discriminant(&next.shape) == shape => layout = next,
                    _ => break,
                },
                Err(_) => break,
            }
        }
        cursor.at = back;
        Ok(run)
    }
}
