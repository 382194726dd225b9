//! How types are aligned, as far as their layout tells.

use crate::lower::Lowering;
use crate::members::WIDTH_SHIFT;
use btfkit_btf::Kind;
use btfkit_btf::unit::{ARRAY_INDEX, Local, VOID};

/// Aggregates nested deeper than this, or with more parts, are taken as they come: only malformed input has them.
const DEPTH: u32 = 32;
const PARTS: u32 = 1 << 16;

/// Plain values are aligned to no more than this many bytes (to less, on some 32-bit machines); __int128 is.
const LARGEST_PLAIN: u64 = 8;

impl Lowering<'_> {
    /// Is a value of this type aligned otherwise than its size and members say: packed, or to more than a word?
    pub(crate) fn oddly_aligned(&mut self, ty: Local, word: u64) -> bool {
        let mut local = ty;
        while local != VOID && local != ARRAY_INDEX {
            let t = &self.types.types[local as usize];
            // What is aligned to less than a word stands where a word would, on the stack.
            if self.declared_alignment(local).is_some_and(|alignment| alignment > word) {
                return true;
            }
            match t.kind {
                Some(Kind::Typedef | Kind::Const | Kind::Volatile | Kind::Restrict) => local = t.target,
                Some(Kind::Struct | Kind::Union) => {
                    return self.packed(local, word) || self.natural_alignment(local, word) > LARGEST_PLAIN;
                }
                // __int128
                Some(Kind::Int) => return t.size as u64 > word && t.size > 8,
                _ => return false,
            }
        }
        false
    }

    /// DW_AT_alignment of a type, or of a member of it.
    fn declared_alignment(&self, local: Local) -> Option<u64> {
        if self.alignments.is_empty() {
            return None;
        }
        self.alignments.iter().filter(|&&(on, _)| on == local).map(|&(_, alignment)| alignment).max()
    }

    /// Alignment in bytes that a type has if nothing says otherwise; at least 1.
    fn natural_alignment(&self, local: Local, word: u64) -> u64 {
        self.alignment_within(local, word, DEPTH, &mut PARTS.clone())
    }

    fn alignment_within(&self, local: Local, word: u64, depth: u32, parts: &mut u32) -> u64 {
        if local == VOID || local == ARRAY_INDEX || depth == 0 || *parts == 0 {
            return 1;
        }
        *parts -= 1;
        let t = &self.types.types[local as usize];
        let size = (t.size as u64).max(1);
        match t.kind {
            Some(Kind::Ptr) => word,
            Some(Kind::Int | Kind::Float | Kind::Enum | Kind::Enum64) => size,
            Some(Kind::Typedef | Kind::Const | Kind::Volatile | Kind::Restrict | Kind::TypeTag | Kind::Array) => {
                self.alignment_within(t.target, word, depth - 1, parts)
            }
            Some(Kind::Struct | Kind::Union) => {
                let members = self.types.references_of(t).iter();
                members.map(|&ty| self.alignment_within(ty, word, depth - 1, parts)).max().unwrap_or(1)
            }
            _ => 1,
        }
    }

    /// A struct without holes in which something is not where its alignment would put it. (DWARF does not say that a
    /// struct is packed; the rule is the reference's.) In unions everything is at the start.
    fn packed(&mut self, local: Local, word: u64) -> bool {
        let t = self.types.types[local as usize];
        if t.kind != Some(Kind::Struct) {
            return false;
        }
        let members = self.members_of_local(local);
        if members.is_empty() {
            return false;
        }
        let (mut end, mut alignment, mut misplaced) = (0u64, 1, false);
        for m in &members {
            let (offset, width) = (m.value & 0xffff_ffff, m.value >> WIDTH_SHIFT);
            let own = self.natural_alignment(m.ty, word);
            alignment = alignment.max(own);
            misplaced |= width == 0 && (offset / 8) % own != 0;
            if offset / 8 > end.div_ceil(8) {
                return false;
            }
            let bits = if width != 0 { width } else { self.bits_of(m.ty, word) };
            end = end.max(offset.saturating_add(bits));
        }
        if t.size as u64 > end.div_ceil(8) {
            return false;
        }
        misplaced || !u64::from(t.size).is_multiple_of(alignment)
    }

    fn bits_of(&self, ty: Local, word: u64) -> u64 {
        self.size_with_word(ty, word).saturating_mul(8)
    }
}
