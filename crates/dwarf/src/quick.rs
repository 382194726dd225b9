//! Entries that have a layout: what there is most of, dealt with in one step each.
//!
//! Nothing is decided here that [`crate::types`] and [`crate::members`] would decide otherwise; what is unusual in any
//! way is left to them.

use crate::abbreviations::Table;
use crate::entry::Cursor;
use crate::error::Fault;
use crate::layout::{Fixed, Layout, Shape};
use crate::lower::{Carrier, Context, Frame, Lowering};
use crate::members::{MAX_WIDTH, WIDTH_SHIFT};
use crate::plan::Plan;
use btfkit_btf::Kind;
use btfkit_btf::unit::{Local, LocalType};

impl<'a> Lowering<'a> {
    /// Deals with the entry at `offset` of the group, and with those like it that follow; false where it must be read
    /// step by step. The cursor is behind its code.
    #[inline(always)]
    pub(crate) fn quick<'p>(
        &mut self,
        context: &Context,
        table: &'p Table,
        plan: &'p Plan,
        layout: &'p Layout,
        cursor: &mut Cursor<'a>,
        offset: u32,
    ) -> Result<bool, Fault> {
        match (layout.shape, self.parent()) {
            (Shape::Member, Some(Frame::Aggregate)) => self.run(context, table, layout, cursor, |me, layout, fixed| {
                let bytes = fixed.number(layout, 0);
                if layout.plain {
                    me.add_member(fixed.name, bytes * 8, fixed.ty);
                    return true;
                }
                let bits = if layout.has(1) { fixed.number(layout, 1) } else { bytes * 8 };
                let width = fixed.number(layout, 2);
                if width <= MAX_WIDTH {
                    me.add_member(fixed.name, bits | width << WIDTH_SHIFT, fixed.ty);
                    if layout.has(3) {
                        me.align_aggregate(fixed.number(layout, 3));
                    }
                }
                width <= MAX_WIDTH
            }),
            (Shape::Enumerator, Some(Frame::Enumeration)) => {
                self.run(context, table, layout, cursor, |me, layout, fixed| {
                    if !fixed.name.is_none() {
                        me.add_enumerator(fixed.name, fixed.number(layout, 0));
                    }
                    !fixed.name.is_none()
                })
            }
            (Shape::Parameter, Some(Frame::Prototype)) => self.run(context, table, layout, cursor, |me, _, fixed| {
                me.add_parameter(fixed.name, fixed.ty);
                true
            }),
            (Shape::Subrange, Some(Frame::Array { .. })) => {
                self.run(context, table, layout, cursor, |me, layout, fixed| {
                    me.add_dimension(fixed.number(layout, 0).wrapping_add(1));
                    true
                })
            }
            (Shape::Member | Shape::Enumerator | Shape::Parameter | Shape::Subrange, _) => Ok(false),
            (_, Some(Frame::Ignored) | None) => Ok(false),
            _ => self.quick_type(context, plan, layout, cursor, offset),
        }
    }

    #[inline(always)]
    fn quick_type(
        &mut self,
        context: &Context,
        plan: &Plan,
        layout: &Layout,
        cursor: &mut Cursor<'a>,
        offset: u32,
    ) -> Result<bool, Fault> {
        let Some(fixed) = self.fixed(context, layout, cursor)? else { return Ok(false) };
        let frame = match layout.shape {
            Shape::Link(Kind::Ptr) => {
                let ty = LocalType { kind: Some(Kind::Ptr), target: fixed.ty, ..LocalType::default() };
                Frame::Annotated(Carrier::Pointer(self.push_type(offset, ty)))
            }
            Shape::Link(kind) => {
                let ty = LocalType { kind: Some(kind), target: fixed.ty, ..LocalType::default() };
                let local = self.push_type(offset, ty);
                self.types.order.push(local);
                Frame::Ignored
            }
            Shape::Typedef if fixed.name.is_none() => {
                self.hole(offset, fixed.ty);
                Frame::Ignored
            }
            Shape::Typedef => {
                let ty =
                    LocalType { kind: Some(Kind::Typedef), name: fixed.name, target: fixed.ty, ..LocalType::default() };
                Frame::Annotated(Carrier::Type(self.push_type(offset, ty), -1))
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
        if plan.children {
            self.push_frame(frame)
        } else {
            self.close(frame)
        }
        Ok(true)
    }

    /// Reads entries of one shape, until another one follows or `take` will not have one. The cursor is behind a code,
    /// and stays there if not one was taken (false); else it ends before the code of what follows.
    #[inline(always)]
    fn run<'p>(
        &mut self,
        context: &Context,
        table: &'p Table,
        mut layout: &'p Layout,
        cursor: &mut Cursor<'a>,
        mut take: impl FnMut(&mut Self, &Layout, Fixed<'a>) -> bool,
    ) -> Result<bool, Fault> {
        let shape = layout.shape;
        let mut back = cursor.at;
        let mut any = false;
        loop {
            match self.fixed(context, layout, cursor)? {
                Some(fixed) if take(self, layout, fixed) => any = true,
                _ => break,
            }
            back = cursor.at;
            let Ok(code) = cursor.bytes.uleb(&mut cursor.at) else { break };
            match table.get(code).and_then(|plan| plan.layout.as_ref()) {
                Some(next) if next.shape == shape && code != 0 => layout = next,
                _ => break,
            }
        }
        cursor.at = back;
        Ok(any)
    }
}
