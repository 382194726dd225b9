//! A row of class numbers in few bytes.
//!
//! Units include the same headers in the same order, so that the classes of a unit's types nearly follow one another:
//! what is kept is the step from one to the next, of which most fit into seven bits.

use super::classes::ClassId;

/// Built in a buffer that is used again for the next one.
#[derive(Default)]
pub(super) struct SequenceBuilder {
    bytes: Vec<u8>,
    last: ClassId,
}

impl SequenceBuilder {
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.last = 0;
    }

    #[inline]
    pub fn push(&mut self, class: ClassId) {
        let step = class.wrapping_sub(self.last) as i32;
        self.last = class;
        // The sign goes to the lowest bit.
        let mut rest = (step << 1 ^ step >> 31) as u32;
        while rest >= 0x80 {
            self.bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.bytes.push(rest as u8);
    }

    pub fn finish(&self) -> Sequence {
        Sequence(self.bytes.as_slice().into())
    }
}

#[derive(Debug, Default)]
pub(super) struct Sequence(Box<[u8]>);

impl Sequence {
    #[inline]
    pub fn each(&self, mut see: impl FnMut(ClassId)) {
        let mut bytes = &*self.0;
        let mut last: ClassId = 0;
        let mut step = |rest: u32| {
            last = last.wrapping_add(rest >> 1 ^ (rest & 1).wrapping_neg());
            see(last);
        };
        loop {
            // Eight steps at once, where each is one byte.
            while let Some((eight, more)) = bytes.split_first_chunk::<8>()
                && u64::from_ne_bytes(*eight) & 0x8080_8080_8080_8080 == 0
            {
                eight.iter().for_each(|&byte| step(byte.into()));
                bytes = more;
            }
            let (mut rest, mut shift) = (0, 0);
            loop {
                let Some((&byte, more)) = bytes.split_first() else { return };
                bytes = more;
                rest |= u32::from(byte & 0x7f) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            step(rest);
        }
    }

    /// In bytes.
    pub fn size(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        let rows: [&[ClassId]; 4] =
            [&[], &[7], &[1, 2, 3, 3, 2, 200, 65, 1 << 20, 5], &[ClassId::MAX, 0, ClassId::MAX / 2, 1, ClassId::MAX]];
        let mut builder = SequenceBuilder::default();
        for row in rows {
            builder.clear();
            row.iter().for_each(|&class| builder.push(class));
            let mut out = Vec::new();
            builder.finish().each(|class| out.push(class));
            assert_eq!(out, row);
        }
        builder.clear();
        // Few steps of one byte between longer ones.
        let mixed: Vec<ClassId> = (0..500).map(|n| n * 20 + n % 9 / 8 * 5000).collect();
        mixed.iter().for_each(|&class| builder.push(class));
        let mut out = Vec::new();
        builder.finish().each(|class| out.push(class));
        assert_eq!(out, mixed);
        builder.clear();
        (100..1100).for_each(|class| builder.push(class));
        assert_eq!(builder.finish().size(), 1001);
    }
}
