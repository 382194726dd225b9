//! Members, enumerators and parameters: digested while an aggregate is open, and read again where they are wanted.

use crate::codes::Codes;
use crate::entry::{Class, Cursor, Entry};
use crate::error::Fault;
use crate::layout::{Layout, Shape};
use crate::lower::{Carrier, Children, Context, Frame, Lowering, NOTHING};
use crate::plan::{Attr, Role};
use btfkit_btf::unit::{Content, Local, LocalMember, LocalType, Members, Name, UnitTypes};
use btfkit_btf::{Kind, MAX_VLEN};
use gimli::constants as dw;

/// A member's value has the offset in bits, and above these bits the width.
pub(crate) const WIDTH_SHIFT: u32 = 32;
/// BTF has 8 bits for the width of a bitfield.
pub(crate) const MAX_WIDTH: u64 = 255;
/// In aggregates with bitfields an offset has 24 bits.
pub(crate) const BITFIELD_OFFSET_LIMIT: u64 = 1 << 24;

/// Bits of a member's value that only a bitfield has: a width, or an offset that is no byte's.
const ODD: u64 = 7 | !0xffff_ffff;

/// A bitfield of DWARF 2 and 3, whose storage unit has the size of a type that is not known yet. The member's value has
/// the unit's offset meanwhile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OldBitfield {
    pub aggregate: Local,
    /// Position among the aggregate's members.
    pub member: u32,
    pub bit_offset: u64,
}

/// The offset of a bitfield of DWARF 2 and 3 in bits, which is stated from the start of a storage unit in big-endian
/// fashion: `bit_offset` in one of `size` bytes at `storage` (bits).
pub(crate) fn in_storage(storage: u64, size: u64, bit_offset: u64, width: u64, big_endian: bool) -> u64 {
    // In a packed aggregate a bitfield may reach beyond its storage unit: then the offset is negative.
    let from_end = (bit_offset as i64).clamp(-(1 << 24), 1 << 24);
    let within = if big_endian { from_end } else { (size.min(1 << 20) * 8) as i64 - from_end - width as i64 };
    (storage as i64 + within).clamp(0, u32::MAX as i64) as u64
}

/// A struct or union whose members are being read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenAggregate {
    pub local: Local,
    /// Position of its first member among those that are pending.
    pub first: u32,
    pub union: bool,
    content: Content,
    /// Bits set in any member's value.
    odd: u64,
    /// Offset of the last member, in bits.
    last: u64,
    /// The top bit is set where one is before the one before it.
    descents: u64,
    /// A member has no type.
    bad: bool,
}

impl OpenAggregate {
    pub fn new(local: Local, first: u32, union: bool) -> OpenAggregate {
        OpenAggregate { local, first, union, content: Content::default(), odd: 0, last: 0, descents: 0, bad: false }
    }

    /// `name` is its hash.
    #[inline(always)]
    pub fn add(&mut self, name: u64, value: u64, ty: u32) {
        self.note(value, ty);
        self.place(name, value);
    }

    /// All that [`add`](Self::add) does for a member that has a type and is no bitfield.
    #[inline(always)]
    pub fn place(&mut self, name: u64, value: u64) {
        let offset = value & 0xffff_ffff;
        self.content.add(name, value);
        self.descents |= offset.wrapping_sub(self.last);
        self.last = offset;
    }

    /// And what it does for any other.
    #[inline(always)]
    pub fn note(&mut self, value: u64, ty: u32) {
        self.odd |= value;
        self.bad |= ty == NOTHING;
    }

    /// Says of the type what its members say together, when it has their number. Does it need care?
    #[inline(always)]
    pub fn end(&self, t: &mut LocalType) -> bool {
        (t.flag, t.content) = (self.odd & ODD != 0, self.content);
        // Where offsets ascend, the last one tells of all whether they are 0.
        let apart = self.union && self.last != 0;
        let beyond = apart || self.last.div_ceil(8) > t.size as u64 || t.flag && self.last >= BITFIELD_OFFSET_LIMIT;
        self.bad || (self.descents as i64) < 0 || beyond || t.count > MAX_VLEN
    }
}

/// An enumeration whose values are being read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenEnumeration {
    pub local: Local,
    wide: bool,
    count: u32,
    content: Content,
    signed: bool,
    lost: bool,
}

impl OpenEnumeration {
    pub fn new(local: Local, wide: bool) -> OpenEnumeration {
        OpenEnumeration { local, wide, count: 0, content: Content::default(), signed: false, lost: false }
    }

    #[inline]
    pub fn add(&mut self, name: Name, value: u64) {
        self.count += 1;
        self.content.add(name.hash, enumerator_value(self.wide, value));
        self.signed |= (value as i64) < 0;
        self.lost |= i32::try_from(value as i64).is_err() && u32::try_from(value).is_err();
    }

    /// As [`add`](Self::add), of a value of fewer than 32 bits.
    #[inline(always)]
    pub fn add_small(&mut self, name: Name, value: u64) {
        self.count += 1;
        self.content.add(name.hash, value);
    }

    /// Says of the type what its values say together, where all were small. Does it need care?
    #[inline(always)]
    pub fn end_small(&self, t: &mut LocalType) -> bool {
        (t.count, t.content) = (self.count, self.content);
        self.count > MAX_VLEN
    }
}

/// What BTF says of a value: ENUM has 32 bits.
fn enumerator_value(wide: bool, value: u64) -> u64 {
    if wide { value } else { value & 0xffff_ffff }
}

/// A subroutine type whose parameters are being read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenPrototype {
    pub local: Local,
    pub first: u32,
    content: Content,
    /// The last one has neither name nor type: dots, or void.
    dots: bool,
    /// A parameter is void.
    bad: bool,
}

impl OpenPrototype {
    pub fn new(local: Local, first: u32) -> OpenPrototype {
        OpenPrototype { local, first, content: Content::default(), dots: false, bad: false }
    }

    #[inline]
    pub fn add(&mut self, name: Name, ty: u32) {
        self.content.add(name.hash, 0);
        self.bad |= self.dots || ty == NOTHING && !name.is_none();
        self.dots = ty == NOTHING;
    }

    /// As [`OpenAggregate::end`].
    #[inline(always)]
    pub fn end(&self, t: &mut LocalType) -> bool {
        t.content = self.content;
        self.bad || t.count > MAX_VLEN
    }
}

/// What an entry of a member says.
enum MemberEntry {
    /// A static member of C++ is a variable: it takes no room in the aggregate.
    Static,
    /// Its location is no constant.
    Unplaced,
    TooWide(u64),
    TooFar,
    Member {
        name: Name,
        value: u64,
        ty: u32,
        old: bool,
    },
}

impl<'a> Lowering<'a> {
    fn member_entry(&mut self, context: &Context, entry: &Entry, union: bool) -> MemberEntry {
        let placed = entry.has(Attr::MemberLocation) || entry.has(Attr::DataBitOffset);
        if !placed && !union && (entry.has(Attr::External) || entry.has(Attr::Declaration)) {
            return MemberEntry::Static;
        }
        let bytes = if entry.has(Attr::MemberLocation) { self.member_location(context, entry) } else { Some(0) };
        let Some(bytes) = bytes else { return MemberEntry::Unplaced };
        let width = entry.number(Attr::BitSize).unwrap_or(0);
        let bits = entry.number(Attr::DataBitOffset).unwrap_or(bytes.saturating_mul(8));
        if width > MAX_WIDTH {
            return MemberEntry::TooWide(width);
        }
        if bits > u32::MAX as u64 {
            return MemberEntry::TooFar;
        }
        let old = width != 0 && !entry.has(Attr::DataBitOffset);
        // clang states bitfields like this in DWARF 5, too, always with the storage unit's size.
        let storage = entry.number(Attr::ByteSize).filter(|&size| old && size != 0);
        let bit_offset = entry.number(Attr::BitOffset).unwrap_or(0);
        let bits = match storage {
            Some(size) => in_storage(bits, size, bit_offset, width, self.sections.big_endian),
            None => bits,
        };
        MemberEntry::Member {
            name: self.name(context, entry, Attr::Name),
            value: bits | width << WIDTH_SHIFT,
            ty: self.reference(context, entry, Attr::Type),
            old: old && storage.is_none(),
        }
    }

    pub(crate) fn member(&mut self, context: &Context, entry: &Entry) -> Children {
        let (Some(Frame::Aggregate), Some(&open)) = (self.parent(), self.aggregates.last()) else {
            return Children::None;
        };
        let (name, value, ty, old) = match self.member_entry(context, entry, open.union) {
            MemberEntry::Static => return Children::None,
            MemberEntry::Unplaced => {
                let message = "a member is left out: its location is no constant".to_owned();
                self.diagnose(context, entry.at, "member-location", message);
                return Children::None;
            }
            MemberEntry::TooWide(width) => {
                let message = format!("a bitfield of {width} bits is left out: BTF has room for {MAX_WIDTH}");
                self.diagnose(context, entry.at, "bitfield-size", message);
                return Children::None;
            }
            MemberEntry::TooFar => {
                self.too_large.push(open.local);
                return Children::None;
            }
            MemberEntry::Member { name, value, ty, old } => (name, value, ty, old),
        };
        let member = self.pending.len() as u32 - open.first;
        if old {
            self.old_bitfields.push(OldBitfield {
                aggregate: open.local,
                member,
                bit_offset: entry.number(Attr::BitOffset).unwrap_or(0),
            });
        }
        self.add_member(name, value, ty);
        self.care.extend(old.then_some(open.local));
        self.alignment(open.local, entry);
        let carrier = Carrier::Type(open.local, member as i32);
        self.gnu_chain(context, entry, carrier);
        Children::Frame(Frame::Annotated(carrier))
    }

    #[inline]
    pub(crate) fn add_member(&mut self, name: Name, value: u64, ty: u32) {
        if let Some(open) = self.aggregates.last_mut() {
            open.add(name.hash, value, ty);
            self.pending.push(ty);
        }
    }

    /// Bytes from the start of the aggregate; None where that is not a constant.
    fn member_location(&self, context: &Context, entry: &Entry) -> Option<u64> {
        match entry.get(Attr::MemberLocation)? {
            // DWARF 2: DW_OP_plus_uconst N, applied to the aggregate's address.
            (Class::Block, at) => {
                let bytes = self.section_bytes(context);
                let mut next = at as usize + 1;
                match gimli::DwOp(bytes.u8(at as usize).ok()?) {
                    dw::DW_OP_plus_uconst | dw::DW_OP_constu => bytes.uleb(&mut next).ok(),
                    _ => None,
                }
            }
            _ => entry.number(Attr::MemberLocation),
        }
    }

    pub(crate) fn close_aggregate(&mut self) {
        if let Some(open) = self.aggregates.pop() {
            self.end_aggregate(open);
        }
    }

    pub(crate) fn end_aggregate(&mut self, open: OpenAggregate) {
        self.take_pending(open.local, open.first);
        if open.end(&mut self.types.types[open.local as usize]) {
            self.care.push(open.local);
        }
        self.types.order.push(open.local);
    }

    pub(crate) fn enumerator(&mut self, context: &Context, entry: &Entry) -> Children {
        if !matches!(self.parent(), Some(Frame::Enumeration)) {
            return Children::None;
        }
        let name = self.name(context, entry, Attr::Name);
        if name.is_none() {
            let message = "an enumerator without a name is left out".to_owned();
            self.diagnose(context, entry.at, "unnamed-enumerator", message);
            return Children::None;
        }
        self.add_enumerator(name, entry.number(Attr::ConstValue).unwrap_or(0));
        Children::None
    }

    #[inline]
    pub(crate) fn add_enumerator(&mut self, name: Name, value: u64) {
        if let Some(open) = self.enumerations.last_mut() {
            open.add(name, value);
        }
    }

    pub(crate) fn close_enumeration(&mut self) {
        let Some(open) = self.enumerations.pop() else { return };
        let t = &mut self.types.types[open.local as usize];
        (t.count, t.content) = (open.count, open.content);
        if t.kind == Some(Kind::Enum) {
            t.flag = open.signed && self.settings.enum64;
            let at = t.at;
            if open.lost && t.size <= 4 {
                self.diagnose_type(at, "enum-value", "values of an enum are cut to 32 bits".to_owned());
            }
        }
        if open.count > MAX_VLEN {
            self.care.push(open.local);
        }
        self.types.order.push(open.local);
    }

    /// A parameter of a subroutine type, or its dots.
    pub(crate) fn add_parameter(&mut self, name: Name, ty: u32) {
        if let Some(open) = self.prototypes.last_mut() {
            open.add(name, ty);
            self.pending.push(ty);
        }
    }

    pub(crate) fn close_prototype(&mut self) {
        let Some(open) = self.prototypes.pop() else { return };
        self.take_pending(open.local, open.first);
        if open.end(&mut self.types.types[open.local as usize]) {
            self.care.push(open.local);
        }
        self.types.order.push(open.local);
    }

    /// Makes what is pending the references of a type.
    fn take_pending(&mut self, local: Local, from: u32) {
        let own = &self.pending[from as usize..];
        let t = &mut self.types.types[local as usize];
        (t.first, t.count) = (self.types.references.len() as u32, own.len() as u32);
        self.types.references.extend_from_slice(own);
        self.pending.truncate(from as usize);
    }

    /// The members of a type, from wherever they are: put together, or in the entry below which they stand.
    pub(crate) fn read_members(&mut self, types: &UnitTypes, local: Local, into: &mut Vec<LocalMember>) {
        let t = &types.types[local as usize];
        if let Some(&first) = self.made.get(&local) {
            into.extend_from_slice(&self.members[first as usize..][..t.count as usize]);
            return;
        }
        let from = into.len();
        if t.kind == Some(Kind::Array) {
            into.push(LocalMember::default());
        } else if t.count != 0 {
            // It was read before, so that it can be read; if it has changed meanwhile, members are missing.
            let _ = self.reread(t.kind, t.at, into);
        }
        into.resize(from + t.count as usize, LocalMember::default());
        into[from..].iter_mut().zip(types.references_of(t)).for_each(|(member, &ty)| member.ty = ty);
    }

    /// As above, while the group is being settled.
    pub(crate) fn members_of_local(&mut self, local: Local) -> Vec<LocalMember> {
        let types = std::mem::take(&mut self.types);
        let mut members = Vec::new();
        self.read_members(&types, local, &mut members);
        self.types = types;
        members
    }

    fn reread(&mut self, kind: Option<Kind>, offset: u32, into: &mut Vec<LocalMember>) -> Result<(), Fault> {
        let Some(context) = self.context_of(offset) else { return Ok(()) };
        self.with_codes(&context.unit, |me, codes| {
            let last = me.rereading.take().filter(|(base, _)| *base == context.base);
            let mut cursor = last.map_or_else(|| context.unit.cursor(&me.sections), |(_, cursor)| cursor);
            cursor.at = context.unit.start + (offset - context.base) as usize;
            let result = me.children(&context, codes, &mut cursor, kind, into);
            me.rereading = Some((context.base, cursor));
            result
        })
    }

    /// Reads what stands directly below the entry at the cursor.
    fn children(
        &mut self,
        context: &Context,
        codes: Codes<'_>,
        cursor: &mut Cursor<'a>,
        kind: Option<Kind>,
        into: &mut Vec<LocalMember>,
    ) -> Result<(), Fault> {
        let unit = &context.unit;
        let mut entry = Entry::new();
        let mut depth = 0u32;
        while cursor.at < unit.end {
            entry.at = cursor.at;
            let code = cursor.bytes.uleb(&mut cursor.at)?;
            if code == 0 {
                // Not even the entry itself is there any more when the input was cut meanwhile.
                if depth <= 1 {
                    break;
                }
                depth -= 1;
                continue;
            }
            let plan = codes.get(code).ok_or(Fault::Abbreviation { code, table: unit.abbrev })?;
            let wanted =
                depth == 1 && matches!(plan.role, Role::Member | Role::Enumerator | Role::Parameter | Role::Dots);
            let layout = plan.layout.as_ref().filter(|_| wanted);
            let quick = match (layout, self.sections.big_endian) {
                (None, _) => None,
                (Some(layout), true) => self.quick_child::<true>(context, layout, cursor, kind)?,
                (Some(layout), false) => self.quick_child::<false>(context, layout, cursor, kind)?,
            };
            match quick {
                Some(member) => into.push(member),
                None if wanted => {
                    cursor.read(plan, unit.encoding, &mut entry)?;
                    into.extend(self.child(context, &entry, plan.role, kind));
                }
                None => cursor.skip(&plan.skip, unit.encoding)?,
            }
            depth += plan.children as u32;
            if depth == 0 {
                break;
            }
        }
        Ok(())
    }

    /// A child that has a layout; None where it must be read step by step: the cursor is where it was.
    fn quick_child<const BIG: bool>(
        &mut self,
        context: &Context,
        layout: &Layout,
        cursor: &mut Cursor<'a>,
        kind: Option<Kind>,
    ) -> Result<Option<LocalMember>, Fault> {
        let back = cursor.at;
        let member = self.fixed::<BIG>(context, layout, cursor)?.and_then(|fixed| {
            let value = match (layout.shape, kind?) {
                (Shape::Member, Kind::Struct | Kind::Union) => fixed.member_value(layout)?,
                (Shape::Enumerator, kind @ (Kind::Enum | Kind::Enum64)) if !fixed.name.is_none() => {
                    enumerator_value(kind == Kind::Enum64, fixed.number(layout, 0))
                }
                (Shape::Parameter, Kind::FuncProto) => 0,
                _ => return None,
            };
            Some(LocalMember { name: fixed.name, value, ty: NOTHING })
        });
        if member.is_none() {
            cursor.at = back;
        }
        Ok(member)
    }

    fn child(&mut self, context: &Context, entry: &Entry, role: Role, kind: Option<Kind>) -> Option<LocalMember> {
        let mut named = |value| LocalMember { name: self.name(context, entry, Attr::Name), value, ty: NOTHING };
        match (role, kind?) {
            (Role::Member, kind @ (Kind::Struct | Kind::Union)) => {
                match self.member_entry(context, entry, kind == Kind::Union) {
                    MemberEntry::Member { name, value, .. } => Some(LocalMember { name, value, ty: NOTHING }),
                    _ => None,
                }
            }
            (Role::Enumerator, kind @ (Kind::Enum | Kind::Enum64)) => {
                let value = entry.number(Attr::ConstValue).unwrap_or(0);
                Some(named(enumerator_value(kind == Kind::Enum64, value))).filter(|m| !m.name.is_none())
            }
            (Role::Parameter, Kind::FuncProto) => Some(named(0)),
            (Role::Dots, Kind::FuncProto) => Some(LocalMember::default()),
            _ => None,
        }
    }

    /// Puts the members of the types that need care into [`Lowering::members`], where they can be changed. Until they
    /// are [sealed](Self::seal) again, `first` of such a type leads there.
    pub(crate) fn unseal(&mut self) {
        let mut types = std::mem::take(&mut self.types);
        let mut members = Vec::new();
        for k in 0..self.care.len() {
            let local = self.care[k];
            let kind = types.types[local as usize].kind;
            let has = matches!(kind, Some(Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64 | Kind::FuncProto));
            if !has || self.made.contains_key(&local) {
                continue;
            }
            members.clear();
            self.read_members(&types, local, &mut members);
            let first = self.members.len() as u32;
            self.members.extend_from_slice(&members);
            self.made.insert(local, first);
            types.types[local as usize].first = first;
        }
        self.types = types;
    }

    /// Digests the members that were changed.
    pub(crate) fn seal(&mut self) {
        let mut locals: Vec<Local> = self.made.keys().copied().collect();
        locals.sort_unstable();
        for local in locals {
            self.seal_one(local);
        }
    }

    pub(crate) fn seal_one(&mut self, local: Local) {
        let t = &mut self.types.types[local as usize];
        let members = &self.members[self.made[&local] as usize..][..t.count as usize];
        t.first = self.types.references.len() as u32;
        t.content = Content::default();
        members.iter().for_each(|m| t.content.add(m.name.hash, m.value));
        if !matches!(t.kind, Some(Kind::Enum | Kind::Enum64)) {
            self.types.references.extend(members.iter().map(|m| m.ty));
        }
    }
}

impl Members for Lowering<'_> {
    fn members(&mut self, unit: &UnitTypes, local: Local, into: &mut Vec<LocalMember>) {
        self.read_members(unit, local, into);
    }
}
