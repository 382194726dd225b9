//! Names of languages, as users say them, and their DW_LANG codes.

/// By code, from 1 (DWARF 5, table 7.17); the names are those of `pahole --lang_exclude`.
const NAMES: [&str; 0x25] = [
    "c89",
    "c",
    "ada83",
    "c++",
    "cobol74",
    "cobol85",
    "fortran77",
    "fortran90",
    "pascal83",
    "modula2",
    "java",
    "c99",
    "ada95",
    "fortran95",
    "pli",
    "objc",
    "objc++",
    "upc",
    "d",
    "python",
    "opencl",
    "go",
    "modula3",
    "haskell",
    "c++03",
    "c++11",
    "ocaml",
    "rust",
    "c11",
    "swift",
    "julia",
    "dylan",
    "c++14",
    "fortran03",
    "fortran08",
    "renderscript",
    "bliss",
];

/// Later codes of DWARF 5's registry, and the one that assemblers use.
const LATER: [(&str, u16); 7] = [
    ("kotlin", 0x26),
    ("zig", 0x27),
    ("crystal", 0x28),
    ("c++17", 0x2a),
    ("c++20", 0x2b),
    ("c17", 0x2c),
    ("asm", 0x8001),
];

/// The DW_LANG code of a language's name (any case), or None.
pub fn language_code(name: &str) -> Option<u16> {
    let listed = NAMES.iter().position(|n| n.eq_ignore_ascii_case(name)).map(|index| index as u16 + 1);
    listed.or_else(|| LATER.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|&(_, code)| code))
}

/// All names that [`language_code`] knows.
pub fn language_names() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter().chain(LATER.into_iter().map(|(name, _)| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes() {
        assert_eq!(language_code("c89"), Some(1));
        assert_eq!(language_code("RUST"), Some(0x1c));
        assert_eq!(language_code("c11"), Some(0x1d));
        assert_eq!(language_code("bliss"), Some(0x25));
        assert_eq!(language_code("Asm"), Some(0x8001));
        assert_eq!(language_code("klingon"), None);
    }
}
