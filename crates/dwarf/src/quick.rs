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
    #[inline]
    pub(crate) fn quick<'p>(
        &mut self,
        context: &Context,
        table: &'p Table,
        plan: &Plan,
        layout: &'p Layout,
        cursor: &mut Cursor<'a>,
        offset: u32,
    ) -> Result<bool, Fault> {
        let child = match (layout.shape, self.parent()) {
            (Shape::Member, Some(Frame::Aggregate(_))) => return self.quick_members(context, table, layout, cursor),
            (Shape::Enumerator, Some(Frame::Enumeration(_))) => {
                return self.quick_enumerators(context, table, layout, cursor);
            }
            (Shape::Parameter, Some(Frame::Prototype(_))) | (Shape::Subrange, Some(Frame::Array { .. })) => true,
            (Shape::Member | Shape::Enumerator | Shape::Parameter | Shape::Subrange, _) => return Ok(false),
            (_, Some(Frame::Ignored) | None) => return Ok(false),
            _ => false,
        };
        let Some(fixed) = self.fixed(context, layout, cursor)? else { return Ok(false) };
        if child {
            match layout.shape {
                Shape::Parameter => self.add_parameter(fixed.name, fixed.ty),
                _ => self.add_dimension(fixed.numbers[0].wrapping_add(1)),
            }
            return Ok(true);
        }
        let frame = match layout.shape {
            Shape::Link(Kind::Ptr) => {
                let ty = LocalType { kind: Some(Kind::Ptr), target: fixed.ty, ..LocalType::default() };
                Frame::Annotated(Carrier::Pointer(self.push_type(offset, ty)))
            }
            Shape::Link(kind) => {
                let local = self.push_type(offset, LocalType { kind: Some(kind), target: fixed.ty, ..LocalType::default() });
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
            Shape::Aggregate(kind) if fixed.numbers[1] != 0 => self.declared_aggregate(offset, kind, fixed.name),
            Shape::Aggregate(kind) => {
                if layout.has(2) {
                    self.alignments.push((self.types.types.len() as Local, fixed.numbers[2]));
                }
                self.open_aggregate(offset, kind, fixed.name, fixed.numbers[0] as u32)
            }
            Shape::Array => self.open_array(offset, fixed.ty),
            _ => self.open_prototype(offset, fixed.ty),
        };
        if plan.children { self.push_frame(frame) } else { self.close(frame) }
        Ok(true)
    }

    /// Members one after the other, without a look at anything else in between.
    fn quick_members<'p>(
        &mut self,
        context: &Context,
        table: &'p Table,
        layout: &'p Layout,
        cursor: &mut Cursor<'a>,
    ) -> Result<bool, Fault> {
        let Some(&Frame::Aggregate(mut open)) = self.parent() else { return Ok(false) };
        let any = self.run(context, table, layout, cursor, |me, layout, fixed| {
            let [bytes, bits, width, alignment] = fixed.numbers;
            let bits = if layout.has(1) { bits } else { bytes * 8 };
            if width <= MAX_WIDTH {
                open.add(fixed.name, bits | width << WIDTH_SHIFT, fixed.ty);
                me.pending.push(fixed.ty);
                if layout.has(3) {
                    me.alignments.push((open.local, alignment));
                }
            }
            width <= MAX_WIDTH
        })?;
        self.replace_frame(Frame::Aggregate(open));
        Ok(any)
    }

    fn quick_enumerators<'p>(
        &mut self,
        context: &Context,
        table: &'p Table,
        layout: &'p Layout,
        cursor: &mut Cursor<'a>,
    ) -> Result<bool, Fault> {
        let Some(&Frame::Enumeration(mut open)) = self.parent() else { return Ok(false) };
        let any = self.run(context, table, layout, cursor, |_, _, fixed| {
            if !fixed.name.is_none() {
                open.add(fixed.name, fixed.numbers[0]);
            }
            !fixed.name.is_none()
        })?;
        self.replace_frame(Frame::Enumeration(open));
        Ok(any)
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
        mut take: impl FnMut(&mut Self, &Layout, Fixed) -> bool,
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
