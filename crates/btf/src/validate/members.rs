//! Part of pass D: whether a member lies inside its struct, where its type may lie.

use super::Refusal;
use super::blob::{RawMember, Rec};
use super::resolve::Resolver;
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
    let Some((end, ty, size)) = ty.and_then(|ty| resolver.sized_of(member.ty, ty)) else {
        return Err(resolver.blob.refuse_member(id, rec, member, "Invalid member"));
    };
    Place::of(rec, member, resolver.pointer_size).takes(&End::of(&ty, size)).map_err(|message| {
        // Behind modifiers the log shows the type at the end of the chain.
        resolver.blob.refuse_member(id, rec, RawMember { ty: end, ..member }, message)
    })
}

/// A type that has a size: what is asked of it where it is in a struct.
pub(super) struct End {
    pub kind: Option<Kind>,
    pub size: u32,
    /// Of integers.
    pub bits: u32,
    pub bits_offset: u32,
}

impl End {
    pub fn of(rec: &Rec, size: u32) -> End {
        let is_int = rec.is(Kind::Int);
        let (bits, bits_offset) = if is_int { (rec.int_bits(), rec.int_offset()) } else { (0, 0) };
        End { kind: rec.kind, size, bits, bits_offset }
    }

    /// An integer that fills whole bytes, as many as a machine's integer has.
    pub fn is_regular(&self) -> bool {
        self.bits_offset == 0 && matches!(self.bits, 8 | 16 | 32 | 64 | 128)
    }
}

/// Where a member is.
pub(super) struct Place {
    struct_size: u32,
    kind_flag: bool,
    offset: u32,
    pointer_size: u32,
}

/// The kernel's words for what is wrong.
type Fault = Result<(), &'static str>;

fn want(condition: bool, message: &'static str) -> Fault {
    if condition { Ok(()) } else { Err(message) }
}

impl Place {
    pub fn of(rec: &Rec, member: RawMember, pointer_size: u32) -> Place {
        Place { struct_size: rec.word, kind_flag: rec.kind_flag(), offset: member.offset, pointer_size }
    }

    /// Whether a type may be there.
    #[inline]
    pub fn takes(&self, end: &End) -> Fault {
        match (end.kind, self.kind_flag) {
            (Some(Kind::Int), false) => self.int(end),
            (Some(Kind::Int), true) => self.int_of_kind_flag(end),
            (Some(Kind::Enum | Kind::Enum64), true) => self.enum_of_kind_flag(),
            (_, true) if self.offset >> 24 != 0 => Err("Invalid member bitfield_size"),
            (Some(Kind::Float), _) => self.float(end.size),
            _ => self.whole_bytes(end.size),
        }
    }

    /// An integer of an old-style struct, whose bitfields are integers with an offset and a width of their own.
    fn int(&self, int: &End) -> Fault {
        match self.offset.checked_add(int.bits_offset) {
            Some(offset) => self.bits(offset, int.bits),
            None => Err("bits_offset exceeds U32_MAX"),
        }
    }

    fn int_of_kind_flag(&self, int: &End) -> Fault {
        let (width, offset) = (self.offset >> 24, self.offset & 0xff_ffff);
        want(int.is_regular(), "Invalid member base type")?;
        if width == 0 {
            want(offset.is_multiple_of(8), "Invalid member offset")?;
            return self.bits(offset, int.bits);
        }
        want(width <= int.bits, "Invalid member bitfield_size")?;
        self.bits(offset, width)
    }

    fn bits(&self, offset: u32, bits: u32) -> Fault {
        let copied = bits + offset % 8;
        want(copied <= WIDEST, "nr_copy_bits exceeds 128")?;
        let room = self.struct_size.checked_sub(offset / 8);
        want(room.is_some_and(|room| room >= copied.div_ceil(8)), "Member exceeds struct_size")
    }

    fn enum_of_kind_flag(&self) -> Fault {
        let (mut width, offset) = (self.offset >> 24, self.offset & 0xff_ffff);
        if width == 0 {
            want(offset.is_multiple_of(8), "Member is not byte aligned")?;
            width = INT_BITS;
        }
        want(width <= INT_BITS, "Invalid member bitfield_size")?;
        want(self.struct_size >= (offset + width).div_ceil(8), "Member exceeds struct_size")
    }

    fn float(&self, size: u32) -> Fault {
        let alignment = 8 * size.min(self.pointer_size);
        want(self.offset.is_multiple_of(alignment), "Member is not properly aligned")?;
        let end = u64::from(self.offset / 8) + u64::from(size);
        want(end <= u64::from(self.struct_size), "Member exceeds struct_size")
    }

    fn whole_bytes(&self, size: u32) -> Fault {
        let offset = self.offset;
        want(offset.is_multiple_of(8), "Member is not byte aligned")?;
        want(self.struct_size.wrapping_sub(offset / 8) >= size, "Member exceeds struct_size")
    }
}
