//! A part of a blob that is made apart, so that several threads can write at once.

use crate::records::Records;
use crate::strings::StringTable;
use crate::unit::name_hash;
use crate::{Endian, Type, TypeId, WriteError};

/// Records whose ids are final, while the names in them are numbers of the part's own strings: where these will be in
/// the blob is known once all parts before have been appended ([`crate::Writer::append`]).
pub struct Part {
    pub(crate) records: Records,
    /// Of each string: its hash, and where it ends in `text`.
    strings: Vec<(u64, u32)>,
    text: Vec<u8>,
}

impl Part {
    /// An empty part whose first type will be `first`.
    pub fn new(endian: Endian, first: TypeId) -> Part {
        Part { records: Records::new(endian, first), strings: Vec::new(), text: Vec::new() }
    }

    /// Adds a string and returns what stands for it in this part; 0 stands for none. A string that is added twice costs
    /// time, and is in the blob once.
    pub fn string(&mut self, text: &[u8]) -> u32 {
        self.text.extend_from_slice(text);
        // A name that was told by its offset has a hash of that, by which nobody else would find the text.
        self.strings.push((name_hash(text), self.text.len() as u32));
        self.strings.len() as u32
    }

    /// Makes room for so many strings, of a usual length.
    pub fn reserve_strings(&mut self, strings: usize) {
        self.strings.reserve(strings);
        self.text.reserve(strings * USUAL_LENGTH);
    }

    /// Makes room for records with so many references.
    pub fn reserve_records(&mut self, references: usize) {
        self.records.bytes.reserve(references * BYTES_PER_REFERENCE);
    }

    /// As [`crate::Writer::push`].
    pub fn push(&mut self, ty: &Type) -> Result<TypeId, WriteError> {
        self.records.push(ty)
    }

    /// How many strings there are, and their bytes, each with one for its end.
    pub(crate) fn string_room(&self) -> (usize, usize) {
        (self.strings.len(), self.text.len() + self.strings.len())
    }

    /// Offsets of the strings, by what stands for them.
    pub(crate) fn intern(&self, table: &mut StringTable) -> Result<Vec<u32>, WriteError> {
        let mut offsets = Vec::with_capacity(self.strings.len() + 1);
        offsets.push(0);
        let mut start = 0;
        for (number, &(hash, end)) in self.strings.iter().enumerate() {
            let ahead = |distance: usize| self.strings.get(number + distance).map(|&(hash, _)| hash);
            ahead(2 * AHEAD).into_iter().for_each(|hash| table.call_for_slot(hash));
            ahead(AHEAD).into_iter().for_each(|hash| table.call_for_text(hash));
            offsets.push(table.intern(&self.text[start..end as usize], hash)?);
            start = end as usize;
        }
        Ok(offsets)
    }
}

/// So many strings before one is looked up, what it leads to is called for.
const AHEAD: usize = 8;

/// Of a head, which nearly always refers to something or to void, and of a member.
const BYTES_PER_REFERENCE: usize = 12;

/// Bytes.
const USUAL_LENGTH: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Aggregate, Btf, Kind, Member, Writer};

    #[test]
    fn parts_read_as_if_written_in_one_go() {
        for endian in [Endian::Little, Endian::Big] {
            let member = |name, offset| Member { name, ty: TypeId(1), offset };
            let aggregate = |name, members| Type::Struct(Aggregate { name, size: 8, kind_flag: false, members });
            let int = |name| Type::Int { name, size: 4, encoding: 1, offset: 0, bits: 32 };

            let mut whole = Writer::new(endian);
            let name = |writer: &mut Writer, text: &[u8]| writer.string(text).unwrap();
            let names = [&b"int"[..], b"a", b"next", b"b", b"next", b"last"].map(|text| name(&mut whole, text));
            whole.push(&int(names[0])).unwrap();
            whole.push(&aggregate(names[1], vec![member(0, 0), member(names[2], 32)])).unwrap();
            whole.push(&aggregate(names[3], vec![member(names[4], 0), member(names[5], 32)])).unwrap();

            let mut writer = Writer::new(endian);
            let before = writer.string(b"int").unwrap();
            writer.push(&int(before)).unwrap();
            let mut first = Part::new(endian, TypeId(2));
            let (a, next) = (first.string(b"a"), first.string(b"next"));
            assert_eq!(first.push(&aggregate(a, vec![member(0, 0), member(next, 32)])), Ok(TypeId(2)));
            let mut second = Part::new(endian, TypeId(3));
            let (b, next, last) = (second.string(b"b"), second.string(b"next"), second.string(b"last"));
            second.push(&aggregate(b, vec![member(next, 0), member(last, 32)])).unwrap();
            // Nobody knew where an empty one would begin.
            let empty = || Part::new(endian, TypeId(2));
            writer.append(vec![empty(), first, empty(), second, empty()]).unwrap();

            assert_eq!((writer.len(), writer.next_id()), (3, TypeId(4)));
            assert_eq!(writer.counts().collect::<Vec<_>>(), [(Kind::Int, 1), (Kind::Struct, 2)]);
            let bytes = writer.finish(false);
            assert_eq!(bytes, whole.finish(false));
            Btf::parse(bytes).unwrap();
        }
    }
}
