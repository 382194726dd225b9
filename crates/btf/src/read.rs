//! Reading a blob.

use crate::header::{CLASSIC_HEADER, HEAD, Info, LAYOUT_HEADER, MAGIC, VERSION};
use crate::strings::StringIndex;
use crate::unit::{hash_before_nul, name_hash};
use crate::validate::{Remembered, Rules, Verdict};
use crate::{Aggregate, Endian, Kind, Member, Param, SecVar, Type, TypeId, UnknownRecord};
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use thiserror::Error;

/// What is wrong with a blob. Offsets of sections are counted from the end of the header, offsets of records from the
/// start of the type section.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadError {
    #[error("{size} bytes are less than a header")]
    TooShort { size: usize },
    #[error("the magic number is {magic:#06x}, not 0xeb9f in either byte order")]
    Magic { magic: u16 },
    #[error("version {version} is not known, only 1 is")]
    Version { version: u8 },
    #[error("flags {flags:#x} are not known")]
    Flags { flags: u8 },
    #[error("the header says that it is {header_len} bytes long, of {size}")]
    HeaderLength { header_len: u32, size: usize },
    #[error("the header's byte {offset} is beyond what is known and not zero")]
    HeaderTail { offset: usize },
    #[error("the {section} section is {len} bytes at {offset}, the blob has {available} after its header")]
    SectionRange { section: &'static str, offset: u32, len: u32, available: usize },
    #[error("the {section} section starts at {offset}, which is not a multiple of 4")]
    SectionAlignment { section: &'static str, offset: u32 },
    #[error("the {first} section (to {end}) runs into the {second} section (from {start})")]
    SectionOverlap { first: &'static str, end: u64, second: &'static str, start: u32 },
    #[error("the layout section is {len} bytes long, which is not a multiple of 4")]
    LayoutLength { len: u32 },
    #[error("the layout of kind {kind} has sizes {fixed} and {element}, which are not multiples of 4")]
    LayoutEntry { kind: u8, fixed: u8, element: u8 },
    #[error("the string section does not end with a NUL byte")]
    StringsNotTerminated,
    #[error("the string section of a base must start with the empty string")]
    StringsStart,
    #[error("type {id} at {offset} needs {needed} bytes, {left} are left")]
    Truncated { id: TypeId, offset: usize, needed: usize, left: usize },
    #[error("type {id} at {offset} is of unknown kind {kind}")]
    UnknownKind { id: TypeId, offset: usize, kind: u8 },
    #[error("type {id} at {offset} has unknown bits {bits:#x} in its info word")]
    ReservedInfo { id: TypeId, offset: usize, bits: u32 },
    #[error("type {id} has a name at {name}, the strings end at {end}")]
    NameOffset { id: TypeId, name: u32, end: u32 },
    #[error("type {id} refers to type {target}, the last one is {last}")]
    DanglingReference { id: TypeId, target: TypeId, last: TypeId },
    #[error("FUNC {id} refers to type {target}, which is no FUNC_PROTO")]
    FuncTarget { id: TypeId, target: TypeId },
    #[error("types or strings exceed what 32 bits can count")]
    TooLarge,
    #[error("the blob's byte order is not its base's")]
    BaseEndian,
}

/// A parsed blob. It cannot be changed, and every string offset and type id in it is known to exist.
pub struct Btf {
    bytes: Vec<u8>,
    endian: Endian,
    base: Option<Arc<Btf>>,
    types: Range<usize>,
    strings: Range<usize>,
    layout: Layout,
    start_id: u32,
    start_string: u32,
    /// Where each own record starts in `bytes`.
    records: Vec<u32>,
    string_index: OnceLock<StringIndex>,
    remembered: Remembered,
}

impl std::fmt::Debug for Btf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Btf({} types from {}, {:?} endian)", self.len(), self.start_id, self.endian)
    }
}

/// One record as it lies in the blob, for walks that must not allocate.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    endian: Endian,
    bytes: &'a [u8],
}

impl<'a> Record<'a> {
    /// `None` for a kind that only the blob's layout section knows.
    pub fn kind(&self) -> Option<Kind> {
        Kind::from_u8(self.info().kind())
    }

    /// Offset of the name, 0 for none.
    pub fn name(&self) -> u32 {
        self.word(0)
    }

    pub(crate) fn info(&self) -> Info {
        Info(self.word(1))
    }

    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The info word: number of elements, kind and kind flag.
    pub fn info_word(&self) -> u32 {
        self.word(1)
    }

    pub fn vlen(&self) -> u32 {
        self.info().vlen()
    }

    pub fn kind_flag(&self) -> bool {
        self.info().kind_flag()
    }

    pub fn size_or_type(&self) -> u32 {
        self.word(2)
    }

    /// How many words the record has, its head's three included.
    pub fn word_count(&self) -> usize {
        self.bytes.len() / 4
    }

    /// The word at this position, which must be less than [`Record::word_count`].
    pub fn word(&self, position: usize) -> u32 {
        self.endian.u32(self.bytes, 4 * position)
    }

    /// Words from this position on.
    fn words_from(self, first: usize) -> impl Iterator<Item = u32> + 'a {
        (first..self.word_count()).map(move |position| self.word(position))
    }

    /// Elements of the record (members, values, parameters, variables), `N` words each.
    fn elements<const N: usize>(self) -> impl Iterator<Item = [u32; N]> + 'a {
        let rest = &self.bytes[HEAD..];
        rest.chunks_exact(4 * N).map(move |element| std::array::from_fn(|word| self.endian.u32(element, 4 * word)))
    }

    /// Visits the type ids in the order of [`Type::references`].
    pub fn references(&self, mut visit: impl FnMut(TypeId)) {
        let Some(shape) = self.kind().map(Kind::shape) else { return };
        if shape.head_is_reference {
            visit(TypeId(self.size_or_type()));
        }
        for position in 0..shape.fixed_references {
            visit(TypeId(self.word(3 + position)));
        }
        if let Some(place) = shape.element_reference {
            for element in 0..self.vlen() as usize {
                visit(TypeId(self.word(3 + shape.fixed_words + element * shape.element_words + place)));
            }
        }
    }

    /// Visits the string offsets: the head's, then the elements'.
    pub fn names(&self, mut visit: impl FnMut(u32)) {
        visit(self.name());
        let Some(shape) = self.kind().map(Kind::shape) else { return };
        if let Some(place) = shape.element_name {
            for element in 0..self.vlen() as usize {
                visit(self.word(3 + shape.fixed_words + element * shape.element_words + place));
            }
        }
    }

    /// The owned form. Words that the kind gives no meaning are dropped.
    pub fn to_type(&self) -> Type {
        let (name, info, word) = (self.name(), self.info(), self.size_or_type());
        let flag = info.kind_flag();
        let target = TypeId(word);
        let Some(kind) = self.kind() else {
            return Type::Unknown(UnknownRecord {
                kind: info.kind(),
                kind_flag: flag,
                name,
                vlen: info.vlen(),
                size_or_type: word,
                words: self.words_from(3).collect(),
            });
        };
        match kind {
            Kind::Int => {
                let data = self.word(3);
                let (encoding, offset, bits) = ((data >> 24) as u8, (data >> 16) as u8, data as u8);
                Type::Int { name, size: word, encoding, offset, bits }
            }
            Kind::Float => Type::Float { name, size: word },
            Kind::Ptr => Type::Ptr(target),
            Kind::Const => Type::Const(target),
            Kind::Volatile => Type::Volatile(target),
            Kind::Restrict => Type::Restrict(target),
            Kind::Typedef => Type::Typedef { name, ty: target },
            Kind::Array => {
                Type::Array { elem: TypeId(self.word(3)), index: TypeId(self.word(4)), nelems: self.word(5) }
            }
            Kind::Struct => Type::Struct(self.aggregate()),
            Kind::Union => Type::Union(self.aggregate()),
            Kind::Enum => {
                let values = self.elements().map(|[name, value]| (name, value)).collect();
                Type::Enum { name, size: word, signed: flag, values }
            }
            Kind::Enum64 => {
                let value = |[name, low, high]: [u32; 3]| (name, u64::from(low) | u64::from(high) << 32);
                Type::Enum64 { name, size: word, signed: flag, values: self.elements().map(value).collect() }
            }
            Kind::Fwd => Type::Fwd { name, union: flag },
            Kind::Func => Type::Func { name, linkage: info.vlen(), proto: target },
            Kind::FuncProto => {
                let param = |[name, ty]: [u32; 2]| Param { name, ty: TypeId(ty) };
                Type::FuncProto { ret: target, params: self.elements().map(param).collect() }
            }
            Kind::Var => Type::Var { name, ty: target, linkage: self.word(3) },
            Kind::Datasec => {
                let var = |[var, offset, size]: [u32; 3]| SecVar { var: TypeId(var), offset, size };
                Type::Datasec { name, size: word, vars: self.elements().map(var).collect() }
            }
            Kind::DeclTag => Type::DeclTag { value: name, ty: target, component: self.word(3) as i32, attribute: flag },
            Kind::TypeTag => Type::TypeTag { value: name, ty: target, attribute: flag },
        }
    }

    fn aggregate(&self) -> Aggregate {
        let member = |[name, ty, offset]: [u32; 3]| Member { name, ty: TypeId(ty), offset };
        Aggregate {
            name: self.name(),
            size: self.size_or_type(),
            kind_flag: self.kind_flag(),
            members: self.elements().map(member).collect(),
        }
    }
}

impl Btf {
    /// Parses a whole BTF of its own.
    pub fn parse(bytes: impl Into<Vec<u8>>) -> Result<Btf, ReadError> {
        Btf::parse_on(bytes.into(), None)
    }

    /// Parses a BTF whose first types and strings are those of `base`, which may itself be split.
    pub fn parse_split(bytes: impl Into<Vec<u8>>, base: Arc<Btf>) -> Result<Btf, ReadError> {
        Btf::parse_on(bytes.into(), Some(base))
    }

    fn parse_on(bytes: Vec<u8>, base: Option<Arc<Btf>>) -> Result<Btf, ReadError> {
        let start = base.as_ref().map_or((TypeId(1), 0), |base| (base.end_id(), base.end_string()));
        let btf = Btf::parse_unlinked(bytes, base, start)?;
        btf.check_links()?;
        Ok(btf)
    }

    /// Parses without looking where names and references lead, so that neither need exist: for BTF on a base that it
    /// may not have been made for, or without its base. Own types and strings start at `start`.
    pub(crate) fn parse_unlinked(
        bytes: Vec<u8>,
        base: Option<Arc<Btf>>,
        (start_id, start_string): (TypeId, u32),
    ) -> Result<Btf, ReadError> {
        let header = Header::parse(&bytes)?;
        if base.as_ref().is_some_and(|base| base.endian != header.endian) {
            return Err(ReadError::BaseEndian);
        }
        let strings = &bytes[header.strings.clone()];
        if start_string == 0 && strings.first() != Some(&0) {
            return Err(ReadError::StringsStart);
        }
        if strings.last().is_some_and(|last| *last != 0) {
            return Err(ReadError::StringsNotTerminated);
        }
        start_string.checked_add(strings.len() as u32).ok_or(ReadError::TooLarge)?;
        let layout = match (&base, header.layout.is_empty()) {
            (Some(base), true) => base.layout.clone(),
            _ => Layout::parse(&bytes[header.layout.clone()])?,
        };
        let mut btf = Btf {
            start_id: start_id.0,
            start_string,
            endian: header.endian,
            types: header.types,
            strings: header.strings,
            layout,
            records: Vec::new(),
            string_index: OnceLock::new(),
            remembered: Remembered::default(),
            bytes,
            base,
        };
        btf.records = btf.find_records()?;
        Ok(btf)
    }

    fn find_records(&self) -> Result<Vec<u32>, ReadError> {
        let mut records = Vec::with_capacity(self.types.len() / 28);
        let mut at = self.types.start;
        while at < self.types.end {
            let left = self.types.end - at;
            let offset = at - self.types.start;
            let id = TypeId(self.start_id.checked_add(records.len() as u32).ok_or(ReadError::TooLarge)?);
            if left < HEAD {
                return Err(ReadError::Truncated { id, offset, needed: HEAD, left });
            }
            let info = Info(self.endian.u32(&self.bytes, at + 4));
            let bits = info.reserved();
            if bits != 0 {
                return Err(ReadError::ReservedInfo { id, offset, bits });
            }
            let (fixed, element) =
                self.layout.sizes(info.kind()).ok_or(ReadError::UnknownKind { id, offset, kind: info.kind() })?;
            let needed = HEAD + fixed + element * info.vlen() as usize;
            if left < needed {
                return Err(ReadError::Truncated { id, offset, needed, left });
            }
            records.push(at as u32);
            at += needed;
        }
        Ok(records)
    }

    /// Every name must be a string and every reference a type.
    fn check_links(&self) -> Result<(), ReadError> {
        let end = self.end_string();
        let last = TypeId(self.end_id().0 - 1);
        for (id, record) in self.records() {
            let mut wrong = None;
            record.names(|name| {
                if name >= end && wrong.is_none() {
                    wrong = Some(ReadError::NameOffset { id, name, end });
                }
            });
            record.references(|target| {
                if target > last && wrong.is_none() {
                    wrong = Some(ReadError::DanglingReference { id, target, last });
                }
            });
            if wrong.is_none() && record.kind() == Some(Kind::Func) {
                let target = TypeId(record.size_or_type());
                if self.kind(target) != Some(Kind::FuncProto) {
                    wrong = Some(ReadError::FuncTarget { id, target });
                }
            }
            if let Some(error) = wrong {
                return Err(error);
            }
        }
        Ok(())
    }

    /// How many types this BTF has itself: void and the base's types are not counted.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Id of the first own type: 1, or in split BTF the one after the base's last.
    pub fn start_id(&self) -> TypeId {
        TypeId(self.start_id)
    }

    /// One past the last id.
    pub fn end_id(&self) -> TypeId {
        TypeId(self.start_id + self.records.len() as u32)
    }

    /// Offset of the first own string: 0, or in split BTF the one after the base's last.
    pub fn start_string(&self) -> u32 {
        self.start_string
    }

    /// One past the last string offset.
    pub fn end_string(&self) -> u32 {
        self.start_string + self.strings.len() as u32
    }

    pub fn endian(&self) -> Endian {
        self.endian
    }

    pub fn base(&self) -> Option<&Arc<Btf>> {
        self.base.as_ref()
    }

    /// The blob that this was parsed from.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What validation knows of it from what was checked on it before.
    pub(crate) fn remembered(&self) -> &Remembered {
        &self.remembered
    }

    /// What a kernel rules on it, and everything else that is wrong with it.
    pub fn judge(&self, rules: &Rules) -> Verdict {
        rules.judge(&self.bytes, self.base.as_deref())
    }

    /// Own strings as they lie in the blob, each ended by NUL.
    pub fn string_section(&self) -> &[u8] {
        &self.bytes[self.strings.clone()]
    }

    /// The record of a type, own or of the base; `None` for void and for ids past the last.
    pub fn record(&self, id: TypeId) -> Option<Record<'_>> {
        let btf = self.level_of(id)?;
        let slot = (id.0 - btf.start_id) as usize;
        let start = *btf.records.get(slot)? as usize;
        let end = btf.records.get(slot + 1).map_or(btf.types.end, |next| *next as usize);
        Some(Record { endian: btf.endian, bytes: &btf.bytes[start..end] })
    }

    /// This BTF or the one of its bases whose own ids that one is among, if it is not past the last; none for void.
    #[inline(always)]
    fn level_of(&self, id: TypeId) -> Option<&Btf> {
        let mut btf = self;
        while id.0 < btf.start_id {
            btf = btf.base.as_deref()?;
        }
        Some(btf)
    }

    /// This BTF and those that it stands on.
    pub(crate) fn levels(&self) -> impl Iterator<Item = &Btf> {
        std::iter::successors(Some(self), |btf| btf.base.as_deref())
    }

    /// Own records in the order of their ids.
    pub fn records(&self) -> impl Iterator<Item = (TypeId, Record<'_>)> {
        (self.start_id..self.end_id().0).filter_map(|id| Some((TypeId(id), self.record(TypeId(id))?)))
    }

    /// A type, own or of the base; `None` for void and for ids past the last.
    pub fn get(&self, id: TypeId) -> Option<Type> {
        self.record(id).map(|record| record.to_type())
    }

    /// Own types in the order of their ids.
    pub fn types(&self) -> impl Iterator<Item = (TypeId, Type)> + '_ {
        self.records().map(|(id, record)| (id, record.to_type()))
    }

    /// `None` for void, ids past the last, and kinds that only the layout section knows.
    pub fn kind(&self, id: TypeId) -> Option<Kind> {
        self.record(id)?.kind()
    }

    /// The string at an offset, own or of the base, without its NUL.
    pub fn string(&self, offset: u32) -> Option<&[u8]> {
        let mut btf = self;
        while offset < btf.start_string {
            btf = btf.base.as_deref()?;
        }
        let rest = btf.string_section().get((offset - btf.start_string) as usize..)?;
        memchr::memchr(0, rest).map(|end| &rest[..end])
    }

    /// The [`name_hash`] of the string at an offset; `None` for an empty one.
    pub(crate) fn hash_of_string(&self, offset: u32) -> Option<u64> {
        let mut btf = self;
        while offset < btf.start_string {
            btf = btf.base.as_deref()?;
        }
        let rest = btf.string_section().get((offset - btf.start_string) as usize..)?;
        match hash_before_nul(rest) {
            Some(hash) => (hash != 0).then_some(hash),
            None => memchr::memchr(0, rest).filter(|&end| end != 0).map(|end| name_hash(&rest[..end])),
        }
    }

    /// A type's own name; `None` when it has none.
    pub fn name(&self, id: TypeId) -> Option<&[u8]> {
        self.string(self.record(id)?.name()).filter(|name| !name.is_empty())
    }

    /// Offset of a string that is a whole one of this BTF or of its base. The first call builds an index, which all
    /// who share this BTF then use.
    pub fn find_string(&self, text: &[u8]) -> Option<u32> {
        self.find_hashed_string(text, name_hash(text))
    }

    /// The same of a string whose [`name_hash`] is known.
    pub(crate) fn find_hashed_string(&self, text: &[u8], hash: u64) -> Option<u32> {
        if let Some(offset) = self.base.as_ref().and_then(|base| base.find_hashed_string(text, hash)) {
            return Some(offset);
        }
        let section = self.string_section();
        let start = self.string_index.get_or_init(|| StringIndex::of(section)).find(section, text, hash)?;
        Some(self.start_string + start)
    }

    /// Tells all indexes that are there, of this BTF and its bases, and their sections.
    #[inline]
    pub(crate) fn call_for_string(&self, call: impl Fn(&StringIndex, &[u8])) {
        for btf in self.levels() {
            if let Some(index) = btf.string_index.get() {
                call(index, btf.string_section());
            }
        }
    }

    /// Builds that index, and those of all bases: for a thread that has nothing else to do.
    pub fn index_strings(&self) {
        for btf in self.levels() {
            btf.string_index.get_or_init(|| StringIndex::of(btf.string_section()));
        }
    }

    /// Bytes of a pointer on the machine that this BTF describes, where an integer named `long` tells (in split BTF
    /// the base is asked first).
    pub fn pointer_size(&self) -> Option<u8> {
        if let Some(size) = self.base.as_ref().and_then(|base| base.pointer_size()) {
            return Some(size);
        }
        self.records().find_map(|(_, record)| {
            let size = record.size_or_type();
            let eligible = record.kind() == Some(Kind::Int) && (size == 4 || size == 8);
            (eligible && is_long(self.string(record.name())?)).then_some(size as u8)
        })
    }
}

/// Whether this names the C type `long` or its unsigned form, in any order of words.
fn is_long(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 11] = [
        b"long",
        b"long int",
        b"int long",
        b"unsigned long",
        b"long unsigned",
        b"unsigned long int",
        b"unsigned int long",
        b"long unsigned int",
        b"long int unsigned",
        b"int unsigned long",
        b"int long unsigned",
    ];
    NAMES.contains(&name)
}

struct Header {
    endian: Endian,
    types: Range<usize>,
    layout: Range<usize>,
    strings: Range<usize>,
}

impl Header {
    fn parse(bytes: &[u8]) -> Result<Header, ReadError> {
        let size = bytes.len();
        if size < CLASSIC_HEADER {
            return Err(ReadError::TooShort { size });
        }
        let endian = match Endian::Little.u16(bytes, 0) {
            MAGIC => Endian::Little,
            magic if magic == MAGIC.swap_bytes() => Endian::Big,
            magic => return Err(ReadError::Magic { magic }),
        };
        let (version, flags) = (bytes[2], bytes[3]);
        if version != VERSION {
            return Err(ReadError::Version { version });
        }
        if flags != 0 {
            return Err(ReadError::Flags { flags });
        }
        let header_len = endian.u32(bytes, 4);
        let start = header_len as usize;
        if start < CLASSIC_HEADER || start > size {
            return Err(ReadError::HeaderLength { header_len, size });
        }
        // Half a field, or fields of a newer format: harmless as long as they say nothing.
        let known = if start < LAYOUT_HEADER { CLASSIC_HEADER } else { LAYOUT_HEADER };
        if let Some(position) = bytes[known..start].iter().position(|byte| *byte != 0) {
            return Err(ReadError::HeaderTail { offset: known + position });
        }
        u32::try_from(size).map_err(|_| ReadError::TooLarge)?;
        let available = size - start;
        let section = |name: &'static str, at: usize| {
            let (offset, len) = (endian.u32(bytes, at), endian.u32(bytes, at + 4));
            if u64::from(offset) + u64::from(len) > available as u64 {
                return Err(ReadError::SectionRange { section: name, offset, len, available });
            }
            Ok(start + offset as usize..start + offset as usize + len as usize)
        };
        let types = section("type", 8)?;
        let strings = section("string", 16)?;
        let layout = if start >= LAYOUT_HEADER { section("layout", 24)? } else { start..start };
        let place = |range: &Range<usize>| (range.start - start) as u32;
        for (name, range) in [("type", &types), ("layout", &layout)] {
            if place(range) % 4 != 0 && !range.is_empty() {
                return Err(ReadError::SectionAlignment { section: name, offset: place(range) });
            }
        }
        let order: &[(&'static str, &Range<usize>)] = match layout.is_empty() {
            true => &[("type", &types), ("string", &strings)],
            false => &[("type", &types), ("layout", &layout), ("string", &strings)],
        };
        for pair in order.windows(2) {
            let [(first, a), (second, b)] = [pair[0], pair[1]];
            if a.end > b.start {
                let end = (a.end - start) as u64;
                return Err(ReadError::SectionOverlap { first, end, second, start: place(b) });
            }
        }
        Ok(Header { endian, types, layout, strings })
    }
}

/// How long records are: of known kinds by this crate's table, of others by the blob's layout section.
#[derive(Clone, Default)]
struct Layout {
    entries: Vec<(u8, u8)>,
}

impl Layout {
    fn parse(section: &[u8]) -> Result<Layout, ReadError> {
        if !section.len().is_multiple_of(4) {
            return Err(ReadError::LayoutLength { len: section.len() as u32 });
        }
        // Flags follow the two sizes; none is defined. A kind has five bits, entries beyond have no use.
        let entries: Vec<_> = section.chunks_exact(4).take(32).map(|entry| (entry[0], entry[1])).collect();
        for (kind, (fixed, element)) in entries.iter().enumerate() {
            if fixed % 4 != 0 || element % 4 != 0 {
                return Err(ReadError::LayoutEntry { kind: kind as u8, fixed: *fixed, element: *element });
            }
        }
        Ok(Layout { entries })
    }

    /// Bytes that follow a record's head once and per element.
    fn sizes(&self, kind: u8) -> Option<(usize, usize)> {
        if let Some(known) = Kind::from_u8(kind) {
            let shape = known.shape();
            return Some((4 * shape.fixed_words, 4 * shape.element_words));
        }
        let (fixed, element) = *self.entries.get(usize::from(kind)).filter(|_| kind != 0)?;
        Some((usize::from(fixed), usize::from(element)))
    }
}
