//! The crate's hash of bytes: fast, and the same in every run and on every machine, so that no table's order depends
//! on chance. It is not meant to withstand chosen inputs: whoever finds equal hashes compares the contents.

const FIRST: u64 = 0x9e37_79b9_7f4a_7c15;
const SECOND: u64 = 0xd6e8_feb8_6659_fd93;

/// Multiplies to 128 bits and folds the halves, so that every bit of both factors reaches every bit of the result.
pub fn mix(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    wide as u64 ^ (wide >> 64) as u64
}

/// Hash of a string's bytes.
pub fn bytes(bytes: &[u8]) -> u64 {
    let mut state = FIRST ^ bytes.len() as u64;
    let (blocks, rest) = bytes.as_chunks::<8>();
    for block in blocks {
        state = mix(state ^ u64::from_le_bytes(*block), SECOND);
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(state ^ u64::from_le_bytes(last), SECOND ^ FIRST)
}
