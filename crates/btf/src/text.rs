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

/// The text before the first NUL as a little-endian number; None where there is no NUL, or nothing before it. It takes no
/// branch for each length: those of names come in no order.
#[inline(always)]
pub fn short_text(window: &[u8; 16]) -> Option<u128> {
    match length_of(window) {
        length @ 1..16 => {
            let text = u128::from_le_bytes(*window);
            let (low, high) = (text as u64 & BELOW[length], (text >> 64) as u64 & BELOW[16 + length]);
            Some(u128::from(low) | u128::from(high) << 64)
        }
        _ => None,
    }
}

/// By length, the lower and then the upper halves of all bits of so many bytes.
const BELOW: [u64; 32] = {
    let (mut below, mut length) = ([0; 32], 0);
    while length < 16 {
        let bits = (1u128 << (8 * length)) - 1;
        (below[length], below[16 + length]) = (bits as u64, (bits >> 64) as u64);
        length += 1;
    }
    below
};

/// Bytes before the first NUL, 16 or more where there is none.
#[cfg(target_arch = "x86_64")]
#[inline]
fn length_of(window: &[u8; 16]) -> usize {
    zeros_in(window).trailing_zeros() as usize
}

/// A bit for each byte, from the lowest on, that is set where the byte is zero.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "instructions that have no safe name")]
#[inline]
pub fn zeros_in(window: &[u8; 16]) -> u32 {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_movemask_epi8, _mm_set_epi64x, _mm_setzero_si128};
    let window = u128::from_le_bytes(*window);
    // SAFETY: these instructions are part of every x86-64 processor, and work on values only.
    unsafe {
        let window = _mm_set_epi64x((window >> 64) as i64, window as i64);
        _mm_movemask_epi8(_mm_cmpeq_epi8(window, _mm_setzero_si128())) as u32
    }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn length_of(window: &[u8; 16]) -> usize {
    let window = u128::from_le_bytes(*window);
    match zeros(window as u64) {
        0 => 8 + short_length((window >> 64) as u64),
        low => low.trailing_zeros() as usize / 8,
    }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub fn zeros_in(window: &[u8; 16]) -> u32 {
    window.iter().rev().fold(0, |zeros, &byte| zeros << 1 | (byte == 0) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_in_windows() {
        for places in (0..16).map(|shift| 0b1011_u32.rotate_left(shift) & 0xffff) {
            // Neighbours of zeros may be anything else.
            for other in [1, 0x7f, 0x80, 0xff] {
                let window = std::array::from_fn(|at| if places >> at & 1 != 0 { 0 } else { other });
                assert_eq!(zeros_in(&window), places);
            }
        }
    }

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
                let short = (1..16).contains(&length);
                assert_eq!(text, short.then_some(u128::from_le_bytes(expected)), "{length}");
            }
        }
    }
}
