//! Where a parameter is when its function starts, as far as its location says.
//!
//! A location is one expression, or a list of them by address range. The first range of a list holds from the start of
//! the function; others tell at most that a value is still that of a register at entry.

use crate::entry::Class;
use crate::lower::{Context, Lowering};
use crate::plan::Encoding;
use crate::sections::{Bytes, ReadFault};
use gimli::{EndianSlice, Operation, RunTimeEndian, constants as dw};

/// What the location of a parameter says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// DWARF number of the register, of 0 to 31.
    pub register: Option<u8>,
    pub stack: bool,
    pub constant: bool,
    /// Byte offsets of the pieces that are somewhere: in the first register's share, and in the second's.
    pub first_pieces: u64,
    pub second_pieces: u64,
}

/// A step of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Register(u8),
    Based(u8),
    Frame,
    Constant,
    /// The register, if the value at entry is that of a single one.
    AtEntry(Option<u8>),
    StackValue,
    Piece(u64),
    Other,
}

/// Expressions longer than this say nothing that is looked for.
const MAX_OPS: usize = 64;

impl Place {
    /// Adds what the `nth` expression of a location says of a parameter of `size` bytes.
    fn add(&mut self, ops: &[Op], nth: usize, size: u64, address_size: u64, two_registers: bool) {
        let first = nth == 0;
        let Some(&last) = ops.last() else { return };
        let stack_value = last == Op::StackValue;
        let ops = if ops.len() == 2 && stack_value { &ops[..1] } else { ops };
        let is_in = |place: &mut Place, register| {
            place.register.get_or_insert(register);
        };
        match (ops, ops[0]) {
            ([_], Op::Register(n)) if first => is_in(self, n),
            ([_], Op::Based(n)) if first && stack_value => is_in(self, n),
            ([_], Op::Frame) if first => self.stack = true,
            (_, Op::Constant) => self.constant |= first,
            ([_], Op::AtEntry(Some(n))) => is_in(self, n),
            ([_], _) => {}
            _ if size <= address_size || !two_registers => match ops[0] {
                Op::Register(n) if first => is_in(self, n),
                Op::Based(n) if first && ops[1..].contains(&Op::StackValue) => is_in(self, n),
                _ => {}
            },
            _ => self.add_pieces(ops, address_size),
        }
    }

    /// An aggregate in pieces: which bytes of it are anywhere, and the register of the first.
    fn add_pieces(&mut self, ops: &[Op], address_size: u64) {
        let mut offset = 0u64;
        for (i, op) in ops.iter().enumerate() {
            match *op {
                // What comes first and without a place is not there.
                Op::Piece(bytes) if i == 0 => offset = bytes,
                Op::Piece(bytes) => {
                    let (pieces, at) = match offset.checked_sub(address_size) {
                        None => (&mut self.first_pieces, offset),
                        Some(at) => (&mut self.second_pieces, at),
                    };
                    if at < 64 {
                        *pieces |= 1 << at;
                    }
                    offset = offset.saturating_add(bytes);
                }
                Op::Register(n) => _ = self.register.get_or_insert(n),
                _ => {}
            }
        }
    }

    pub fn pieces(&self) -> bool {
        self.first_pieces != 0 || self.second_pieces != 0
    }

    pub fn whole_aggregate(&self) -> bool {
        self.first_pieces != 0 && self.second_pieces != 0
    }

    /// The offset in the aggregate of the only piece there is.
    pub fn only_piece(&self, address_size: u64) -> Option<u64> {
        match (self.first_pieces.count_ones(), self.second_pieces.count_ones()) {
            (1, 0) => Some(self.first_pieces.trailing_zeros() as u64),
            (0, 1) => Some(address_size + self.second_pieces.trailing_zeros() as u64),
            _ => None,
        }
    }
}

fn parse(expression: &[u8], big: bool, encoding: Encoding, ops: &mut Vec<Op>) -> Option<()> {
    ops.clear();
    let endian = if big { RunTimeEndian::Big } else { RunTimeEndian::Little };
    let format = if encoding.offset_size == 8 { gimli::Format::Dwarf64 } else { gimli::Format::Dwarf32 };
    let as_gimli = gimli::Encoding { address_size: encoding.address_size, format, version: encoding.version };
    let mut rest = EndianSlice::new(expression, endian);
    while !rest.slice().is_empty() && ops.len() < MAX_OPS {
        let code = gimli::DwOp(rest.slice()[0]);
        let operation = Operation::parse(&mut rest, as_gimli).ok()?;
        ops.push(match code {
            gimli::DwOp(n @ 0x50..=0x6f) => Op::Register(n - 0x50),
            gimli::DwOp(n @ 0x70..=0x8f) => Op::Based(n - 0x70),
            gimli::DwOp(0x30..=0x4f) | dw::DW_OP_constu | dw::DW_OP_consts => Op::Constant,
            dw::DW_OP_fbreg => Op::Frame,
            dw::DW_OP_stack_value => Op::StackValue,
            dw::DW_OP_entry_value | dw::DW_OP_GNU_entry_value => match operation {
                Operation::EntryValue { expression } => match expression.slice() {
                    [n @ 0x50..=0x6f] => Op::AtEntry(Some(n - 0x50)),
                    _ => Op::AtEntry(None),
                },
                _ => Op::AtEntry(None),
            },
            dw::DW_OP_piece => match operation {
                Operation::Piece { size_in_bits, .. } => Op::Piece(size_in_bits / 8),
                _ => Op::Other,
            },
            _ => Op::Other,
        });
    }
    Some(())
}

impl Lowering<'_> {
    /// What a location attribute says of a parameter of `size` bytes. What cannot be read says nothing.
    pub(crate) fn place(&mut self, context: &Context, class: Class, value: u64, length: u32, size: u64) -> Place {
        let encoding = context.unit.encoding;
        let (big, address_size) = (self.sections.big_endian, encoding.address_size as u64);
        let two_registers = self.settings.convention.two_registers;
        let mut place = Place::default();
        let (mut ops, mut nth) = (std::mem::take(&mut self.ops), 0);
        let mut add = |expression: &[u8]| {
            if parse(expression, big, encoding, &mut ops).is_none() {
                return false;
            }
            place.add(&ops, nth, size, address_size, two_registers);
            nth += 1;
            true
        };
        let bytes = self.section_bytes(context);
        // Before DWARF 4 the offset of a list looks like a number.
        let list = matches!(class, Class::SecOffset) || class == Class::Constant && encoding.version < 4;
        let _ = match class {
            Class::Block => {
                bytes.data.get(value as usize..value as usize + length as usize).map(&mut add);
                Ok(())
            }
            Class::ListIndex => self.listed(context, value).map_or(Ok(()), |at| self.new_list(encoding, at, &mut add)),
            _ if list && encoding.version >= 5 => self.new_list(encoding, value, &mut add),
            _ if list => self.old_list(encoding, value, &mut add),
            _ => Ok(()),
        };
        self.ops = ops;
        place
    }

    /// The offset in `.debug_loclists` of the unit's list of that number.
    fn listed(&self, context: &Context, number: u64) -> Option<u64> {
        let size = context.unit.encoding.offset_size;
        let bytes = Bytes::new(self.sections.loclists.data, self.sections.big_endian);
        let at = context.loclists_base.checked_add(number.checked_mul(size as u64)?)?;
        context.loclists_base.checked_add(bytes.sized(usize::try_from(at).ok()?, size).ok()?)
    }

    /// DWARF 5, section 7.7.3: entries say what they are.
    fn new_list(&self, encoding: Encoding, at: u64, add: &mut impl FnMut(&[u8]) -> bool) -> Result<(), ReadFault> {
        let bytes = Bytes::new(self.sections.loclists.data, self.sections.big_endian);
        let mut at = usize::try_from(at).map_err(|_| ReadFault::End)?;
        let address = encoding.address_size as usize;
        loop {
            let kind = gimli::DwLle(bytes.u8(at)?);
            at += 1;
            match kind {
                dw::DW_LLE_end_of_list => return Ok(()),
                dw::DW_LLE_base_addressx => bytes.skip_leb(&mut at)?,
                dw::DW_LLE_base_address => at += address,
                dw::DW_LLE_startx_endx | dw::DW_LLE_startx_length | dw::DW_LLE_offset_pair => {
                    bytes.skip_leb(&mut at)?;
                    bytes.skip_leb(&mut at)?;
                }
                dw::DW_LLE_GNU_view_pair => {
                    bytes.skip_leb(&mut at)?;
                    bytes.skip_leb(&mut at)?;
                    continue;
                }
                dw::DW_LLE_default_location => {}
                dw::DW_LLE_start_end => at += 2 * address,
                dw::DW_LLE_start_length => {
                    at += address;
                    bytes.skip_leb(&mut at)?;
                }
                _ => return Err(ReadFault::End),
            }
            if matches!(kind, dw::DW_LLE_base_addressx | dw::DW_LLE_base_address) {
                continue;
            }
            let length = bytes.uleb(&mut at)?;
            if !expression(bytes.data, &mut at, length, add)? {
                return Ok(());
            }
        }
    }

    /// Up to DWARF 4: pairs of addresses, the end being two zeros, and a length of two bytes before each expression.
    fn old_list(&self, encoding: Encoding, at: u64, add: &mut impl FnMut(&[u8]) -> bool) -> Result<(), ReadFault> {
        let bytes = Bytes::new(self.sections.loc.data, self.sections.big_endian);
        // In a relocatable file the addresses are all zeros until relocated.
        let mut relocations = self.sections.loc.relocations.map(|r| r.cursor());
        let mut at = usize::try_from(at).map_err(|_| ReadFault::End)?;
        let size = encoding.address_size;
        let base_selection = if size == 8 { u64::MAX } else { u32::MAX as u64 };
        loop {
            let mut address = || -> Result<u64, ReadFault> {
                let raw = bytes.sized(at, size)?;
                let value = match &mut relocations {
                    Some(relocations) => relocations.value(at as u64, size, raw).map_err(|_| ReadFault::End)?,
                    None => raw,
                };
                at += size as usize;
                Ok(value)
            };
            match (address()?, address()?) {
                (0, 0) => return Ok(()),
                (begin, _) if begin == base_selection => continue,
                _ => {}
            }
            let length = bytes.u16(at)? as u64;
            at += 2;
            if !expression(bytes.data, &mut at, length, add)? {
                return Ok(());
            }
        }
    }
}

fn expression(
    data: &[u8],
    at: &mut usize,
    length: u64,
    add: &mut impl FnMut(&[u8]) -> bool,
) -> Result<bool, ReadFault> {
    let end = usize::try_from(length).ok().and_then(|l| at.checked_add(l)).ok_or(ReadFault::End)?;
    let bytes = data.get(*at..end).ok_or(ReadFault::End)?;
    *at = end;
    Ok(add(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(expressions: &[&[u8]], size: u64) -> Place {
        let mut place = Place::default();
        let encoding = Encoding { version: 5, address_size: 8, offset_size: 4 };
        let mut ops = Vec::new();
        for (n, expression) in expressions.iter().enumerate() {
            parse(expression, false, encoding, &mut ops).unwrap();
            place.add(&ops, n, size, 8, true);
        }
        place
    }

    #[test]
    fn registers() {
        assert_eq!(place(&[&[0x55]], 8).register, Some(5));
        // Only the first range tells, save for values at entry.
        assert_eq!(place(&[&[0x53], &[0x55]], 8).register, Some(3));
        assert_eq!(place(&[&[0x91, 0x70], &[0x55]], 8), Place { stack: true, ..Place::default() });
        assert_eq!(place(&[&[0x91, 0x70], &[0xa3, 1, 0x55, 0x9f]], 8).register, Some(5));
        assert_eq!(place(&[&[0xf3, 1, 0x54]], 8).register, Some(4));
        // breg5 0; stack_value is the register's value, breg5 0 alone is memory.
        assert_eq!(place(&[&[0x75, 0, 0x9f]], 8).register, Some(5));
        assert_eq!(place(&[&[0x75, 0]], 8).register, None);
    }

    #[test]
    fn constants() {
        assert!(place(&[&[0x31, 0x9f]], 8).constant);
        assert!(place(&[&[0x10, 5, 0x9f]], 8).constant);
        assert!(!place(&[&[0x55], &[0x31, 0x9f]], 8).constant);
    }

    #[test]
    fn pieces() {
        let whole = place(&[&[0x55, 0x93, 8, 0x54, 0x93, 8]], 16);
        assert_eq!((whole.register, whole.first_pieces, whole.second_pieces), (Some(5), 1, 1));
        assert!(whole.whole_aggregate() && whole.only_piece(8).is_none());
        let second = place(&[&[0x93, 8, 0x54, 0x93, 8]], 16);
        assert_eq!((second.register, second.only_piece(8)), (Some(4), Some(8)));
        // What fits one register is no matter of pieces.
        assert!(!place(&[&[0x55, 0x93, 4, 0x93, 4]], 8).pieces());
    }
}
