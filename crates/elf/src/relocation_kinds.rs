//! What relocation types do to data, by machine. Only what compilers and assemblers put into debug sections is known:
//! absolute values, differences that the linker must compute (RISC-V and LoongArch, whose linkers move code while they
//! link), and offsets of thread-local variables.
//!
//! Sources: the psABI supplement of each machine.

use object::elf::{self, Machine, RelocationType};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The place stays as it is.
    Nothing,
    /// The symbol's address, plus what is at the place where the entry has no addend.
    Address(Width),
    /// What is at the place, plus the symbol's address and the addend.
    Add(Width),
    /// What is at the place, minus the symbol's address and the addend.
    Subtract(Width),
    /// The symbol's address and the addend, whatever is at the place.
    Set(Width),
    /// Known only when the program or module is loaded: an offset in a thread's storage.
    Unknown,
    Unsupported,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    Bytes(u8),
    /// The low six bits of a byte.
    SixBits,
    Leb128,
}

use Meaning::{Add, Address, Nothing, Set, Subtract, Unknown, Unsupported};
use Width::{Bytes, Leb128, SixBits};

pub(crate) fn meaning(machine: u16, kind: u32) -> Meaning {
    let kind = RelocationType(kind);
    match Machine(machine) {
        elf::EM_X86_64 => x86_64(kind),
        elf::EM_386 => i386(kind),
        elf::EM_AARCH64 => aarch64(kind),
        elf::EM_ARM => arm(kind),
        elf::EM_S390 => s390(kind),
        elf::EM_PPC64 => ppc64(kind),
        elf::EM_PPC => ppc(kind),
        elf::EM_RISCV => riscv(kind),
        elf::EM_MIPS => mips(kind),
        elf::EM_LOONGARCH => loongarch(kind),
        elf::EM_SPARC | elf::EM_SPARC32PLUS | elf::EM_SPARCV9 => sparc(kind),
        _ => Unsupported,
    }
}

fn x86_64(kind: RelocationType) -> Meaning {
    match kind {
        elf::R_X86_64_NONE => Nothing,
        elf::R_X86_64_64 => Address(Bytes(8)),
        elf::R_X86_64_32 | elf::R_X86_64_32S => Address(Bytes(4)),
        elf::R_X86_64_16 => Address(Bytes(2)),
        elf::R_X86_64_8 => Address(Bytes(1)),
        elf::R_X86_64_DTPMOD64
        | elf::R_X86_64_DTPOFF64
        | elf::R_X86_64_DTPOFF32
        | elf::R_X86_64_TPOFF64
        | elf::R_X86_64_TPOFF32 => Unknown,
        _ => Unsupported,
    }
}

fn i386(kind: RelocationType) -> Meaning {
    match kind {
        elf::R_386_NONE => Nothing,
        elf::R_386_32 => Address(Bytes(4)),
        elf::R_386_16 => Address(Bytes(2)),
        elf::R_386_8 => Address(Bytes(1)),
        elf::R_386_TLS_LDO_32
        | elf::R_386_TLS_LE
        | elf::R_386_TLS_LE_32
        | elf::R_386_TLS_DTPMOD32
        | elf::R_386_TLS_DTPOFF32 => Unknown,
        _ => Unsupported,
    }
}

fn aarch64(kind: RelocationType) -> Meaning {
    match kind {
        elf::R_AARCH64_NONE => Nothing,
        elf::R_AARCH64_ABS64 => Address(Bytes(8)),
        elf::R_AARCH64_ABS32 => Address(Bytes(4)),
        elf::R_AARCH64_ABS16 => Address(Bytes(2)),
        elf::R_AARCH64_TLS_DTPMOD | elf::R_AARCH64_TLS_DTPREL | elf::R_AARCH64_TLS_TPREL => Unknown,
        _ => Unsupported,
    }
}

fn arm(kind: RelocationType) -> Meaning {
    match kind {
        elf::R_ARM_NONE => Nothing,
        elf::R_ARM_ABS32 => Address(Bytes(4)),
        elf::R_ARM_ABS16 => Address(Bytes(2)),
        elf::R_ARM_ABS8 => Address(Bytes(1)),
        elf::R_ARM_TLS_LDO32
        | elf::R_ARM_TLS_LE32
        | elf::R_ARM_TLS_DTPMOD32
        | elf::R_ARM_TLS_DTPOFF32
        | elf::R_ARM_TLS_TPOFF32 => Unknown,
        _ => Unsupported,
    }
}

fn s390(kind: RelocationType) -> Meaning {
    match kind {
        elf::R_390_NONE => Nothing,
        elf::R_390_64 => Address(Bytes(8)),
        elf::R_390_32 => Address(Bytes(4)),
        elf::R_390_16 => Address(Bytes(2)),
        elf::R_390_8 => Address(Bytes(1)),
        elf::R_390_TLS_LDO32
        | elf::R_390_TLS_LDO64
        | elf::R_390_TLS_LE32
        | elf::R_390_TLS_LE64
        | elf::R_390_TLS_DTPMOD
        | elf::R_390_TLS_DTPOFF
        | elf::R_390_TLS_TPOFF => Unknown,
        _ => Unsupported,
    }
}

fn ppc64(kind: RelocationType) -> Meaning {
    match kind {
        elf::R_PPC64_NONE => Nothing,
        elf::R_PPC64_ADDR64 | elf::R_PPC64_UADDR64 => Address(Bytes(8)),
        elf::R_PPC64_ADDR32 | elf::R_PPC64_UADDR32 => Address(Bytes(4)),
        elf::R_PPC64_DTPMOD64 | elf::R_PPC64_DTPREL64 | elf::R_PPC64_TPREL64 => Unknown,
        _ => Unsupported,
    }
}

fn ppc(kind: RelocationType) -> Meaning {
    match kind {
        elf::R_PPC_NONE => Nothing,
        elf::R_PPC_ADDR32 | elf::R_PPC_UADDR32 => Address(Bytes(4)),
        elf::R_PPC_DTPMOD32 | elf::R_PPC_DTPREL32 | elf::R_PPC_TPREL32 => Unknown,
        _ => Unsupported,
    }
}

fn riscv(kind: RelocationType) -> Meaning {
    match kind {
        elf::R_RISCV_NONE | elf::R_RISCV_RELAX => Nothing,
        elf::R_RISCV_64 => Address(Bytes(8)),
        elf::R_RISCV_32 => Address(Bytes(4)),
        elf::R_RISCV_ADD64 => Add(Bytes(8)),
        elf::R_RISCV_ADD32 => Add(Bytes(4)),
        elf::R_RISCV_ADD16 => Add(Bytes(2)),
        elf::R_RISCV_ADD8 => Add(Bytes(1)),
        elf::R_RISCV_SUB64 => Subtract(Bytes(8)),
        elf::R_RISCV_SUB32 => Subtract(Bytes(4)),
        elf::R_RISCV_SUB16 => Subtract(Bytes(2)),
        elf::R_RISCV_SUB8 => Subtract(Bytes(1)),
        elf::R_RISCV_SUB6 => Subtract(SixBits),
        elf::R_RISCV_SUB_ULEB128 => Subtract(Leb128),
        elf::R_RISCV_SET32 => Set(Bytes(4)),
        elf::R_RISCV_SET16 => Set(Bytes(2)),
        elf::R_RISCV_SET8 => Set(Bytes(1)),
        elf::R_RISCV_SET6 => Set(SixBits),
        elf::R_RISCV_SET_ULEB128 => Set(Leb128),
        elf::R_RISCV_TLS_DTPMOD32
        | elf::R_RISCV_TLS_DTPMOD64
        | elf::R_RISCV_TLS_DTPREL32
        | elf::R_RISCV_TLS_DTPREL64
        | elf::R_RISCV_TLS_TPREL32
        | elf::R_RISCV_TLS_TPREL64 => Unknown,
        _ => Unsupported,
    }
}

/// 64-bit files have room for three types in an entry; only one alone is known here, and then the others are 0.
fn mips(kind: RelocationType) -> Meaning {
    match kind {
        elf::R_MIPS_NONE => Nothing,
        elf::R_MIPS_64 => Address(Bytes(8)),
        elf::R_MIPS_32 => Address(Bytes(4)),
        elf::R_MIPS_TLS_DTPMOD32
        | elf::R_MIPS_TLS_DTPMOD64
        | elf::R_MIPS_TLS_DTPREL32
        | elf::R_MIPS_TLS_DTPREL64
        | elf::R_MIPS_TLS_TPREL32
        | elf::R_MIPS_TLS_TPREL64 => Unknown,
        _ => Unsupported,
    }
}

fn loongarch(kind: RelocationType) -> Meaning {
    match kind {
        elf::R_LARCH_NONE | elf::R_LARCH_RELAX => Nothing,
        elf::R_LARCH_64 => Address(Bytes(8)),
        elf::R_LARCH_32 => Address(Bytes(4)),
        elf::R_LARCH_ADD64 => Add(Bytes(8)),
        elf::R_LARCH_ADD32 => Add(Bytes(4)),
        elf::R_LARCH_ADD16 => Add(Bytes(2)),
        elf::R_LARCH_ADD8 => Add(Bytes(1)),
        elf::R_LARCH_ADD6 => Add(SixBits),
        elf::R_LARCH_ADD_ULEB128 => Add(Leb128),
        elf::R_LARCH_SUB64 => Subtract(Bytes(8)),
        elf::R_LARCH_SUB32 => Subtract(Bytes(4)),
        elf::R_LARCH_SUB16 => Subtract(Bytes(2)),
        elf::R_LARCH_SUB8 => Subtract(Bytes(1)),
        elf::R_LARCH_SUB6 => Subtract(SixBits),
        elf::R_LARCH_SUB_ULEB128 => Subtract(Leb128),
        elf::R_LARCH_TLS_DTPMOD32
        | elf::R_LARCH_TLS_DTPMOD64
        | elf::R_LARCH_TLS_DTPREL32
        | elf::R_LARCH_TLS_DTPREL64
        | elf::R_LARCH_TLS_TPREL32
        | elf::R_LARCH_TLS_TPREL64 => Unknown,
        _ => Unsupported,
    }
}

fn sparc(kind: RelocationType) -> Meaning {
    match kind {
        elf::R_SPARC_NONE => Nothing,
        elf::R_SPARC_64 | elf::R_SPARC_UA64 => Address(Bytes(8)),
        elf::R_SPARC_32 | elf::R_SPARC_UA32 => Address(Bytes(4)),
        elf::R_SPARC_16 | elf::R_SPARC_UA16 => Address(Bytes(2)),
        elf::R_SPARC_8 => Address(Bytes(1)),
        elf::R_SPARC_TLS_DTPMOD32
        | elf::R_SPARC_TLS_DTPMOD64
        | elf::R_SPARC_TLS_DTPOFF32
        | elf::R_SPARC_TLS_DTPOFF64
        | elf::R_SPARC_TLS_TPOFF32
        | elf::R_SPARC_TLS_TPOFF64 => Unknown,
        _ => Unsupported,
    }
}
