//! Part of pass D: whether a member lies inside its struct, where its type may lie.

use super::Refusal;
use super::blob::{RawMember, Rec};
use super::resolve::{Resolver, is_regular};
use crate::Kind;

/// Bits that the kernel copies at most to print a field.
const WIDEST: u32 = 128;
/// Bits that it takes every enum that is no bitfield for, in structs that have bitfields.
const INT_BITS: u32 = 32;

/// Checks a member whose type `ty` is resolved, or is one whose size is known without.
pub(super) fn check<'a>(
    resolver: &Resolver<'_, 'a>,
    id: u32,
    rec: &Rec<'a>,
    member: RawMember,
    ty: Option<Rec<'a>>,
) -> Result<(), Refusal> {
    let mut place = Place { resolver, id, rec, member };
    let Some((end, ty, size)) = ty.and_then(|ty| resolver.sized_of(member.ty, ty)) else {
        return place.refuse("Invalid member");
    };
    // Behind modifiers the log shows the type at the end of the chain.
    place.member.ty = end;
    let offset = member.offset;
    match (ty.kind, rec.kind_flag()) {
        (Some(Kind::Int), false) => place.int(offset, ty.int_offset(), ty.int_bits()),
        (Some(Kind::Int), true) => place.int_of_kind_flag(&ty),
        (Some(Kind::Enum | Kind::Enum64), true) => place.enum_of_kind_flag(),
        (_, true) if offset >> 24 != 0 => place.refuse("Invalid member bitfield_size"),
        (Some(Kind::Float), _) => place.float(size),
        _ => place.whole_bytes(size),
    }
}

struct Place<'r, 'b, 'a> {
    resolver: &'r Resolver<'b, 'a>,
    id: u32,
    rec: &'r Rec<'a>,
    member: RawMember,
}

impl Place<'_, '_, '_> {
    fn refuse<T>(&self, message: &str) -> Result<T, Refusal> {
        Err(self.resolver.blob.refuse_member(self.id, self.rec, self.member, message))
    }

    fn want(&self, condition: bool, message: &str) -> Result<(), Refusal> {
        if condition { Ok(()) } else { self.refuse(message) }
    }

    /// An integer of an old-style struct, whose bitfields are integers with an offset and a width of their own.
    fn int(&self, member_offset: u32, int_offset: u32, bits: u32) -> Result<(), Refusal> {
        let Some(offset) = member_offset.checked_add(int_offset) else {
            return self.refuse("bits_offset exceeds U32_MAX");
        };
        self.bits(offset, bits)
    }

    fn int_of_kind_flag(&self, int: &Rec) -> Result<(), Refusal> {
        let (width, offset) = (self.member.offset >> 24, self.member.offset & 0xff_ffff);
        self.want(is_regular(int), "Invalid member base type")?;
        if width == 0 {
            self.want(offset.is_multiple_of(8), "Invalid member offset")?;
            return self.bits(offset, int.int_bits());
        }
        self.want(width <= int.int_bits(), "Invalid member bitfield_size")?;
        self.bits(offset, width)
    }

    fn bits(&self, offset: u32, bits: u32) -> Result<(), Refusal> {
        let copied = bits + offset % 8;
        self.want(copied <= WIDEST, "nr_copy_bits exceeds 128")?;
        let room = self.rec.word.checked_sub(offset / 8);
        self.want(room.is_some_and(|room| room >= copied.div_ceil(8)), "Member exceeds struct_size")
    }

    fn enum_of_kind_flag(&self) -> Result<(), Refusal> {
        let (mut width, offset) = (self.member.offset >> 24, self.member.offset & 0xff_ffff);
        if width == 0 {
            self.want(offset.is_multiple_of(8), "Member is not byte aligned")?;
            width = INT_BITS;
        }
        self.want(width <= INT_BITS, "Invalid member bitfield_size")?;
        self.want(self.rec.word >= (offset + width).div_ceil(8), "Member exceeds struct_size")
    }

    fn float(&self, size: u32) -> Result<(), Refusal> {
        let alignment = 8 * size.min(self.resolver.pointer_size);
        self.want(self.member.offset.is_multiple_of(alignment), "Member is not properly aligned")?;
        let end = u64::from(self.member.offset / 8) + u64::from(size);
        self.want(end <= u64::from(self.rec.word), "Member exceeds struct_size")
    }

    fn whole_bytes(&self, size: u32) -> Result<(), Refusal> {
        let offset = self.member.offset;
        self.want(offset.is_multiple_of(8), "Member is not byte aligned")?;
        self.want(self.rec.word.wrapping_sub(offset / 8) >= size, "Member exceeds struct_size")
    }
}
