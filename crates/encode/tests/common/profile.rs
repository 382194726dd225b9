//! How a tree of entries is written: version, sizes, byte order, machine, forms.

use gimli::constants::*;

#[derive(Debug, Clone, Copy)]
pub struct Profile {
    pub machine: Machine,
    pub version: u16,
    pub dwarf64: bool,
    pub address: u8,
    pub big: bool,
    /// ET_REL with relocations rather than ET_EXEC.
    pub relocatable: bool,
    pub siblings: bool,
    pub strings: DwForm,
    /// Equal strings of `.debug_str` are one, as linkers leave it (never in ET_REL).
    pub merged_strings: bool,
    pub references: DwForm,
    pub constants: Constants,
    /// DW_FORM_addrx and DW_OP_addrx rather than addresses in place.
    pub indexed_addresses: bool,
    /// DW_FORM_loclistx rather than an offset.
    pub indexed_lists: bool,
    pub implicit_flags: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constants {
    /// data1, data2, data4 or data8, and sdata for what is negative.
    Fixed,
    /// udata and sdata.
    Leb,
    /// implicit_const where it holds the value.
    Implicit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    pub number: u16,
    /// Relocation types of a 4-byte and an address-sized field.
    pub relocations: (u32, u32),
    /// With addends beside the relocations rather than in the fields.
    pub addends: bool,
    pub address: u8,
    pub big: bool,
}

const fn machine(number: u16, relocations: (u32, u32), addends: bool, address: u8, big: bool) -> Machine {
    Machine { number, relocations, addends, address, big }
}

pub const X86_64: Machine = machine(62, (10, 1), true, 8, false);
pub const I386: Machine = machine(3, (1, 1), false, 4, false);
pub const AARCH64: Machine = machine(183, (258, 257), true, 8, false);
pub const ARM: Machine = machine(40, (2, 2), false, 4, false);
pub const S390X: Machine = machine(22, (4, 22), true, 8, true);
pub const RISCV64: Machine = machine(243, (1, 2), true, 8, false);

impl Default for Profile {
    fn default() -> Profile {
        Profile::of(X86_64)
    }
}

impl Profile {
    /// DWARF 5 as gcc writes it.
    pub fn of(machine: Machine) -> Profile {
        Profile {
            machine,
            version: 5,
            dwarf64: false,
            address: machine.address,
            big: machine.big,
            relocatable: false,
            siblings: true,
            strings: DW_FORM_strp,
            merged_strings: true,
            references: DW_FORM_ref4,
            constants: Constants::Fixed,
            indexed_addresses: false,
            indexed_lists: false,
            implicit_flags: true,
        }
    }

    /// DWARF 5 as clang writes it.
    pub fn clang() -> Profile {
        Profile {
            siblings: false,
            strings: DW_FORM_strx1,
            indexed_addresses: true,
            indexed_lists: true,
            ..Profile::default()
        }
    }

    /// The same with the forms that an older version does not have replaced by those that it has.
    pub fn version(self, version: u16) -> Profile {
        let mut profile = Profile { version, ..self };
        if version < 5 {
            profile.indexed_addresses = false;
            profile.indexed_lists = false;
            if profile.strings != DW_FORM_string {
                profile.strings = DW_FORM_strp;
            }
            if profile.constants == Constants::Implicit {
                profile.constants = Constants::Fixed;
            }
        }
        profile.implicit_flags &= version >= 4;
        profile.dwarf64 &= version >= 3;
        profile
    }

    pub fn relocatable(self) -> Profile {
        Profile { relocatable: true, ..self }
    }

    /// Bytes of an offset into another debug section.
    pub fn offset(&self) -> u8 {
        if self.dwarf64 { 8 } else { 4 }
    }

    /// Everything that a compiler might choose, in every version: what a tree means must not depend on it.
    pub fn all() -> Vec<Profile> {
        let mut all = Vec::new();
        for machine in [X86_64, I386, AARCH64, ARM, S390X] {
            for version in 2..=5 {
                for relocatable in [false, true] {
                    let plain = Profile { relocatable, ..Profile::of(machine) }.version(version);
                    all.push(plain);
                    all.push(Profile { siblings: false, strings: DW_FORM_string, constants: Constants::Leb, ..plain });
                    if version >= 3 && machine.addends {
                        all.push(Profile { dwarf64: true, ..plain });
                    }
                    if version == 5 {
                        for strings in [
                            DW_FORM_strx,
                            DW_FORM_strx1,
                            DW_FORM_strx2,
                            DW_FORM_strx3,
                            DW_FORM_strx4,
                            DW_FORM_line_strp,
                        ] {
                            let clang =
                                Profile { siblings: false, indexed_addresses: true, indexed_lists: true, ..plain };
                            all.push(Profile { strings, constants: Constants::Implicit, ..clang });
                        }
                    }
                    for references in [DW_FORM_ref2, DW_FORM_ref8, DW_FORM_ref_udata, DW_FORM_ref_addr] {
                        all.push(Profile { references, ..plain });
                    }
                }
            }
        }
        all
    }
}
