//! What can be wrong with DWARF.

use crate::sections::ReadFault;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{section}+{at:#x} (unit at {unit:#x}): {fault}")]
pub struct DwarfError {
    /// ".debug_info" or ".debug_types".
    pub section: &'static str,
    /// Offset of the unit in its section.
    pub unit: u64,
    /// Offset of the entry or header.
    pub at: u64,
    pub fault: Fault,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the data ends in the middle of a value")]
    End,
    #[error("a LEB128 number has more than 64 bits")]
    LongNumber,
    #[error("the unit is {length:#x} bytes long and only {left:#x} are left in the section")]
    UnitTooLong { length: u64, left: u64 },
    #[error("DWARF version {0} is not known (2 to 5 are)")]
    Version(u16),
    #[error("addresses have {0} bytes (4 and 8 are known)")]
    AddressSize(u8),
    #[error("unit type {0:#x} is not known")]
    UnitType(u8),
    #[error("abbreviation {code} is not in the table at .debug_abbrev+{table:#x}")]
    Abbreviation { code: u64, table: u64 },
    #[error("the abbreviation table at .debug_abbrev+{0:#x} is malformed")]
    AbbreviationTable(u64),
    #[error("the units' abbreviation tables overlap: together they are many times as long as .debug_abbrev")]
    AbbreviationTables,
    #[error("attribute form {0:#x} is not known")]
    Form(u64),
    #[error("{0}")]
    Relocation(String),
    #[error("a group of units that refer to one another spans more than 4 GiB")]
    GroupTooLarge,
}

impl From<ReadFault> for Fault {
    fn from(fault: ReadFault) -> Fault {
        match fault {
            ReadFault::End => Fault::End,
            ReadFault::LongNumber => Fault::LongNumber,
        }
    }
}
