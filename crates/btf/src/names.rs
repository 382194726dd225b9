//! Which names the kernel takes (`__btf_name_valid` in kernel/bpf/btf.c, with the kernel's own character table).

/// KSYM_NAME_LEN of kernels since 6.1, in bytes.
pub const MAX_NAME: usize = 512;

/// Latin-1 letters are letters to the kernel's `isalpha`; UTF-8 text nearly always has other bytes too.
const fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || (byte >= 0xc0 && byte != 0xd7 && byte != 0xf7)
}

/// Bytes that may stand in an identifier; a digit not at its start.
const IN_NAMES: [bool; 256] = {
    let mut bytes = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        bytes[byte] = is_letter(b) || b.is_ascii_digit() || b == b'_' || b == b'.';
        byte += 1;
    }
    bytes
};

/// Is this a name for a type, member, enumerator, function, parameter or variable?
pub fn is_identifier(name: &[u8]) -> bool {
    (1..=MAX_NAME).contains(&name.len()) && identifier_len(name) == name.len()
}

/// How many bytes of an identifier a text begins with; none where it begins with a digit.
#[inline]
pub(crate) fn identifier_len(text: &[u8]) -> usize {
    if text.first().is_none_or(u8::is_ascii_digit) {
        return 0;
    }
    // Four at a time: most names have some more, and a branch for each byte costs more than the look-up.
    let is_in = |&b: &u8| IN_NAMES[b as usize];
    let fours = text.chunks_exact(4).take_while(|four| four.iter().fold(true, |all, b| all & is_in(b))).count();
    let rest = &text[4 * fours..];
    4 * fours + rest.iter().position(|b| !is_in(b)).unwrap_or(rest.len())
}

/// Is this a name for a DATASEC?
pub fn is_section_name(name: &[u8]) -> bool {
    let printable = |b: &u8| matches!(b, 0x20..=0x7e | 0xa0..);
    (1..=MAX_NAME).contains(&name.len()) && name.iter().all(printable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers() {
        for good in ["a", "_", ".L1", "foo.isra.0", "A9"] {
            assert!(is_identifier(good.as_bytes()), "{good}");
        }
        for bad in ["", "9a", "a b", "a-b", "Option<u8>", "ns::x", "bad$name", "ü"] {
            assert!(!is_identifier(bad.as_bytes()), "{bad}");
        }
        assert!(is_identifier(b"\xc4\xd6"));
        for (text, len) in
            [("", 0), ("0ab", 0), ("abc", 3), ("abcd", 4), ("abcde f", 5), ("ab-defgh", 2), ("a.b_cdef\0", 8)]
        {
            assert_eq!(identifier_len(text.as_bytes()), len, "{text:?}");
        }
        assert!(!is_identifier(b"a\xd7"));
        assert!(is_identifier(&[b'a'; MAX_NAME]) && !is_identifier(&[b'a'; MAX_NAME + 1]));
    }

    #[test]
    fn section_names() {
        assert!(is_section_name(b"?.foo bar:buz") && is_section_name(b".data..percpu"));
        assert!(!is_section_name(b"") && !is_section_name(b"a\tb") && !is_section_name(b"\x80"));
    }
}
