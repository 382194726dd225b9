//! Plans: an abbreviation turned into the steps that read an entry of it.
//!
//! An abbreviation lists attributes and their forms. Few attributes matter here, and most forms have a fixed size, so a
//! plan is: skip so many bytes, read this form as that attribute, skip, read … and skip the rest. Entries that do not
//! matter where they stand (variables of function bodies) have a second list of steps in which nothing is read.

use crate::common::Common;
use crate::common_members::MemberForm;
use crate::entry::Cursor;
use crate::error::Fault;
use crate::layout::Layout;
use crate::sections::Bytes;
use gimli::{DwAt, DwForm, DwTag, constants as dw};

/// The attributes that are read, as indices of [`crate::entry::Entry`]'s slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Attr {
    Name,
    Type,
    ByteSize,
    BitSize,
    BitOffset,
    DataBitOffset,
    MemberLocation,
    Encoding,
    UpperBound,
    Count,
    Declaration,
    External,
    ConstValue,
    Origin,
    Specification,
    LowPc,
    Location,
    Inline,
    CallingConvention,
    Artificial,
    Signature,
    Alignment,
    GnuAnnotation,
    Language,
    Producer,
    StrOffsetsBase,
    AddrBase,
    LoclistsBase,
    Import,
    /// Nothing is read; the form has no fixed size.
    Skip,
}

/// The attributes by which lowering gets from one entry to another.
pub(crate) const FOLLOWED: [Attr; 5] =
    [Attr::Type, Attr::Origin, Attr::Specification, Attr::Signature, Attr::GnuAnnotation];

pub(crate) const ATTRS: usize = Attr::Skip as usize;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    /// Bytes before the attribute.
    pub skip: u32,
    pub attr: Attr,
    pub op: Op,
    pub form: DwForm,
    /// Value of DW_FORM_implicit_const.
    pub implicit: i64,
}

/// How a form is read: the sizes that the unit decides are decided here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    /// `.debug_str` offset of 4 bytes.
    Strp4,
    /// The string itself.
    String,
    Ref4,
    /// `.debug_info` offset of 4 bytes.
    RefAddr4,
    /// Index into `.debug_str_offsets`, of 1, 2, 3 or 4 bytes.
    Strx(u8),
    Data1,
    Data2,
    Implicit,
    Present,
    Udata,
    Sdata,
    Exprloc,
    /// Any other form.
    Form,
}

/// What entries of a tag are to the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Member,
    Enumerator,
    Parameter,
    Dots,
    Subrange,
    Function,
    Variable,
    /// Holds what a function's body holds.
    Block,
    Scope,
    Annotation,
    GnuAnnotation,
    Type,
    /// Neither it nor what is in it says anything.
    Nothing,
}

/// A run of steps and the bytes that follow the last one.
#[derive(Debug)]
pub(crate) struct Steps {
    pub steps: Box<[Step]>,
    pub tail: u32,
}

#[derive(Debug)]
pub(crate) struct Plan {
    /// How to read it in one step.
    pub layout: Option<Layout>,
    pub common: Option<Common>,
    pub member: Option<MemberForm>,
    pub tag: DwTag,
    pub role: Role,
    pub children: bool,
    /// The bytes that an entry has behind its code, where they are always as many.
    pub length: Option<u16>,
    pub read: Steps,
    pub skip: Steps,
    /// Reads nothing but the references that may lead to other units, where there are any.
    pub links: Option<Steps>,
    /// Where these stand, from the first attribute, if all are 4 bytes at constant distances, counted from the start of
    /// `.debug_info`.
    pub far: Option<Box<[u16]>>,
    /// Where the offset of the next sibling stands, from the first attribute.
    sibling: Option<u32>,
    /// Where the name stands, from the first attribute, if that is an offset of 4 bytes and the first that is read.
    pub name_at: Option<u32>,
}

/// What the sizes of forms depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Encoding {
    pub version: u16,
    pub address_size: u8,
    /// 4, or 8 in DWARF64.
    pub offset_size: u8,
}

impl Plan {
    /// From a declaration without its code, as `.debug_abbrev` has it.
    pub fn parse(declaration: Bytes<'_>, encoding: Encoding) -> Option<Plan> {
        let mut at = 0;
        let tag = DwTag(u16::try_from(declaration.uleb(&mut at).ok()?).ok()?);
        let children = declaration.u8(at).ok()? != 0;
        at += 1;
        let mut specs: Vec<(DwAt, DwForm, i64)> = Vec::new();
        loop {
            let name = declaration.uleb(&mut at).ok()?;
            let form = declaration.uleb(&mut at).ok()?;
            if name == 0 && form == 0 {
                break;
            }
            let form = DwForm(u16::try_from(form).ok()?);
            let implicit = if form == dw::DW_FORM_implicit_const { declaration.sleb(&mut at).ok()? } else { 0 };
            specs.push((DwAt(u16::try_from(name).unwrap_or(u16::MAX)), form, implicit));
        }
        let wanted = wanted(tag);
        let read = compile(&specs, encoding, |at, _| wanted.contains(&at));
        let skip = compile(&specs, encoding, |_, _| false);
        let leads_out = |at, form| matches!(form, dw::DW_FORM_ref_addr | dw::DW_FORM_ref_sig8) && wanted.contains(&at);
        let links = specs.iter().any(|&(at, form, _)| leads_out(at, form));
        let links = links.then(|| compile(&specs, encoding, leads_out));
        let far = links.as_ref().and_then(far);
        let role = role(tag);
        let layout = Layout::of(tag, role, children, &read);
        let common = match role {
            Role::Dots if !children && skip.steps.is_empty() => Common::dots(skip.tail),
            _ => layout.as_ref().and_then(|layout| Common::of(layout, children)),
        };
        let member = layout.as_ref().and_then(|layout| MemberForm::of(layout, declaration.big));
        let sibling = sibling(&specs, encoding).filter(|_| children);
        let length = if skip.steps.is_empty() { u16::try_from(skip.tail).ok() } else { None };
        let named = read.steps.first().filter(|step| (step.attr, step.op) == (Attr::Name, Op::Strp4));
        let name_at = named.map(|step| step.skip);
        Some(Plan { tag, role, layout, common, member, children, length, read, skip, links, far, sibling, name_at })
    }

    /// The cursor ends behind the entry, of which nothing is read.
    #[inline(always)]
    pub fn pass(&self, cursor: &mut Cursor<'_>, encoding: Encoding) -> Result<(), Fault> {
        match self.length {
            Some(length) => cursor.advance(length as usize),
            None => cursor.skip(&self.skip, encoding),
        }
    }

    /// Where the entry that follows the children starts, if the one at the cursor says so (from the start of the unit).
    /// Only what is ahead counts, so that a walk that believes it comes to an end.
    #[inline]
    pub fn behind_children(&self, cursor: &Cursor<'_>, unit: usize) -> Option<usize> {
        let at = cursor.at.checked_add(self.sibling? as usize)?;
        let next = unit.checked_add(cursor.bytes.u32(at).ok()? as usize)?;
        (at < next && next < cursor.end).then_some(next)
    }
}

/// See [`Plan::far`].
fn far(links: &Steps) -> Option<Box<[u16]>> {
    let mut at = 0u32;
    let distance = |step: &Step| {
        let here = at.checked_add(step.skip)?;
        at = here.checked_add(4)?;
        let followed = FOLLOWED.contains(&step.attr) && step.op == Op::RefAddr4;
        u16::try_from(here).ok().filter(|_| followed)
    };
    links.steps.iter().map(distance).collect()
}

/// Where the offset of the next sibling stands, if that is always at the same distance.
fn sibling(specs: &[(DwAt, DwForm, i64)], encoding: Encoding) -> Option<u32> {
    let mut at = 0u32;
    for &(name, form, _) in specs {
        if (name, form) == (dw::DW_AT_sibling, dw::DW_FORM_ref4) {
            return Some(at);
        }
        at = at.checked_add(fixed_size(form, encoding)? as u32)?;
    }
    None
}

fn compile(specs: &[(DwAt, DwForm, i64)], encoding: Encoding, wanted: impl Fn(DwAt, DwForm) -> bool) -> Steps {
    let mut steps = Vec::new();
    let mut skip = 0u32;
    for &(name, form, implicit) in specs {
        let attr = attr(name).filter(|_| wanted(name, form));
        match (attr, fixed_size(form, encoding)) {
            (None, Some(size)) => skip = skip.saturating_add(size as u32),
            (attr, _) => {
                let op = op(form, encoding);
                steps.push(Step { skip, attr: attr.unwrap_or(Attr::Skip), op, form, implicit });
                skip = 0;
            }
        }
    }
    Steps { steps: steps.into(), tail: skip }
}

fn op(form: DwForm, encoding: Encoding) -> Op {
    match form {
        dw::DW_FORM_strp if encoding.offset_size == 4 => Op::Strp4,
        dw::DW_FORM_string => Op::String,
        dw::DW_FORM_ref4 => Op::Ref4,
        dw::DW_FORM_ref_addr if encoding.version > 2 && encoding.offset_size == 4 => Op::RefAddr4,
        dw::DW_FORM_strx1 => Op::Strx(1),
        dw::DW_FORM_strx2 => Op::Strx(2),
        dw::DW_FORM_strx3 => Op::Strx(3),
        dw::DW_FORM_strx4 => Op::Strx(4),
        dw::DW_FORM_data1 => Op::Data1,
        dw::DW_FORM_data2 => Op::Data2,
        dw::DW_FORM_implicit_const => Op::Implicit,
        dw::DW_FORM_flag_present => Op::Present,
        dw::DW_FORM_udata => Op::Udata,
        dw::DW_FORM_sdata => Op::Sdata,
        dw::DW_FORM_exprloc => Op::Exprloc,
        _ => Op::Form,
    }
}

fn role(tag: DwTag) -> Role {
    match tag {
        dw::DW_TAG_member => Role::Member,
        dw::DW_TAG_enumerator => Role::Enumerator,
        dw::DW_TAG_formal_parameter => Role::Parameter,
        dw::DW_TAG_unspecified_parameters => Role::Dots,
        dw::DW_TAG_subrange_type => Role::Subrange,
        dw::DW_TAG_subprogram => Role::Function,
        dw::DW_TAG_variable => Role::Variable,
        dw::DW_TAG_lexical_block | dw::DW_TAG_try_block | dw::DW_TAG_catch_block => Role::Block,
        dw::DW_TAG_namespace | dw::DW_TAG_module => Role::Scope,
        DW_TAG_LLVM_ANNOTATION => Role::Annotation,
        DW_TAG_GNU_ANNOTATION => Role::GnuAnnotation,
        // What is declared in an inlined function is below its abstract instance.
        dw::DW_TAG_inlined_subroutine
        | dw::DW_TAG_label
        | dw::DW_TAG_call_site
        | dw::DW_TAG_call_site_parameter
        | dw::DW_TAG_GNU_call_site
        | dw::DW_TAG_GNU_call_site_parameter
        | dw::DW_TAG_inheritance
        | dw::DW_TAG_imported_declaration
        | dw::DW_TAG_imported_module
        | dw::DW_TAG_imported_unit
        | dw::DW_TAG_constant
        | dw::DW_TAG_dwarf_procedure
        | dw::DW_TAG_template_type_parameter
        | dw::DW_TAG_template_value_parameter => Role::Nothing,
        _ => Role::Type,
    }
}

/// Bytes that a form takes, where they are always as many.
fn fixed_size(form: DwForm, encoding: Encoding) -> Option<u8> {
    Some(match form {
        dw::DW_FORM_flag_present | dw::DW_FORM_implicit_const => 0,
        dw::DW_FORM_data1 | dw::DW_FORM_ref1 | dw::DW_FORM_flag | dw::DW_FORM_strx1 | dw::DW_FORM_addrx1 => 1,
        dw::DW_FORM_data2 | dw::DW_FORM_ref2 | dw::DW_FORM_strx2 | dw::DW_FORM_addrx2 => 2,
        dw::DW_FORM_strx3 | dw::DW_FORM_addrx3 => 3,
        dw::DW_FORM_data4 | dw::DW_FORM_ref4 | dw::DW_FORM_strx4 | dw::DW_FORM_addrx4 | dw::DW_FORM_ref_sup4 => 4,
        dw::DW_FORM_data8 | dw::DW_FORM_ref8 | dw::DW_FORM_ref_sig8 | dw::DW_FORM_ref_sup8 => 8,
        dw::DW_FORM_data16 => 16,
        dw::DW_FORM_addr => encoding.address_size,
        dw::DW_FORM_ref_addr if encoding.version <= 2 => encoding.address_size,
        dw::DW_FORM_ref_addr
        | dw::DW_FORM_strp
        | dw::DW_FORM_line_strp
        | dw::DW_FORM_sec_offset
        | dw::DW_FORM_strp_sup
        | dw::DW_FORM_GNU_ref_alt
        | dw::DW_FORM_GNU_strp_alt => encoding.offset_size,
        _ => return None,
    })
}

fn attr(name: DwAt) -> Option<Attr> {
    Some(match name {
        dw::DW_AT_name => Attr::Name,
        dw::DW_AT_type => Attr::Type,
        dw::DW_AT_byte_size => Attr::ByteSize,
        dw::DW_AT_bit_size => Attr::BitSize,
        dw::DW_AT_bit_offset => Attr::BitOffset,
        dw::DW_AT_data_bit_offset => Attr::DataBitOffset,
        dw::DW_AT_data_member_location => Attr::MemberLocation,
        dw::DW_AT_encoding => Attr::Encoding,
        dw::DW_AT_upper_bound => Attr::UpperBound,
        dw::DW_AT_count => Attr::Count,
        dw::DW_AT_declaration => Attr::Declaration,
        dw::DW_AT_external => Attr::External,
        dw::DW_AT_const_value => Attr::ConstValue,
        dw::DW_AT_abstract_origin => Attr::Origin,
        dw::DW_AT_specification => Attr::Specification,
        dw::DW_AT_low_pc => Attr::LowPc,
        dw::DW_AT_location => Attr::Location,
        dw::DW_AT_inline => Attr::Inline,
        dw::DW_AT_calling_convention => Attr::CallingConvention,
        dw::DW_AT_artificial => Attr::Artificial,
        dw::DW_AT_signature => Attr::Signature,
        dw::DW_AT_alignment => Attr::Alignment,
        DW_AT_GNU_ANNOTATION => Attr::GnuAnnotation,
        dw::DW_AT_language => Attr::Language,
        dw::DW_AT_producer => Attr::Producer,
        dw::DW_AT_str_offsets_base => Attr::StrOffsetsBase,
        dw::DW_AT_addr_base | dw::DW_AT_GNU_addr_base => Attr::AddrBase,
        dw::DW_AT_loclists_base => Attr::LoclistsBase,
        dw::DW_AT_import => Attr::Import,
        _ => return None,
    })
}

/// GCC 16: the first of a chain of annotation entries.
pub(crate) const DW_AT_GNU_ANNOTATION: DwAt = DwAt(0x2139);
pub(crate) const DW_TAG_LLVM_ANNOTATION: DwTag = DwTag(0x6000);
pub(crate) const DW_TAG_GNU_ANNOTATION: DwTag = DwTag(0x6001);

/// What lowering reads of each tag.
fn wanted(tag: DwTag) -> &'static [DwAt] {
    match tag {
        dw::DW_TAG_compile_unit | dw::DW_TAG_partial_unit | dw::DW_TAG_type_unit | dw::DW_TAG_skeleton_unit => &[
            dw::DW_AT_name,
            dw::DW_AT_language,
            dw::DW_AT_producer,
            dw::DW_AT_str_offsets_base,
            dw::DW_AT_addr_base,
            dw::DW_AT_GNU_addr_base,
            dw::DW_AT_loclists_base,
        ],
        dw::DW_TAG_base_type => &[dw::DW_AT_name, dw::DW_AT_byte_size, dw::DW_AT_encoding],
        dw::DW_TAG_pointer_type => &[dw::DW_AT_type, DW_AT_GNU_ANNOTATION],
        dw::DW_TAG_const_type
        | dw::DW_TAG_volatile_type
        | dw::DW_TAG_restrict_type
        | dw::DW_TAG_atomic_type
        | dw::DW_TAG_reference_type
        | dw::DW_TAG_rvalue_reference_type
        | dw::DW_TAG_packed_type
        | dw::DW_TAG_shared_type
        | dw::DW_TAG_immutable_type => &[dw::DW_AT_type],
        dw::DW_TAG_ptr_to_member_type => &[dw::DW_AT_type, dw::DW_AT_byte_size],
        dw::DW_TAG_typedef => &[dw::DW_AT_name, dw::DW_AT_type, dw::DW_AT_alignment, DW_AT_GNU_ANNOTATION],
        dw::DW_TAG_structure_type | dw::DW_TAG_class_type | dw::DW_TAG_union_type => &[
            dw::DW_AT_name,
            dw::DW_AT_byte_size,
            dw::DW_AT_declaration,
            dw::DW_AT_specification,
            dw::DW_AT_signature,
            dw::DW_AT_alignment,
            DW_AT_GNU_ANNOTATION,
        ],
        dw::DW_TAG_member => &[
            dw::DW_AT_name,
            dw::DW_AT_type,
            dw::DW_AT_data_member_location,
            dw::DW_AT_data_bit_offset,
            dw::DW_AT_bit_offset,
            dw::DW_AT_bit_size,
            dw::DW_AT_byte_size,
            dw::DW_AT_alignment,
            dw::DW_AT_declaration,
            dw::DW_AT_external,
            DW_AT_GNU_ANNOTATION,
        ],
        dw::DW_TAG_enumeration_type => {
            &[dw::DW_AT_name, dw::DW_AT_byte_size, dw::DW_AT_type, dw::DW_AT_declaration, dw::DW_AT_signature]
        }
        dw::DW_TAG_enumerator => &[dw::DW_AT_name, dw::DW_AT_const_value],
        dw::DW_TAG_array_type => &[dw::DW_AT_type],
        dw::DW_TAG_subrange_type => &[dw::DW_AT_upper_bound, dw::DW_AT_count],
        dw::DW_TAG_subroutine_type => &[dw::DW_AT_type],
        dw::DW_TAG_formal_parameter => &[
            dw::DW_AT_name,
            dw::DW_AT_type,
            dw::DW_AT_location,
            dw::DW_AT_const_value,
            dw::DW_AT_abstract_origin,
            DW_AT_GNU_ANNOTATION,
        ],
        dw::DW_TAG_subprogram => &[
            dw::DW_AT_name,
            dw::DW_AT_type,
            dw::DW_AT_low_pc,
            dw::DW_AT_inline,
            dw::DW_AT_declaration,
            dw::DW_AT_abstract_origin,
            dw::DW_AT_specification,
            dw::DW_AT_calling_convention,
            DW_AT_GNU_ANNOTATION,
        ],
        dw::DW_TAG_variable => &[
            dw::DW_AT_name,
            dw::DW_AT_type,
            dw::DW_AT_location,
            dw::DW_AT_specification,
            dw::DW_AT_declaration,
            dw::DW_AT_external,
            dw::DW_AT_artificial,
            DW_AT_GNU_ANNOTATION,
        ],
        DW_TAG_LLVM_ANNOTATION | DW_TAG_GNU_ANNOTATION => {
            &[dw::DW_AT_name, dw::DW_AT_const_value, DW_AT_GNU_ANNOTATION]
        }
        _ => &[],
    }
}
