//! Runs of members that are not read by [`common_members`](crate::common_members): with types in other units, with numbers
//! that it does not read, and all where the bytes of names have to be looked at in a file without relocations.

use crate::codes::Table;
use crate::common::Commons;
use crate::entry::Cursor;
use crate::error::Fault;
use crate::layout::{Layout, NameForm, REACH, Shape, WINDOW, inline_text, string_index, word};
use crate::lower::{Context, Lowering};
use crate::members::OpenAggregate;
use crate::names::{inline_hash, offset_hash};
use crate::quick::Run;

impl<'a> Lowering<'a> {
    /// Reads members with layouts, one after the other, until something else follows, also one of a common layout where
    /// there is a loop for these. The cursor is behind a code.
    ///
    /// As [`fixed`](Self::fixed) in a loop, with what the loop needs in registers (which is why it is not inlined).
    #[inline(never)]
    pub(crate) fn fixed_members<const BIG: bool>(
        &mut self,
        context: &Context,
        table: &Table<'_>,
        first: &Layout,
        cursor: &mut Cursor<'a>,
        open: &mut OpenAggregate,
        commons: Option<&Commons<'_>>,
    ) -> Result<Run, Fault> {
        let data = cursor.bytes.data;
        let by_offset = cursor.relocations.is_none() && self.names.are_told_by_offset();
        let space = self.space(context, cursor);
        let (mut layout, mut at, mut back, mut run) = (first, cursor.at, cursor.at, Run::None);
        while let Some(window) = data.get(at..).and_then(|rest| rest.first_chunk::<WINDOW>()) {
            let name_at = layout.name_at as usize % REACH;
            let mut shift = 0;
            let name = match layout.name {
                NameForm::Offset if by_offset => offset_hash(word::<BIG>(window, name_at) as u64),
                NameForm::Index(size) if by_offset => {
                    let index = string_index::<BIG>(word::<BIG>(window, name_at) as u64, size);
                    self.names.by_index(index, context.strings).hash
                }
                NameForm::None => 0,
                NameForm::Inline => {
                    let Some((text, length)) = inline_text(window, name_at) else { break };
                    shift = length + 1;
                    inline_hash(text, length)
                }
                _ => self.name_hash_at::<BIG>(context, layout, window, at, cursor)?,
            };
            if layout.leb != 0 && layout.has_long_number(window, shift) {
                break;
            }
            let Some(ty) = layout.reference::<BIG>(window, shift, &space) else { break };
            let Some(value) = layout.member_value::<BIG>(window, shift) else { break };
            if layout.has(3) {
                self.alignments.push((open.local, layout.numbers[3].read::<BIG>(window, shift)));
            }
            open.add(name, value, ty);
            self.pending.push(ty);
            at += shift + layout.length as usize;
            (back, run) = (at, Run::Some);
            let Ok(code) = cursor.bytes.uleb(&mut at) else { break };
            if code == 0 {
                (back, run) = (at, Run::All);
                break;
            }
            match table.get(code).and_then(|plan| plan.layout.as_ref()) {
                // A common one is read with those that follow it.
                Some(next)
                    if next.shape == Shape::Member && !commons.is_some_and(|commons| commons.has_member(code)) =>
                {
                    layout = next
                }
                _ => break,
            }
        }
        cursor.at = back;
        Ok(run)
    }

    /// The hash of a name that takes more than a look.
    #[inline(never)]
    fn name_hash_at<const BIG: bool>(
        &mut self,
        context: &Context,
        layout: &Layout,
        window: &[u8; WINDOW],
        at: usize,
        cursor: &mut Cursor<'a>,
    ) -> Result<u64, Fault> {
        let name_at = layout.name_at as usize % REACH;
        let raw = word::<BIG>(window, name_at) as u64;
        Ok(self.offset_or_index::<BIG>(context, layout.name, raw, at + name_at, cursor)?.hash)
    }
}
