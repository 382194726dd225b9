//! Reading one entry by its plan.

use crate::error::Fault;
use crate::plan::{ATTRS, Attr, Encoding, Op, Plan, Steps};
use crate::relocations::Relocations;
use crate::sections::Bytes;
use gimli::{DwForm, constants as dw};

/// What a form says, without following it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Class {
    /// Of a form that says nothing here.
    #[default]
    Other,
    /// Unsigned, or signed as two's complement.
    Constant,
    Flag,
    Address,
    AddressIndex,
    /// `.debug_str`, `.debug_line_str`, the entry itself, or an index into `.debug_str_offsets`.
    Str,
    LineStr,
    InlineStr,
    StrIndex,
    /// Expression or block: offset of its first byte in the unit's section.
    Block,
    /// Offset into a section of lists.
    SecOffset,
    ListIndex,
    /// From the start of the unit, from the start of `.debug_info`, and by signature.
    UnitRef,
    InfoRef,
    Signature,
}

/// The attributes that were read of one entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// Offset in the unit's section.
    pub at: usize,
    present: u32,
    values: [u64; ATTRS],
    lengths: [u32; ATTRS],
    classes: [Class; ATTRS],
}

impl Entry {
    pub fn new() -> Entry {
        Entry { at: 0, present: 0, values: [0; ATTRS], lengths: [0; ATTRS], classes: [Class::Other; ATTRS] }
    }

    #[inline]
    pub fn has(&self, attr: Attr) -> bool {
        self.present & 1 << attr as u32 != 0
    }

    #[inline]
    pub fn get(&self, attr: Attr) -> Option<(Class, u64)> {
        self.has(attr).then(|| (self.classes[attr as usize], self.values[attr as usize]))
    }

    /// Offset and length of an expression or block.
    pub fn block(&self, attr: Attr) -> Option<(usize, usize)> {
        match self.get(attr)? {
            (Class::Block, at) => Some((at as usize, self.lengths[attr as usize] as usize)),
            _ => None,
        }
    }

    /// A number in a form that states it (flags count as numbers).
    #[inline]
    pub fn number(&self, attr: Attr) -> Option<u64> {
        match self.get(attr)? {
            (Class::Constant | Class::Flag | Class::Address, value) => Some(value),
            _ => None,
        }
    }

    pub fn flag(&self, attr: Attr) -> bool {
        self.number(attr).is_some_and(|v| v != 0)
    }
}

/// Position in a unit's section, with what is needed to read entries there.
pub(crate) struct Cursor<'a> {
    pub bytes: Bytes<'a>,
    pub at: usize,
    pub end: usize,
    pub relocations: Option<Box<Relocations<'a>>>,
}

impl<'a> Cursor<'a> {
    /// A number that relocations may apply to.
    #[inline]
    pub fn relocated(&mut self, size: u8) -> Result<u64, Fault> {
        let raw = self.bytes.sized(self.at, size)?;
        let at = self.at as u64;
        self.at += size as usize;
        match &mut self.relocations {
            None => Ok(raw),
            Some(relocations) => relocations.value(at, size, raw),
        }
    }

    /// The same for a name's offset of 4 bytes.
    #[inline]
    fn name(&mut self) -> Result<u64, Fault> {
        let (at, raw) = (self.at as u64, self.constant(4)?);
        match &mut self.relocations {
            None => Ok(raw),
            Some(relocations) => relocations.name(at, raw),
        }
    }

    #[inline]
    pub fn advance(&mut self, bytes: usize) -> Result<(), Fault> {
        self.at = self.at.checked_add(bytes).filter(|&at| at <= self.end).ok_or(Fault::End)?;
        Ok(())
    }

    /// Reads what the plan wants; the cursor ends behind the entry.
    #[inline]
    pub fn read(&mut self, plan: &Plan, encoding: Encoding, entry: &mut Entry) -> Result<(), Fault> {
        self.read_steps(&plan.read, encoding, entry)
    }

    pub fn read_steps(&mut self, steps: &Steps, encoding: Encoding, entry: &mut Entry) -> Result<(), Fault> {
        entry.present = 0;
        for step in &steps.steps {
            self.advance(step.skip as usize)?;
            if step.attr == Attr::Skip {
                self.skip_form(step.form, encoding)?;
                continue;
            }
            let slot = step.attr as usize;
            // Of two attributes of one name the last counts; compilers write one.
            entry.present |= 1 << slot;
            let (class, value) = match step.op {
                Op::Strp4 => (Class::Str, self.name()?),
                Op::String => {
                    let at = self.at as u64;
                    self.bytes.skip_string(&mut self.at)?;
                    (Class::InlineStr, at)
                }
                Op::Ref4 => (Class::UnitRef, self.constant(4)?),
                Op::RefAddr4 => (Class::InfoRef, self.relocated(4)?),
                Op::Strx(size) => (Class::StrIndex, self.constant(size)?),
                Op::Data1 => (Class::Constant, self.constant(1)?),
                Op::Data2 => (Class::Constant, self.constant(2)?),
                Op::Implicit => (Class::Constant, step.implicit as u64),
                Op::Present => (Class::Flag, 1),
                Op::Udata => (Class::Constant, self.bytes.uleb(&mut self.at)?),
                Op::Sdata => (Class::Constant, self.bytes.sleb(&mut self.at)? as u64),
                Op::Exprloc => {
                    let length = self.bytes.uleb(&mut self.at)?;
                    let (class, at, length) = self.block(length)?;
                    entry.lengths[slot] = length;
                    (class, at)
                }
                Op::Form => {
                    let (class, value, length) = self.form(step.form, step.implicit, encoding)?;
                    entry.lengths[slot] = length;
                    (class, value)
                }
            };
            entry.values[slot] = value;
            entry.classes[slot] = class;
        }
        self.advance(steps.tail as usize)
    }

    #[inline]
    pub fn skip(&mut self, steps: &Steps, encoding: Encoding) -> Result<(), Fault> {
        for step in &steps.steps {
            self.advance(step.skip as usize)?;
            self.skip_form(step.form, encoding)?;
        }
        self.advance(steps.tail as usize)
    }

    #[inline]
    pub fn constant(&mut self, size: u8) -> Result<u64, Fault> {
        let value = self.bytes.sized(self.at, size)?;
        self.at += size as usize;
        Ok(value)
    }

    fn form(&mut self, form: DwForm, implicit: i64, encoding: Encoding) -> Result<(Class, u64, u32), Fault> {
        let offset_size = encoding.offset_size;
        let plain = |class, value| Ok((class, value, 0));
        match form {
            dw::DW_FORM_strp => plain(Class::Str, self.relocated(offset_size)?),
            dw::DW_FORM_ref4 => plain(Class::UnitRef, self.constant(4)?),
            dw::DW_FORM_data1 => plain(Class::Constant, self.constant(1)?),
            dw::DW_FORM_data2 => plain(Class::Constant, self.constant(2)?),
            dw::DW_FORM_data4 => plain(Class::Constant, self.relocated(4)?),
            dw::DW_FORM_data8 => plain(Class::Constant, self.relocated(8)?),
            dw::DW_FORM_udata => plain(Class::Constant, self.bytes.uleb(&mut self.at)?),
            dw::DW_FORM_sdata => plain(Class::Constant, self.bytes.sleb(&mut self.at)? as u64),
            dw::DW_FORM_implicit_const => plain(Class::Constant, implicit as u64),
            dw::DW_FORM_flag_present => plain(Class::Flag, 1),
            dw::DW_FORM_flag => plain(Class::Flag, self.constant(1)?),
            dw::DW_FORM_addr => plain(Class::Address, self.relocated(encoding.address_size)?),
            dw::DW_FORM_string => {
                let at = self.at as u64;
                self.bytes.string(&mut self.at)?;
                plain(Class::InlineStr, at)
            }
            dw::DW_FORM_line_strp => plain(Class::LineStr, self.relocated(offset_size)?),
            dw::DW_FORM_strx | dw::DW_FORM_GNU_str_index => plain(Class::StrIndex, self.bytes.uleb(&mut self.at)?),
            dw::DW_FORM_strx1 => plain(Class::StrIndex, self.constant(1)?),
            dw::DW_FORM_strx2 => plain(Class::StrIndex, self.constant(2)?),
            dw::DW_FORM_strx3 => plain(Class::StrIndex, self.constant(3)?),
            dw::DW_FORM_strx4 => plain(Class::StrIndex, self.constant(4)?),
            dw::DW_FORM_addrx | dw::DW_FORM_GNU_addr_index => {
                plain(Class::AddressIndex, self.bytes.uleb(&mut self.at)?)
            }
            dw::DW_FORM_addrx1 => plain(Class::AddressIndex, self.constant(1)?),
            dw::DW_FORM_addrx2 => plain(Class::AddressIndex, self.constant(2)?),
            dw::DW_FORM_addrx3 => plain(Class::AddressIndex, self.constant(3)?),
            dw::DW_FORM_addrx4 => plain(Class::AddressIndex, self.constant(4)?),
            dw::DW_FORM_ref1 => plain(Class::UnitRef, self.constant(1)?),
            dw::DW_FORM_ref2 => plain(Class::UnitRef, self.constant(2)?),
            dw::DW_FORM_ref8 => plain(Class::UnitRef, self.constant(8)?),
            dw::DW_FORM_ref_udata => plain(Class::UnitRef, self.bytes.uleb(&mut self.at)?),
            dw::DW_FORM_ref_addr => {
                let size = if encoding.version <= 2 { encoding.address_size } else { offset_size };
                plain(Class::InfoRef, self.relocated(size)?)
            }
            dw::DW_FORM_ref_sig8 => plain(Class::Signature, self.constant(8)?),
            dw::DW_FORM_sec_offset => plain(Class::SecOffset, self.relocated(offset_size)?),
            dw::DW_FORM_loclistx | dw::DW_FORM_rnglistx => plain(Class::ListIndex, self.bytes.uleb(&mut self.at)?),
            dw::DW_FORM_exprloc | dw::DW_FORM_block => {
                let length = self.bytes.uleb(&mut self.at)?;
                self.block(length)
            }
            dw::DW_FORM_block1 => {
                let length = self.constant(1)?;
                self.block(length)
            }
            dw::DW_FORM_block2 => {
                let length = self.constant(2)?;
                self.block(length)
            }
            dw::DW_FORM_block4 => {
                let length = self.constant(4)?;
                self.block(length)
            }
            dw::DW_FORM_indirect => {
                let form = DwForm(self.bytes.uleb(&mut self.at)?.try_into().unwrap_or(u16::MAX));
                // An indirect form may not name itself, nor a value that only an abbreviation has.
                if matches!(form, dw::DW_FORM_indirect | dw::DW_FORM_implicit_const) {
                    return Err(Fault::Form(form.0 as u64));
                }
                self.form(form, 0, encoding)
            }
            _ => {
                self.skip_form(form, encoding)?;
                plain(Class::Other, 0)
            }
        }
    }

    fn block(&mut self, length: u64) -> Result<(Class, u64, u32), Fault> {
        let at = self.at as u64;
        self.advance(usize::try_from(length).map_err(|_| Fault::End)?)?;
        Ok((Class::Block, at, u32::try_from(length).map_err(|_| Fault::End)?))
    }

    fn skip_form(&mut self, form: DwForm, encoding: Encoding) -> Result<(), Fault> {
        match form {
            dw::DW_FORM_string => self.bytes.skip_string(&mut self.at)?,
            dw::DW_FORM_udata
            | dw::DW_FORM_sdata
            | dw::DW_FORM_ref_udata
            | dw::DW_FORM_strx
            | dw::DW_FORM_addrx
            | dw::DW_FORM_loclistx
            | dw::DW_FORM_rnglistx
            | dw::DW_FORM_GNU_addr_index
            | dw::DW_FORM_GNU_str_index => self.bytes.skip_leb(&mut self.at)?,
            dw::DW_FORM_data16 => self.advance(16)?,
            dw::DW_FORM_ref_sup4 => self.advance(4)?,
            dw::DW_FORM_ref_sup8 => self.advance(8)?,
            dw::DW_FORM_strp_sup | dw::DW_FORM_GNU_ref_alt | dw::DW_FORM_GNU_strp_alt => {
                self.advance(encoding.offset_size as usize)?
            }
            dw::DW_FORM_exprloc
            | dw::DW_FORM_block
            | dw::DW_FORM_block1
            | dw::DW_FORM_block2
            | dw::DW_FORM_block4
            | dw::DW_FORM_indirect => {
                self.form(form, 0, encoding)?;
            }
            _ => return Err(Fault::Form(form.0 as u64)),
        }
        Ok(())
    }
}
