//! The bytes under check. Unlike [`crate::Btf`] it promises nothing: names and references may lead anywhere.

use super::Release;
use crate::header::HEAD;
use crate::{Btf, Endian, Kind, names};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

pub(super) struct Blob<'a> {
    pub bytes: &'a [u8],
    pub endian: Endian,
    /// Of the kernel that is asked.
    pub release: Release,
    pub bits: InfoBits,
    pub base: Option<&'a Btf>,
    /// Id of the first own record.
    pub start_id: u32,
    /// Offset of the first own string.
    pub start_string: u32,
    /// The type section.
    pub types: Range<usize>,
    /// Own strings.
    pub strings: &'a [u8],
    /// Where each own record starts; filled by pass C.
    pub records: Vec<u32>,
    /// Whether these are all.
    pub is_complete: bool,
    pub identifiers: OwnIdentifiers,
}

/// Which own strings are identifiers: a bit for each offset where one starts, as members and parameters have the same
/// names over and over. All are looked at in one go, as all are names of something.
pub(super) struct OwnIdentifiers(Vec<u64>);

impl OwnIdentifiers {
    pub fn of(release: Release, strings: &[u8]) -> OwnIdentifiers {
        let mut bits = vec![0; strings.len().div_ceil(64)];
        let mut start = 0;
        while let Some(rest) = strings.get(start..).filter(|rest| !rest.is_empty()) {
            let len = names::identifier_len(rest);
            let is_whole = rest.get(len) == Some(&0);
            if is_whole && release.takes_identifier_of(len) {
                bits[start / 64] |= 1 << (start % 64);
            }
            start += 1 + if is_whole { len } else { memchr::memchr(0, rest).unwrap_or(rest.len()) };
        }
        OwnIdentifiers(bits)
    }

    fn has(&self, offset: u32) -> bool {
        self.0.get(offset as usize / 64).is_some_and(|word| word & 1 << (offset % 64) != 0)
    }
}

/// Which strings of a base were found to be identifiers that every kernel takes: a bit for each offset.
pub(super) struct Identifiers(Box<[AtomicU64]>);

impl Identifiers {
    /// Of so many bytes of strings.
    pub fn among(bytes: usize) -> Identifiers {
        Identifiers(vec![0; bytes.div_ceil(64)].into_iter().map(AtomicU64::new).collect())
    }

    /// Asks `is_one` unless it is known that the string at the offset is one.
    fn is(&self, offset: u32, is_one: impl FnOnce() -> bool) -> bool {
        let Some(word) = self.0.get(offset as usize / 64) else { return is_one() };
        let bit = 1 << (offset % 64);
        if word.load(Relaxed) & bit != 0 {
            return true;
        }
        let found = is_one();
        if found {
            word.fetch_or(bit, Relaxed);
        }
        found
    }
}

/// A record whose head and body are known to be inside the blob. Void is one without a kind.
#[derive(Clone, Copy)]
pub(super) struct Rec<'a> {
    pub kind: Option<Kind>,
    pub name: u32,
    pub info: u32,
    vlen: u32,
    /// Size or type.
    pub word: u32,
    endian: Endian,
    body: &'a [u8],
}

#[derive(Clone, Copy)]
pub(super) struct RawMember {
    pub name: u32,
    pub ty: u32,
    pub offset: u32,
}

#[derive(Clone, Copy)]
pub(super) struct RawVar {
    pub ty: u32,
    pub offset: u32,
    pub size: u32,
}

/// Which bits of a record's second word are its number of elements and, further up, its kind.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct InfoBits {
    vlen: u32,
    kind: u8,
}

impl InfoBits {
    pub fn of(release: Release) -> InfoBits {
        if release.has_wide_info() {
            InfoBits { vlen: 0xff_ffff, kind: 0x7f }
        } else {
            InfoBits { vlen: 0xffff, kind: 0x1f }
        }
    }

    fn kind(self, info: u32) -> u8 {
        (info >> 24) as u8 & self.kind
    }
}

impl<'a> Rec<'a> {
    /// The record at the start of `bytes`, which hold its head at least.
    #[inline]
    fn at(endian: Endian, bits: InfoBits, bytes: &'a [u8]) -> Rec<'a> {
        let (head, body) = bytes.split_first_chunk::<HEAD>().expect("a record's head");
        let info = endian.u32(head, 4);
        Rec {
            kind: Kind::from_u8(bits.kind(info)),
            name: endian.u32(head, 0),
            info,
            vlen: info & bits.vlen,
            word: endian.u32(head, 8),
            endian,
            body,
        }
    }

    /// Bytes of the body that the kind asks for.
    pub fn body_size(&self) -> usize {
        let Some(kind) = self.kind else { return 0 };
        let shape = kind.shape();
        4 * (shape.fixed_words + shape.element_words * self.vlen() as usize)
    }

    pub fn vlen(&self) -> u32 {
        self.vlen
    }

    pub fn kind_flag(&self) -> bool {
        self.info >> 31 != 0
    }

    /// A word of the body.
    pub fn body(&self, position: usize) -> u32 {
        self.endian.u32(self.body, 4 * position)
    }

    pub fn int_bits(&self) -> u32 {
        self.body(0) & 0xff
    }

    pub fn int_offset(&self) -> u32 {
        (self.body(0) >> 16) & 0xff
    }

    /// The four bits that say how an integer is to be read.
    pub fn int_encoding(&self) -> u32 {
        (self.body(0) >> 24) & 0xf
    }

    pub fn member(&self, index: u32) -> RawMember {
        let at = 3 * index as usize;
        RawMember { name: self.body(at), ty: self.body(at + 1), offset: self.body(at + 2) }
    }

    pub fn param(&self, index: u32) -> (u32, u32) {
        let at = 2 * index as usize;
        (self.body(at), self.body(at + 1))
    }

    pub fn var(&self, index: u32) -> RawVar {
        let at = 3 * index as usize;
        RawVar { ty: self.body(at), offset: self.body(at + 1), size: self.body(at + 2) }
    }

    /// Types that it refers to, void left out.
    pub fn references(self) -> impl Iterator<Item = u32> + 'a {
        let shape = self.kind.map(Kind::shape);
        let head = shape.filter(|shape| shape.head_is_reference).map(|_| self.word);
        let fixed = (0..shape.map_or(0, |shape| shape.fixed_references)).map(move |at| self.body(at));
        let of_element = shape
            .and_then(|shape| shape.element_reference.map(|place| (shape.fixed_words + place, shape.element_words)));
        let elements = of_element.into_iter().flat_map(move |(first, step)| {
            (0..self.vlen() as usize).map(move |element| self.body(first + step * element))
        });
        head.into_iter().chain(fixed).chain(elements).filter(|id| *id != 0)
    }

    pub fn is(&self, kind: Kind) -> bool {
        self.kind == Some(kind)
    }

    pub fn is_aggregate(&self) -> bool {
        matches!(self.kind, Some(Kind::Struct | Kind::Union))
    }

    pub fn is_modifier(&self) -> bool {
        self.kind.is_some_and(Kind::is_modifier)
    }
}

impl<'a> Blob<'a> {
    /// One past the last id.
    pub fn end_id(&self) -> u32 {
        self.start_id + self.records.len() as u32
    }

    /// The record of an id; void has one here.
    #[inline]
    pub fn get(&self, id: u32) -> Option<Rec<'a>> {
        match id.checked_sub(self.start_id) {
            Some(own) => self.records.get(own as usize).map(|&at| self.record_at(at as usize)),
            None => self.of_base(id),
        }
    }

    #[inline(never)]
    fn of_base(&self, id: u32) -> Option<Rec<'a>> {
        let bytes = if id == 0 { &[0; HEAD] } else { self.base?.record(crate::TypeId(id))?.bytes() };
        Some(Rec::at(self.endian, self.bits, bytes))
    }

    /// The record whose head is at this place in the blob.
    #[inline]
    pub fn record_at(&self, at: usize) -> Rec<'a> {
        Rec::at(self.endian, self.bits, &self.bytes[at..self.types.end])
    }

    pub fn kind_number(&self, rec: &Rec) -> u8 {
        self.bits.kind(rec.info)
    }

    /// Whether the name at an offset is one for a type, member, enumerator, function, parameter or variable.
    pub fn is_identifier(&self, name: u32) -> bool {
        let is_one = || self.string(name).is_some_and(|name| self.release.takes_identifier(name));
        match name.checked_sub(self.start_string) {
            Some(own) => self.identifiers.has(own) || is_one(),
            // What every kernel takes is remembered for all that stand on the base.
            None => {
                let is_short = |name: &[u8]| name.len() <= Release::SHORTEST_LIMIT && names::is_identifier(name);
                let is_one_for_all = || self.string(name).is_some_and(is_short);
                self.base.is_some_and(|base| base.remembered().identifiers(base).is(name, is_one_for_all)) || is_one()
            }
        }
    }

    pub fn has_string(&self, offset: u32) -> bool {
        offset <= crate::MAX_STRING_OFFSET
            && (offset < self.start_string || ((offset - self.start_string) as usize) < self.strings.len())
    }

    /// The string at an offset, up to its NUL.
    pub fn string(&self, offset: u32) -> Option<&'a [u8]> {
        if offset < self.start_string {
            return self.base?.string(offset);
        }
        let rest = self.strings.get((offset - self.start_string) as usize..)?;
        let end = memchr::memchr(0, rest).unwrap_or(rest.len());
        (!rest.is_empty()).then_some(&rest[..end])
    }
}
