//! Which bytes the kernel allows in names. Its character classes are those of Latin-1.

/// The longest identifier, `KSYM_NAME_LEN` of the kernel (since 6.1).
const LONGEST: usize = 512;

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || (byte >= 0xc0 && byte != 0xd7 && byte != 0xf7)
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7e | 0xa0..)
}

/// A C identifier that may have dots.
pub(super) fn is_identifier(name: &[u8]) -> bool {
    let Some((first, rest)) = name.split_first() else { return false };
    let starts = |byte: u8| is_letter(byte) || byte == b'_' || byte == b'.';
    name.len() <= LONGEST && starts(*first) && rest.iter().all(|byte| starts(*byte) || byte.is_ascii_digit())
}

/// A section's name: anything that can be printed.
pub(super) fn is_section(name: &[u8]) -> bool {
    !name.is_empty() && name.len() <= LONGEST && name.iter().all(|byte| is_printable(*byte))
}
