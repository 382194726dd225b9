//! What lowering keeps from one file to the next.

use crate::Lowering;
use crate::abbreviations::Abbreviations;
use crate::index::Index;
use btfkit_btf::unit::UnitTypes;

/// The plans of a compiler's abbreviations, which are mostly the same in all modules of a kernel, and memory that is as
/// large as units need it. Nothing in here says anything of the file it comes from.
#[derive(Default)]
pub struct Room {
    abbreviations: Abbreviations,
    types: UnitTypes,
    index: Index,
    pending: Vec<u32>,
}

impl<'a> Lowering<'a> {
    /// Goes on in the room that another one has left.
    pub fn within(mut self, room: Room) -> Lowering<'a> {
        self.abbreviations = room.abbreviations;
        (self.types, self.index, self.pending) = (room.types, room.index, room.pending);
        self
    }

    /// Ends, and leaves room for another one.
    pub fn into_room(mut self) -> Room {
        self.abbreviations.bound();
        Room { abbreviations: self.abbreviations, types: self.types, index: self.index, pending: self.pending }
    }
}
