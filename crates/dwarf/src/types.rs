//! From the entries of types to BTF kinds, one rule for each tag.

use crate::entry::{Class, Entry};
use crate::lower::{Carrier, Children, Context, Frame, Hole, Lowering, NOTHING, OpenAggregate};
use crate::names::{FAKE_INT, INT, literal};
use crate::plan::Attr;
use btfkit_btf::Kind;
use btfkit_btf::unit::{ARRAY_INDEX, Local, LocalMember, LocalType, Name};
use gimli::{DwTag, constants as dw};

/// Bits of an integer's data word: the encoding's position.
const ENCODING_SHIFT: u32 = 24;
pub(crate) const SIGNED: u32 = 1 << ENCODING_SHIFT;
const BOOL: u32 = 4 << ENCODING_SHIFT;

/// Until its aggregate is settled, a member's value has the offset in bits, and above these bits the width.
pub(crate) const WIDTH_SHIFT: u32 = 32;

/// A bitfield of DWARF 2 and 3, whose offset counts from the start of a storage unit in big-endian fashion, the size of
/// which may be that of a type that is not known yet. The member's value has the unit's offset meanwhile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OldBitfield {
    pub aggregate: Local,
    /// Position among the aggregate's members.
    pub member: u32,
    /// Bytes of the storage unit; 0: those of the member's type.
    pub storage_size: u64,
    pub bit_offset: u64,
}

impl Lowering<'_> {
    /// Notes a type that takes the next id.
    fn push_type(&mut self, offset: u32, ty: LocalType) -> Local {
        self.index.mark(offset);
        let local = self.types.types.len() as Local;
        self.types.types.push(LocalType { at: offset, ..ty });
        local
    }

    /// An entry that other entries may refer to as a type, and that stands for another type (or void).
    fn hole(&mut self, offset: u32, target: u32) -> Children {
        let local = self.push_type(offset, LocalType::default());
        self.holes.push(Hole { local, target });
        Children::None
    }

    fn leaf(&mut self, offset: u32, ty: LocalType) -> Children {
        let local = self.push_type(offset, ty);
        self.types.order.push(local);
        Children::None
    }

    fn reference_type(&mut self, kind: Kind, offset: u32, target: u32) -> Children {
        self.leaf(offset, LocalType { kind: Some(kind), target, ..LocalType::default() })
    }

    /// Any entry that is not dealt with elsewhere: a type, or nothing.
    pub(crate) fn type_entry(&mut self, context: &Context, tag: DwTag, entry: &Entry, offset: u32) -> Children {
        let target = |me: &Self| me.reference(context, entry, Attr::Type);
        match tag {
            dw::DW_TAG_base_type => {
                let ty = self.base_type(context, entry);
                if entry.number(Attr::Encoding) == Some(dw::DW_ATE_float.0 as u64) {
                    self.floats.push(self.types.types.len() as Local);
                }
                if entry.number(Attr::ByteSize).unwrap_or(0) == 0 {
                    self.sizeless.push(self.types.types.len() as Local);
                }
                self.has_int |= ty.name.hash == literal(INT).hash;
                self.leaf(offset, ty)
            }
            dw::DW_TAG_pointer_type => {
                let ty = LocalType { kind: Some(Kind::Ptr), target: target(self), ..LocalType::default() };
                let local = self.push_type(offset, ty);
                self.gnu_chain(context, entry, Carrier::Pointer(local));
                Children::Frame(Frame::Annotated(Carrier::Pointer(local)))
            }
            dw::DW_TAG_const_type => self.reference_type(Kind::Const, offset, target(self)),
            dw::DW_TAG_volatile_type => self.reference_type(Kind::Volatile, offset, target(self)),
            dw::DW_TAG_restrict_type => self.reference_type(Kind::Restrict, offset, target(self)),
            // To a reader of memory a reference is a pointer.
            dw::DW_TAG_reference_type | dw::DW_TAG_rvalue_reference_type => {
                self.reference_type(Kind::Ptr, offset, target(self))
            }
            // BTF has no such qualifiers; the memory looks the same without them.
            dw::DW_TAG_atomic_type | dw::DW_TAG_packed_type | dw::DW_TAG_shared_type | dw::DW_TAG_immutable_type => {
                self.hole(offset, target(self))
            }
            dw::DW_TAG_unspecified_type => self.hole(offset, NOTHING),
            dw::DW_TAG_typedef => {
                let name = self.name(context, entry, Attr::Name);
                if name.is_none() {
                    return self.hole(offset, target(self));
                }
                let ty = LocalType { kind: Some(Kind::Typedef), name, target: target(self), ..LocalType::default() };
                let local = self.push_type(offset, ty);
                self.alignment(local, entry);
                self.gnu_chain(context, entry, Carrier::Type(local, -1));
                Children::Frame(Frame::Annotated(Carrier::Type(local, -1)))
            }
            dw::DW_TAG_structure_type | dw::DW_TAG_class_type => self.aggregate(context, entry, offset, Kind::Struct),
            dw::DW_TAG_union_type => self.aggregate(context, entry, offset, Kind::Union),
            dw::DW_TAG_enumeration_type => self.enumeration(context, entry, offset),
            dw::DW_TAG_array_type => {
                self.has_array = true;
                let first = self.types.members.len() as u32;
                self.types.members.push(LocalMember { ty: ARRAY_INDEX, ..LocalMember::default() });
                let target = target(self);
                let ty = LocalType { kind: Some(Kind::Array), target, first, count: 1, ..LocalType::default() };
                let local = self.push_type(offset, ty);
                Children::Frame(Frame::Array { local, elements: 1 })
            }
            dw::DW_TAG_subroutine_type => {
                let ty = LocalType { kind: Some(Kind::FuncProto), target: target(self), ..LocalType::default() };
                let local = self.push_type(offset, ty);
                let first = self.pending().len() as u32;
                Children::Frame(Frame::Prototype { local, first })
            }
            dw::DW_TAG_ptr_to_member_type => {
                // Itanium C++ ABI: an offset, or for a function a pair. What it means, BTF cannot say.
                let size = entry.number(Attr::ByteSize).unwrap_or(context.unit.encoding.address_size as u64);
                let message = "a pointer to a member is described as an integer".to_owned();
                self.diagnose(context, entry.at, "pointer-to-member", message);
                let ty = integer(literal(FAKE_INT), size, 0);
                self.leaf(offset, ty)
            }
            dw::DW_TAG_string_type
            | dw::DW_TAG_interface_type
            | dw::DW_TAG_set_type
            | dw::DW_TAG_file_type
            | dw::DW_TAG_coarray_type
            | dw::DW_TAG_dynamic_type
            | dw::DW_TAG_template_alias
            | dw::DW_TAG_thrown_type
            | dw::DW_TAG_subrange_type => {
                self.diagnose(context, entry.at, "unsupported-tag", format!("{tag} is described as void"));
                self.hole(offset, NOTHING)
            }
            _ => Children::None,
        }
    }

    /// Remembers the chain of annotations that GCC hangs on an entry.
    pub(crate) fn gnu_chain(&mut self, context: &Context, entry: &Entry, on: Carrier) {
        if entry.has(Attr::GnuAnnotation) {
            let first = self.reference(context, entry, Attr::GnuAnnotation);
            self.gnu_carriers.push((on, first));
        }
    }

    fn alignment(&mut self, local: Local, entry: &Entry) {
        if let Some(alignment) = entry.number(Attr::Alignment) {
            self.alignments.push((local, alignment));
        }
    }

    fn base_type(&mut self, context: &Context, entry: &Entry) -> LocalType {
        let name = self.name(context, entry, Attr::Name);
        let size = entry.number(Attr::ByteSize).unwrap_or(0);
        let ate = gimli::DwAte(entry.number(Attr::Encoding).unwrap_or(0) as u8);
        if ate == dw::DW_ATE_float && self.settings.float && matches!(size, 2 | 4 | 8 | 12 | 16) && !name.is_none() {
            return LocalType { kind: Some(Kind::Float), name, size: size as u32, ..LocalType::default() };
        }
        let encoding = match ate {
            dw::DW_ATE_signed | dw::DW_ATE_signed_char => SIGNED,
            dw::DW_ATE_boolean => BOOL,
            // The kernel's BTF has no CHAR: its consumers know char by its name.
            _ => 0,
        };
        integer(name, size, encoding)
    }

    fn aggregate(&mut self, context: &Context, entry: &Entry, offset: u32, kind: Kind) -> Children {
        if entry.has(Attr::Signature) {
            // Its members are in the type unit; types that are nested in it may be here.
            let target = self.reference(context, entry, Attr::Signature);
            self.hole(offset, target);
            return Children::Frame(Frame::Scope { global: false });
        }
        let name = self.name(context, entry, Attr::Name);
        let copies = name.is_none() && entry.has(Attr::Specification);
        if entry.flag(Attr::Declaration) {
            if name.is_none() {
                return self.hole(offset, NOTHING);
            }
            let ty = LocalType { kind: Some(Kind::Fwd), name, flag: kind == Kind::Union, ..LocalType::default() };
            let local = self.push_type(offset, ty);
            // A declaration in C++ may have members of its own, which are types.
            self.types.order.push(local);
            return Children::Frame(Frame::Scope { global: false });
        }
        let size = entry.number(Attr::ByteSize).unwrap_or(0) as u32;
        let local = self.push_type(offset, LocalType { kind: Some(kind), name, size, ..LocalType::default() });
        if copies {
            let from = self.reference(context, entry, Attr::Specification);
            self.copied_names.push((local, from));
        }
        self.alignment(local, entry);
        if kind == Kind::Struct {
            self.gnu_chain(context, entry, Carrier::Type(local, -1));
        }
        let first = self.pending().len() as u32;
        Children::Frame(Frame::Aggregate(OpenAggregate { local, first }))
    }

    pub(crate) fn member(&mut self, context: &Context, entry: &Entry) -> Children {
        let Some(&Frame::Aggregate(open)) = self.parent() else { return Children::None };
        let union = self.types.types[open.local as usize].kind == Some(Kind::Union);
        let placed = entry.has(Attr::MemberLocation) || entry.has(Attr::DataBitOffset);
        if !placed && !union && (entry.has(Attr::External) || entry.has(Attr::Declaration)) {
            // A static member of C++ is a variable: it takes no room in the aggregate.
            return Children::None;
        }
        let bytes = if entry.has(Attr::MemberLocation) { self.member_location(context, entry) } else { Some(0) };
        let Some(bytes) = bytes else {
            let message = "a member is left out: its location is no constant".to_owned();
            self.diagnose(context, entry.at, "member-location", message);
            return Children::None;
        };
        let width = entry.number(Attr::BitSize).unwrap_or(0);
        let bits = entry.number(Attr::DataBitOffset).unwrap_or(bytes.saturating_mul(8));
        if width > 255 {
            let message = format!("a bitfield of {width} bits is left out: BTF has room for 255");
            self.diagnose(context, entry.at, "bitfield-size", message);
            return Children::None;
        }
        if bits > u32::MAX as u64 {
            self.too_large.push(open.local);
            return Children::None;
        }
        let member = self.pending().len() as u32 - open.first;
        if width != 0 && !entry.has(Attr::DataBitOffset) {
            self.old_bitfields.push(OldBitfield {
                aggregate: open.local,
                member,
                storage_size: entry.number(Attr::ByteSize).unwrap_or(0),
                bit_offset: entry.number(Attr::BitOffset).unwrap_or(0),
            });
        }
        let name = self.name(context, entry, Attr::Name);
        let ty = self.reference(context, entry, Attr::Type);
        self.pending().push(LocalMember { name, value: bits | width << WIDTH_SHIFT, ty });
        self.alignment(open.local, entry);
        let carrier = Carrier::Type(open.local, member as i32);
        self.gnu_chain(context, entry, carrier);
        Children::Frame(Frame::Annotated(carrier))
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

    fn enumeration(&mut self, context: &Context, entry: &Entry, offset: u32) -> Children {
        if entry.has(Attr::Signature) {
            let target = self.reference(context, entry, Attr::Signature);
            return self.hole(offset, target);
        }
        let name = self.name(context, entry, Attr::Name);
        let size = match entry.number(Attr::ByteSize).unwrap_or(0) {
            0 => 4,
            size @ (1 | 2 | 4 | 8) => size as u32,
            size => {
                let message = format!("an enum of {size} bytes is described as one of 8");
                self.diagnose(context, entry.at, "enum-size", message);
                8
            }
        };
        let wide = size > 4 && self.settings.enum64;
        let kind = if wide { Kind::Enum64 } else { Kind::Enum };
        let local = self.push_type(offset, LocalType { kind: Some(kind), name, size, ..LocalType::default() });
        if wide {
            // Its underlying type says whether it is signed.
            let of = self.reference(context, entry, Attr::Type);
            self.wide_enums.push((local, of));
        }
        let first = self.pending().len() as u32;
        Children::Frame(Frame::Enumeration { local, first })
    }

    pub(crate) fn enumerator(&mut self, context: &Context, entry: &Entry) -> Children {
        if !matches!(self.parent(), Some(Frame::Enumeration { .. })) {
            return Children::None;
        }
        let name = self.name(context, entry, Attr::Name);
        if name.is_none() {
            self.diagnose(
                context,
                entry.at,
                "unnamed-enumerator",
                "an enumerator without a name is left out".to_owned(),
            );
            return Children::None;
        }
        let value = entry.number(Attr::ConstValue).unwrap_or(0);
        self.pending().push(LocalMember { name, value, ty: NOTHING });
        Children::None
    }

    pub(crate) fn close_enumeration(&mut self, local: Local, first: u32) {
        self.take_pending(local, first);
        let t = self.types.types[local as usize];
        if t.kind == Some(Kind::Enum) {
            let values = &mut self.types.members[t.first as usize..][..t.count as usize];
            let signed = values.iter().any(|m| (m.value as i64) < 0);
            let lost = values.iter().any(|m| i32::try_from(m.value as i64).is_err() && u32::try_from(m.value).is_err());
            values.iter_mut().for_each(|m| m.value &= 0xffff_ffff);
            self.types.types[local as usize].flag = signed && self.settings.enum64;
            if lost && t.size <= 4 {
                let message = "values of an enum are cut to 32 bits".to_owned();
                self.diagnose_type(t.at, "enum-value", message);
            }
        }
        self.types.order.push(local);
    }

    pub(crate) fn dimension(&mut self, entry: &Entry) {
        // A bound that is no constant (a variable-length array) or that is missing gives 0, as a flexible array has.
        let count = match (entry.has(Attr::UpperBound), entry.number(Attr::UpperBound)) {
            (true, bound) => bound.map_or(0, |bound| bound.wrapping_add(1)),
            (false, _) => entry.number(Attr::Count).unwrap_or(0),
        };
        if let Some(Frame::Array { elements, .. }) = self.parent_mut() {
            *elements = elements.wrapping_mul(count as u32);
        }
    }

    pub(crate) fn close_array(&mut self, local: Local, elements: u32) {
        self.types.types[local as usize].size = elements;
        self.types.order.push(local);
    }

    /// A parameter of a subroutine type.
    pub(crate) fn prototype_parameter(&mut self, context: &Context, entry: &Entry) {
        let name = self.name(context, entry, Attr::Name);
        let ty = self.reference(context, entry, Attr::Type);
        self.pending().push(LocalMember { name, value: 0, ty });
    }

    pub(crate) fn close_prototype(&mut self, local: Local, first: u32) {
        self.take_pending(local, first);
        self.types.order.push(local);
    }

    pub(crate) fn close_aggregate(&mut self, open: OpenAggregate) {
        self.take_pending(open.local, open.first);
        self.types.order.push(open.local);
    }

    /// Makes what is pending the members of a type.
    fn take_pending(&mut self, local: Local, from: u32) {
        let first = self.types.members.len() as u32;
        let mut pending = std::mem::take(self.pending());
        self.types.members.extend_from_slice(&pending[from as usize..]);
        pending.truncate(from as usize);
        *self.pending() = pending;
        let t = &mut self.types.types[local as usize];
        (t.first, t.count) = (first, self.types.members.len() as u32 - first);
    }
}

pub(crate) fn integer(name: Name, size: u64, encoding: u32) -> LocalType {
    let (name, size) = if matches!(size, 1 | 2 | 4 | 8 | 16) { (name, size as u32) } else { (literal(FAKE_INT), 4) };
    LocalType { kind: Some(Kind::Int), name, size, word: encoding | (size * 8), ..LocalType::default() }
}
