//! Which registers the calling convention passes parameters in.

/// What the analysis of parameter locations knows of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Convention {
    /// How many parameter registers there are; 0 where nothing is known.
    pub registers: u8,
    /// DWARF numbers of those registers, in order; empty where they are not known.
    pub numbers: &'static [u8],
    /// Aggregates may take two registers.
    pub two_registers: bool,
    /// Aggregates that do not fit into registers are copied to the stack (and not passed by reference).
    pub large_on_stack: bool,
}

impl Convention {
    /// By `e_machine`. Counts and numbers are the psABIs'; where the reference has no numbers, neither has this table.
    pub fn of(machine: u16) -> Convention {
        const X86_64: u16 = 62;
        const S390: u16 = 22;
        const SPARC: u16 = 2;
        const SPARCV9: u16 = 43;
        const ARM: u16 = 40;
        const AARCH64: u16 = 183;
        const MIPS: u16 = 8;
        const PPC: u16 = 20;
        const PPC64: u16 = 21;
        const RISCV: u16 = 243;
        const ARC: u16 = 45;
        const EIGHT: &[u8] = &[0, 1, 2, 3, 4, 5, 6, 7];
        let convention =
            |registers, numbers| Convention { registers, numbers, two_registers: true, large_on_stack: false };
        match machine {
            X86_64 => Convention { large_on_stack: true, ..convention(6, &[5, 4, 1, 2, 8, 9]) },
            S390 => Convention { two_registers: false, ..convention(5, &[2, 3, 4, 5, 6]) },
            AARCH64 => convention(8, EIGHT),
            // The AAPCS has four, r0 to r3; the reference counts eight.
            ARM => convention(4, &EIGHT[..4]),
            SPARC | SPARCV9 => convention(6, &[]),
            MIPS | PPC | PPC64 | RISCV | ARC => convention(8, &[]),
            _ => convention(0, &[]),
        }
    }

    /// The DWARF number of the register at that position, if it is known.
    pub fn number(&self, position: u32) -> Option<u8> {
        self.numbers.get(position as usize).copied()
    }
}
