//! Texts that end with a NUL, some bytes at a time.

/// Bytes before the first NUL of a little-endian word; 8 where there is none.
#[inline]
pub fn short_length(word: u64) -> usize {
    zeros(word).trailing_zeros() as usize / 8
}

/// The lowest bit that is set is the highest one of the word's first zero byte.
#[inline]
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(0x0101_0101_0101_0101) & !word & 0x8080_8080_8080_8080
}

/// The text before the first NUL as a little-endian number; None where there is no NUL. It takes no branch for each
/// length: those of names come in no order.
#[inline]
pub fn short_text(window: &[u8; 16]) -> Option<u128> {
    let window = u128::from_le_bytes(*window);
    let (low, high) = (window as u64, (window >> 64) as u64);
    let (low_zeros, high_zeros) = (zeros(low), zeros(high));
    // All bits up to the lowest one that is set, or all.
    let below = |zeros: u64| zeros ^ zeros.wrapping_sub(1);
    let high = if low_zeros == 0 { high & below(high_zeros) } else { 0 };
    let text = u128::from(low & below(low_zeros)) | u128::from(high) << 64;
    (low_zeros | high_zeros != 0).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts() {
        let letters = b"abcdefghijklmnopqrst";
        for length in 0..=20 {
            // What follows the NUL does not count, and bytes that are neighbours of it do.
            for (after, last) in [(0u8, 1u8), (1, 0xff), (0x80, 0x80), (0xff, b'x')] {
                let mut window = [after; 24];
                window[..length].copy_from_slice(&letters[..length]);
                if length > 0 {
                    window[length - 1] = last;
                }
                window[length] = 0;
                let text = short_text(window.first_chunk().unwrap());
                let mut expected = [0; 16];
                expected[..length.min(16)].copy_from_slice(&window[..length.min(16)]);
                assert_eq!(text, (length < 16).then_some(u128::from_le_bytes(expected)), "{length}");
            }
        }
    }
}
