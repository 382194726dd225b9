//! Calling for memory before it is read.

#![allow(unsafe_code, reason = "an instruction that has no safe name")]

/// Asks the processor to bring the line with `data[at]` near, if there is one. Nothing waits for it.
#[inline(always)]
pub fn prefetch<T>(data: &[T], at: u64) {
    #[cfg(target_arch = "x86_64")]
    if let Some(item) = usize::try_from(at).ok().and_then(|at| data.get(at)) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: the instruction is part of every x86-64 processor; it reads nothing that a program sees, and the
        // address is one of a slice.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(item).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (data, at);
}

/// The same for what is `at` bytes behind the beginning of `data`, also where it ends before that: a place that is not
/// there is not looked for, and that costs less than to ask first.
#[inline(always)]
pub fn prefetch_near(data: &[u8], at: u64) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: as above; of an address that belongs to nothing the instruction makes nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(data.as_ptr().wrapping_add(at as usize).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (data, at);
}

#[cfg(test)]
mod tests {
    use super::{prefetch, prefetch_near};

    #[test]
    fn nothing_is_called_for_behind_the_end() {
        for at in [0, 2, 3, 4, 1 << 20, u64::MAX] {
            prefetch(&[1, 2, 3], at);
            prefetch_near(&[1, 2, 3], at);
        }
        prefetch::<u8>(&[], 0);
    }
}
