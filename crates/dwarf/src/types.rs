//! From the entries of types to BTF kinds, one rule for each tag.

use crate::entry::Entry;
use crate::lower::{Carrier, Children, Context, Frame, Hole, Lowering, NOTHING};
use crate::members::{OpenAggregate, OpenEnumeration, OpenPrototype};
use crate::names::{FAKE_INT, INT, literal};
use crate::plan::Attr;
use btfkit_btf::Kind;
use btfkit_btf::unit::{ARRAY_INDEX, Local, LocalType, Name};
use gimli::{DwTag, constants as dw};

/// Bits of an integer's data word: the encoding's position.
const ENCODING_SHIFT: u32 = 24;
pub(crate) const SIGNED: u32 = 1 << ENCODING_SHIFT;
const BOOL: u32 = 4 << ENCODING_SHIFT;

impl Lowering<'_> {
    /// Notes a type that takes the next id.
    pub(crate) fn push_type(&mut self, offset: u32, ty: LocalType) -> Local {
        self.index.mark(offset);
        let local = self.types.types.len() as Local;
        self.types.types.push(LocalType { at: offset, ..ty });
        local
    }

    /// An entry that other entries may refer to as a type, and that stands for another type (or void).
    pub(crate) fn hole(&mut self, offset: u32, target: u32) -> Children {
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
                let target = target(self);
                Children::Frame(self.open_array(offset, target))
            }
            dw::DW_TAG_subroutine_type => {
                let target = target(self);
                Children::Frame(self.open_prototype(offset, target))
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

    pub(crate) fn alignment(&mut self, local: Local, entry: &Entry) {
        if let Some(alignment) = entry.number(Attr::Alignment) {
            self.alignments.push((local, alignment));
        }
    }

    fn base_type(&mut self, context: &Context, entry: &Entry) -> LocalType {
        let name = self.name_by_bytes(context, entry, Attr::Name);
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
            return Children::Frame(self.declared_aggregate(offset, kind, name));
        }
        let size = entry.number(Attr::ByteSize).unwrap_or(0) as u32;
        let frame = self.open_aggregate(offset, kind, name, size);
        let local = self.types.types.len() as Local - 1;
        if copies {
            let from = self.reference(context, entry, Attr::Specification);
            self.copied_names.push((local, from));
        }
        self.alignment(local, entry);
        if kind == Kind::Struct {
            self.gnu_chain(context, entry, Carrier::Type(local, -1));
        }
        Children::Frame(frame)
    }

    pub(crate) fn open_aggregate(&mut self, offset: u32, kind: Kind, name: Name, size: u32) -> Frame {
        let local = self.push_type(offset, LocalType { kind: Some(kind), name, size, ..LocalType::default() });
        self.aggregates.push(OpenAggregate::new(local, self.pending.len() as u32, kind == Kind::Union));
        Frame::Aggregate
    }

    /// A declaration; in C++ it may have members of its own, which are types.
    pub(crate) fn declared_aggregate(&mut self, offset: u32, kind: Kind, name: Name) -> Frame {
        if name.is_none() {
            self.hole(offset, NOTHING);
            return Frame::Ignored;
        }
        let ty = LocalType { kind: Some(Kind::Fwd), name, flag: kind == Kind::Union, ..LocalType::default() };
        let local = self.push_type(offset, ty);
        self.types.order.push(local);
        Frame::Scope { global: false }
    }

    pub(crate) fn open_array(&mut self, offset: u32, target: u32) -> Frame {
        self.has_array = true;
        let first = self.types.references.len() as u32;
        self.types.references.push(ARRAY_INDEX);
        let ty = LocalType { kind: Some(Kind::Array), target, first, count: 1, ..LocalType::default() };
        let local = self.push_type(offset, ty);
        if target == NOTHING {
            self.care.push(local);
        }
        Frame::Array { local, elements: 1 }
    }

    pub(crate) fn open_prototype(&mut self, offset: u32, target: u32) -> Frame {
        let local = self.push_type(offset, LocalType { kind: Some(Kind::FuncProto), target, ..LocalType::default() });
        self.prototypes.push(OpenPrototype::new(local, self.pending.len() as u32));
        Frame::Prototype
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
        self.enumerations.push(OpenEnumeration::new(local, wide));
        Children::Frame(Frame::Enumeration)
    }

    pub(crate) fn dimension(&mut self, entry: &Entry) {
        // A bound that is no constant (a variable-length array) or that is missing gives 0, as a flexible array has.
        let count = match (entry.has(Attr::UpperBound), entry.number(Attr::UpperBound)) {
            (true, bound) => bound.map_or(0, |bound| bound.wrapping_add(1)),
            (false, _) => entry.number(Attr::Count).unwrap_or(0),
        };
        self.add_dimension(count);
    }

    pub(crate) fn add_dimension(&mut self, count: u64) {
        if let Some(Frame::Array { elements, .. }) = self.stack.last_mut() {
            *elements = elements.wrapping_mul(count as u32);
        }
    }

    pub(crate) fn close_array(&mut self, local: Local, elements: u32) {
        self.types.types[local as usize].size = elements;
        self.types.order.push(local);
    }
}

pub(crate) fn integer(name: Name, size: u64, encoding: u32) -> LocalType {
    let (name, size) = if matches!(size, 1 | 2 | 4 | 8 | 16) { (name, size as u32) } else { (literal(FAKE_INT), 4) };
    LocalType { kind: Some(Kind::Int), name, size, word: encoding | (size * 8), ..LocalType::default() }
}
