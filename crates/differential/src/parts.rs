//! A blob taken apart into what can be damaged by itself.

use btfkit_btf::{Endian, Kind};

/// Words of a record: name, info, size or type, and what follows.
pub(crate) type Words = Vec<u32>;

#[derive(Clone, Default)]
pub(crate) struct Parts {
    pub records: Vec<Words>,
    pub strings: Vec<u8>,
}

impl Parts {
    /// The words of all records in a row are told apart as far as their kinds are known; the rest counts as one.
    pub fn of(mut words: &[u32], strings: Vec<u8>) -> Parts {
        let mut records = Vec::new();
        while !words.is_empty() {
            let (record, rest) = words.split_at(length(words).unwrap_or(words.len()).min(words.len()));
            records.push(record.to_vec());
            words = rest;
        }
        Parts { records, strings }
    }

    /// The id after the last.
    pub fn end_id(&self) -> u32 {
        self.records.len() as u32 + 1
    }

    /// The blob in the byte order of this machine, with a header that is right.
    pub fn blob(&self) -> Vec<u8> {
        let words: usize = self.records.iter().map(Vec::len).sum();
        let (types, strings) = (4 * words as u32, self.strings.len() as u32);
        let mut blob = Vec::with_capacity(24 + 4 * words + self.strings.len());
        blob.extend(0xeb9f_u16.to_ne_bytes());
        blob.extend([1, 0]);
        let header = [24, 0, types, types, strings];
        blob.extend(header.into_iter().chain(self.records.iter().flatten().copied()).flat_map(u32::to_ne_bytes));
        blob.extend_from_slice(&self.strings);
        blob
    }

    /// Adds a string and says where it is.
    pub fn string(&mut self, text: &[u8]) -> u32 {
        let at = self.strings.len() as u32;
        self.strings.extend_from_slice(text);
        self.strings.push(0);
        at
    }
}

pub(crate) fn kind(words: &[u32]) -> Option<Kind> {
    Kind::from_u8((words.get(1)? >> 24) as u8 & 0x1f)
}

/// Words that the record at the start has.
fn length(words: &[u32]) -> Option<usize> {
    let shape = kind(words)?.shape();
    Some(3 + shape.fixed_words + shape.element_words * (words[1] & 0xffff) as usize)
}

pub(crate) fn info(kind: Kind, vlen: u32, kind_flag: bool) -> u32 {
    vlen | (kind as u32) << 24 | u32::from(kind_flag) << 31
}

/// Where a record's words are type ids.
pub(crate) fn references(words: &[u32]) -> Vec<usize> {
    let Some(shape) = kind(words).map(Kind::shape) else { return Vec::new() };
    let head = shape.head_is_reference.then_some(2);
    let fixed = 3..3 + shape.fixed_references;
    let elements = elements(words, shape.element_reference);
    head.into_iter().chain(fixed).chain(elements).filter(|at| *at < words.len()).collect()
}

/// Where they are offsets of names.
pub(crate) fn names(words: &[u32]) -> Vec<usize> {
    let Some(shape) = kind(words).map(Kind::shape) else { return vec![0] };
    std::iter::once(0).chain(elements(words, shape.element_name)).filter(|at| *at < words.len()).collect()
}

fn elements(words: &[u32], place: Option<usize>) -> impl Iterator<Item = usize> {
    let shape = kind(words).map(Kind::shape);
    let each = shape.map_or(1, |shape| shape.element_words.max(1));
    let first = shape.map_or(3, |shape| 3 + shape.fixed_words);
    place.into_iter().flat_map(move |place| (0..).map(move |n| first + n * each + place)).take_while({
        let end = words.len();
        move |at| *at < end
    })
}

/// The order of this machine is what its kernel reads.
pub(crate) const NATIVE: Endian = Endian::NATIVE;
