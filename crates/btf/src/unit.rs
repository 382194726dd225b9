//! What one unit says about types, before deduplication: flat arrays with unit-local ids.
//!
//! A reader of DWARF fills one of these for each compile unit (or group of units that refer to one another), a reader
//! of BTF fills one for a whole BTF. Nothing here depends on other units, so any thread can fill it.

use crate::text::short_text;
use crate::{Kind, TypeId};

/// A type of the unit, by its index in [`UnitTypes::types`]; [`VOID`] is void.
pub type Local = u32;

pub const VOID: Local = 0;

/// The index type of an array, where its source does not name one (DWARF does not): the program's `int`.
pub const ARRAY_INDEX: Local = u32::MAX;

/// Where the bytes of a name are: meaningful only to who made it and to the lookup that is given to the emitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NameRef(pub u64);

impl NameRef {
    /// The upper three bits say this, which nothing else says.
    const BTF: u64 = 7 << 61;

    /// The string at this offset of a BTF, or of the base that types are found in.
    pub fn in_btf(offset: u32) -> NameRef {
        NameRef(NameRef::BTF | offset as u64)
    }

    /// The offset, where the name is one of a BTF.
    pub fn btf_offset(self) -> Option<u32> {
        (self.0 & NameRef::BTF == NameRef::BTF).then_some(self.0 as u32)
    }
}

/// A name: equal hashes are taken to be equal bytes. The empty name is `Name::NONE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Name {
    pub hash: u64,
    pub at: NameRef,
}

impl Name {
    pub const NONE: Name = Name { hash: 0, at: NameRef(0) };

    pub fn is_none(self) -> bool {
        self.hash == 0
    }
}

/// The hash that stands for a name everywhere; never 0.
#[inline]
pub fn name_hash(bytes: &[u8]) -> u64 {
    let padded = |bytes: &[u8]| {
        let mut words = [0; 16];
        words[..bytes.len()].copy_from_slice(bytes);
        u128::from_le_bytes(words)
    };
    match (bytes.len(), bytes.split_first_chunk::<16>()) {
        (0..=15, _) | (_, None) => short_name_hash(padded(bytes)),
        (16..=32, Some((first, rest))) => longer_name_hash(u128::from_le_bytes(*first), padded(rest)),
        _ => xxhash_rust::xxh3::xxh3_64(bytes) | 1,
    }
}

/// [`name_hash`] of the name that begins here and ends with a NUL, 0 for an empty one; None where that NUL is not among
/// the first 32 bytes, as it is for nearly all names, which then need neither a search nor a copy.
#[inline(always)]
pub fn hash_before_nul(bytes: &[u8]) -> Option<u64> {
    let (first, rest) = bytes.split_first_chunk()?;
    match short_text(first) {
        Some(text) => Some(short_name_hash(text)),
        None => unlikely_before_nul(first, rest),
    }
}

/// Of a name that is empty or longer than 15 bytes.
#[inline(never)]
fn unlikely_before_nul(first: &[u8; 16], rest: &[u8]) -> Option<u64> {
    if first[0] == 0 { Some(0) } else { longer_before_nul(first, rest.first_chunk()?) }
}

#[inline(always)]
fn longer_before_nul(first: &[u8; 16], rest: &[u8; 16]) -> Option<u64> {
    let rest = if rest[0] == 0 { 0 } else { short_text(rest)? };
    Some(longer_name_hash(u128::from_le_bytes(*first), rest))
}

/// As [`hash_before_nul`], of the name at that offset, without a call; None also for an empty name.
#[inline(always)]
pub fn hash_at(texts: &[u8], at: u32) -> Option<u64> {
    let at = at as usize;
    let first = texts.get(at..at.checked_add(16)?)?.first_chunk()?;
    if let Some(text) = short_text(first) {
        return Some(short_name_hash(text));
    }
    let rest = texts.get(at..at.checked_add(32)?)?[16..].first_chunk()?;
    if first[0] == 0 { None } else { longer_before_nul(first, rest) }
}

/// [`name_hash`] of a name of up to 16 bytes, given as a little-endian number with zeros above it: names have no NUL in
/// them, so that the number alone tells them apart.
///
/// A product of both halves, its own halves folded: four of five names of a kernel are this short, and there are tens of
/// millions to read. No half of a text is one of the constants, which would make the product 0 whatever the other is.
#[inline]
pub fn short_name_hash(name: u128) -> u64 {
    let (low, high) = (name as u64, (name >> 64) as u64);
    let product = u128::from(low ^ 0x9e37_79b9_7f4a_7c15) * u128::from(high ^ 0xd6e8_feb8_6659_fd93);
    (product as u64 ^ (product >> 64) as u64) | 1
}

/// [`name_hash`] of a name of 16 to 32 bytes: the first 16, and the others with zeros above them.
#[inline]
fn longer_name_hash(first: u128, rest: u128) -> u64 {
    let hash = short_name_hash(first);
    if rest == 0 {
        return hash;
    }
    let product = u128::from(rest as u64 ^ hash) * u128::from((rest >> 64) as u64 ^ 0xa076_1d64_78bd_642f);
    (product as u64 ^ (product >> 64) as u64) | 1
}

/// What the members of a type say beside their types, digested while they are read: names and values, in their order.
///
/// Members are by far the most of what a program describes, and nearly all have been met before. So they are not kept:
/// a type has this digest and a list of references, and who finds a type to be new asks its unit for the members
/// themselves ([`Members`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Content(pub(crate) u64, pub(crate) u64);

impl Content {
    /// Adds a member: [`Name::hash`] and [`LocalMember::value`].
    #[inline]
    pub fn add(&mut self, name: u64, value: u64) {
        (self.0, self.1) = crate::dedup::mix_member(self.0, self.1, name, value);
    }
}

/// One type. Which fields count depends on the kind; the others are 0.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalType {
    /// None is a hole: an entry that has an id and is no type, and that nothing refers to.
    pub kind: Option<Kind>,
    /// kind_flag: bitfields in a STRUCT or UNION, signed values in an ENUM, union in a FWD, attribute in a tag.
    pub flag: bool,
    pub name: Name,
    /// Bytes; elements of an ARRAY.
    pub size: u32,
    /// The data word of an INT, linkage of a FUNC or VAR, component index of a DECL_TAG.
    pub word: u32,
    /// What PTR, TYPEDEF, qualifiers, tags, FUNC and VAR refer to; the element of an ARRAY, the result of a FUNC_PROTO.
    pub target: Local,
    /// First of its members' types in [`UnitTypes::references`] (enums have none there).
    pub first: u32,
    /// Members of STRUCT and UNION, values of ENUM and ENUM64, parameters of FUNC_PROTO, variables of DATASEC; for an
    /// ARRAY one, which is its index type.
    pub count: u32,
    /// Where the source has it (DWARF: offset of the entry from the start of its group of units).
    pub at: u32,
    pub content: Content,
}

impl LocalType {
    /// Declares a name that others may define: a FWD, an enum without values.
    pub(crate) fn is_forward(&self) -> bool {
        match self.kind {
            Some(Kind::Enum | Kind::Enum64) => self.count == 0,
            kind => kind == Some(Kind::Fwd),
        }
    }
}

/// A member, enumerator, parameter or variable of a section.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalMember {
    pub name: Name,
    /// Of a member of a STRUCT or UNION: bits from the start, and the width of a bitfield << 32. Of an enumerator: its
    /// value. Of a variable: offset << 32 | size.
    pub value: u64,
    pub ty: Local,
}

/// Gives the members of a unit's types to who needs more than their digests.
pub trait Members {
    /// Appends the members of the type: as many as its `count`, with the types that its references say.
    fn members(&mut self, unit: &UnitTypes, local: Local, into: &mut Vec<LocalMember>);
}

/// The types of one unit.
#[derive(Debug, Default)]
pub struct UnitTypes {
    /// Index 0 stands for void and is a hole.
    pub types: Vec<LocalType>,
    /// Types of members, parameters and variables, and index types of arrays.
    pub references: Vec<Local>,
    /// The types that the unit has, each once, in the order in which ids would be given (nested types before what they are
    /// nested in). Types that are not listed are only asked about: prototypes of functions that may be left out. What
    /// these refer to is listed.
    pub order: Vec<Local>,
    /// The first types are those of the base that the program stands on, by their ids: the unit refers to just these,
    /// and lists none of them. So it is with split BTF; debug information describes anew what the base has.
    pub base: Local,
}

impl UnitTypes {
    pub fn clear(&mut self) {
        self.types.clear();
        self.types.push(LocalType::default());
        self.references.clear();
        self.order.clear();
        self.base = 0;
    }

    /// The type of the base that it is.
    #[inline]
    pub(crate) fn in_base(&self, local: Local) -> Option<TypeId> {
        (local < self.base && local != VOID).then_some(TypeId(local))
    }

    /// What the members of a type refer to.
    #[inline]
    pub fn references_of(&self, t: &LocalType) -> &[Local] {
        match t.kind {
            Some(Kind::Enum | Kind::Enum64) => &[],
            _ => &self.references[t.first as usize..][..t.count as usize],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn names_of_all_lengths_have_hashes_of_their_own() {
        let mut seen: HashMap<u64, String> = HashMap::new();
        let letters = ['_', 'a', 'b', 'd', 'i', 'x', 'y', '0', '1'];
        let mut add = |name: &str| {
            let hash = name_hash(name.as_bytes());
            assert_ne!(hash, 0);
            if let Some(other) = seen.insert(hash, name.to_owned()) {
                assert_eq!(other, name);
            }
        };
        // Kernels have vcpu_id beside vcpu_idx: names that differ in their last letters and in their lengths.
        for stem in
            ["", "v", "io", "cpu", "node", "vcpu_", "vcpu_i", "vcpu_id", "vcpu_idx", "a_long_name_", "net_device_op"]
                .into_iter()
                .chain(["another_long_name", "a_name_that_is_longer_", "names_of_about_32_bytes_are_t"])
        {
            add(stem);
            for a in letters {
                add(&format!("{stem}{a}"));
                for b in letters {
                    add(&format!("{stem}{a}{b}"));
                    letters.iter().for_each(|c| add(&format!("{stem}{a}{b}{c}")));
                }
            }
        }
    }

    #[test]
    fn a_name_before_a_nul_has_the_hash_of_its_bytes() {
        let name: Vec<u8> = (1..=40).collect();
        for length in 0..=40 {
            for after in [0, 1, 0xff] {
                let mut bytes = [&name[..length], &[0]].concat();
                bytes.resize(80, after);
                let hash = if length == 0 { 0 } else { name_hash(&name[..length]) };
                assert_eq!(hash_before_nul(&bytes), (length < 32).then_some(hash), "{length}");
            }
        }
        assert_eq!(hash_before_nul(b"short\0"), None);
    }
}
